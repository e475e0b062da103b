import { divide } from './layout';

const ALL = { toolbar: true, legend: true, ranking: true };

describe('divide', () => {
  it.each([
    ['the smallest panel has only a map', 200, 150, 'none', { width: 200, height: 150 }],
    ['a wide panel has the ranking beside the map', 900, 420, 'beside', { width: 650, height: 344 }],
    ['a phone has the ranking below the map', 380, 600, 'below', { width: 380, height: 208 }],
    ['a square panel has no room for a ranking', 450, 300, 'none', { width: 450, height: 224 }],
  ])('%s', (_what, width, height, place, map) => {
    const layout = divide(width, height, ALL);
    expect(layout.ranking.place).toBe(place);
    expect(layout.map).toEqual(map);
  });

  it('gives the map what is not wanted', () => {
    expect(divide(900, 420, { toolbar: false, legend: false, ranking: false }).map).toEqual({
      width: 900,
      height: 420,
    });
  });
});
