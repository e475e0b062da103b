import type { JSHandle, Page } from '@playwright/test';
import type { BeaconOptions } from '@streamlens/beacon';
import type { PlayingPage } from '../page/main';
import type { Figures } from '../page/measure';
import type { Site } from './site';

/** How a page plays; what is left out is the HLS video, hls.js and the beacon's ES module. */
export type How = Partial<Omit<Parameters<PlayingPage['play']>[0], 'beacon'>>;

/** What the script of a page gives to tests. */
interface Scripted {
  video: HTMLVideoElement;
  figures(): Figures;
}

/** A page with a video element in it, seen from a test. */
export class VideoPage<P extends Scripted> {
  constructor(
    protected readonly page: Page,
    private readonly site: Site,
    protected readonly handle: JSHandle<P>
  ) {}

  /** Waits until the video has been played up to a position in s. */
  async reaches(position: number): Promise<void> {
    await this.page.waitForFunction((position) => document.querySelector('video')!.currentTime >= position, position);
  }

  /** Waits until the video has been played to its end. */
  async ends(): Promise<void> {
    await this.page.waitForFunction(() => document.querySelector('video')!.ended);
  }

  async pause(ms: number): Promise<void> {
    await this.handle.evaluate(({ video }) => video.pause());
    await this.page.waitForTimeout(ms);
    await this.handle.evaluate(({ video }) => void video.play());
  }

  async seek(position: number): Promise<void> {
    await this.handle.evaluate(({ video }, position) => (video.currentTime = position), position);
  }

  /** Forces a stall by withholding segments, for so many ms after it has begun. */
  async stall(ms: number): Promise<void> {
    this.site.withhold();
    await this.page.waitForFunction(() => document.querySelector('video')!.readyState < 3);
    await this.page.waitForTimeout(ms);
    this.site.release();
  }

  /** What the page itself measured. */
  figures(): Promise<Figures> {
    return this.handle.evaluate((page) => page.figures());
  }
}

/** The page that plays with hls.js or by the element itself. */
export class Player extends VideoPage<PlayingPage> {
  static async open(page: Page, site: Site): Promise<Player> {
    await page.goto(site.origin);
    return new Player(page, site, await page.evaluateHandle('page'));
  }

  async play(beacon: BeaconOptions, how: How = {}): Promise<void> {
    const full = { source: '/video/stream.m3u8', player: 'hlsjs' as const, build: 'module' as const, ...how, beacon };
    await this.handle.evaluate((page, full) => page.play(full), full);
  }

  /** Ends the session and the page's own recording. */
  async stop(): Promise<void> {
    await this.handle.evaluate((page) => page.stop());
  }
}
