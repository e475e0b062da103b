import type { BeaconEvent, EventContent, PlayerStats } from './events';
import { longestGap, Meter, type Observation } from './meter';

/** How often the element is looked at between its events, ms. */
const lookInterval = 50;

/** HTMLMediaElement.readyState from which playback could go on. */
const haveFutureData = 3;
/** HTMLMediaElement.networkState of an element that fetches nothing of its own accord. */
const networkIdle = 1;

interface Moment extends Observation {
  /** Nothing is missing for the start but the viewer's wish: the browser forbids autoplay, or the viewer has paused. */
  waitsForViewer: boolean;
}

/** What a Session needs beside the element. */
export interface SessionOptions {
  /** Time between two reports, ms. */
  interval: number;
  live?: boolean;
  measure?: () => PlayerStats;
  /** Steady clock in whole ms since 1970. */
  now: () => number;
  send: (event: BeaconEvent) => void;
  /** Runs an action and keeps what it throws from the page. */
  safely: (action: () => void) => void;
  /** Is called once, after the last event. */
  onStop: () => void;
}

/** Turns what happens to a media element during one play into events. */
export class Session {
  private seq = 0;
  private meter?: Meter;
  private stopped = false;
  private startUp = 0;
  private last: Moment;
  private lastAt: number;
  private reportedAt: number;
  private endless = false;
  private attached = false;
  private readonly cleanUps: Array<() => void> = [];

  constructor(
    private readonly video: HTMLVideoElement,
    private readonly options: SessionOptions
  ) {
    this.lastAt = this.reportedAt = options.now();
    this.last = this.moment();
    this.emit(this.lastAt, { type: 'load' });

    const look = () => this.look();
    const timer = setInterval(() => options.safely(look), lookInterval);
    this.cleanUps.push(() => clearInterval(timer));
    // timeupdate also comes when timers are throttled because the page is hidden.
    for (const name of ['play', 'pause', 'waiting', 'seeked', 'ratechange', 'timeupdate']) {
      this.on(name, look);
    }
    this.on('playing', () => this.look({ resumes: true }));
    // The element may have found its new position before the event is handled.
    this.on('seeking', () => this.look({ seeking: true }));
    this.on('ended', () => this.stop(this.isLive() ? 'sourcestreamstopped' : 'normal'));
    this.on('error', () => this.fail());
    this.awaitFrame();
  }

  /** Reports a code of the player; a fatal one does not end the session by itself. */
  status(code: number | string, fatal: boolean): void {
    if (!this.stopped) {
      this.emit(this.options.now(), { type: 'status', code, fatal });
    }
  }

  /** Reports what happened since the last report. Before the first frame the report only says that the player is there. */
  report(): void {
    if (this.stopped) {
      return;
    }
    const now = this.observe();
    if (!this.meter) {
      this.reportedAt = now;
      this.emit(now, { type: 'stats', playing: 0, buffering: 0, paused: 0 });
      return;
    }
    const { spent, until } = this.meter.take();
    this.reportedAt = until;
    let measured: PlayerStats = {};
    this.options.safely(() => {
      measured = usable(this.options.measure?.());
    });
    this.emit(until, {
      type: 'stats',
      playing: spent.playing / 1000,
      buffering: spent.buffering / 1000,
      paused: spent.paused / 1000,
      bufferLength: bufferLength(this.video),
      ...measured,
    });
  }

  /** Ends the session. Later calls do nothing. */
  stop(reason: string): void {
    if (this.stopped) {
      return;
    }
    const now = this.observe();
    this.stopped = true;
    const spent = this.meter?.finish() ?? { playing: 0, buffering: 0, paused: 0 };
    this.emit(now, {
      type: 'stop',
      reason,
      played: (this.meter?.played ?? 0) / 1000,
      playing: spent.playing / 1000,
      buffering: spent.buffering / 1000,
      paused: spent.paused / 1000,
    });
    this.cleanUps.forEach((cleanUp) => cleanUp());
    this.options.onStop();
  }

  private look(seen?: Partial<Moment>): void {
    const now = this.observe(seen);
    // A page that takes its player away often tells nobody.
    if (this.attached && !this.video.isConnected) {
      this.stop('destroy');
      return;
    }
    this.attached = this.video.isConnected;
    if (now - this.reportedAt >= this.options.interval) {
      this.report();
    }
  }

  private observe(seen?: Partial<Moment>): number {
    const now = this.options.now();
    const moment = { ...this.moment(), ...seen };
    this.endless ||= this.video.duration === Infinity;
    if (this.meter) {
      this.meter.observe(now, moment);
    } else {
      if (!this.last.waitsForViewer && now - this.lastAt <= longestGap) {
        this.startUp += now - this.lastAt;
      }
      if (!this.canSeeFrames() && playsOn(this.last, moment)) {
        this.start(now, moment);
      }
    }
    this.last = moment;
    this.lastAt = now;
    return now;
  }

  private moment(): Moment {
    const { currentTime, playbackRate, paused, seeking, autoplay, readyState, networkState } = this.video;
    return {
      currentTime,
      playbackRate,
      paused,
      seeking,
      waitsForViewer: paused && !autoplay && (readyState >= haveFutureData || networkState === networkIdle),
    };
  }

  private start(now: number, moment: Moment): void {
    this.meter = new Meter(now, moment);
    this.reportedAt = now;
    this.emit(now, { type: 'start', startTime: this.startUp / 1000 });
  }

  private awaitFrame(): void {
    this.video.requestVideoFrameCallback?.(() => this.options.safely(() => this.frame()));
  }

  private frame(): void {
    if (this.stopped) {
      return;
    }
    const now = this.observe();
    if (this.meter) {
      return;
    }
    // A frame shown before playback was asked for is a still picture.
    if (this.last.paused) {
      this.awaitFrame();
    } else {
      this.start(now, this.last);
    }
  }

  /** Reports whether the browser would tell of a first frame; if not, the start is where the position begins to move. */
  private canSeeFrames(): boolean {
    return 'requestVideoFrameCallback' in this.video && !document.hidden && this.video.videoWidth > 0;
  }

  private isLive(): boolean {
    return this.options.live ?? this.endless;
  }

  private fail(): void {
    if (this.video.error) {
      this.status(this.video.error.code, true);
      this.stop('playbackerror');
    }
  }

  private emit(ts: number, content: EventContent): void {
    this.options.send({ seq: ++this.seq, ts, ...content });
  }

  private on(name: string, action: () => void): void {
    const listener = () => this.options.safely(action);
    this.video.addEventListener(name, listener);
    this.cleanUps.push(() => this.video.removeEventListener(name, listener));
  }
}

function playsOn(before: Moment, after: Moment): boolean {
  return !before.paused && !before.seeking && !after.seeking && after.currentTime > before.currentTime;
}

function bufferLength({ buffered, currentTime }: HTMLVideoElement): number {
  for (let i = 0; i < buffered.length; i++) {
    if (buffered.start(i) <= currentTime && currentTime <= buffered.end(i)) {
      return Math.round((buffered.end(i) - currentTime) * 1000) / 1000;
    }
  }
  return 0;
}

/** Returns those measurements that are numbers the collector takes: players say NaN or -1 for what they do not know. */
function usable(stats: PlayerStats = {}): PlayerStats {
  const known = Object.entries(stats).filter(([, value]) => Number.isFinite(value) && value >= 0);
  return Object.fromEntries(known);
}
