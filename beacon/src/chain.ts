import { createGuard } from './guard';
import { isInSample, open, type Opening, type OpenSession } from './open';
import type { BeaconSession, CommonOptions } from './options';
import type { Recording } from './recording';

// Names and handlers have a type of its own in every player; each adapter knows that of its player.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type Listen = (name: any, handler: any) => unknown;

/** A player or publisher that tells of its events in one of the two usual ways. */
export type Emitter = { on: Listen; off?: Listen } | { addEventListener: Listen; removeEventListener: Listen };

/** The plays of one player or the broadcasts of one publisher, one after the other, each a session of its own. */
export class Chain<R extends Recording> implements BeaconSession {
  readonly guard = createGuard();
  protected running?: OpenSession<R>;
  private last?: OpenSession<R>;
  private isOver = false;
  private readonly cleanUps: Array<() => void> = [];

  constructor(private readonly options: CommonOptions) {}

  get id(): string {
    return this.last?.id ?? '';
  }

  /** A session goes on. */
  get isRunning(): boolean {
    return this.running !== undefined;
  }

  /** What is being recorded, if there is consent. */
  get recording(): R | undefined {
    return this.running?.recording;
  }

  /** Connects the chain to its player, unless it is not in the sample. What the function throws is a warning. */
  connect(connect: () => void): this {
    this.guard.safely(() => {
      if (isInSample(this.options)) {
        connect();
      }
    });
    return this;
  }

  /** Begins a session, in place of the one that runs. */
  open({ onEnd, ...opening }: Opening<R>): void {
    if (this.isOver) {
      return;
    }
    this.end('playbackrestart');
    this.last = this.running = open(this.options, {
      ...opening,
      guard: this.guard,
      onEnd: () => {
        this.running = undefined;
        onEnd?.();
      },
    });
  }

  status(code: number | string, fatal = false): void {
    this.running?.status(code, fatal);
  }

  /** Ends the session that runs. */
  end(reason: string): void {
    const { running } = this;
    this.running = undefined;
    running?.stop(reason);
  }

  stop(reason = 'normal'): void {
    this.isOver = true;
    this.end(reason);
    this.cleanUps.splice(0).forEach((cleanUp) => this.guard.safely(cleanUp));
  }

  /** Calls the handlers at the player's events, until the observation ends. */
  listen(emitter: Emitter, handlers: Record<string, (...args: never[]) => void>): void {
    for (const [name, handler] of Object.entries(handlers)) {
      const safeHandler = (...args: never[]) => {
        if (!this.isOver) {
          this.guard.safely(() => handler(...args));
        }
      };
      if ('on' in emitter) {
        emitter.on(name, safeHandler);
        this.onOver(() => emitter.off?.(name, safeHandler));
      } else {
        emitter.addEventListener(name, safeHandler);
        this.onOver(() => emitter.removeEventListener(name, safeHandler));
      }
    }
  }

  /** Lets an action follow the end of the observation. */
  onOver(cleanUp: () => void): void {
    this.cleanUps.push(cleanUp);
  }
}
