import { geoEqualEarth, geoNaturalEarth1, geoPath, type GeoProjection } from 'd3-geo';
import type { MultiPolygon } from 'geojson';
import { feature } from 'topojson-client';
import type { GeometryCollection, Topology } from 'topojson-specification';

import type { Options } from '../options';
import { COUNTRIES } from './countries';
import world from './world.json';

/** A country's outline in pixels. */
export interface Shape {
  /** Alpha-2; empty for land that belongs to no code. */
  code: string;
  /** SVG path data, made when it is asked for first: that of all takes longer than a frame. */
  readonly path: string;
  /** In square pixels. */
  area: number;
}

/** The world, drawn into a rectangle. */
export interface Drawing {
  width: number;
  height: number;
  shapes: Shape[];
  shapeOf: ReadonlyMap<string, Shape>;
  /** Returns where a place is, in pixels. */
  at: (position: [longitude: number, latitude: number]) => [x: number, y: number];
}

const topology = world as unknown as Topology<{ countries: GeometryCollection }>;
const { features } = feature(topology, topology.objects.countries);

/** What has to fit: the land, and the point of Antarctica, which lies south of it. */
const extent = {
  type: 'GeometryCollection' as const,
  geometries: [
    ...features.map(({ geometry }) => geometry),
    { type: 'Point' as const, coordinates: COUNTRIES.get('AQ')!.position },
  ],
};

const PROJECTIONS: Record<Options['projection'], () => GeoProjection> = {
  equalEarth: geoEqualEarth,
  naturalEarth: geoNaturalEarth1,
};

/** Space in pixels to the edge of the drawing, enough for the points of islands. */
const MARGIN = 12;

/** Scale at which a projection is measured: about that of a full screen. */
const MEASURED_SCALE = 200;

/** What every drawing in a projection has in common, at MEASURED_SCALE. */
interface Measure {
  bounds: [[left: number, top: number], [right: number, bottom: number]];
  /** Of each feature, in square pixels. */
  areas: number[];
}

const measures = new Map<Options['projection'], Measure>();

/** Measures a projection once; that takes as long as a drawing. */
function measureOf(name: Options['projection']): Measure {
  let measure = measures.get(name);
  if (!measure) {
    const path = geoPath(projectionOf(name).scale(MEASURED_SCALE).translate([0, 0]));
    measure = {
      bounds: path.bounds(extent),
      areas: features.map(({ geometry }) => path.area(geometry as MultiPolygon)),
    };
    measures.set(name, measure);
  }
  return measure;
}

function projectionOf(name: Options['projection']): GeoProjection {
  // The cut between east and west runs through the Bering Strait, so that Russia stays in one piece.
  return PROJECTIONS[name]().rotate([-11, 0]).precision(0.5);
}

/** Draws the world as large as it fits. */
export function draw(width: number, height: number, projectionName: Options['projection']): Drawing {
  const { bounds, areas } = measureOf(projectionName);
  const [[left, top], [right, bottom]] = bounds;
  const room = [Math.max(width - 2 * MARGIN, 1), Math.max(height - 2 * MARGIN, 1)] as const;
  const enlarged = Math.min(room[0] / (right - left), room[1] / (bottom - top));
  const projection = projectionOf(projectionName)
    .scale(MEASURED_SCALE * enlarged)
    .translate([
      MARGIN + (room[0] - enlarged * (left + right)) / 2,
      MARGIN + (room[1] - enlarged * (top + bottom)) / 2,
    ]);
  const path = geoPath(projection).digits(1);
  const shapes = features.map((country, i): Shape => {
    let made: string | undefined;
    return {
      code: String(country.id),
      get path() {
        return (made ??= path(country) ?? '');
      },
      area: (areas[i] ?? 0) * enlarged ** 2,
    };
  });
  return {
    width,
    height,
    shapes,
    shapeOf: new Map(shapes.map((shape) => [shape.code, shape])),
    at: (position) => projection(position) ?? [0, 0],
  };
}

/** Returns the place of a country's marker in pixels. */
export function placeOf(drawing: Drawing, code: string): [x: number, y: number] {
  return drawing.at(COUNTRIES.get(code)!.position);
}
