/**
 * Makes world.json (shapes), countries.json (codes, names, continents, places) and measures.json (sizes of the shapes in each
 * projection) from npm packages.
 *
 * Run from the top folder with `npx tsx src/panels/worldmap/geography/generate.ts`. The results are committed, so that
 * the panel carries 40 KB instead of the packages' 1 MB.
 *
 * Shapes are Natural Earth's 1:50 million (public domain, through world-atlas, ISC). Codes and names come from
 * i18n-iso-countries and countries-list (both MIT) and from Unicode's CLDR, which Node has, continents from countries-list.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { geoArea, geoCentroid, geoPath } from 'd3-geo';
import type { Position } from 'geojson';
import { feature, quantize } from 'topojson-client';
import { filter, filterAttachedWeight, presimplify, simplify } from 'topojson-simplify';
import type { GeometryCollection, MultiPolygon, Polygon, Topology } from 'topojson-specification';

import { MEASURED_SCALE, type Measure, projectionOf } from './projections';

/** Natural Earth's countries as world-atlas has them. */
type World = Topology<{ countries: GeometryCollection<{ name: string }> }>;
type Arcs = number[][][];

/** Triangles smaller than this, in square degrees, are smoothed away: the area of 25 km by 25 km at the equator. */
const SMALLEST_TRIANGLE = 0.05;

/** Steps along each axis of the stored grid: 4 km at the equator, which is less than a pixel at four-fold zoom. */
const GRID = 1e4;

/** Natural Earth's areas without a code of their own in ISO 3166-1, and the code under which addresses there are found. */
const WITHOUT_CODE: Record<string, string> = { Kosovo: 'XK', 'N. Cyprus': 'CY', Somaliland: 'SO' };

/** Territories with an own code that Natural Earth draws as a part of another: west, south, east, north in degrees. */
const PARTS: Array<{ of: string; code: string; box: [number, number, number, number] }> = [
  { of: 'FR', code: 'GF', box: [-55, 2, -51, 6] },
  { of: 'FR', code: 'GP', box: [-62, 15.7, -60.9, 16.6] },
  { of: 'FR', code: 'MQ', box: [-61.4, 14.3, -60.7, 15] },
  { of: 'FR', code: 'RE', box: [55, -21.5, 56, -20.8] },
  { of: 'FR', code: 'YT', box: [44.9, -13.1, 45.4, -12.5] },
  { of: 'NO', code: 'SJ', box: [-10, 70.6, 40, 82] },
  { of: 'NL', code: 'BQ', box: [-69, 12, -62, 18] },
  { of: 'Indian Ocean Ter.', code: 'CX', box: [105, -11, 107, -10] },
  { of: 'Indian Ocean Ter.', code: 'CC', box: [96, -13, 98, -11] },
];

/**
 * Countries whose continent the package sees differently from most: Russia counts as Asia there, while most of its people
 * live in Europe, where the United Nations' M49 has it too.
 */
const CONTINENTS: Record<string, string> = { RU: 'EU' };

/** Codes that the package does not have: the European Union's for Greece, and Kosovo's in most statistics. */
const OTHER_CODES: Record<string, string> = { GR: 'EL', XK: 'XKX' };

/**
 * Names that no package has: ISO 3166-1's own where they are not another order of the words of one that is there, names that a
 * country had before, and those of the United Nations and the World Bank.
 */
const OTHER_NAMES: Record<string, string[]> = {
  BO: ['Plurinational State of Bolivia'],
  CD: ['DR Congo', 'DRC', 'Zaire', 'Congo (Kinshasa)'],
  CG: ['Congo (Brazzaville)'],
  EG: ['Arab Republic of Egypt'],
  FK: ['Malvinas'],
  GB: ['United Kingdom of Great Britain and Northern Ireland', 'Britain'],
  HK: ['China, Hong Kong Special Administrative Region', 'Hong Kong SAR'],
  KG: ['Kyrgyz Republic'],
  KN: ['Saint Christopher and Nevis'],
  KP: ["Democratic People's Republic of Korea", 'DPRK'],
  LA: ['Lao PDR'],
  LY: ['Libyan Arab Jamahiriya'],
  MF: ['Saint Martin (French part)'],
  MK: ['The former Yugoslav Republic of Macedonia', 'FYROM'],
  MM: ['Burma'],
  MO: ['Macau', 'Macau SAR', 'Macao SAR', 'China, Macao Special Administrative Region'],
  NL: ['Holland'],
  PS: ['Palestinian Territory', 'Occupied Palestinian Territory', 'West Bank and Gaza'],
  RU: ['Russian Fed.'],
  SH: ['Saint Helena, Ascension and Tristan da Cunha'],
  SK: ['Slovak Republic'],
  SX: ['Sint Maarten (Dutch part)'],
  SZ: ['Swaziland'],
  TW: ['Taiwan, China', 'Chinese Taipei'],
  VA: ['Holy See', 'Vatican City State'],
  VE: ['Bolivarian Republic of Venezuela', 'Venezuela, RB'],
  VI: ['United States Virgin Islands'],
};

/** Names that two countries share in the packages, and whose they are: ISO 3166-1's short name. */
const SHARED_NAMES: Record<string, string> = { Congo: 'CG' };

/** The country without a shape: it would take a sixth of the map's height for hardly any viewers. */
const WITHOUT_SHAPE = 'AQ';

/**
 * Longitude and latitude of the territories that are too small for the map's scale, and of the Antarctic Peninsula, where
 * most stations are.
 */
const PLACED_BY_HAND: Record<string, Position> = {
  AQ: [-57, -63.4],
  BQ: [-68.3, 12.2],
  BV: [3.4, -54.4],
  CC: [96.8, -12.2],
  CX: [105.7, -10.5],
  GI: [-5.4, 36.1],
  TK: [-171.8, -9.2],
  TV: [179.2, -8.5],
  UM: [166.6, 19.3],
};

const iso = readJson<Array<[alpha2: string, alpha3: string, numeric: string]>>('i18n-iso-countries/codes.json');
const isoNames = readJson<{ countries: Record<string, string | string[]> }>(
  'i18n-iso-countries/langs/en.json'
).countries;
const listed = readJson<Record<string, { name: string; continent: string }>>('countries-list/countries.min.json');
const world = readJson<World>('world-atlas/countries-50m.json');

const atlasNames = new Map<string, string>();
const arcsByCode = collectArcs();
const found = places();
const drawn = shapes();
writeFileSync(here('countries.json'), table(found));
writeFileSync(here('world.json'), JSON.stringify(drawn) + '\n');
writeFileSync(
  here('measures.json'),
  JSON.stringify({ equalEarth: measure('equalEarth'), naturalEarth: measure('naturalEarth') }) + '\n'
);

/** Returns the polygons of every code; those without one are under "". */
function collectArcs(): Map<string, Arcs> {
  const codeOfNumeric = new Map(iso.map(([alpha2, , numeric]) => [numeric, alpha2]));
  const byCode = new Map<string, Arcs>();
  for (const geometry of world.objects.countries.geometries as Array<
    Polygon<{ name: string }> | MultiPolygon<{ name: string }>
  >) {
    const name = geometry.properties!.name;
    const code = codeOfNumeric.get(String(geometry.id)) ?? WITHOUT_CODE[name] ?? '';
    if (code === WITHOUT_SHAPE) {
      continue;
    }
    if (geometry.id !== undefined && !atlasNames.has(code)) {
      atlasNames.set(code, name);
    }
    for (const polygon of geometry.type === 'Polygon' ? [geometry.arcs] : geometry.arcs) {
      const owner = partAt(code || name, centre([polygon])) ?? code;
      byCode.set(owner, [...(byCode.get(owner) ?? []), polygon]);
    }
  }
  return byCode;
}

function partAt(of: string, [longitude, latitude]: Position): string | undefined {
  return PARTS.find(
    ({ of: owner, box: [west, south, east, north] }) =>
      owner === of && longitude > west && longitude < east && latitude > south && latitude < north
  )?.code;
}

/** Returns where a country's marker stands: the middle of its largest polygon. */
function places(): Map<string, Position> {
  const found = new Map(Object.entries(PLACED_BY_HAND));
  for (const [code, polygons] of arcsByCode) {
    const largest = polygons.reduce((best, next) => (area([next]) > area([best]) ? next : best));
    found.set(code, centre([largest]));
  }
  return found;
}

/** One line a country: alpha-2, alpha-3, continent, longitude, latitude, name, other names and codes. */
function table(position: Map<string, Position>): string {
  const cldr = (['long', 'short'] as const).map((style) => new Intl.DisplayNames(['en'], { type: 'region', style }));
  const rows = iso.map(([alpha2, alpha3]) => {
    const { name, continent } = listed[alpha2];
    const others = new Set(
      [
        isoNames[alpha2],
        atlasNames.get(alpha2) ?? name,
        cldr.map((names) => names.of(alpha2)!),
        OTHER_NAMES[alpha2] ?? [],
        OTHER_CODES[alpha2] ?? [],
      ]
        .flat()
        .filter((other) => (SHARED_NAMES[other] ?? alpha2) === alpha2)
    );
    others.delete(name);
    const [longitude, latitude] = position.get(alpha2)!.map((degrees) => Math.round(degrees * 10) / 10);
    return JSON.stringify([alpha2, alpha3, CONTINENTS[alpha2] ?? continent, longitude, latitude, name, ...others]);
  });
  return `[\n${rows.sort().join(',\n')}\n]\n`;
}

function shapes(): World {
  const geometries = [...arcsByCode].map(([id, arcs]): MultiPolygon => ({ type: 'MultiPolygon', id, arcs }));
  const topology: Topology<{ countries: GeometryCollection<{}> }> = {
    ...world,
    objects: { countries: { type: 'GeometryCollection', geometries } },
  };
  const weighted = presimplify(topology);
  const simple = simplify(filter(weighted, filterAttachedWeight(weighted, SMALLEST_TRIANGLE)), SMALLEST_TRIANGLE);
  delete simple.transform;
  return quantize(simple, GRID) as World;
}

function measure(projection: Parameters<typeof projectionOf>[0]): Measure {
  const { features } = feature(drawn, drawn.objects.countries);
  const [longitude, latitude] = found.get(WITHOUT_SHAPE)!;
  const path = geoPath(projectionOf(projection).scale(MEASURED_SCALE).translate([0, 0]));
  return {
    bounds: path
      .bounds({
        type: 'GeometryCollection',
        geometries: [
          ...features.map(({ geometry }) => geometry),
          { type: 'Point', coordinates: [longitude!, latitude!] },
        ],
      })
      .map((corner) => corner.map((pixels) => Number(pixels.toFixed(3)))) as Measure['bounds'],
    areas: features.map(({ geometry }) => Number(path.area(geometry).toPrecision(3))),
  };
}

function area(arcs: Arcs): number {
  return geoArea(feature(world, { type: 'MultiPolygon', arcs } as MultiPolygon));
}

function centre(arcs: Arcs): Position {
  return geoCentroid(feature(world, { type: 'MultiPolygon', arcs } as MultiPolygon));
}

function readJson<Content>(file: string): Content {
  return JSON.parse(readFileSync(path.join('node_modules', file), 'utf8')) as Content;
}

function here(file: string): string {
  return path.join('src/panels/worldmap/geography', file);
}
