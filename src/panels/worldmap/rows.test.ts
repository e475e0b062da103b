import { combine, rank, type Row } from './rows';

function row(code: string, value: number | null, plays?: number, weight?: number): Row {
  return { code, value, plays, weight, index: undefined };
}

describe('combine', () => {
  it.each([
    ['adds up', 'sum' as const, [row('DE', 1, 10), row('FR', 2, 30)], 3, 40],
    ['averages by plays', 'average' as const, [row('DE', 1, 10), row('FR', 2, 30)], 1.75, 40],
    ['averages evenly without plays', 'average' as const, [row('DE', 1), row('FR', 2)], 1.5, undefined],
    ['leaves out what has no value', 'average' as const, [row('DE', null, 10), row('FR', 2, 30)], 2, 40],
    ['has no average without a play', 'average' as const, [row('DE', 1, 0), row('FR', 2, 0)], null, 0],
    ['has no sum of nothing', 'sum' as const, [row('DE', null), row('FR', null)], null, undefined],
  ])('%s', (_what, kind, rows, value, plays) => {
    expect(combine('EU', rows, kind)).toEqual({ code: 'EU', value, plays, weight: undefined, index: undefined });
  });

  it('averages by weights, whatever the plays', () => {
    // Viewers whose plays began before the range, and one whose play began in it.
    const rows = [row('FR', 0.2, 0, 900), row('DE', 0, 1, 100)];
    expect(combine('EU', rows, 'average')).toEqual({
      code: 'EU',
      value: 0.18,
      plays: 1,
      weight: 1000,
      index: undefined,
    });
  });
});

describe('rank', () => {
  it('puts the greatest first, ties by code, what has no value last', () => {
    const ranked = rank([row('FR', 2), row('XX', null), row('DE', 2), row('US', 5)], 10);
    expect(ranked.map(({ code, rank, share }) => [code, rank, share])).toEqual([
      ['US', 1, 0.5],
      ['DE', 2, 0.2],
      ['FR', 3, 0.2],
      ['XX', undefined, undefined],
    ]);
  });

  it.each([
    ['averages', [row('DE', 1)], undefined],
    ['a negative value', [row('DE', -1), row('FR', 3)], 2],
    ['nothing', [row('DE', 0)], 0],
  ])('gives no shares of %s', (_what, rows, whole) => {
    expect(rank(rows, whole).map(({ share }) => share)).toEqual(rows.map(() => undefined));
  });
});
