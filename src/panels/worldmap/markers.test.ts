import { MARKER_RADIUS, spreadMarkers } from './markers';

describe('spreadMarkers', () => {
  it('leaves alone what does not overlap', () => {
    const markers = [
      { code: 'US', rank: 1, x: 0, y: 0 },
      { code: 'JP', rank: 2, x: 100, y: 0 },
    ];
    expect(spreadMarkers(markers).map(({ shownX, shownY }) => [shownX, shownY])).toEqual([
      [0, 0],
      [100, 0],
    ]);
  });

  it('parts ten in one place, none far from it', () => {
    const markers = Array.from({ length: 10 }, (_, i) => ({ code: `C${i}`, rank: i + 1, x: 50, y: 50 }));
    const placed = spreadMarkers(markers);
    for (const [i, one] of placed.entries()) {
      expect(Math.hypot(one.shownX - 50, one.shownY - 50)).toBeLessThan(8 * MARKER_RADIUS);
      for (const other of placed.slice(i + 1)) {
        expect(Math.hypot(one.shownX - other.shownX, one.shownY - other.shownY)).toBeGreaterThan(1.9 * MARKER_RADIUS);
      }
    }
  });
});
