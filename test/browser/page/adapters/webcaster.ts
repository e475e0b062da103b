/**
 * Stands in for the nanoStream Webcaster's script: it has the methods that the example calls, and emits the events of a
 * broadcast as its API documentation (version 5) describes them.
 */
class WebcasterStandIn extends EventTarget {
  private timer = 0;

  on(name: string, listener: (event: object) => void): void {
    this.addEventListener(name, (event) => listener((event as CustomEvent<object>).detail));
  }

  enableStats(): void {}
  signIn(): void {}
  startPreview(): void {}

  startBroadcast({ transcodingTargets: { streamname } }: { transcodingTargets: { streamname: string } }): void {
    this.emit('BroadcastStatus', { data: { message: 'signalling', state: 4, streamname } });
    this.emit('StartBroadcastSuccess', { data: { streamname } });
    const results = { audioBitrate: 64, videoBitrate: 1500, packetLoss: 1, roundTripTime: 40 };
    const stats = { results, state: 6, streamname, text: 'broadcasting' };
    this.timer = window.setInterval(
      () => this.emit('ReceivedWebRTCStats', { data: { message: 'broadcasting', stats } }),
      200
    );
  }

  stopBroadcast(): void {
    clearInterval(this.timer);
    this.emit('StopBroadcastSuccess', {});
  }

  private emit(name: string, content: object): void {
    this.dispatchEvent(new CustomEvent(name, { detail: { name, ...content } }));
  }
}

Object.assign(window, { nanowebrtc: { user: WebcasterStandIn } });
