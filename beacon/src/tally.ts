import { longestGap, type Spent } from './meter';

/** Divides time into playing, buffering and paused by what a player or a publisher says of itself. All times are whole ms. */
export class Tally {
  /** From the start until now less pauses, ms. */
  played = 0;

  /** How often time began to be spent with buffering. */
  stalls = 0;

  private spent: Spent = { playing: 0, buffering: 0, paused: 0 };

  /** Starts with playing. */
  constructor(
    private lastAt: number,
    private state: keyof Spent = 'playing'
  ) {}

  /** From now on time is spent in another way. */
  enter(now: number, state: keyof Spent): void {
    this.observe(now);
    this.stalls += state === 'buffering' && state !== this.state ? 1 : 0;
    this.state = state;
  }

  /** Assigns the time since the last call. */
  observe(now: number): void {
    const elapsed = now - this.lastAt;
    this.lastAt = now;
    // A longer gap means that the machine slept.
    if (elapsed <= longestGap) {
      this.spent[this.state] += elapsed;
      this.played += this.state === 'paused' ? 0 : elapsed;
    }
  }

  /** Returns what was spent since the last call and the moment until which that is known. */
  take(): { spent: Spent; until: number } {
    const spent = this.spent;
    this.spent = { playing: 0, buffering: 0, paused: 0 };
    return { spent, until: this.lastAt };
  }

  /** Returns what was spent since the last call of take. */
  finish(): Spent {
    return this.take().spent;
  }
}
