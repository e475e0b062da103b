import type { DataSourceJsonData } from '@grafana/data';

import type { Filters } from './query';

/** Level of an organisation; the lower of this one and the collector's holds. */
export type Level = 'default' | 'premium';

/** The settings of the data source that anybody may read. */
export interface StreamlensOptions extends DataSourceJsonData {
  /** Address of VictoriaMetrics, single-node, or cluster with its tenant path. */
  url?: string;
  /** The organisation whose data every query is confined to. */
  organization?: string;
  /** Default `default`. */
  level?: Level;
  /** Address of the collector, if there is one. */
  collectorUrl?: string;
  /** Address of VictoriaLogs, the store of plays, if there is one. */
  playsUrl?: string;
  /** Filters that the backend adds to every query, so that whoever asks can narrow them and never widen them. */
  fixedFilters?: Filters;
  /** How reports name the organisation; its id by default. */
  organizationName?: string;
}

/** The settings that only the backend may read. */
export interface StreamlensSecrets {
  /** Bearer token that is sent to VictoriaMetrics. */
  token?: string;
  /** Bearer token that is sent to VictoriaLogs. */
  playsToken?: string;
  /** Token by which the collector tells the block list. */
  blockListToken?: string;
  /** Logo of reports, PNG or JPEG in base64: no secret, but only these settings are not sent to every browser. */
  logo?: string;
}

/** The media types of logos. */
export const LOGO_TYPES = ['image/png', 'image/jpeg'];

/** How large a logo may be, in bytes. */
const MAX_LOGO_BYTES = 1 << 20;

/** Says in words what is wrong with the address of VictoriaMetrics; undefined if nothing is. */
export function urlError(text: string): string | undefined {
  if (text === '') {
    return 'Enter the address of VictoriaMetrics, such as http://127.0.0.1:8428.';
  }
  const error = addressError(text);
  if (error) {
    return error;
  }
  if (new URL(text).pathname.split('/').includes('multitenant')) {
    return 'Name one tenant in the path: "multitenant" would read the data of all of them.';
  }
  return undefined;
}

/** Says in words what is wrong with the address of the collector or the store of plays; undefined if nothing is, or it is empty. */
export function optionalUrlError(text: string): string | undefined {
  return text === '' ? undefined : addressError(text);
}

/** Says in words what is wrong with the id of an organisation; undefined if nothing is. */
export function organizationError(text: string): string | undefined {
  if (text === '') {
    return 'Enter the id of the organisation, as in streamlens.yaml.';
  }
  if (!/^[a-z0-9_-]{1,64}$/.test(text)) {
    return 'Use 1 to 64 of these characters: a to z, 0 to 9, underscore and hyphen.';
  }
  return undefined;
}

/** Says in words what is wrong with a list of countries; undefined if nothing is. */
export function countriesError(countries: string[]): string | undefined {
  const wrong = countries.find((country) => !/^[A-Z]{2}$/.test(country));
  return wrong === undefined ? undefined : `"${wrong}" is no country: use two capital letters, such as DE.`;
}

/** Says in words what is wrong with the file of a logo; undefined if nothing is. */
export function logoError(file: File): string | undefined {
  if (!LOGO_TYPES.includes(file.type)) {
    return `${file.name} is neither PNG nor JPEG.`;
  }
  return file.size > MAX_LOGO_BYTES ? `${file.name} is larger than 1 MiB.` : undefined;
}

function addressError(text: string): string | undefined {
  if (!/^https?:\/\//.test(text) || !URL.canParse(text)) {
    return 'Enter a full address that begins with http:// or https://.';
  }
  if (/[?#]/.test(text)) {
    return 'Leave out the query string and the fragment (everything from "?" or "#" on).';
  }
  const { username, password } = new URL(text);
  if (username || password) {
    return 'Leave out the user and the password: everybody who may see this page could read them.';
  }
  return undefined;
}
