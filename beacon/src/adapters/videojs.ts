import type { Emitter } from '../chain';
import { ask } from '../guard';
import type { Description } from '../open';
import type { BeaconOptions, BeaconSession } from '../options';
import { Plays } from '../plays';

/** What is used of a Video.js player, from version 7 on. */
export type VideojsPlayer = Emitter & {
  /** From version 8 on. */
  version?(): unknown;
  el(): Element;
  currentSrc(): string;
  currentType(): string;
  currentTime(): number | undefined;
  error(): { code: number } | null | undefined;
  liveTracker?: { isLive(): boolean; liveCurrentTime(): number };
  tech(safety?: unknown): unknown;
};

/** The part of Video.js' HTTP streaming (VHS) that knows what is being played. */
interface Streaming {
  vhs?: { playlists?: { media(): { attributes?: { BANDWIDTH?: number } } | undefined } };
}

/** Observes the plays of a Video.js player, each from the choice of its source on. */
export function observeVideojs(player: VideojsPlayer, options: BeaconOptions): BeaconSession {
  const isLive = () => player.liveTracker?.isLive();
  const measure = () => ({
    latency: isLive() ? player.liveTracker!.liveCurrentTime() - (player.currentTime() ?? NaN) : undefined,
    videoBitrate: ask(() => (player.tech(true) as Streaming).vhs?.playlists?.media()?.attributes?.BANDWIDTH),
  });
  const plays = new Plays(options, { measure, isLive, handlesErrors: true });
  return plays.connect(() => {
    let description: Description | undefined;
    const begin = (video?: HTMLVideoElement) => {
      const source = player.currentSrc();
      // The element also loads when Video.js renews what it plays the same source with.
      if (!source || (plays.isRunning && source === description?.source)) {
        return;
      }
      description = {
        client: { kind: 'videojs', version: (player.version?.() as Record<string, string> | undefined)?.['video.js'] },
        source,
        protocol: protocolOf(player.currentType()),
      };
      plays.begin(video ?? player.el().querySelector('video') ?? (player.el() as HTMLVideoElement), description);
    };
    // A source that has failed before the element began to load what Video.js makes of it.
    let failed: string | undefined;
    begin();
    plays.listen(player, {
      loadstart: () => {
        if (player.currentSrc() !== failed) {
          begin();
        }
        failed = undefined;
      },
      error: () => {
        const error = player.error();
        if (!error) {
          return;
        }
        if (!plays.isRunning && player.currentSrc() !== description?.source) {
          failed = player.currentSrc();
          // Video.js lets the player's element play what has failed, once it loads, which is no other attempt.
          begin(document.createElement('video'));
        }
        plays.fail(error.code);
      },
      dispose: () => plays.stop('destroy'),
    });
  });
}

function protocolOf(type = ''): string | undefined {
  return /mpegurl/i.test(type) ? 'hls' : /dash/i.test(type) ? 'dash' : undefined;
}
