import type { Emitter } from '../chain';
import { ask } from '../guard';
import type { Description } from '../open';
import type { BeaconOptions, BeaconSession } from '../options';
import { Plays } from '../plays';

/** What is used of a Shaka player, from version 4 on. */
export type ShakaPlayer = Emitter & {
  load(...parameters: never[]): Promise<unknown>;
  getMediaElement(): HTMLMediaElement | null;
  getAssetUri(): string | null;
  getManifestType(): string | null;
  getLoadMode(): number;
  isLive(): boolean;
  getStats(): { liveLatency: number };
  getVariantTracks(): Array<{
    active: boolean;
    bandwidth: number;
    videoBandwidth: number | null;
    audioBandwidth: number | null;
  }>;
};

interface Versioned {
  version?: string;
}

interface ShakaError {
  code: number | string;
  severity: number;
}

/** shaka.util.Error.Severity */
const critical = 2;
/** shaka.util.Error.Code.LOAD_INTERRUPTED: another call of load has taken its place. */
const loadInterrupted = 7000;
/** shaka.Player.LoadMode */
const destroyed = 0;

/** Observes the plays of a Shaka player, each from its call of `load` on. */
export function observeShaka(player: ShakaPlayer, options: BeaconOptions): BeaconSession {
  // Behind the user interface of Shaka the player is a proxy, whose constructor knows no version.
  const { shaka } = globalThis as { shaka?: { Player?: Versioned } };
  const version = (player?.constructor as Versioned | undefined)?.version ?? shaka?.Player?.version;
  const isLive = () => ask(() => player.isLive());
  const measure = () => {
    const { bandwidth, videoBandwidth, audioBandwidth } = player.getVariantTracks().find(({ active }) => active) ?? {};
    return {
      latency: isLive() ? player.getStats().liveLatency : undefined,
      videoBitrate: videoBandwidth ?? bandwidth,
      audioBitrate: audioBandwidth ?? undefined,
    };
  };
  const plays = new Plays(options, { measure, isLive, handlesErrors: true });
  return plays.connect(() => {
    let description: Description;
    let settle = () => {};
    const identify = () => {
      description.protocol = ask(() => player.getManifestType())?.toLowerCase() || protocolOf(description.source);
      settle();
    };
    const begin = () => {
      const source = player.getAssetUri() ?? '';
      settle();
      // What a manifest is without a telling name shows when it has been read.
      const ready = new Promise<void>((resolve) => (settle = resolve));
      description = { client: { kind: 'shaka', version }, source, ready };
      plays.begin(player.getMediaElement() as HTMLVideoElement | null, description);
      if (protocolOf(source) || player.getManifestType()) {
        identify();
      }
    };
    const fail = ({ code, severity }: ShakaError) => {
      identify();
      if (severity === critical) {
        plays.fail(code);
      } else {
        plays.status(code);
      }
    };
    // Only the promise of load tells why a source cannot be loaded.
    let loading = 0;
    const unloaded = () => plays.end(player.getLoadMode() === destroyed ? 'destroy' : 'normal');
    const failedToLoad = (error?: ShakaError) => {
      if (error?.code !== loadInterrupted) {
        fail({ code: error?.code ?? 'load', severity: critical });
      } else if (loading === 0 && !player.getAssetUri()) {
        unloaded();
      }
    };
    const { load } = player;
    player.load = (...parameters) => {
      loading++;
      const promise = load.apply(player, parameters);
      promise.then(
        () => loading--,
        (error) => {
          loading--;
          plays.guard.safely(() => failedToLoad(error));
        }
      );
      return promise;
    };
    plays.onOver(() => {
      settle();
      player.load = load;
    });
    if (player.getAssetUri()) {
      begin();
    }
    plays.listen(player, {
      loading: begin,
      manifestparsed: identify,
      adaptation: () => plays.recording?.switched(measure().videoBitrate),
      variantchanged: () => plays.recording?.switched(measure().videoBitrate),
      error: ({ detail }: { detail: ShakaError }) => fail(detail),
      unloading: () => {
        // A source that takes the place of this one says so itself, and one that cannot be loaded is unloaded first.
        if (loading === 0) {
          unloaded();
        }
      },
    });
  });
}

function protocolOf(source = ''): string | undefined {
  return /\.m3u8\b/i.test(source) ? 'hls' : /\.mpd\b/i.test(source) ? 'dash' : undefined;
}
