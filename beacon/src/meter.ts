/** What a media element says of itself at one moment. */
export interface Observation {
  /** Playing position, s. */
  currentTime: number;
  /** Media seconds per second; at 0 the element stands still by wish, as in a pause. */
  playbackRate: number;
  paused: boolean;
  seeking: boolean;
  /** The element says that playback goes on from this very moment. */
  resumes?: boolean;
}

/** How time was spent, in whole ms. Seeking is none of the three. */
export interface Spent {
  playing: number;
  buffering: number;
  paused: number;
}

/**
 * A standstill of the position that is shorter than this is jitter of the element's clock and no stall, ms.
 */
const shortestStall = 250;

/**
 * A longer time between two observations means that the machine slept, ms. Browsers wake the timers of hidden pages at
 * least once a minute.
 */
export const longestGap = 120_000;

/**
 * Divides the time after the first frame of a play into playing, buffering, paused and seeking, by what the playing
 * position really did: the element's `waiting` event also comes at seeks, and is missing at some stalls.
 *
 * All times are whole ms of one steady clock, so that the parts add up exactly.
 */
export class Meter {
  /** From the first frame until now less pauses, ms. */
  played = 0;

  /** Stalls that began, since the first frame. */
  stalls = 0;

  private spent: Spent = { playing: 0, buffering: 0, paused: 0 };
  /** Length of a standstill up to now of which it is still open whether it becomes a stall, ms. */
  private undecided = 0;
  /** The position stands still although the element is to play. */
  stalled = false;
  /** A seek lasts until the position moves on by itself again. */
  private seeking: boolean;

  /** Starts at the first frame. */
  constructor(
    private lastAt: number,
    private last: Observation
  ) {
    this.seeking = last.seeking;
  }

  /** Assigns the time since the last observation. To be called often and at every change of what is observed. */
  observe(now: number, observation: Observation): void {
    const elapsed = now - this.lastAt;
    const advance = this.advance(elapsed, observation);
    if (elapsed > longestGap) {
      this.decide('playing');
      this.spend('playing', advance);
    } else if (standsByWish(this.last)) {
      this.spend('paused', elapsed);
    } else if (this.seeking) {
      this.spend('playing', advance);
      this.played += elapsed - advance;
      this.seeking = advance === 0;
    } else {
      this.attempt(elapsed, advance);
    }
    if (standsByWish(observation) || observation.seeking) {
      this.decide('playing');
      this.stalled = false;
    }
    this.seeking ||= observation.seeking;
    this.lastAt = now;
    this.last = observation;
  }

  /** Returns what was spent since the last call and the moment until which that is known, which is the last observation
   * or the start of a standstill just before it. */
  take(): { spent: Spent; until: number } {
    const spent = this.spent;
    this.spent = { playing: 0, buffering: 0, paused: 0 };
    return { spent, until: this.lastAt - this.undecided };
  }

  /** Ends the measurement at the last observation and returns what was spent since the last call of take. */
  finish(): Spent {
    this.decide('playing');
    return this.take().spent;
  }

  /** Returns the ms of the elapsed time in which the position moved on by itself. */
  private advance(elapsed: number, { currentTime, seeking, resumes }: Observation): number {
    if (standsByWish(this.last) || this.last.seeking || seeking) {
      return 0;
    }
    // At the end of a stall Chromium's position leaps ahead by some 50 ms.
    if (this.stalled && resumes) {
      return 0;
    }
    const ms = Math.round(((currentTime - this.last.currentTime) * 1000) / this.last.playbackRate);
    return Math.min(Math.max(ms, 0), elapsed);
  }

  /** Assigns time in which the element was to play. */
  private attempt(elapsed: number, advance: number): void {
    const idle = elapsed - advance;
    // Movement clears an equal standstill before it, so that jitter does not add up while a crawling position does.
    const cleared = Math.min(this.undecided, advance);
    this.spend('playing', advance + cleared);
    this.undecided += idle - cleared;
    if (this.stalled || this.undecided >= shortestStall) {
      this.decide('buffering');
      this.stalls += this.stalled ? 0 : 1;
      this.stalled = advance < idle;
    }
  }

  private decide(kind: keyof Spent): void {
    this.spend(kind, this.undecided);
    this.undecided = 0;
  }

  private spend(kind: keyof Spent, ms: number): void {
    this.spent[kind] += ms;
    if (kind !== 'paused') {
      this.played += ms;
    }
  }
}

function standsByWish({ paused, playbackRate }: Observation): boolean {
  return paused || playbackRate <= 0;
}
