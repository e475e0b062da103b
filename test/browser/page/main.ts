import { observe, type BeaconOptions, type BeaconSession } from '@streamlens/beacon';
import Hls from 'hls.js';
import { Recorder, type Figures } from './measure';

declare const StreamlensBeacon: { observe: typeof observe };

/** What a test does with the page. */
export interface PlayingPage {
  /** Starts a play of `source`, with hls.js or by the element itself, observed by the beacon's build of that name. */
  play(how: { source: string; player: 'hlsjs' | 'html5'; build: 'module' | 'script'; beacon: BeaconOptions }): void;
  video: HTMLVideoElement;
  session: BeaconSession;
  /** Ends the beacon's session and the page's own recording at the same moment. */
  stop(): void;
  figures(): Figures;
}

const video = document.querySelector('video')!;
let recorder: Recorder;

const page: PlayingPage = {
  video,
  session: undefined as unknown as BeaconSession,
  play({ source, player, build, beacon }) {
    const client = { kind: player, version: player === 'hlsjs' ? Hls.version : undefined };
    recorder = new Recorder(video);
    page.session = (build === 'script' ? StreamlensBeacon.observe : observe)(video, { ...beacon, client });
    if (player === 'html5') {
      video.src = source;
      video.play().catch(() => {});
      return;
    }
    // A short buffer, so that a withheld segment soon becomes a stall.
    const hls = new Hls({ maxBufferLength: 2, maxMaxBufferLength: 2 });
    hls.on(Hls.Events.MANIFEST_PARSED, () => video.play());
    hls.on(Hls.Events.ERROR, (_, { details, fatal }) => page.session.status(details, fatal));
    hls.loadSource(source);
    hls.attachMedia(video);
  },
  stop() {
    page.session.stop();
    recorder.finish();
  },
  figures: () => recorder.figures(),
};

addEventListener('pagehide', () => {
  recorder.finish();
  navigator.sendBeacon('/figures', JSON.stringify(recorder.figures()));
});

Object.assign(window, { page });
