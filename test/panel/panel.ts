import { readFile } from 'node:fs/promises';
import path from 'node:path';

import { test as base } from '@playwright/test';
import { build } from 'esbuild';

import type { Case } from './cases';

interface Panel {
  /** Draws a case and returns the milliseconds that it took. */
  show: (shown: Case) => Promise<number>;
  clear: () => Promise<void>;
}

declare global {
  interface Window {
    panel: { show: (shown: Case) => Promise<number>; clear: () => void };
  }
}

/** The site is served from memory: it has no port and no name outside the browser. */
const SITE = 'http://panel.test';

const TOP = path.resolve(__dirname, '../..');
const ICONS = path.join(TOP, 'node_modules/@grafana/ui/dist/public');

const HTML = `<!doctype html><html lang="en"><title>World map</title><link rel="icon" href="data:,">
<style>body { margin: 0 }</style><div id="styles"></div><main id="room"></main><script>grafanaBootData = { settings: { featureToggles: {} }, user: { language: "en-US" }, navTree: [] }</script><script src="/page.js"></script>`;

/** A test with a page that shows the built panel. */
export const test = base.extend<{ panel: Panel }, { script: string }>({
  script: [
    async ({}, use) => {
      const { outputFiles } = await build({
        entryPoints: [path.join(__dirname, 'page/main.tsx')],
        bundle: true,
        write: false,
        minify: true,
        format: 'iife',
        jsx: 'automatic',
        target: 'es2022',
        loader: { '.svg': 'text', '.css': 'empty' },
        define: { 'process.env.NODE_ENV': '"production"', 'process.env': '{}', global: 'window' },
        logLevel: 'error',
      });
      await use(outputFiles[0]!.text);
    },
    { scope: 'worker', timeout: 120_000 },
  ],

  panel: async ({ page, script }, use) => {
    const errors: string[] = [];
    page.on('pageerror', (error) => errors.push(error.message));
    page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
    await page.route(`${SITE}/**`, async (route) => {
      const { pathname } = new URL(route.request().url());
      if (pathname === '/') {
        await route.fulfill({ contentType: 'text/html', body: HTML });
      } else if (pathname === '/page.js') {
        await route.fulfill({ contentType: 'text/javascript', body: script });
      } else if (pathname.startsWith('/dist/')) {
        await route.fulfill({ body: await readFile(path.join(TOP, pathname)) });
      } else if (pathname.endsWith('.woff2')) {
        // Grafana's packages come without its fonts; the browser's own take their place.
        await route.fulfill({ contentType: 'font/woff2', body: '' });
      } else {
        // Icons; their address begins differently from version to version of Grafana.
        const icon = pathname.replace(/^.*\/img\//, 'img/');
        await route.fulfill({ contentType: 'image/svg+xml', body: await readFile(path.join(ICONS, icon)) });
      }
    });
    await page.goto(SITE);
    await use({
      show: (shown) => page.evaluate((shown) => window.panel.show(shown), shown),
      clear: () => page.evaluate(() => window.panel.clear()),
    });
    base.expect(errors, 'errors in the browser').toEqual([]);
  },
});

export { expect } from '@playwright/test';
