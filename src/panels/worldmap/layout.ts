/** Sizes in pixels of the panel's parts; a part without room has the size 0. */
export interface Layout {
  toolbar: number;
  map: { width: number; height: number };
  legend: number;
  ranking: { place: 'beside' | 'below' | 'none'; width: number; height: number };
  /** Whether there is room for the buttons on the map. */
  buttons: boolean;
}

const TOOLBAR_HEIGHT = 40;
const LEGEND_HEIGHT = 36;
const RANKING_WIDTH = 250;

/** Ten rows and a heading. */
const RANKING_HEIGHT = 316;

/** Divides the panel's room: the map first, then the legend, the switches and the ranking as far as there is room. */
export function divide(
  width: number,
  height: number,
  wanted: { toolbar: boolean; legend: boolean; ranking: boolean }
): Layout {
  const toolbar = wanted.toolbar && width >= 260 && height >= 200 ? TOOLBAR_HEIGHT : 0;
  const legend = wanted.legend && width >= 240 && height >= 180 ? LEGEND_HEIGHT : 0;
  const beside = wanted.ranking && width >= 640 && height >= 200;
  // A map is about twice as wide as it is high; what lies below that is free.
  const free = height - toolbar - legend - Math.max(width / 2.1, 160);
  const below = wanted.ranking && !beside && free >= 100;
  const ranking = beside
    ? { place: 'beside' as const, width: RANKING_WIDTH, height: height - toolbar }
    : below
      ? { place: 'below' as const, width, height: Math.min(free, RANKING_HEIGHT) }
      : { place: 'none' as const, width: 0, height: 0 };
  return {
    toolbar,
    legend,
    ranking,
    map: {
      width: width - (beside ? RANKING_WIDTH : 0),
      height: height - toolbar - legend - (below ? ranking.height : 0),
    },
    buttons: width >= 260 && height >= 180,
  };
}
