import { observeElement } from './adapters/html5';
import { isInSample, open } from './open';
import type { BeaconOptions, BeaconSession } from './options';
import { Session } from './session';

export type { PlayerStats, PublisherStats, StopReason } from './events';
export type { BeaconOptions, BeaconSession, Client, CommonOptions } from './options';

/**
 * Observes a media element, from now on, and reports it. Call it when playback is asked for: start-up time counts from
 * here. It never throws; what goes wrong is one warning on the console.
 *
 * With a `client` in the options the page has a player of its own in front of the element: then this is one play, from now
 * on until it ends. Without one, the element's next source or its replay is a session of its own.
 */
export function observe(video: HTMLVideoElement, options: BeaconOptions): BeaconSession {
  return options?.client ? observePlay(video, options) : observeElement(video, options);
}

function observePlay(video: HTMLVideoElement, options: BeaconOptions): BeaconSession {
  if (!isInSample(options)) {
    return { id: '', status: () => {}, stop: () => {} };
  }
  return open(options, {
    describe: () => ({ client: { kind: 'html5' }, source: video.currentSrc }),
    begin: (context) => new Session(video, { ...context, live: options.live, measure: options.measure }),
  });
}
