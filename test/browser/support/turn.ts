import { mkdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { test as base } from '@playwright/test';

/** The right to have players that are measured, which one test has at a time, of all workers. */
export class Turn {
  private taken = false;

  async take(): Promise<void> {
    const taken = folder();
    while (!this.taken) {
      try {
        mkdirSync(taken);
        this.taken = true;
      } catch {
        await sleep(50);
      }
    }
  }

  end(): void {
    if (this.taken) {
      rmdirSync(folder());
    }
    this.taken = false;
  }
}

function folder(): string {
  return join(process.env.TEST_VIDEO!, 'turn');
}

/** A test that has its turn until it ends it, in the projects of players. */
export const test = base.extend<{ turn: Turn }>({
  turn: [
    async ({}, use, { project }) => {
      const turn = new Turn();
      if (project.name.startsWith('players')) {
        await turn.take();
      }
      await use(turn);
      turn.end();
    },
    { auto: true, timeout: 600_000 },
  ],
});
