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
  /** SVG path data. */
  path: string;
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

/** Draws the world as large as it fits. */
export function draw(width: number, height: number, projectionName: Options['projection']): Drawing {
  const projection = PROJECTIONS[projectionName]()
    // The cut between east and west runs through the Bering Strait, so that Russia stays in one piece.
    .rotate([-11, 0])
    .precision(0.5)
    .fitExtent(
      [
        [MARGIN, MARGIN],
        [Math.max(width - MARGIN, MARGIN + 1), Math.max(height - MARGIN, MARGIN + 1)],
      ],
      extent
    );
  const path = geoPath(projection).digits(1);
  const shapes = features.map((country) => ({
    code: String(country.id),
    path: path(country) ?? '',
    area: path.area(country.geometry as MultiPolygon),
  }));
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
