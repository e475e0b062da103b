import countries from './countries.json';
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

  it('understands the names of Unicode’s CLDR, which browsers and Grafana show', () => {
    for (const style of ['long', 'short', 'narrow'] as const) {
      const names = new Intl.DisplayNames(['en'], { type: 'region', style });
      for (const code of COUNTRIES.keys()) {
        expect([names.of(code), findCode(names.of(code)!)]).toEqual([names.of(code), code]);
      }
    }
  });

  it.each([
    // The names of ISO 3166-1 that are not the usual ones, with a comma as before 2013 and in brackets as since.
    ['BO', 'Bolivia, Plurinational State of', 'Bolivia (Plurinational State of)'],
    ['CD', 'Congo, the Democratic Republic of the', 'Congo (the Democratic Republic of the)'],
    ['CG', 'Congo', 'Congo (the)'],
    ['FK', 'Falkland Islands (Malvinas)', 'Falkland Islands (the) [Malvinas]'],
    ['FM', 'Micronesia, Federated States of', 'Micronesia (Federated States of)'],
    ['GB', 'United Kingdom of Great Britain and Northern Ireland (the)'],
    ['IR', 'Iran, Islamic Republic of', 'Iran (Islamic Republic of)'],
    ['KP', "Korea, Democratic People's Republic of", 'Korea (the Democratic People’s Republic of)'],
    ['KR', 'Korea, Republic of', 'Korea (the Republic of)'],
    ['LA', "Lao People's Democratic Republic", 'Lao People’s Democratic Republic (the)'],
    ['MD', 'Moldova, Republic of', 'Moldova (the Republic of)'],
    ['MF', 'Saint Martin (French part)'],
    ['MK', 'Macedonia, the former Yugoslav Republic of', 'North Macedonia'],
    ['PS', 'Palestine, State of', 'Palestinian Territory, Occupied'],
    ['SH', 'Saint Helena, Ascension and Tristan da Cunha'],
    ['SX', 'Sint Maarten (Dutch part)'],
    ['SY', 'Syrian Arab Republic', 'Syrian Arab Republic (the)'],
    ['TW', 'Taiwan, Province of China', 'Taiwan (Province of China)'],
    ['TZ', 'Tanzania, United Republic of', 'Tanzania, the United Republic of'],
    ['US', 'United States of America (the)'],
    ['VA', 'Holy See (Vatican City State)', 'Holy See', 'Holy See (the)'],
    ['VE', 'Venezuela, Bolivarian Republic of', 'Venezuela (Bolivarian Republic of)'],
    ['VG', 'Virgin Islands, British', 'Virgin Islands (British)'],
    ['VI', 'Virgin Islands, U.S.', 'Virgin Islands (U.S.)'],
    // Names that a country had before, and those of statistics.
    ['CD', 'DR Congo', 'Congo, Dem. Rep.', 'Zaire'],
    ['CG', 'Congo, Rep.', 'Congo Republic'],
    ['CV', 'Cape Verde', 'Cabo Verde'],
    ['CZ', 'Czech Rep.'],
    ['EG', 'Egypt, Arab Rep.'],
    ['FM', 'Micronesia, Fed. Sts.'],
    ['GM', 'Gambia, The', 'The Gambia'],
    ['HK', 'Hong Kong SAR, China'],
    ['KG', 'Kyrgyz Republic'],
    ['KP', "Korea, Dem. People's Rep.", 'Korea, North'],
    ['KR', 'Korea, Rep.', 'South Korea'],
    ['LC', 'St. Lucia'],
    ['MM', 'Burma'],
    ['MO', 'Macau', 'Macao SAR, China'],
    ['SZ', 'Swaziland'],
    ['TR', 'Turkey', 'Turkiye'],
    ['VE', 'Venezuela, RB'],
    ['VN', 'Viet Nam', 'Vietnam'],
    ['XK', 'XKX', 'XKK', 'XK', 'Kosovo'],
    ['GR', 'EL'],
    ['GB', 'UK'],
  ])('understands other names: %s', (code, ...names) => {
    expect(names.map((name) => [name, findCode(name)])).toEqual(names.map((name) => [name, code]));
  });

  it.each(['Atlantis', 'QQ', 'Korea', 'Virgin Islands', 'EU', 'Europe', 'the', ''])(
    'takes %p for no country',
    (text) => {
      expect(findCode(text)).toBeUndefined();
    }
  );

  it('leaves no name to two countries', () => {
    const names = countries.flatMap(([code, , , , , ...texts]) => texts.map((text) => [String(text), code]));
    expect(names.map(([name]) => [name, findCode(name as string)])).toEqual(names);
  });
});
