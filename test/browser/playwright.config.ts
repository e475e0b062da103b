import { defineConfig } from '@playwright/test';

export default defineConfig({
  testDir: '.',
  globalSetup: require.resolve('./support/setup'),
  outputDir: '../../test-results/browser',
  timeout: 90_000,
  workers: 4,
  projects: [
    // They mostly wait, for a report or until a player gives up, or count bytes.
    { name: 'waiting', testMatch: /\/(examples|failures|nginx)\.spec\.ts$/, fullyParallel: true, workers: 4 },
    // Stalls are compared to the millisecond; players that compete for the processor would disturb each other.
    { name: 'players', testIgnore: /\/(examples|failures|nginx)\.spec\.ts$/, workers: 1, dependencies: ['waiting'] },
  ],
  // A machine that is shared, as those of CI are, lets a player stall by itself now and then.
  retries: process.env.CI ? 2 : 0,
  use: {
    browserName: 'chromium',
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    },
  },
});
