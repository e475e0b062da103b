import type { JSHandle, Page } from '@playwright/test';
import type { AdaptersPage, PlayerKind } from '../page/adapters/main';
import type { ReceivedEvent } from './collector';
import type { Site } from './site';

/** What each player plays first and second. */
export const sources: Record<PlayerKind, [string, string]> = {
  hlsjs: ['/video/players/stream.m3u8', '/video/stream.m3u8'],
  dashjs: ['/video/players/stream.mpd', '/video/players/stream.mpd?again'],
  shaka: ['/video/players/stream.mpd', '/video/players/stream.m3u8'],
  videojs: ['/video/players/stream.m3u8', '/video/players/stream.mpd'],
  html5: ['/video/players/stream.m3u8', '/video/stream.m3u8'],
};

export async function open(page: Page, site: Site): Promise<JSHandle<AdaptersPage>> {
  await page.goto(`${site.origin}/adapters`);
  return page.evaluateHandle('page');
}

/** Waits until the element of that number has been played up to a position in s. */
export function reaches(page: Page, player: number, position: number): Promise<unknown> {
  return page.waitForFunction(
    ([player, position]) => document.querySelectorAll('video')[player!]!.currentTime >= position!,
    [player, position]
  );
}

export function sum(events: ReceivedEvent[], kind: 'playing' | 'buffering' | 'paused'): number {
  return events.reduce((total, event) => total + (event[kind] ?? 0), 0) * 1000;
}
