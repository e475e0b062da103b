import { createGuard, type Guard } from './guard';
import type { BeaconSession, Client, CommonOptions } from './options';
import type { Context, Recording } from './recording';
import { putAside, undelivered } from './store';
import { Transport } from './transport';

/** What is known about a session beside the page's options. */
export interface Description {
  client: Client;
  /** Method of delivery. */
  protocol?: string;
  /** URL of the source. */
  source?: string;
  /** Name of the stream, if the player knows it. */
  stream?: string;
  /** Nothing is sent before it is settled. It must not be rejected. */
  ready?: Promise<unknown>;
}

/** How a session is opened. */
export interface Opening<R extends Recording> {
  /** Is asked at each request, since players learn about their media with time. */
  describe: () => Description;
  /** Begins the recording, at once if there is no consent to wait for. */
  begin: (context: Context) => R;
  /** Is called when the recording has ended, or is not to begin for want of consent. */
  onEnd?: () => void;
  guard?: Guard;
}

/** A session and, as soon as there is consent, its recording. */
export interface OpenSession<R extends Recording> extends BeaconSession {
  recording?: R;
}

/** Draws whether an observation is reported. */
export function isInSample({ sampleRate = 1 }: CommonOptions): boolean {
  return Math.random() < sampleRate;
}

/** Opens a session: asks for consent, and ties it to the collector and to the life of the page. */
export function open<R extends Recording>(options: CommonOptions, opening: Opening<R>): OpenSession<R> {
  const guard = opening.guard ?? createGuard();
  const { safely, warn } = guard;
  let stopped = false;
  const session: OpenSession<R> = {
    id: randomId(),
    status: (code, fatal = false) => safely(() => session.recording?.status(code, fatal)),
    stop: (reason) => {
      stopped = true;
      safely(() => session.recording?.stop(typeof reason === 'string' && reason ? reason : 'normal'));
    },
  };
  const begin = (consent: boolean) =>
    safely(() => {
      if (stopped) {
        return;
      }
      if (consent === true) {
        session.recording = connect(session.id, options, opening, guard);
      } else {
        opening.onEnd?.();
      }
    });
  safely(() => {
    const answer = options.consent ? options.consent() : true;
    if (typeof answer === 'object') {
      answer.then(begin, warn);
    } else {
      begin(answer);
    }
  });
  return session;
}

function connect<R extends Recording>(
  sessionId: string,
  options: CommonOptions,
  { describe, begin, onEnd }: Opening<R>,
  { safely, warn }: Guard
): R {
  const { endpoint, client, stream, protocol, interval, statsInterval, sampleRate, consent, business, store, ...rest } =
    options;
  const { live: _live, measure: _measure, since: _since, ...texts } = rest as Record<string, unknown>;
  const seconds = Math.min(Math.max(interval || statsInterval || 10, 1), 60);
  const now = steadyClock();
  const url = new URL(endpoint, location.href);
  // The stream is also in the URL, for balancers, which do not read bodies. It stays that of the first request, which is the one
  // that counts, so that all of a session goes to one collector.
  const address = () => {
    const { stream } = envelope();
    if (stream && !url.searchParams.has('stream')) {
      url.searchParams.set('stream', stream);
    }
    return url.href;
  };
  // Tells a collector that does not know the session, because a balancer has changed its mind, that the play is counted.
  let started: { seq: number; ts: number } | undefined;
  const envelope = () => {
    const known = describe();
    return {
      ...asTexts(texts),
      sessionId,
      stream: (typeof stream === 'function' ? stream(known.source ?? '') : stream) ?? known.stream,
      client: { ...known.client, ...client },
      protocol: protocol ?? known.protocol,
      interval: seconds,
      started,
    };
  };
  const mayStore = store !== false;
  if (mayStore) {
    resend(now, warn);
  }
  const transport = new Transport(address, (events) => JSON.stringify({ ...envelope(), sentAt: now(), events }), warn, {
    ready: describe().ready,
    taken: (events) => {
      const start = events.find(({ type }) => type === 'start');
      started = start ? { seq: start.seq, ts: start.ts } : started;
    },
    putAside: (events) => mayStore && putAside({ at: Date.now(), endpoint: address(), envelope: envelope(), events }),
  });
  const onHidden = () => {
    if (document.hidden) {
      safely(() => recording.report());
      safely(() => transport.hurry());
    }
  };
  const onPageHide = () => {
    safely(() => recording.stop('destroy'));
    safely(() => transport.flush());
  };
  const recording: R = begin({
    interval: seconds * 1000,
    now,
    safely,
    send: (event) => {
      if (event.type === 'status' && event.fatal) {
        safely(() => {
          if (business?.(event.code) === true) {
            event.business = true;
          }
        });
      }
      transport.send(event);
    },
    onStop: () => {
      transport.close().then(() => {
        document.removeEventListener('visibilitychange', onHidden);
        removeEventListener('pagehide', onPageHide);
      }, warn);
      onEnd?.();
    },
  });
  document.addEventListener('visibilitychange', onHidden);
  addEventListener('pagehide', onPageHide);
  return recording;
}

let resent = false;

/** Sends what earlier pages of the site could not deliver, once in the life of a page. */
function resend(now: () => number, warn: Guard['warn']): void {
  if (resent) {
    return;
  }
  resent = true;
  addEventListener('pageshow', function again({ persisted }) {
    // The page was closed and comes back from the browser's back/forward cache.
    if (persisted) {
      resent = false;
      removeEventListener('pageshow', again);
    }
  });
  for (const { at, endpoint, envelope, events } of undelivered()) {
    const transport = new Transport(
      () => endpoint,
      (events) => JSON.stringify({ ...envelope, sentAt: now(), events }),
      warn,
      {
        putAside: (events) => putAside({ at, endpoint, envelope, events }),
      }
    );
    events.forEach((event) => transport.send(event));
    // Lets the transport know that they are put aside, so that it forgets them there once they are delivered.
    transport.hurry();
    transport.close().catch(warn);
  }
}

/** Returns the values as texts, which is how the collector takes them. */
function asTexts(values: Record<string, unknown>): Record<string, string> {
  const given = Object.entries(values).filter(([, value]) => value !== undefined && value !== null);
  return Object.fromEntries(given.map(([name, value]) => [name, String(value)]));
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
