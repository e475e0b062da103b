import type { Counters, PlayerStats } from './events';
import { ask } from './guard';
import { longestGap, Meter, type Observation } from './meter';
import { Recording, type Context } from './recording';

/** How often the element is looked at between its events, ms. */
const lookInterval = 50;

/** HTMLMediaElement.readyState from which there is a picture at the position; before, a position is only where to begin. */
const haveCurrentData = 2;
/** HTMLMediaElement.readyState from which playback could go on. */
const haveFutureData = 3;
/** HTMLMediaElement.readyState from which an element with `autoplay` plays, if the browser lets it. */
const haveEnoughData = 4;
/** HTMLMediaElement.networkState of an element that fetches nothing of its own accord. */
const networkIdle = 1;
/** More media than this after an error mean that the player has recovered, s. */
const recovered = 0.1;
/** Reasons that tell that the player was taken away or got something else, not what was wrong. */
const departures = ['normal', 'destroy', 'playbackrestart'];
/** A player that has given up does not get out of a stall of this length, ms. */
const lastStall = 1000;

interface Moment extends Observation {
  /** Nothing is missing for the start but the viewer's wish: the browser forbids autoplay, or the viewer has paused. */
  waitsForViewer: boolean;
  /** There is something to show or to hear at the position. */
  hasData: boolean;
}

/** What a Session needs beside the element. */
export interface SessionOptions extends Context {
  /** Whether the stream is live, if the page knows. */
  live?: boolean;
  /** Whether the stream is live now, if the player knows. */
  isLive?: () => boolean | undefined;
  measure?: () => PlayerStats;
  /** The player looks after the element's errors; else they end the session. */
  handlesErrors?: boolean;
  /** How much of the start-up has passed already, ms. */
  startUp?: number;
}

/** Turns what happens to a media element during one play into events. */
export class Session extends Recording {
  protected clock?: Meter;
  private startUp: number;
  /** How much of it had passed when an element with `autoplay` showed its first picture, which comes before it plays. */
  private shownAfter?: number;
  private last: Moment;
  private lastAt: number;
  private endless = false;
  private attached = false;
  /** An error after which the player has given up, of which it is open whether it recovers. */
  private failure?: { code: number | string; at: number; bufferEnd: number };
  /** Frames of the element that are reported already. */
  private frames: VideoPlaybackQuality | undefined;
  /** When the position last moved on, ms since 1970. */
  private movedAt = 0;

  constructor(
    private readonly video: HTMLVideoElement,
    private readonly options: SessionOptions
  ) {
    super(options, lookInterval);
    this.lastAt = this.reportedAt;
    this.startUp = options.startUp ?? 0;
    this.frames = this.quality();
    this.last = this.moment();
    // timeupdate also comes when timers are throttled because the page is hidden.
    for (const name of ['play', 'pause', 'waiting', 'seeked', 'ratechange', 'timeupdate']) {
      this.on(name, () => this.look());
    }
    this.on('playing', () => this.look({ resumes: true }));
    // The element may have found its new position before the event is handled.
    this.on('seeking', () => this.look({ seeking: true }));
    this.on('ended', () => this.end());
    if (!options.handlesErrors) {
      this.on('error', () => this.giveUp());
    }
    this.awaitFrame();
  }

  /** The player has given up, and has not recovered yet. */
  get hasFailed(): boolean {
    return this.failure !== undefined;
  }

  /**
   * Reports that the player has given up. The play ends when what is buffered has been played, unless more media come:
   * then the error was not fatal.
   */
  fail(code: number | string): void {
    if (this.stopped) {
      return;
    }
    // A player that fails again had gone on.
    this.settle(false);
    this.failure = { code, at: this.options.now(), bufferEnd: bufferEnd(this.video) ?? this.video.currentTime };
    this.look();
  }

  protected measured(): PlayerStats {
    const { video, options } = this;
    const end = bufferEnd(video) ?? video.currentTime;
    const stats: PlayerStats = { bufferLength: Math.round((end - video.currentTime) * 1000) / 1000 };
    options.safely(() => Object.assign(stats, options.measure?.()));
    this.switched(stats.videoBitrate);
    return { ...this.shown(), ...stats };
  }

  protected shown(): Pick<PlayerStats, 'height'> & Pick<Counters, 'frames' | 'droppedFrames'> {
    const before = this.frames;
    const now = (this.frames = this.quality());
    const height = this.video.videoHeight || undefined;
    if (!now) {
      return { height };
    }
    // A new source counts from 0.
    const { totalVideoFrames: frames, droppedVideoFrames: dropped } =
      before && before.totalVideoFrames <= now.totalVideoFrames
        ? before
        : { totalVideoFrames: 0, droppedVideoFrames: 0 };
    return {
      height,
      frames: now.totalVideoFrames - frames,
      droppedFrames: Math.max(now.droppedVideoFrames - dropped, 0),
    };
  }

  private quality(): VideoPlaybackQuality | undefined {
    return ask(() => this.video.getVideoPlaybackQuality());
  }

  protected beforeStop(): void {
    this.settle(true);
  }

  /** A player that was ready, and was left before anybody let it play, was held back by the browser. */
  protected reasonOf(reason: string): string {
    return !this.clock && this.last.waitsForViewer && departures.includes(reason) ? 'interactionrequired' : reason;
  }

  protected look(seen?: Partial<Moment>): void {
    const now = this.observe(seen);
    // A page that takes its player away often tells nobody.
    if (this.attached && !this.video.isConnected) {
      this.stop('destroy');
      return;
    }
    this.attached = this.video.isConnected;
    if (this.failure) {
      this.judge(now, this.failure.bufferEnd);
    }
    if (now - this.reportedAt >= this.options.interval) {
      this.report();
    }
  }

  protected observe(seen?: Partial<Moment>): number {
    const now = this.options.now();
    const moment = { ...this.moment(), ...seen };
    this.endless ||= this.video.duration === Infinity || this.options.isLive?.() === true;
    if (this.clock) {
      this.clock.observe(now, moment);
    } else {
      if (!this.last.waitsForViewer && now - this.lastAt <= longestGap) {
        this.startUp += now - this.lastAt;
      }
      const isShown = this.shownAfter !== undefined && !moment.paused;
      if (isShown || (!this.canSeeFrames() && playsOn(this.last, moment))) {
        this.start(now, moment);
      }
    }
    if (moment.currentTime !== this.last.currentTime) {
      this.movedAt = now;
    }
    this.last = moment;
    this.lastAt = now;
    return now;
  }

  private moment(): Moment {
    const { currentTime, playbackRate, paused, seeking, autoplay, readyState, networkState, currentSrc } = this.video;
    // What a player feeds by Media Source Extensions is idle for the element, even while the player fetches.
    const isIdle = networkState === networkIdle && !currentSrc.startsWith('blob:');
    return {
      currentTime,
      playbackRate,
      paused,
      seeking,
      hasData: readyState >= haveCurrentData,
      waitsForViewer: paused && (autoplay ? readyState >= haveEnoughData : readyState >= haveFutureData || isIdle),
    };
  }

  private start(now: number, moment: Moment): void {
    this.clock = new Meter(now, moment);
    this.reportedAt = now;
    this.emit(now, { type: 'start', startTime: (this.shownAfter ?? this.startUp) / 1000 });
  }

  private awaitFrame(): void {
    this.video.requestVideoFrameCallback?.(() => this.options.safely(() => this.frame()));
  }

  private frame(): void {
    if (this.stopped) {
      return;
    }
    const now = this.observe();
    if (this.clock) {
      return;
    }
    if (!this.last.paused) {
      this.start(now, this.last);
      return;
    }
    // A picture that is shown before playback was asked for is a still one.
    if (this.video.autoplay) {
      this.shownAfter ??= this.startUp;
    }
    this.awaitFrame();
  }

  /** Reports whether the browser would tell of a first frame; if not, the start is where the position begins to move. */
  private canSeeFrames(): boolean {
    return 'requestVideoFrameCallback' in this.video && !document.hidden && this.video.videoWidth > 0;
  }

  private end(): void {
    if (this.failure) {
      this.stop('playbackerror');
    }
    this.stop((this.options.live ?? this.endless) ? 'sourcestreamstopped' : 'normal');
  }

  private giveUp(): void {
    if (this.video.error) {
      this.status(this.video.error.code, true);
      this.stop('playbackerror');
    }
  }

  /** Finds out whether the player's last failure was the end. */
  private judge(now: number, bufferEndThen: number): void {
    if ((bufferEnd(this.video) ?? 0) > bufferEndThen + recovered) {
      this.settle(false);
    } else if (!this.clock || (this.clock.stalled && now - this.movedAt >= lastStall)) {
      this.stop('playbackerror');
    }
  }

  private settle(fatal: boolean): void {
    if (this.failure) {
      const { at, code } = this.failure;
      this.failure = undefined;
      this.emit(at, { type: 'status', code, fatal });
    }
  }

  private on(name: string, action: () => void): void {
    const listener = () => this.options.safely(action);
    this.video.addEventListener(name, listener);
    this.cleanUps.push(() => this.video.removeEventListener(name, listener));
  }
}

/** Reports whether the position moved because media were played, and not because the page or the player set it. */
function playsOn(before: Moment, after: Moment): boolean {
  const canPlay = before.hasData && after.hasData && !before.seeking && !after.seeking;
  return canPlay && !before.paused && after.currentTime > before.currentTime;
}

/** Returns up to which position media lie ready after the playing position, s, if they do. */
function bufferEnd({ buffered, currentTime }: HTMLVideoElement): number | undefined {
  for (let i = 0; i < buffered.length; i++) {
    if (buffered.start(i) <= currentTime && currentTime <= buffered.end(i)) {
      return buffered.end(i);
    }
  }
  return undefined;
}
