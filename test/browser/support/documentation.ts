import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Page } from '@playwright/test';
import { build } from 'esbuild';
import { root } from './paths';
import type { Site } from './site';

/** The two examples of a documentation page of a source that is a player or publisher. */
export interface Examples {
  /** A whole page with script tags. */
  html: string;
  /** Module for a bundler, bundled, in the body of the first example. */
  module: string;
}

/** Reads the examples of docs/sources as they are written. */
export async function examplesOf(source: string): Promise<Examples> {
  const text = await readFile(join(root, `docs/sources/${source}.md`), 'utf8');
  const html = /```html\n(.*?)```/s.exec(text)![1]!;
  const module = /```js\n(.*?)```/s.exec(text)![1]!;
  const { outputFiles } = await build({
    stdin: { contents: module, resolveDir: root },
    bundle: true,
    format: 'esm',
    write: false,
  });
  // Scripts from elsewhere stay, and where there is a module the beacon's script and the example's own go.
  const body = html.replace(/<script(?: src="streamlens-[^"]*")?>.*?<\/script>/gs, '');
  return {
    html,
    module: `${body}<script type="module">${outputFiles[0]!.text.replaceAll('</script', '<\\/script')}</script>`,
  };
}

/** Reads the examples of docs/sources/other-players.md as they are written, by heading; the packages are those in a folder. */
export async function otherPlayers(packages: string): Promise<Map<string, string>> {
  const text = await readFile(join(root, 'docs/sources/other-players.md'), 'utf8');
  const examples = new Map<string, string>();
  for (const [, heading, html, loader, module] of text.matchAll(
    /^## (.*?)\n.*?```html\n(.*?)```.*?```(jsx?)\n(.*?)```/gms
  )) {
    const { outputFiles } = await build({
      stdin: { contents: module!, resolveDir: packages, loader: loader as 'js' | 'jsx' },
      bundle: true,
      format: 'esm',
      jsx: 'automatic',
      nodePaths: [join(root, 'node_modules')],
      define: { 'process.env.NODE_ENV': '"production"' },
      loader: { '.css': 'empty' },
      logLevel: 'error',
      write: false,
    });
    const script = outputFiles[0]!.text.replaceAll('</script', '<\\/script');
    examples.set(heading!, `<!doctype html>\n${html}<script type="module">${script}</script>`);
  }
  return examples;
}

/** Where the scripts and styles come from that the examples name. */
const files: Record<string, string> = {
  'hls.min.js': 'node_modules/hls.js/dist/hls.min.js',
  'dash.all.min.js': 'node_modules/dashjs/dist/modern/umd/dash.all.min.js',
  'shaka-player.compiled.js': 'node_modules/shaka-player/dist/shaka-player.compiled.js',
  'video.min.js': 'node_modules/video.js/dist/video.min.js',
  'video-js.min.css': 'node_modules/video.js/dist/video-js.min.css',
};

/** Scripts that are not to be had, and what stands in for them. */
const standIns: Record<string, string> = {
  'nanoplayer.4.min.js': 'nanoplayer',
  'nano.webrtc.min.js': 'webcaster',
};

/**
 * Opens an example, as it is written, as a page of https://site.example. The hosts that it names are led to the tests' own
 * servers: collector.example to the collector, cdn.example to the video. To media.example the test itself answers.
 */
export async function openExample(page: Page, html: string, site: Site, collector: string): Promise<void> {
  await page.route(/^https:/, async (route) => {
    const url = new URL(route.request().url());
    const name = basename(url.pathname);
    const allow = { 'Access-Control-Allow-Origin': '*' };
    if (url.hostname === 'collector.example') {
      await route.fulfill({ response: await route.fetch({ url: collector + url.search }) });
    } else if (url.hostname === 'cdn.example') {
      const response = await route.fetch({ url: `${site.origin}/video/players/${name}` });
      await route.fulfill({ response, headers: { ...response.headers(), ...allow } });
    } else if (name in standIns) {
      const entryPoint = join(__dirname, `../page/adapters/${standIns[name]}.ts`);
      const { outputFiles } = await build({ entryPoints: [entryPoint], bundle: true, write: false });
      await route.fulfill({ contentType: 'text/javascript', body: outputFiles[0]!.text });
    } else if (name in files) {
      await route.fulfill({ path: join(root, files[name]!) });
    } else if (name.startsWith('streamlens-')) {
      await route.fulfill({ path: join(root, 'beacon/dist', name) });
    } else if (url.hostname === 'media.example') {
      await route.fallback();
    } else if (url.pathname === '/') {
      await route.fulfill({ contentType: 'text/html', body: html });
    } else {
      await route.fulfill({ status: 404 });
    }
  });
  await page.goto('https://site.example/');
}
