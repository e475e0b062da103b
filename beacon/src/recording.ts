import type { BeaconEvent, Counters, EventContent, PlayerStats, PublisherStats, Switches } from './events';
import type { Spent } from './meter';

/** What a recording needs from outside. */
export interface Context {
  /** Time between two reports, ms. */
  interval: number;
  /** Steady clock in whole ms since 1970. */
  now: () => number;
  send: (event: BeaconEvent) => void;
  /** Runs an action and keeps what it throws from the page. */
  safely: (action: () => void) => void;
  /** Is called once, after the last event. */
  onStop: () => void;
}

/** How time was spent since the start, brought up to date by the recording that owns it. */
interface Clock {
  readonly played: number;
  /** Stalls that began since the start. */
  readonly stalls: number;
  take(): { spent: Spent; until: number };
  finish(): Spent;
}

/** Turns what happens in one session into events. */
export abstract class Recording {
  /** Is there from the start on. */
  protected abstract readonly clock?: Clock;
  protected stopped = false;
  protected reportedAt: number;
  protected readonly cleanUps: Array<() => void> = [];
  private seq = 0;
  /** What plays, as it was told last, bit/s. */
  private bitrate?: number;
  private switches = noSwitches();
  private stallsTold = 0;

  /** @param lookInterval how often the session is looked at, ms */
  constructor(
    protected readonly context: Context,
    lookInterval: number
  ) {
    this.reportedAt = context.now();
    this.emit(this.reportedAt, { type: 'load' });
    const timer = setInterval(() => context.safely(() => this.look()), lookInterval);
    this.cleanUps.push(() => clearInterval(timer));
  }

  /** The first frame has been shown or sent. */
  get hasStarted(): boolean {
    return this.clock !== undefined;
  }

  /** Reports a code of the player; a fatal one does not end the session by itself. */
  status(code: number | string, fatal: boolean): void {
    if (!this.stopped) {
      this.emit(this.context.now(), { type: 'status', code, fatal });
    }
  }

  /** A rendition of so many bit/s plays from now on, after one of so many as the player says. */
  switched(bitrate?: number, said?: number): void {
    if (bitrate) {
      const before = this.bitrate ?? said;
      if (before && bitrate !== before) {
        this.countSwitch(bitrate > before ? 'up' : 'down');
      }
      this.bitrate = bitrate;
    }
  }

  countSwitch(kind: keyof Switches): void {
    this.switches[kind]++;
  }

  /** Reports what happened since the last report. Before the start the report only says that the player is there. */
  report(): void {
    if (this.stopped) {
      return;
    }
    const now = this.observe();
    if (!this.clock) {
      this.reportedAt = now;
      this.emit(now, { type: 'stats', ...inSeconds() });
      return;
    }
    const { spent, until } = this.clock.take();
    this.reportedAt = until;
    const stats = usable(this.measured());
    this.bitrate = stats.videoBitrate || this.bitrate;
    this.emit(until, { type: 'stats', ...inSeconds(spent), ...stats, ...this.counted() });
  }

  /** Ends the session. Later calls do nothing. */
  stop(reason: string): void {
    if (this.stopped) {
      return;
    }
    const now = this.observe();
    this.beforeStop();
    this.stopped = true;
    const spent = this.clock?.finish();
    this.emit(now, {
      type: 'stop',
      reason: this.reasonOf(reason),
      played: (this.clock?.played ?? 0) / 1000,
      ...inSeconds(spent),
      ...(this.clock && { ...usable({ videoBitrate: this.bitrate, ...this.shown() }), ...this.counted() }),
    });
    this.cleanUps.forEach((cleanUp) => cleanUp());
    this.context.onStop();
  }

  /** Brings the clock up to date and returns the time. */
  protected abstract observe(): number;

  /** Returns what is known about the player now. */
  protected abstract measured(): PlayerStats & PublisherStats;

  /** Returns what the element knows of its picture, also when the player is gone. */
  protected shown(): Pick<PlayerStats, 'height'> & Pick<Counters, 'frames' | 'droppedFrames'> {
    return {};
  }

  /** Returns the counters since the last call. */
  private counted(): Counters {
    const { switches } = this;
    const stalls = this.clock!.stalls - this.stallsTold;
    this.stallsTold += stalls;
    this.switches = noSwitches();
    return {
      ...(stalls > 0 && { stalls }),
      ...(switches.up + switches.down + switches.failed > 0 && { switches }),
    };
  }

  /** Returns why the session ended, when a reason has been given. */
  protected reasonOf(reason: string): string {
    return reason;
  }

  /** Is called when what was held back must be sent. */
  protected beforeStop(): void {}

  protected look(): void {
    if (this.observe() - this.reportedAt >= this.context.interval) {
      this.report();
    }
  }

  protected emit(ts: number, content: EventContent): void {
    this.context.send({ seq: ++this.seq, ts, ...content });
  }
}

function noSwitches(): Switches {
  return { up: 0, down: 0, failed: 0 };
}

function inSeconds({ playing, buffering, paused }: Spent = { playing: 0, buffering: 0, paused: 0 }) {
  return { playing: playing / 1000, buffering: buffering / 1000, paused: paused / 1000 };
}

/** Returns those measurements that are numbers the collector takes: players say NaN or -1 for what they do not know. */
function usable(stats: PlayerStats & PublisherStats): PlayerStats & PublisherStats {
  const known = Object.entries(stats).filter(([, value]) => Number.isFinite(value) && value >= 0);
  return Object.fromEntries(known);
}
