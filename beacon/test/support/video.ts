/** Stands in for a media element: tests set its state. */
export class FakeVideo extends EventTarget {
  currentTime = 0;
  playbackRate = 1;
  paused = true;
  seeking = false;
  autoplay = false;
  readyState = 0;
  networkState = 2;
  duration = NaN;
  videoWidth = 640;
  isConnected = true;
  src = '';
  currentSrc = '';
  error: { code: number } | null = null;
  bufferEnd = 0;
  frameCallbacks: Array<() => void> = [];

  get buffered() {
    return { length: 1, start: () => 0, end: () => this.bufferEnd };
  }

  requestVideoFrameCallback(callback: () => void) {
    this.frameCallbacks.push(callback);
  }

  fire(name: string, change: Partial<FakeVideo> = {}) {
    Object.assign(this, change);
    this.dispatchEvent(new Event(name));
  }

  showFrame() {
    this.frameCallbacks.splice(0).forEach((callback) => callback());
  }

  /** Begins to play and shows a frame. */
  start() {
    this.fire('play', { paused: false, readyState: 4 });
    this.showFrame();
  }

  /** The element as the library takes it. */
  get element(): HTMLVideoElement {
    return this as unknown as HTMLVideoElement;
  }
}
