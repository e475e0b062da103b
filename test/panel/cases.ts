import countries from '../../src/panels/worldmap/geography/countries.json';
import type { Options } from '../../src/panels/worldmap/options';

/** What the page draws. */
export interface Case {
  frames: Array<{
    refId?: string;
    name?: string;
    fields: Array<{ name: string; type: string; values: unknown[]; config?: object }>;
  }>;
  targets?: object[];
  options?: Partial<Options>;
  /** Options of every field with numbers. */
  config?: object;
  variables?: Record<string, string>;
  theme?: 'light' | 'dark';
  width?: number;
  height?: number;
}

/** The alpha-2 code of every country. */
export const CODES = countries.map(([code]) => String(code));

/** Makes the frame of a worldMap query. */
export function worldMap(values: Record<string, number | null>, config = {}, refId = 'A'): Case['frames'][number] {
  const codes = Object.keys(values);
  return {
    refId,
    fields: [
      { name: 'country', type: 'string', values: codes },
      { name: 'value', type: 'number', values: Object.values(values), config },
      { name: 'plays', type: 'number', values: codes.map((_, i) => 10 * (i + 1)) },
      { name: 'rank', type: 'number', values: codes.map((_, i) => i + 1) },
    ],
  };
}

/** A value for each of the 250 countries, the same for the same seed. */
export function everywhere(seed = 1): Record<string, number> {
  return Object.fromEntries(CODES.map((code, i) => [code, Math.round(1e6 / (1 + ((i * 37 + seed * 11) % 250)))]));
}

/** Viewers of a stream with a European audience and one in Singapore. */
export const AUDIENCE: Record<string, number> = {
  DE: 5321,
  US: 4210,
  FR: 2105,
  GB: 1902,
  NL: 1204,
  AT: 903,
  CH: 711,
  BR: 655,
  IN: 512,
  JP: 402,
  SG: 230,
  MT: 104,
  BH: 54,
  AU: 31,
  ZA: 12,
  KE: 3,
};

/** The frame and the query of a case with one metric of worldMap. */
export function metricCase(metric: string, values: Record<string, number | null>, config = {}): Case {
  return { frames: [worldMap(values, config)], targets: [{ refId: 'A', queryType: 'worldMap', metric }] };
}
