import type { Description } from '../open';
import type { BeaconOptions, BeaconSession } from '../options';
import { Plays } from '../plays';

/** HTMLMediaElement.networkState of an element without a source. */
const networkEmpty = 0;

/** Observes the plays of an element that plays its sources by itself. */
export function observeElement(video: HTMLVideoElement, options: BeaconOptions): BeaconSession {
  const plays = new Plays(options);
  return plays.connect(() => {
    let description: Description;
    const begin = () => {
      const source = video.currentSrc || video.src;
      const ready = source
        ? undefined
        : new Promise((resolve) => video.addEventListener('loadstart', resolve, { once: true }));
      plays.begin(video, (description = { client: { kind: 'html5' }, source, ready }));
    };
    begin();
    plays.listen(video, {
      loadstart: () => {
        if (!plays.isRunning || (plays.recording?.hasStarted && video.currentSrc !== description.source)) {
          begin();
        } else {
          description.source = video.currentSrc;
        }
      },
      emptied: () =>
        setTimeout(() => {
          if (video.networkState === networkEmpty) {
            plays.end('normal');
          }
        }),
    });
  });
}
