/** Why a play ended. A page may give any other text of at most 64 bytes. */
export type StopReason =
  | 'normal'
  | 'buffer'
  | 'connectionclose'
  | 'servernotfound'
  | 'streamnotfound'
  | 'interactionrequired'
  | 'playbacksuspended'
  | 'playbackerror'
  | 'reconnectionimminent'
  | 'destroy'
  | 'playbackrestart'
  | 'visibilityhidden'
  | 'notenoughdata'
  | 'sourcestreamstopped';

/** How a span of time was spent, in seconds. Start-up and seeking are none of the three. */
export interface Report {
  playing: number;
  buffering: number;
  paused: number;
}

/** What the library finds out about the state of the player at the time of a report. */
export interface PlayerStats {
  /** Media that lies ready ahead of the playing position, s. */
  bufferLength?: number;
  /** Time from the camera to the viewer, s. */
  latency?: number;
  /** bit/s */
  videoBitrate?: number;
  /** bit/s */
  audioBitrate?: number;
  /** Lines of the picture. */
  height?: number;
}

/** Where media went since the last report; what there was none of is left out. */
export interface Counters {
  /** Stalls that began. */
  stalls?: number;
  /** Changes to a rendition of more or of less bits, and such as failed. */
  switches?: Switches;
  /** Frames that were decoded, and those of them that were not shown. */
  frames?: number;
  droppedFrames?: number;
}

export type Switches = Record<'up' | 'down' | 'failed', number>;

/** What the library finds out about a publisher at the time of a report. */
export interface PublisherStats {
  /** Sent since the last report, bit/s. */
  videoBitrate?: number;
  /** Sent since the last report, bit/s. */
  audioBitrate?: number;
  /** Time to the receiver and back, s. */
  roundTripTime?: number;
  /** Share of the packets that did not arrive, 0 to 1. */
  packetLoss?: number;
}

/** The content of an event, without its place in the session. */
export type EventContent =
  | { type: 'load' }
  | { type: 'start'; startTime: number }
  | ({ type: 'stats' } & Report & PlayerStats & PublisherStats & Counters)
  | { type: 'status'; code: number | string; fatal: boolean; business?: true }
  | ({ type: 'stop'; reason: string; played: number } & Report &
      Pick<PlayerStats, 'videoBitrate' | 'height'> &
      Counters);

/** An event as it is sent: seq counts from 1 within the session, ts is in ms since 1970. */
export type BeaconEvent = { seq: number; ts: number } & EventContent;
