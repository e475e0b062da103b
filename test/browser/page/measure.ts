/** What the page itself found out about one play, in ms. It shares no code and no method with the beacon. */
export interface Figures {
  /** From the call of play to the first frame; undefined while there was none. */
  startTime?: number;
  /** How long the page could not act at most, until a second after the first frame: what else measures there may be late by that. */
  late: number;
  playing: number;
  buffering: number;
  paused: number;
  seeking: number;
  /** Stalls by their length. */
  stalls: number[];
  /** Playing and buffering by the minute in which it was, which is named by its start in ms since 1970. */
  watched: Record<number, number>;
}

const minute = 60_000;

/** The element as it was at one moment. */
interface Sample {
  at: number;
  position: number;
  paused: boolean;
  seeking: boolean;
}

const sampleInterval = 10;

/** A standstill of the position must last this long to be a stall. */
const shortestStall = 250;

/** Writes down what the element does, from now on, and judges only when asked. */
export class Recorder {
  private readonly beganAt = performance.now();
  private readonly samples: Sample[] = [];
  private readonly timer: number;
  private firstFrameAt?: number;
  private finished = false;

  constructor(private readonly video: HTMLVideoElement) {
    video.requestVideoFrameCallback((now) => (this.firstFrameAt = now));
    this.timer = window.setInterval(() => this.sample(), sampleInterval);
    for (const name of ['pause', 'play', 'playing', 'waiting', 'seeking', 'seeked', 'ended']) {
      video.addEventListener(name, () => this.sample());
    }
    video.addEventListener('ended', () => this.finish());
  }

  /** Ends the recording. Later calls do nothing. */
  finish(): void {
    this.sample();
    this.finished = true;
    clearInterval(this.timer);
  }

  /** Judges the time from the first frame to the last sample. */
  figures(): Figures {
    const figures: Figures = { late: 0, playing: 0, buffering: 0, paused: 0, seeking: 0, stalls: [], watched: {} };
    const { firstFrameAt } = this;
    if (firstFrameAt === undefined) {
      return figures;
    }
    figures.startTime = firstFrameAt - this.beganAt;
    const acted = [this.beganAt, ...this.samples.map(({ at }) => at).filter((at) => at < firstFrameAt + 1000)];
    figures.late = Math.max(...acted.slice(1).map((at, i) => at - acted[i]! - sampleInterval), 0);
    const samples = this.samples.filter(({ at }) => at >= firstFrameAt);
    let afterSeek = false;
    let standstill = 0;
    const watch = (kind: 'playing' | 'buffering', span: number, until: number) => {
      figures[kind] += span;
      let from = performance.timeOrigin + until - span;
      for (let rest = span; rest > 0;) {
        const begin = Math.floor(from / minute) * minute;
        const part = Math.min(rest, begin + minute - from);
        figures.watched[begin] = (figures.watched[begin] ?? 0) + part;
        from = begin + minute;
        rest -= part;
      }
    };
    const endStandstill = (until: number) => {
      if (standstill >= shortestStall) {
        figures.stalls.push(standstill);
        watch('buffering', standstill, until);
      } else {
        watch('playing', standstill, until);
      }
      standstill = 0;
    };
    samples.slice(1).forEach((sample, i) => {
      const before = samples[i]!;
      const span = sample.at - before.at;
      const advance = (sample.position - before.position) * 1000;
      const moved = advance > span / 2 && !before.seeking && !sample.seeking;
      if (before.paused) {
        endStandstill(before.at);
        figures.paused += span;
      } else if (before.seeking || (afterSeek && !moved)) {
        endStandstill(before.at);
        afterSeek = true;
        figures.seeking += span;
      } else if (moved) {
        endStandstill(before.at);
        afterSeek = false;
        watch('playing', span, sample.at);
      } else {
        standstill += span;
      }
    });
    endStandstill(samples.at(-1)?.at ?? firstFrameAt);
    return figures;
  }

  private sample(): void {
    if (this.finished) {
      return;
    }
    const { currentTime, paused, seeking } = this.video;
    this.samples.push({ at: performance.now(), position: currentTime, paused, seeking });
  }
}
