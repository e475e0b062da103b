import { observeHls } from '@streamlens/beacon/hlsjs';
import Hls from 'hls.js';
import { bufferGoal, type CreatedPlayer, type PlayerOptions } from './main';

export function createHlsjs({ video, source, cmcd, onError }: PlayerOptions): CreatedPlayer {
  const { url, contentId, interval } = cmcd;
  const { default: loadPolicy } = Hls.DefaultConfig.fragLoadPolicy;
  const hls = new Hls({
    maxBufferLength: bufferGoal,
    maxMaxBufferLength: bufferGoal,
    // By default hls.js tries for half a minute.
    fragLoadPolicy: {
      default: { ...loadPolicy, errorRetry: { maxNumRetry: 1, retryDelayMs: 500, maxRetryDelayMs: 500 } },
    },
    cmcd: { version: 2, contentId, eventTargets: [{ url, events: ['ps', 'e', 't'], interval }] },
  });
  hls.on(Hls.Events.ERROR, (_, { details, fatal }) => {
    // What hls.js itself stops loading has not failed.
    if (details !== 'aborted') {
      onError(details, fatal);
    }
  });
  return {
    observe: (beacon) => observeHls(hls, beacon),
    start: () => {
      hls.attachMedia(video);
      hls.loadSource(`${source}.m3u8`);
    },
    destroy: () => hls.destroy(),
  };
}
