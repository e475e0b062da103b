import { Chain } from './chain';
import type { PlayerStats } from './events';
import type { Description } from './open';
import type { BeaconOptions } from './options';
import { Session } from './session';

/** What an adapter can ask its player. */
export interface PlayerKnowledge {
  measure?: () => PlayerStats;
  isLive?: () => boolean | undefined;
  /** The player looks after the element's errors and reports those that it cannot mend. */
  handlesErrors?: boolean;
}

/** Who observes the plays of an element. */
const observers = new WeakMap<HTMLVideoElement, Plays>();

/** The plays of one player that has a media element. */
export class Plays extends Chain<Session> {
  private forgetReplay = () => {};
  /** When the first play was asked for, until it begins. */
  private since?: number;

  constructor(
    private readonly playOptions: BeaconOptions,
    private readonly player: PlayerKnowledge = {}
  ) {
    super(playOptions);
    this.since = playOptions?.since;
  }

  /**
   * Begins a play, in place of the one that runs.
   *
   * @param description may be completed while the play goes on
   */
  begin(video: HTMLVideoElement | null | undefined, description: Description): void {
    if (!video) {
      return;
    }
    // Another player of the page may have had the element until now.
    observers.get(video)?.end(observers.get(video) === this ? 'playbackrestart' : 'destroy');
    observers.set(video, this);
    const { playOptions, player, since } = this;
    this.since = undefined;
    this.open({
      describe: () => description,
      begin: (context) =>
        new Session(video, {
          ...context,
          ...player,
          live: playOptions.live,
          startUp: since === undefined ? 0 : Math.max(performance.now() - since, 0),
          measure: () => ({ ...player.measure?.(), ...playOptions.measure?.() }),
        }),
      onEnd: () => this.awaitReplay(video, description),
    });
  }

  /** The player has given up, unless it is made to go on. */
  fail(code: number | string): void {
    this.guard.safely(() => this.recording?.fail(code));
  }

  end(reason: string): void {
    super.end(this.recording?.hasFailed ? 'playbackerror' : reason);
    this.forgetReplay();
  }

  /** A play that has ended by itself may begin anew: at its beginning, after an error, on a page that comes back. */
  private awaitReplay(video: HTMLVideoElement, description: Description): void {
    const replay = () => this.guard.safely(() => this.begin(video, description));
    this.forgetReplay = () => {
      video.removeEventListener('play', replay);
      video.removeEventListener('playing', replay);
    };
    video.addEventListener('play', replay);
    video.addEventListener('playing', replay);
  }
}
