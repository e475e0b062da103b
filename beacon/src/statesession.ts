import type { PlayerStats, PublisherStats } from './events';
import type { Spent } from './meter';
import { Recording, type Context } from './recording';
import { Tally } from './tally';

const lookInterval = 250;

/** Turns what a player or a publisher says of itself during one play or broadcast into events. */
export class StateSession extends Recording {
  protected clock?: Tally;
  /** When the session was opened, ms since 1970. */
  readonly openedAt: number;

  /** @param measure is asked at each report */
  constructor(
    context: Context,
    private readonly measure: () => PlayerStats & PublisherStats
  ) {
    super(context, lookInterval);
    this.openedAt = this.reportedAt;
  }

  /**
   * The first frame was shown or sent. Later calls do nothing.
   *
   * @param startTime how long that took, s; the time since the load unless given
   */
  start(startTime?: number): void {
    if (!this.clock && !this.stopped) {
      const now = this.context.now();
      this.clock = new Tally(now);
      this.reportedAt = now;
      this.emit(now, { type: 'start', startTime: startTime ?? (now - this.openedAt) / 1000 });
    }
  }

  /** From now on time is spent in another way. */
  enter(state: keyof Spent): void {
    this.clock?.enter(this.context.now(), state);
  }

  protected observe(): number {
    const now = this.context.now();
    this.clock?.observe(now);
    return now;
  }

  protected measured(): PlayerStats & PublisherStats {
    let stats = {};
    this.context.safely(() => {
      stats = this.measure();
    });
    return stats;
  }
}
