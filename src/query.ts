import type { DataQuery } from '@grafana/schema';

/**
 * `total` is one row or one per item of a breakdown; `series` is the same columns per interval; `parts` is a total in
 * which each item has fields of its own, with its colour, as pies need it; `trend` has the same fields, with what was in the
 * earlier range of `compare` and what is now, as tiles need it that show a change.
 */
export type Form = 'total' | 'series' | 'parts' | 'trend';

/** Lists of values to keep; no list, or an empty one, keeps everything. Any text may hold a dashboard variable. */
export interface Filters {
  /** Countries as ISO 3166-1 alpha-2 codes; any of them. */
  country?: string[];
  /** Names of streams; any of them. */
  stream?: string[];
  /** Tags of streams; only streams that have all of them. */
  tag?: string[];
  /** Event ids that players and webcasters reported; any of them. */
  event?: string[];
  /** Referring hosts; any of them. */
  referrer?: string[];
}

export type FilterName = keyof Filters;

/** All filters, in the order of the screen. */
export const FILTER_NAMES: FilterName[] = ['country', 'stream', 'tag', 'event', 'referrer'];

/** The fields that only some widgets have. */
export type OptionName =
  | 'unit'
  | 'metric'
  | 'breakdown'
  | 'dimension'
  | 'mode'
  | 'percentile'
  | 'compare'
  | 'where'
  | 'sort'
  | 'page'
  | 'session';

/**
 * One question to the backend, named by its widget in `queryType`.
 *
 * Every text but `form` may hold a dashboard variable, so none is narrowed to the values the backend takes.
 * An absent field has the backend's default.
 */
export interface StreamlensQuery extends DataQuery, Filters {
  /** `traffic` in bytes (default) or `playtime` in seconds. */
  unit?: string;
  /** Which of the widget's metrics, where it has several. */
  metric?: string;
  /** `country`, `stream`, `tag`, what `dimension` may be or a column of plays: a row for each, of widgets that have one row, which is the default. */
  breakdown?: string;
  /** `version`, `os`, `browser`, `device` or `protocol`: what `values` are of, and the rows of `playerHealth`. */
  dimension?: string;
  /** Values of the dimension to keep; any of them. */
  values?: string[];
  /** `absolute` (default) or `delta` to the interval before, in the series form only. */
  mode?: string;
  /** Default `total`. */
  form?: Form;
  /** Length of an interval of the series form, such as `10m`; automatic by default. */
  interval?: string;
  /** IANA name of the time zone of calendar days and months; default `UTC`. */
  timezone?: string;
  /** `previous`, `day`, `week` or `month`: puts the earlier range beside; `none` by default. */
  compare?: string;
  /** 1 to 99: gives a distribution the column of this percentile, as the first. */
  percentile?: number;
  /** How many items of a breakdown are told apart, the greatest; the rest is one more. Default 1,000. */
  top?: number;
  /** Conditions on the columns of plays, such as `user=alice` or `bufferingRatio>=0.05`; one without a value is none. */
  where?: string[];
  /** Column by which plays are listed, with `-` before it the greatest first; by default the last that ended first. */
  sort?: string;
  /** Page of the list of plays, from 1. */
  page?: number;
  /** Id of the session of one play. */
  session?: string;
  /** Whether the answer updates by itself, in a panel whose time range ends now. */
  live?: boolean;
}

/** What players watch with; a query has one of them at most. */
export const DIMENSIONS = ['version', 'os', 'browser', 'device', 'protocol'] as const;

export type Dimension = (typeof DIMENSIONS)[number];

/** By what records of plays alone can be told apart. */
export const RECORD_BREAKDOWNS = ['operator', 'player', 'region', 'cdn', 'referrer', 'user', 'ip', 'event'] as const;

/** How what players watch with is named on the screen. */
export const DIMENSION_LABELS: Record<Dimension, string> = {
  version: 'Player version',
  os: 'Operating system',
  browser: 'Browser',
  device: 'Device',
  protocol: 'Protocol',
};

/** What a dashboard variable may be filled with: the values of a filter or of a dimension, or the units of usage. */
export type ValuesOf = FilterName | Dimension | 'unit';

/** The question of a dashboard variable: which values there are. Its own filters narrow them. */
export interface VariableQuery extends DataQuery, Filters {
  /** May be a dashboard variable that stands for a dimension. */
  label: ValuesOf | '$dimension';
}

/** The widget of a new query, which its editor chooses. */
export const FIRST_WIDGET = 'usageOverview';
