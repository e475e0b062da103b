import { defineConfig } from '@playwright/test';

export default defineConfig({
  testDir: '.',
  // `--project panel` are the tests; `--project figures` prints times and has no opinion on them.
  projects: [
    { name: 'panel', testMatch: '*.spec.ts' },
    { name: 'figures', testMatch: '*.bench.ts' },
  ],
  outputDir: '../../test-results/panel',
  snapshotPathTemplate: '{testDir}/screenshots/{arg}{ext}',
  timeout: 60_000,
  workers: 1,
  expect: {
    // Fonts and their smoothing differ a little from machine to machine; a wrong colour of a country is far more.
    toHaveScreenshot: { maxDiffPixelRatio: 0.02, threshold: 0.3 },
  },
  use: {
    browserName: 'chromium',
    viewport: { width: 1000, height: 640 },
    locale: 'en-US',
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
