import type { JSHandle, Page } from '@playwright/test';
import type { BeaconOptions } from '@streamlens/beacon';
import type { PlayingPage } from '../page/main';
import type { Figures } from '../page/measure';
import type { Site } from './site';

/** How a page plays; what is left out is the HLS video, hls.js and the beacon's ES module. */
export type How = Partial<Omit<Parameters<PlayingPage['play']>[0], 'beacon'>>;

/** A page of a site, with the video element in it, seen from a test. */
export class Player {
  private constructor(
    private readonly page: Page,
    private readonly site: Site,
    private readonly handle: JSHandle<PlayingPage>
  ) {}

  static async open(page: Page, site: Site): Promise<Player> {
    await page.goto(site.origin);
    return new Player(page, site, await page.evaluateHandle('page'));
  }

  async play(beacon: BeaconOptions, how: How = {}): Promise<void> {
    const full = { source: '/video/stream.m3u8', player: 'hlsjs' as const, build: 'module' as const, ...how, beacon };
    await this.handle.evaluate((page, full) => page.play(full), full);
  }

  /** Waits until the video has been played up to a position in s. */
  async reaches(position: number): Promise<void> {
    await this.page.waitForFunction((position) => document.querySelector('video')!.currentTime >= position, position);
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

  /** Ends the session and the page's own recording. */
  async stop(): Promise<void> {
    await this.handle.evaluate((page) => page.stop());
  }

  /** What the page itself measured. */
  figures(): Promise<Figures> {
    return this.handle.evaluate((page) => page.figures());
  }
}
