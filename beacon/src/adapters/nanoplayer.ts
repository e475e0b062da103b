import { Chain } from '../chain';
import type { PlayerStats, PublisherStats } from '../events';
import type { Description } from '../open';
import type { BeaconOptions, BeaconSession } from '../options';
import { StateSession } from '../statesession';

/** What is used of a nanoPlayer, from version 4 on. */
export interface NanoPlayer {
  readonly version?: string;
  setup(config: NanoPlayerConfig): Promise<unknown>;
}

/** The part of nanoPlayer's configuration that is read. */
export interface NanoPlayerConfig {
  source?: Source;
  // Handlers are nanoPlayer's own.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  events?: Record<string, ((event: any) => void) | undefined>;
}

interface Source {
  entries?: Entry[];
  startIndex?: number;
  group?: { id?: string };
  h5live?: Entry['h5live'];
  bintu?: Entry['bintu'];
}

interface Entry {
  h5live?: { rtmp?: { streamname?: string } };
  bintu?: { streamid?: string };
}

/** An event of nanoPlayer; what data holds depends on its name. */
interface NanoPlayerEvent {
  version?: string;
  data: {
    config?: NanoPlayerConfig;
    stats?: {
      firstFrameRendered?: number;
      playing?: number;
      buffer?: { delay?: { current?: number } };
      bitrate?: { current?: number };
    };
    reason?: string;
    code?: number;
    message?: string;
    streamInfo?: { rtmp?: { streamname?: string }; videoInfo?: { height?: number } };
    /** Of a switch between the renditions of a stream: `up`, `down` or `direct`. */
    type?: string;
    source?: Source;
    entry?: Entry;
  };
}

/**
 * Codes of errors that leave the play as it is or let nanoPlayer connect again by itself (its API documentation, "error
 * codes" and "error handling"): calls at the wrong time, metadata, a source that is not changed, connections, metrics.
 */
const harmless = [1003, 1004, 1010, 4006, 4102, 4103, 4105, 4106, 4107, 4108, 4109, 4111, 4115, 4500, 4503];
const isHarmless = (code: number) =>
  harmless.includes(code) || (code > 2010 && code < 2015) || (code > 5200 && code < 5300);

/**
 * Observes the plays of a nanoPlayer through its events. To be called before `setup`, because that is where nanoPlayer
 * takes its listeners; the page's own keep working.
 */
export function observeNanoPlayer(player: NanoPlayer, options: BeaconOptions): BeaconSession {
  const chain = new Chain<StateSession>(options);
  return chain.connect(() => {
    let version = player.version;
    let stream: string | undefined;
    let bitrate: number | undefined;
    let bufferLength: number | undefined;
    let height: number | undefined;
    let isPlaying = false;
    let openedAt = 0;
    let updateAt = 0;
    const begin = () => {
      const description: Description = { client: { kind: 'h5live', version }, stream, source: stream };
      isPlaying = false;
      bufferLength = undefined;
      openedAt = performance.now();
      // nanoStream takes the buffer for the latency, of which it is the greater part.
      const measure = (): PlayerStats & PublisherStats => ({
        bufferLength,
        latency: bufferLength,
        videoBitrate: bitrate || undefined,
        height: height || undefined,
        ...options.measure?.(),
      });
      chain.open({ describe: () => description, begin: (context) => new StateSession(context, measure) });
    };
    const change = (source?: Source, entry?: Entry) => {
      stream = nameOf(source, entry) ?? stream;
    };

    const handlers: Record<string, (event: NanoPlayerEvent) => void> = {
      onReady: ({ data }) => change(data.config?.source),
      onLoading: begin,
      onPlay: ({ data: { stats } }) => {
        if (!chain.isRunning) {
          begin();
        }
        isPlaying = true;
        const ms = stats?.firstFrameRendered ?? stats?.playing;
        chain.recording?.start(ms === undefined ? undefined : ms / 1000);
      },
      onStartBuffering: () => chain.recording?.enter('buffering'),
      onStopBuffering: () => chain.recording?.enter('playing'),
      // Of a live stream a pause is the end; to go on, nanoPlayer loads it again.
      onPause: ({ data }) => chain.end(data.reason ?? 'normal'),
      onError: ({ data: { code = 0 } }) => chain.status(code, !isHarmless(code)),
      onWarning: ({ data }) => {
        const recovery = /media error (\d+)/i.exec(data.message ?? '');
        if (recovery) {
          chain.status(Number(recovery[1]));
        }
      },
      onStats: ({ data: { stats } }) => {
        // Consent may have come while it was playing.
        if (isPlaying) {
          chain.recording?.start();
        }
        bufferLength = stats?.buffer?.delay?.current;
        bitrate = stats?.bitrate?.current;
      },
      onStreamInfo: ({ data }) => {
        height = data.streamInfo?.videoInfo?.height;
      },
      onSwitchStreamSuccess: ({ data: { type } }) => {
        if (type === 'up' || type === 'down') {
          chain.recording?.countSwitch(type);
        }
      },
      onSwitchStreamFail: () => chain.recording?.countSwitch('failed'),
      onUpdateSourceInit: ({ data }) => {
        updateAt = performance.now();
        change(data.source, data.entry);
      },
      onUpdateSourceSuccess: ({ data }) => {
        change(data.source, data.entry);
        // The new source plays without a pause in between, else the pause has ended the old play.
        if (chain.recording?.hasStarted && openedAt < updateAt) {
          const startTime = (performance.now() - updateAt) / 1000;
          begin();
          isPlaying = true;
          chain.recording?.start(startTime);
        }
      },
      onDestroy: () => chain.end('destroy'),
    };

    const { setup } = player;
    player.setup = (config) => {
      let listening = config;
      chain.guard.safely(() => {
        change(config.source);
        listening = { ...config, events: { ...config.events } };
        for (const [name, handler] of Object.entries(handlers)) {
          const pagesHandler = config.events?.[name];
          listening.events![name] = (event: NanoPlayerEvent) => {
            chain.guard.safely(() => {
              version = event.version ?? version;
              handler(event);
            });
            pagesHandler?.(event);
          };
        }
      });
      return setup.call(player, listening);
    };
    chain.onOver(() => {
      player.setup = setup;
    });
  });
}

function nameOf(source?: Source, entry = source?.entries?.[source.startIndex ?? 0] ?? source): string | undefined {
  return entry?.h5live?.rtmp?.streamname ?? entry?.bintu?.streamid ?? source?.group?.id;
}
