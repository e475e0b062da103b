import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { extname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { build } from 'esbuild';
import type { Figures } from '../page/measure';
import { root } from './paths';
import { LocalServer } from './server';

const contentTypes: Record<string, string> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.m3u8': 'application/vnd.apple.mpegurl',
  '.ts': 'video/mp2t',
};

/** Serves the page that plays, and the video, whose segments it can withhold. */
export class Site {
  /** What pages reported about themselves while they were closing. */
  readonly figures: Figures[] = [];

  private server!: LocalServer;
  private withheld?: { promise: Promise<void>; release: () => void };

  static async start(): Promise<Site> {
    const bundle = await build({
      entryPoints: [join(__dirname, '../page/main.ts')],
      bundle: true,
      format: 'esm',
      external: ['@streamlens/beacon'],
      write: false,
    });
    const main = bundle.outputFiles[0]!.contents;
    const site = new Site();
    site.server = await LocalServer.start((request, response) => {
      site.serve(request, response, main).catch((error) => response.writeHead(404).end(String(error)));
    });
    return site;
  }

  get origin(): string {
    return this.server.origin;
  }

  /** Lets every segment that is asked for from now on wait for release. */
  withhold(): void {
    let release = () => {};
    const promise = new Promise<void>((resolve) => (release = resolve));
    this.withheld = { promise, release };
  }

  release(): void {
    this.withheld?.release();
    this.withheld = undefined;
  }

  async stop(): Promise<void> {
    this.release();
    await this.server.stop();
  }

  private async serve(request: IncomingMessage, response: ServerResponse, main: Uint8Array): Promise<void> {
    const path = new URL(request.url!, this.origin).pathname;
    if (path === '/figures') {
      this.figures.push(JSON.parse(await text(request)) as Figures);
      response.writeHead(204).end();
      return;
    }
    if (path.endsWith('.ts')) {
      await this.withheld?.promise;
    }
    const body = path === '/page/main.js' ? main : await readFile(file(path));
    response.writeHead(200, { 'Content-Type': contentTypes[extname(path)] ?? 'text/html' }).end(body);
  }
}

function file(path: string): string {
  const [, folder, name = ''] = path.split('/');
  switch (folder) {
    case 'video':
      return join(process.env.TEST_VIDEO!, name);
    case 'beacon':
      return join(root, 'beacon/dist', name);
    default:
      return join(__dirname, '../page/index.html');
  }
}
