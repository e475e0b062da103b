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
  '.m4s': 'video/iso.segment',
  '.m3u8': 'application/vnd.apple.mpegurl',
  '.mpd': 'application/dash+xml',
  '.ts': 'video/mp2t',
};

const page = join(__dirname, '../page');

/** Scripts of the pages, each bundled once. */
const bundles = new Map<string, Promise<Uint8Array>>();

/** Serves the pages that play, and the video, whose segments it can withhold and refuse. */
export class Site {
  /** What pages reported about themselves while they were closing. */
  readonly figures: Figures[] = [];

  private server!: LocalServer;
  private withheld?: { promise: Promise<void>; release: () => void };
  private refused?: RegExp;

  static async start(): Promise<Site> {
    const site = new Site();
    site.server = await LocalServer.start((request, response) => {
      site.serve(request, response).catch((error) => response.writeHead(404).end(String(error)));
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

  /** Answers segments that are asked for from now on with 404, unless their name is not like this. */
  refuse(name = /./): void {
    this.refused = name;
  }

  /** Answers as before the calls of withhold and refuse. */
  recover(): void {
    this.release();
    this.refused = undefined;
  }

  async stop(): Promise<void> {
    this.release();
    await this.server.stop();
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = new URL(request.url!, this.origin).pathname;
    if (path === '/figures') {
      this.figures.push(JSON.parse(await text(request)) as Figures);
      response.writeHead(204).end();
      return;
    }
    if (path.endsWith('.ts') || path.endsWith('.m4s')) {
      await this.withheld?.promise;
      if (this.refused?.test(path)) {
        throw new Error('refused');
      }
    }
    const body = await content(path);
    response.writeHead(200, { 'Content-Type': contentTypes[extname(path)] ?? 'text/html' }).end(body);
  }
}

function content(path: string): Promise<Uint8Array> {
  const [, folder, ...rest] = path.split('/');
  switch (folder) {
    case 'video':
      return readFile(join(process.env.TEST_VIDEO!, ...rest));
    case 'beacon':
      return readFile(join(root, 'beacon/dist', ...rest));
    case 'page':
      return script(join(page, ...rest).replace(/\.js$/, '.ts'));
    default:
      return readFile(join(page, path, 'index.html'));
  }
}

function script(source: string): Promise<Uint8Array> {
  let bundle = bundles.get(source);
  if (!bundle) {
    bundle = build({
      entryPoints: [source],
      bundle: true,
      format: 'esm',
      external: ['@streamlens/beacon'],
      write: false,
    }).then(({ outputFiles }) => outputFiles[0]!.contents);
    bundles.set(source, bundle);
  }
  return bundle;
}
