import { geoPath } from 'd3-geo';
import { feature } from 'topojson-client';
import type { GeometryCollection, Topology } from 'topojson-specification';

import type { Options } from '../options';
import { COUNTRIES } from './countries';
import measures from './measures.json';
import { MEASURED_SCALE, type Measure, projectionOf } from './projections';
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

/** Space in pixels to the edge of the drawing, enough for the points of islands. */
const MARGIN = 12;

/** Measuring takes as long as drawing, so generate.ts has done it. */
const MEASURES = measures as unknown as Record<Options['projection'], Measure>;

/** Draws the world as large as it fits. */
export function draw(width: number, height: number, projectionName: Options['projection']): Drawing {
  const { bounds, areas } = MEASURES[projectionName];
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
