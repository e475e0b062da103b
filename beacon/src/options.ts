import type { PlayerStats, StopReason } from './events';

type CustomField = `customField${1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10}`;

/** The player or publisher in front of the media. */
export interface Client {
  /** `h5live`, `hlsjs`, `dashjs`, `shaka`, `videojs`, `html5`, `webcaster`, … */
  kind: string;
  version?: string;
}

/** Who watches or publishes what, and where and how to report it: the options of players and publishers. */
export interface CommonOptions extends Partial<Record<CustomField, string>> {
  /** URL of the collector's `/v1/events`. */
  endpoint: string;
  accountId: string;
  /** The account's public key, `pk_…`. */
  accountKey: string;
  /**
   * Name of the stream, or a function that makes it from the URL of the source, so that a player may change its source.
   * It may be left out where the player knows the name: nanoPlayer and the nanoStream Webcaster.
   */
  stream?: string | ((source: string) => string);
  eventId?: string;
  userId?: string;
  /** Kind and version of the client, where they are to differ from what the library finds out. */
  client?: Partial<Client>;
  /** Method of delivery, if it is not the usual one of the client's kind: `hls`, `dash`, `webrtc`, … */
  protocol?: string;
  /** Which CDN delivers the media, at most 64 bytes, where there are several. */
  cdn?: string;
  /** URL of the page; only its host is kept. Unless given it is the request's Referer header. */
  referrer?: string;
  /** Seconds between two reports, 1 to 60, 10 unless given. A session that is silent for three of them has ended. */
  interval?: number;
  /** nanoStream's name for `interval`. */
  statsInterval?: number;
  /** Share of the sessions that are reported, 0 to 1, drawn once for each; 1 unless given. Nothing makes up for the rest. */
  sampleRate?: number;
  /** Is asked before each session: without a `true`, nothing is collected, stored or sent. */
  consent?: () => boolean | Promise<boolean>;
  /**
   * Of players: is asked for each fatal code, the player's and the page's, whether it means that the viewer may not watch, for
   * want of a ticket or in this country. Before the first frame it is no failure to start then.
   */
  business?: (code: number | string) => boolean;
  /** Whether what could not be delivered may wait in localStorage for the site's next page; true unless given. */
  store?: boolean;
}

/** The options of players. */
export interface BeaconOptions extends CommonOptions {
  /** Whether the stream is live, for the reason of its end. Unless given, what the player or the element says. */
  live?: boolean;
  /**
   * When the first source was asked for, as `performance.now()` told then: start-up counts from there. For pages that get
   * hold of their player later than that. Unless given, start-up counts from the first moment that is observed.
   */
  since?: number;
  /** Is asked at each report for what only the page knows. Numbers that are not finite or negative are left out. */
  measure?: () => PlayerStats;
}

/** What is being observed: one play or broadcast, or with an adapter one after the other. */
export interface BeaconSession {
  /** The id in the collector of the session that runs or ran last; empty before the first. */
  readonly id: string;
  /**
   * Reports a status or error code, at most 64 bytes. What the player or the media element reports needs no call.
   *
   * @param fatal whether playback cannot go on
   */
  status(code: number | string, fatal?: boolean): void;
  /** Ends the observation; nothing more is sent after it. Later calls do nothing. */
  stop(reason?: StopReason | (string & {})): void;
}
