import type { Emitter } from '../chain';
import { ask } from '../guard';
import type { BeaconOptions, BeaconSession } from '../options';
import { Plays } from '../plays';

/** What is used of a dash.js player, from version 4 on. */
export type DashPlayer = Emitter & {
  getVersion(): string;
  getSource(): string | object | null;
  getVideoElement(): HTMLMediaElement;
  isDynamic(): boolean;
  getCurrentLiveLatency(): number;
  /** From version 5 on. */
  getCurrentRepresentationForType?(type: 'video' | 'audio'): { bandwidth?: number } | null;
};

/** From version 5 on with what was shown before and what is now. */
interface QualityChange {
  mediaType: string;
  oldRepresentation?: { bandwidth?: number } | null;
  newRepresentation?: { bandwidth?: number } | null;
}

/**
 * Codes of errors after which dash.js plays on: XLink and time sources cannot be reached, a subtitle cannot be read, a
 * licence server's certificate is refused (dash.js, `Errors` and `ProtectionErrors`).
 */
const harmless = [12, 16, 29, 33, 109];

/** Observes the plays of a dash.js player, each from the request for its manifest on. */
export function observeDash(player: DashPlayer, options: BeaconOptions): BeaconSession {
  const isLive = () => ask(() => player.isDynamic());
  // What dash.js calls current is what it fetches; what is shown follows by a buffer.
  const bitrate = (type: 'video' | 'audio') => ask(() => player.getCurrentRepresentationForType?.(type)?.bandwidth);
  let shown: number | undefined;
  const measure = () => ({
    latency: isLive() ? ask(() => player.getCurrentLiveLatency()) : undefined,
    videoBitrate: shown ?? bitrate('video'),
    audioBitrate: bitrate('audio'),
  });
  const plays = new Plays(options, { measure, isLive, handlesErrors: true });
  return plays.connect(() => {
    let loaded: string | object | undefined;
    const begin = () => {
      const source = ask(() => player.getSource()) ?? undefined;
      // dash.js also loads the manifest of a live stream again and again.
      if (source && source !== loaded && ask(() => player.getVideoElement())) {
        loaded = source;
        shown = undefined;
        plays.begin(player.getVideoElement() as HTMLVideoElement, {
          client: { kind: 'dashjs', version: ask(() => player.getVersion()) },
          source: typeof source === 'string' ? source : '',
        });
      }
    };
    begin();
    plays.listen(player, {
      manifestLoadingStarted: begin,
      // Before these the element may be missing, and without a manifest's URL the first event does not come.
      streamInitializing: begin,
      streamInitialized: begin,
      qualityChangeRendered: ({ mediaType, oldRepresentation, newRepresentation }: QualityChange) => {
        if (mediaType === 'video') {
          shown = newRepresentation?.bandwidth ?? bitrate('video');
          plays.recording?.switched(shown, oldRepresentation?.bandwidth);
        }
      },
      // The end of one source, which another one may follow.
      streamTeardownComplete: () => {
        loaded = undefined;
        plays.end(ask(() => player.getSource()) ? 'playbackrestart' : 'destroy');
      },
      error: ({ error }: { error: string | { code?: number; message?: string } }) => {
        const code = typeof error === 'string' ? error : (error.code ?? error.message ?? 'unknown');
        if (harmless.includes(code as number)) {
          plays.status(code);
        } else {
          plays.fail(code);
        }
      },
    });
  });
}
