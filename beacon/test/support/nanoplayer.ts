import type { NanoPlayerConfig } from '../../src/adapters/nanoplayer';

/**
 * Stands in for nanoPlayer, which is not published as a package: it does nothing but give the page the events that its
 * API documentation (version 4) describes, with their payloads.
 */
export class NanoPlayerStandIn {
  readonly version = '4.22.0';
  private config: NanoPlayerConfig = {};
  private requests = 0;

  setup(config: NanoPlayerConfig): Promise<NanoPlayerConfig> {
    this.config = config;
    this.emit('onReady', { config }, 3);
    return Promise.resolve(config);
  }

  /** @param state number of the state, as documented */
  private emit(name: string, data: object, state: number) {
    const event = { name: name.slice(2), player: 'playerDiv', id: '1', version: this.version, data, state };
    this.config.events?.[name]?.(event);
  }

  loading(connectDelay = 0) {
    this.emit('onLoading', { connectDelay }, 4);
  }

  play() {
    const stats = {
      connecting: 0,
      connected: 60,
      firstFragmentReceived: 300,
      firstFrameRendered: 420,
      playable: 500,
      playing: 540,
    };
    this.emit('onPlay', { stats }, 5);
  }

  pause(reason: string) {
    this.emit('onPause', { reason }, 6);
  }

  startBuffering() {
    this.emit('onStartBuffering', {}, 7);
  }

  stopBuffering() {
    this.emit('onStopBuffering', {}, 5);
  }

  error(code: number, message: string) {
    this.emit('onError', { code, message }, 12);
  }

  warning(message: string) {
    this.emit('onWarning', { message }, 5);
  }

  streamInfo(height: number) {
    this.emit('onStreamInfo', { streamInfo: { videoInfo: { width: (height * 16) / 9, height } } }, 5);
  }

  switchRendition(how: 'Success' | 'Abort' | 'Fail', type: string) {
    this.emit(`onSwitchStream${how}`, { type }, 5);
  }

  stats(delay: number, bitrate: number) {
    const around = (current: number) => ({ current, avg: current, min: current, max: current });
    const stats = {
      currentTime: 10,
      playout: { start: 0, end: 10 },
      buffer: { start: 0, end: 10 + delay, delay: around(delay) },
      bitrate: around(bitrate),
      framerate: around(25),
      playbackrate: around(1),
      buffergoal: { base: 0.5, real: 0.5, min: 0.3, max: 2 },
      quality: {
        corruptedVideoFrames: 0,
        corruptedVideoFramesCurrent: 0,
        creationTime: 1000,
        droppedVideoFrames: 0,
        droppedVideoFramesCurrent: 0,
        totalVideoFrames: 250,
      },
    };
    this.emit('onStats', { stats }, 5);
  }

  updateSource(streamname: string, during: () => void = () => {}) {
    const entry = { index: 0, label: '', tag: '', h5live: { rtmp: { url: 'rtmp://play.example/play', streamname } } };
    const source = { entries: [entry], startIndex: 0 };
    const data = { source, entry, rule: 'none', options: {}, tag: '', count: ++this.requests, type: 'update', id: 1 };
    this.emit('onUpdateSourceInit', data, 5);
    during();
    this.emit('onUpdateSourceSuccess', data, 5);
  }

  switchStream(index: number) {
    const data = { source: this.config.source, entry: {}, rule: 'none', tag: '', count: 1, type: 'down', id: index };
    this.emit('onSwitchStreamInit', data, 5);
    this.emit('onSwitchStreamSuccess', data, 5);
  }

  destroy() {
    this.pause('destroy');
    this.emit('onDestroy', {}, 15);
  }
}
