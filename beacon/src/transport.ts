import type { BeaconEvent } from './events';

/** Events that wait for the collector at most; more would not fit into what browsers let a closing page send (64 KiB). */
const longestQueue = 300;
const longestDelay = 60_000;
const longestRetryAfter = 600_000;
const requestTimeout = 30_000;
/** Attempts after the end of the session: then nobody may be left who keeps the page open. */
const lastAttempts = 5;

/** What a Transport may be given. */
export interface TransportOptions {
  /** Nothing is sent before it is settled. */
  ready?: Promise<unknown>;
  /** Is told which events are not acknowledged when the page may go away or they are given up, and when none are left. */
  putAside?: (events: BeaconEvent[]) => void;
  /** Is told which events the collector has taken. */
  taken?: (events: BeaconEvent[]) => void;
  /** Time before the first repetition, ms; it doubles with each. */
  firstDelay?: number;
}

/**
 * Brings events to the collector, in order and one request at a time, and repeats a request until the collector has
 * answered: it counts a repeated event once.
 */
export class Transport {
  private queue: BeaconEvent[] = [];
  private sending: BeaconEvent[] = [];
  private givenUp: BeaconEvent[] = [];
  private isAside = false;
  private delivery?: Promise<void>;
  private attemptsLeft = Infinity;
  private wake: () => void = () => {};

  /**
   * @param endpoint is asked for the URL of each request
   * @param encode makes the body of a request
   * @param warn is told why events were given up
   */
  constructor(
    private readonly endpoint: () => string,
    private readonly encode: (events: BeaconEvent[]) => string,
    private readonly warn: (message: string) => void,
    private readonly options: TransportOptions = {}
  ) {}

  /** Queues an event. When the queue is full the oldest report or status is dropped: load, start and stop are worth more. */
  send(event: BeaconEvent): void {
    this.queue.push(event);
    if (this.queue.length > longestQueue) {
      const oldest = this.queue.findIndex(({ type }) => type === 'stats' || type === 'status');
      this.queue.splice(oldest, 1);
    }
    // Started in a microtask, so that flush can still take what was queued in the same turn.
    this.delivery ??= Promise.resolve(this.options.ready).then(() => this.deliver());
  }

  /** To be called when the page may go away without another word: puts aside what is not acknowledged and tries again. */
  hurry(): void {
    this.putAside([...this.givenUp, ...this.sending, ...this.queue]);
    this.wake();
  }

  /** Hands all that is not acknowledged to the browser, which sends it even if the page goes away now. */
  flush(): void {
    const events = [...this.sending, ...this.queue];
    this.putAside([...this.givenUp, ...events]);
    if (events.length === 0 || !navigator.sendBeacon?.(this.endpoint(), this.encode(events))) {
      return;
    }
    // The outcome stays unknown. While requests are failing, the events are therefore also kept.
    if (this.sending.length === 0) {
      this.queue = [];
    }
  }

  /** Returns when everything has been delivered or given up. Nothing may be sent afterwards. */
  async close(): Promise<void> {
    this.attemptsLeft = lastAttempts;
    await this.delivery;
  }

  private async deliver(): Promise<void> {
    let delivered = false;
    while (this.queue.length > 0) {
      this.sending = this.queue;
      this.queue = [];
      delivered = await this.deliverBatch(this.sending);
      if (!delivered) {
        this.givenUp.push(...this.sending);
      }
      this.sending = [];
    }
    this.delivery = undefined;
    if (this.givenUp.length > 0 || (delivered && this.isAside)) {
      this.putAside(this.givenUp);
    }
  }

  /** Returns whether the collector has answered. */
  private async deliverBatch(events: BeaconEvent[]): Promise<boolean> {
    for (let delay = this.options.firstDelay ?? 1000; ; delay = Math.min(delay * 2, longestDelay)) {
      let failure: string;
      let retryAfter = NaN;
      try {
        const response = await this.post(this.encode(events));
        if (response.status !== 429 && response.status < 500) {
          if (response.ok) {
            this.options.taken?.(events);
          }
          await this.explain(response);
          return true;
        }
        failure = `the collector answered ${response.status}`;
        retryAfter = Number(response.headers.get('Retry-After') ?? NaN) * 1000;
      } catch (error) {
        failure = String(error);
      }
      // Offline the page can still wait; being online again ends the delay.
      if (navigator.onLine !== false && --this.attemptsLeft <= 0) {
        this.warn(failure);
        return false;
      }
      // Spread over half the delay, so that players which failed together do not come back together.
      await this.sleep(
        retryAfter >= 0
          ? Math.min(Math.max(retryAfter, this.options.firstDelay ?? 1000), longestRetryAfter)
          : delay * (0.5 + Math.random() / 2)
      );
    }
  }

  private post(body: string): Promise<Response> {
    return fetch(this.endpoint(), {
      method: 'POST',
      body,
      // With this type the browser sends no preflight request to another origin.
      headers: { 'Content-Type': 'text/plain;charset=UTF-8' },
      credentials: 'omit',
      keepalive: true,
      signal: AbortSignal.timeout?.(requestTimeout),
    });
  }

  /** Warns if the collector refused the request or some of its events. */
  private async explain(response: Response): Promise<void> {
    const answer = await response.text();
    if (!response.ok || /"rejected"\s*:\s*\[\s*\{/.test(answer)) {
      this.warn(`the collector answered ${response.status}: ${answer}`);
    }
  }

  private putAside(events: BeaconEvent[]): void {
    if (events.length > 0 || this.isAside) {
      this.isAside = events.length > 0;
      this.options.putAside?.(events);
    }
  }

  private async sleep(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      this.wake = resolve;
      setTimeout(resolve, ms);
      globalThis.addEventListener?.('online', this.wake);
    });
    globalThis.removeEventListener?.('online', this.wake);
  }
}
