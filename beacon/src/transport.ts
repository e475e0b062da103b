import type { BeaconEvent } from './events';

/** Events that wait for the collector at most; more would not fit into what browsers let a closing page send (64 KiB). */
const longestQueue = 300;
const longestDelay = 60_000;
const longestRetryAfter = 600_000;
const requestTimeout = 30_000;
/** Attempts after the end of the session: then nobody may be left who keeps the page open. */
const lastAttempts = 5;

/**
 * Brings events to the collector, in order and one request at a time, and repeats a request until the collector has
 * answered: it counts a repeated event once.
 */
export class Transport {
  private queue: BeaconEvent[] = [];
  private sending: BeaconEvent[] = [];
  private delivery?: Promise<void>;
  private attemptsLeft = Infinity;

  /**
   * @param encode makes the body of a request
   * @param warn is told why events were given up
   * @param firstDelay before the first repetition, ms; it doubles with each
   */
  constructor(
    private readonly endpoint: string,
    private readonly encode: (events: BeaconEvent[]) => string,
    private readonly warn: (message: string) => void,
    private readonly firstDelay = 1000
  ) {}

  /** Queues an event. When the queue is full the oldest report or status is dropped: load, start and stop are worth more. */
  send(event: BeaconEvent): void {
    this.queue.push(event);
    if (this.queue.length > longestQueue) {
      const oldest = this.queue.findIndex(({ type }) => type === 'stats' || type === 'status');
      this.queue.splice(oldest, 1);
    }
    // Started in a microtask, so that flush can still take what was queued in the same turn.
    this.delivery ??= Promise.resolve().then(() => this.deliver());
  }

  /** Hands all that is not acknowledged to the browser, which sends it even if the page goes away now. */
  flush(): void {
    const events = [...this.sending, ...this.queue];
    if (events.length === 0 || !navigator.sendBeacon?.(this.endpoint, this.encode(events))) {
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
    while (this.queue.length > 0) {
      this.sending = this.queue;
      this.queue = [];
      await this.deliverBatch(this.sending);
      this.sending = [];
    }
    this.delivery = undefined;
  }

  private async deliverBatch(events: BeaconEvent[]): Promise<void> {
    for (let delay = this.firstDelay; ; delay = Math.min(delay * 2, longestDelay)) {
      let failure: string;
      let retryAfter = NaN;
      try {
        const response = await this.post(this.encode(events));
        if (response.status !== 429 && response.status < 500) {
          await this.explain(response);
          return;
        }
        failure = `the collector answered ${response.status}`;
        retryAfter = Number(response.headers.get('Retry-After') ?? NaN) * 1000;
      } catch (error) {
        failure = String(error);
      }
      if (--this.attemptsLeft <= 0) {
        this.warn(failure);
        return;
      }
      // Spread over half the delay, so that players which failed together do not come back together.
      await sleep(
        retryAfter >= 0
          ? Math.min(Math.max(retryAfter, this.firstDelay), longestRetryAfter)
          : delay * (0.5 + Math.random() / 2)
      );
    }
  }

  private post(body: string): Promise<Response> {
    return fetch(this.endpoint, {
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
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
