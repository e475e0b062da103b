import { defineConfig } from '@playwright/test';

const players = { workers: 1, dependencies: ['failures', 'examples'] };

export default defineConfig({
  testDir: '.',
  globalSetup: require.resolve('./support/setup'),
  outputDir: '../../test-results/browser',
  timeout: 90_000,
  workers: 6,
  projects: [
    // They mostly wait, until a player gives up or for a report, or count bytes. The longest begin first.
    { name: 'failures', testMatch: /\/(failures|nginx)\.spec\.ts$/, fullyParallel: true },
    { name: 'examples', testMatch: /\/examples\.spec\.ts$/, fullyParallel: true },
    // Stalls are compared to the millisecond; players that compete for the processor would disturb each other, so each test
    // has its turn. The one of the widgets waits for a minute to be over, and others have theirs meanwhile.
    { ...players, name: 'players and widgets', testMatch: /\/players\.spec\.ts$/ },
    { ...players, name: 'players', testIgnore: /\/(examples|failures|nginx|players)\.spec\.ts$/ },
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
