import type { Emitter } from '../chain';
import { ask } from '../guard';
import type { BeaconOptions, BeaconSession } from '../options';
import { Plays } from '../plays';

/** What is used of an hls.js player, from version 1.0 on. */
export type HlsPlayer = Emitter & {
  readonly url: string | null;
  readonly media: HTMLMediaElement | null;
  readonly currentLevel: number;
  readonly levels: ReadonlyArray<{ bitrate: number; details?: { live: boolean } }>;
  readonly latency: number;
};

/** Observes the plays of an hls.js player, each from `loadSource` and `attachMedia`, whichever comes later. */
export function observeHls(hls: HlsPlayer, options: BeaconOptions): BeaconSession {
  const version = (hls?.constructor as { version?: string } | undefined)?.version;
  const level = () => ask(() => hls.levels[hls.currentLevel]);
  const isLive = () => level()?.details?.live;
  const measure = () => ({ latency: isLive() ? hls.latency : undefined, videoBitrate: level()?.bitrate || undefined });
  const plays = new Plays(options, { measure, isLive });
  return plays.connect(() => {
    let requests = 0;
    let failure: { details: string; requests: number } | undefined;
    const request = () => {
      requests++;
    };
    // After a fatal error hls.js loads nothing, unless the page makes it go on.
    const judge = () => {
      if (failure) {
        const { details } = failure;
        if (requests > failure.requests) {
          plays.status(details);
        } else {
          plays.fail(details);
        }
        failure = undefined;
      }
    };
    const begin = (media: HTMLMediaElement | null, source: string | null) => {
      judge();
      if (media && source) {
        plays.begin(media as HTMLVideoElement, { client: { kind: 'hlsjs', version }, source });
      }
    };
    begin(hls.media, hls.url);
    plays.listen(hls, {
      hlsManifestLoading: (_: unknown, { url }: { url: string }) => begin(hls.media, url),
      hlsMediaAttaching: (_: unknown, { media }: { media?: HTMLMediaElement }) => {
        request();
        if (!plays.isRunning) {
          begin(media ?? null, hls.url);
        }
      },
      // To recover from an error, hls.js detaches and attaches at once.
      hlsMediaDetached: () =>
        setTimeout(() => {
          if (!hls.media) {
            plays.end('normal');
          }
        }),
      hlsLevelLoading: request,
      hlsLevelSwitched: (_: unknown, { level: rendered }: { level: number }) =>
        plays.recording?.switched(hls.levels[rendered]?.bitrate),
      hlsFragLoading: request,
      hlsError: (_: unknown, { details, fatal }: { details: string; fatal: boolean }) => {
        judge();
        // hls.js stopped loading by itself, as for another source: nothing failed.
        if (details === 'aborted') {
          return;
        }
        if (fatal) {
          failure = { details, requests };
          setTimeout(() => plays.guard.safely(judge));
        } else {
          plays.status(details);
        }
      },
      // A page that destroys hls.js in its own handler of an error may hear of it before this one does.
      hlsDestroying: () =>
        queueMicrotask(() => {
          plays.guard.safely(judge);
          plays.stop('destroy');
        }),
    });
  });
}
