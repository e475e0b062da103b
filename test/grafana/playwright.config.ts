import { defineConfig } from '@playwright/test';

// Tests of the plugin in a real Grafana: that of GRAFANA_URL, which must run the demo's provisioning, or one that the demo
// starts from GRAFANA_HOME.
export default defineConfig({
  testDir: '.',
  outputDir: '../../test-results/grafana',
  globalSetup: './demo.ts',
  timeout: 120_000,
  workers: 1,
  reporter: 'list',
  use: {
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      args: ['--disable-gpu', '--disable-quic'],
    },
    extraHTTPHeaders: {
      Authorization: `Basic ${Buffer.from(process.env.GRAFANA_USER ?? 'admin:admin').toString('base64')}`,
    },
    timezoneId: 'UTC',
  },
});
