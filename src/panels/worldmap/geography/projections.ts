import { geoEqualEarth, geoNaturalEarth1, type GeoProjection } from 'd3-geo';

import type { Options } from '../options';

const PROJECTIONS: Record<Options['projection'], () => GeoProjection> = {
  equalEarth: geoEqualEarth,
  naturalEarth: geoNaturalEarth1,
};

/** Scale at which the projections are measured: about that of a full screen. */
export const MEASURED_SCALE = 200;

/** What every drawing in a projection has in common, at MEASURED_SCALE around [0, 0]. */
export interface Measure {
  /** In pixels, of all that has to fit: the land, and the point of Antarctica, which lies south of it. */
  bounds: [[left: number, top: number], [right: number, bottom: number]];
  /** Of each shape, in square pixels. */
  areas: number[];
}

export function projectionOf(name: Options['projection']): GeoProjection {
  // The cut between east and west runs through the Bering Strait, so that Russia stays in one piece.
  return PROJECTIONS[name]().rotate([-11, 0]).precision(0.5);
}
