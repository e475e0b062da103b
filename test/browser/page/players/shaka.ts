import { observeShaka } from '@streamlens/beacon/shaka';
import shaka from 'shaka-player';
import shakaDebug from 'shaka-player/dist/shaka-player.compiled.debug.js';
import { bufferGoal, type CreatedPlayer, type PlayerOptions } from './main';

export function createShaka(options: PlayerOptions): Promise<CreatedPlayer> {
  return create(shaka, options);
}

/** The build for debugging, whose names of properties are not shortened. */
export function createShakaDebug(options: PlayerOptions): Promise<CreatedPlayer> {
  return create(shakaDebug as unknown as typeof shaka, options);
}

async function create(
  { Player, util }: typeof shaka,
  { video, source, cmcd, onError }: PlayerOptions
): Promise<CreatedPlayer> {
  const { url, contentId, interval } = cmcd;
  const player = new Player();
  const fail = ({ code, severity }: shaka.util.Error) => onError(code, severity === util.Error.Severity.CRITICAL);
  player.addEventListener('error', (event) => fail((event as Event & { detail: shaka.util.Error }).detail));
  player.configure({
    streaming: { bufferingGoal: bufferGoal },
    cmcd: {
      enabled: true,
      version: 2,
      contentId,
      eventTargets: [
        { enabled: true, mode: 'event', url, events: ['ps', 'e', 't'], interval, includeKeys: [], useHeaders: false },
      ],
    },
  });
  await player.attach(video);
  return {
    observe: (beacon) => observeShaka(player, beacon),
    start: () => {
      player.load(`${source}.mpd`).catch(fail);
    },
    destroy: () => player.destroy(),
  };
}
