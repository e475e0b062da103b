import { observeDash } from '@streamlens/beacon/dashjs';
import { MediaPlayer } from 'dashjs';
import { bufferGoal, type CreatedPlayer, type PlayerOptions } from './main';

/** dash.js sends only the keys that are named. */
const enabledKeys = ['sid', 'cid', 'v', 'sta', 'sn', 'ts', 'e', 'ec', 'bl', 'br', 'ltc', 'msd', 'sf', 'st'];

export function createDashjs({ video, source, cmcd, onError }: PlayerOptions): CreatedPlayer {
  const { url, contentId, interval } = cmcd;
  const player = MediaPlayer().create();
  player.updateSettings({
    streaming: {
      buffer: {
        bufferTimeDefault: bufferGoal,
        bufferTimeAtTopQuality: bufferGoal,
        bufferTimeAtTopQualityLongForm: bufferGoal,
      },
      // By default dash.js tries for three seconds.
      retryAttempts: { MediaSegment: 1 },
      retryIntervals: { MediaSegment: 500 },
      cmcd: {
        enabled: true,
        version: 2,
        cid: contentId,
        enabledKeys,
        eventTargets: [{ enabled: true, url, events: ['ps', 'e', 't'], interval, enabledKeys }],
      },
    },
  });
  player.initialize(video);
  player.on(MediaPlayer.events.ERROR, ({ error }) => {
    onError(typeof error === 'object' && error.code ? error.code : String(error), true);
  });
  return {
    observe: (beacon) => observeDash(player, beacon),
    start: () => player.attachSource(`${source}.mpd`),
    destroy: () => player.destroy(),
  };
}
