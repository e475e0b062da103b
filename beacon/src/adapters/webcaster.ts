import { Chain, type Emitter } from '../chain';
import type { PublisherStats } from '../events';
import type { Description } from '../open';
import type { BeaconSession, CommonOptions } from '../options';
import { StateSession } from '../statesession';

/** What is used of a nanoStream Webcaster (`RtcUser`), version 5. */
export type Webcaster = Emitter;

/** An event of the Webcaster; what it holds depends on its name. */
interface WebcasterEvent {
  data?: {
    message?: string;
    streamname?: string;
    stats?: { results?: WebcasterStats; streamname?: string };
    results?: WebcasterStats;
  };
  error?: { code?: number };
}

/** Bitrates in kbit/s, packetLoss in percent over 10 s, roundTripTime in ms; the browser may know none of them. */
interface WebcasterStats {
  audioBitrate?: number;
  videoBitrate?: number;
  packetLoss?: number;
  roundTripTime?: number;
}

/** Code of a broadcast that failed after its start (Webcaster API documentation, `ErrorCode`). */
const broadcastFailed = 5002;

/** Observes the broadcasts of a nanoStream Webcaster through its events. The page enables its stats (`enableStats`). */
export function observeWebcaster(webcaster: Webcaster, options: CommonOptions): BeaconSession {
  const chain = new Chain<StateSession>(options);
  return chain.connect(() => {
    let description: Description;
    let stats: WebcasterStats = {};
    const measure = (): PublisherStats => ({
      videoBitrate: times(stats.videoBitrate, 1000),
      audioBitrate: times(stats.audioBitrate, 1000),
      roundTripTime: times(stats.roundTripTime, 1 / 1000),
      packetLoss: times(stats.packetLoss, 1 / 100),
    });
    const begin = ({ data }: WebcasterEvent) => {
      if (!chain.isRunning) {
        stats = {};
        description = { client: { kind: 'webcaster' } };
        chain.open({ describe: () => description, begin: (context) => new StateSession(context, measure) });
      }
      description.stream = data?.streamname ?? data?.stats?.streamname ?? description.stream;
      description.source = description.stream;
    };
    const broadcasts = (event: WebcasterEvent) => {
      begin(event);
      chain.recording?.start();
      chain.recording?.enter('playing');
    };
    const fail = (event: WebcasterEvent) => {
      begin(event);
      chain.status(event.error?.code ?? 0, true);
      chain.end('playbackerror');
    };
    chain.listen(webcaster, {
      StartBroadcastSuccess: broadcasts,
      StartBroadcastError: fail,
      BroadcastStatus: (event: WebcasterEvent) => {
        const state = event.data?.message ?? '';
        if (state === 'broadcasting') {
          broadcasts(event);
        } else {
          begin(event);
          if (state.startsWith('reconnecting')) {
            chain.recording?.enter('buffering');
          }
        }
      },
      ReceivedWebRTCStats: (event: WebcasterEvent) => {
        chain.recording?.start();
        stats = event.data?.stats?.results ?? event.data?.results ?? {};
      },
      BroadcastError: (event: WebcasterEvent) => {
        if (event.error?.code === broadcastFailed) {
          fail(event);
        } else {
          chain.status(event.error?.code ?? 0);
        }
      },
      StopBroadcastSuccess: () => chain.end('normal'),
      StopBroadcastError: () => chain.end('normal'),
      SignOutSuccess: () => chain.end('normal'),
    });
  });
}

function times(value: number | undefined, factor: number): number | undefined {
  return value === undefined ? undefined : Math.round(value * factor * 1e6) / 1e6;
}
