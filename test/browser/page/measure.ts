/** What the page itself found out about one play, in ms. It shares no code and no method with the beacon. */
export interface Figures {
  /** From the call of play to the first frame; undefined while there was none. */
  startTime?: number;
  playing: number;
  buffering: number;
  paused: number;
  seeking: number;
  /** Stalls by their length. */
  stalls: number[];
}

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
    const figures: Figures = { playing: 0, buffering: 0, paused: 0, seeking: 0, stalls: [] };
    const { firstFrameAt } = this;
    if (firstFrameAt === undefined) {
      return figures;
    }
    figures.startTime = firstFrameAt - this.beganAt;
    const samples = this.samples.filter(({ at }) => at >= firstFrameAt);
    let afterSeek = false;
    let standstill = 0;
    const endStandstill = () => {
      if (standstill >= shortestStall) {
        figures.buffering += standstill;
        figures.stalls.push(standstill);
      } else {
        figures.playing += standstill;
      }
      standstill = 0;
    };
    samples.slice(1).forEach((sample, i) => {
      const before = samples[i]!;
      const span = sample.at - before.at;
      const advance = (sample.position - before.position) * 1000;
      const moved = advance > span / 2 && !before.seeking && !sample.seeking;
      if (before.paused) {
        endStandstill();
        figures.paused += span;
      } else if (before.seeking || (afterSeek && !moved)) {
        endStandstill();
        afterSeek = true;
        figures.seeking += span;
      } else if (moved) {
        endStandstill();
        afterSeek = false;
        figures.playing += span;
      } else {
        standstill += span;
      }
    });
    endStandstill();
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
