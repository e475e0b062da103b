import { COUNTRIES, findCode, REGIONS } from './countries';
import { draw, placeOf } from './shapes';

const drawing = draw(1000, 500, 'equalEarth');

describe('the map', () => {
  it('has all countries of ISO 3166-1 and Kosovo, each in a region and within the drawing', () => {
    expect(COUNTRIES.size).toBe(250);
    for (const { code, region } of COUNTRIES.values()) {
      const [x, y] = placeOf(drawing, code);
      expect({ code, found: REGIONS.has(region), inside: x > 0 && x < 1000 && y > 0 && y < 500 }).toEqual({
        code,
        found: true,
        inside: true,
      });
    }
  });

  it('draws no country that the table does not know, and none twice', () => {
    const codes = drawing.shapes.map(({ code }) => code);
    expect(codes.filter((code) => code && !COUNTRIES.has(code))).toEqual([]);
    expect(new Set(codes).size).toBe(codes.length);
  });

  // Areas in thousands of km² from the CIA World Factbook; coasts are simplified, hence the tolerance.
  it.each([
    ['Brazil', 'BR', 8516],
    ['France without its overseas territories', 'FR', 551],
    ['French Guiana', 'GF', 84],
    ['Cyprus as a whole', 'CY', 9.3],
    ['Norway without Svalbard', 'NO', 324],
    ['Svalbard', 'SJ', 62],
    ['Somalia as a whole', 'SO', 638],
  ])('keeps areas true: %s', (_what, code, area) => {
    const russia = 17098;
    const ratio = drawing.shapeOf.get(code)!.area / drawing.shapeOf.get('RU')!.area / (area / russia);
    expect(ratio).toBeGreaterThan(0.85);
    expect(ratio).toBeLessThan(1.15);
  });

  it.each(['equalEarth', 'naturalEarth'] as const)('is measured as it is drawn: %s', (projection) => {
    const { shapes, at } = draw(1000, 500, projection);
    const places = shapes
      .flatMap(({ path }) => path.match(/-?[\d.]+,-?[\d.]+/g) ?? [])
      .map((place) => place.split(',').map(Number) as [number, number]);
    const ends = (axis: 0 | 1) => {
      const all = [...places, at(COUNTRIES.get('AQ')!.position)].map((place) => place[axis]);
      return [all.reduce((a, b) => Math.min(a, b)), all.reduce((a, b) => Math.max(a, b))] as const;
    };
    const [[left, right], [top, bottom]] = [ends(0), ends(1)];
    // Outlines have one digit; the drawing touches its margins of 12 pixels above and below, or on both sides.
    expect(Math.abs((left + right) / 2 - 500)).toBeLessThan(0.2);
    expect(Math.abs((top + bottom) / 2 - 250)).toBeLessThan(0.2);
    expect(Math.abs(Math.min(left, top) - 12)).toBeLessThan(0.2);
  });

  it('places Svalbard north of Norway and Singapore east of India', () => {
    expect(placeOf(drawing, 'SJ')[1]).toBeLessThan(placeOf(drawing, 'NO')[1]);
    expect(placeOf(drawing, 'SG')[0]).toBeGreaterThan(placeOf(drawing, 'IN')[0]);
  });
});

describe('findCode', () => {
  it('understands the name and both codes of every country', () => {
    for (const { code, name } of COUNTRIES.values()) {
      expect([findCode(code), findCode(name)]).toEqual([code, code]);
    }
  });
});
