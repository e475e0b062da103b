import type { PlayerStats, StopReason } from './events';
import { Session } from './session';
import { Transport } from './transport';

export type { PlayerStats, StopReason } from './events';

type CustomField = `customField${1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10}`;

/** What is being played, by whom and with what, and where to report it. */
export interface BeaconOptions extends Partial<Record<CustomField, string>> {
  /** URL of the collector's `/v1/events`. */
  endpoint: string;
  accountId: string;
  /** The account's public key, `pk_…`. */
  accountKey: string;
  /** Name of the stream. */
  stream: string;
  eventId?: string;
  userId?: string;
  /** The player in front of the element, `{kind: 'html5'}` unless given. */
  client?: { kind: string; version?: string };
  /** Method of delivery, if it is not the usual one of the client's kind: `hls`, `dash`, `webrtc`, … */
  protocol?: string;
  /** URL of the page; only its host is kept. Unless given it is the request's Referer header. */
  referrer?: string;
  /** Seconds between two reports, 1 to 60, 10 unless given. A session that is silent for three of them has ended. */
  interval?: number;
  /** Whether the stream is live, for the reason of its end. Unless given it is when the element's duration is infinite. */
  live?: boolean;
  /** Is asked at each report for what only the player knows. Numbers that are not finite or negative are left out. */
  measure?: () => PlayerStats;
}

/** One play that is being observed. */
export interface BeaconSession {
  /** The session's id in the collector. */
  readonly id: string;
  /**
   * Reports a status or error code, at most 64 bytes. The media element's own errors are reported without this call.
   *
   * @param fatal whether playback cannot go on
   */
  status(code: number | string, fatal?: boolean): void;
  /** Ends the session; nothing more is sent after it. Later calls do nothing. */
  stop(reason?: StopReason | (string & {})): void;
}

/**
 * Observes one play of a media element, from now on until it ends, and reports it. Call it when playback is asked for:
 * start-up time counts from here. It never throws; what goes wrong is one warning on the console.
 */
export function observe(video: HTMLVideoElement, options: BeaconOptions): BeaconSession {
  const id = randomId();
  let warned = false;
  const warn = (message: unknown) => {
    if (!warned) {
      console.warn('Streamlens beacon:', message);
    }
    warned = true;
  };
  const safely = (action: () => void) => {
    try {
      action();
    } catch (error) {
      warn(error);
    }
  };
  let session: Session | undefined;
  safely(() => {
    session = start(id, video, options, warn, safely);
  });
  return {
    id,
    status: (code, fatal = false) => safely(() => session?.status(code, fatal)),
    stop: (reason) => safely(() => session?.stop(typeof reason === 'string' && reason ? reason : 'normal')),
  };
}

function start(
  sessionId: string,
  video: HTMLVideoElement,
  options: BeaconOptions,
  warn: (message: unknown) => void,
  safely: (action: () => void) => void
): Session {
  const { endpoint, client = { kind: 'html5' }, live, measure, ...rest } = options;
  const interval = Math.min(Math.max(options.interval || 10, 1), 60);
  const now = steadyClock();
  const url = new URL(endpoint, location.href).href;
  const encode = (events: object[]) => JSON.stringify({ ...rest, interval, client, sessionId, sentAt: now(), events });
  const transport = new Transport(url, encode, warn);
  const onHidden = () => {
    if (document.hidden) {
      safely(() => session.report());
      safely(() => transport.flush());
    }
  };
  const onPageHide = () => {
    safely(() => session.stop('destroy'));
    safely(() => transport.flush());
  };
  const session: Session = new Session(video, {
    interval: interval * 1000,
    live,
    measure,
    now,
    safely,
    send: (event) => transport.send(event),
    onStop: () => {
      transport.close().then(() => {
        document.removeEventListener('visibilitychange', onHidden);
        removeEventListener('pagehide', onPageHide);
      }, warn);
    },
  });
  document.addEventListener('visibilitychange', onHidden);
  addEventListener('pagehide', onPageHide);
  return session;
}

/** Returns a clock in whole ms since 1970 that does not follow corrections of the computer's clock. */
function steadyClock(): () => number {
  const origin = Date.now() - performance.now();
  return () => Math.round(origin + performance.now());
}

/** Returns 128 random bits; crypto.randomUUID exists only on pages served over TLS. */
function randomId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
