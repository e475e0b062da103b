import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from '@playwright/test';
import { envelopes, sessions, story, test } from './support/beacon';
import { openExample, otherPlayers } from './support/documentation';
import { root } from './support/paths';

// The players are some 100 packages, so these tests are run by go tool mage players alone.
const packages = join(root, 'tools/players/node_modules');

/** The name, package and method of each player, and what it says of a playlist that is missing. */
const players: Array<{ heading: string; kind: string; pkg: string; protocol?: string; missing: string[] }> = [
  { heading: 'vidstack', kind: 'vidstack', pkg: 'vidstack', missing: manifest() },
  { heading: 'Plyr', kind: 'plyr', pkg: 'plyr', missing: manifest() },
  { heading: 'ArtPlayer', kind: 'artplayer', pkg: 'artplayer', missing: manifest() },
  { heading: 'xgplayer', kind: 'xgplayer', pkg: 'xgplayer', missing: failed('2100') },
  { heading: 'mux-player', kind: 'mux-player', pkg: '@mux/mux-player', missing: failed('error') },
  {
    heading: 'hls-video-element and Media Chrome',
    kind: 'hls-video-element',
    pkg: 'hls-video-element',
    missing: manifest(),
  },
  // Nothing is heard of its error.
  { heading: 'react-player', kind: 'react-player', pkg: 'react-player', missing: ['load'] },
  {
    heading: 'mpegts.js (HTTP-FLV)',
    kind: 'mpegts.js',
    pkg: 'mpegts.js',
    protocol: 'http-flv',
    missing: failed('HttpStatusCodeInvalid'),
  },
  { heading: 'Clappr', kind: 'clappr', pkg: '@clappr/player', missing: manifest() },
  { heading: 'OvenPlayer', kind: 'ovenplayer', pkg: 'ovenplayer', missing: manifest() },
  // It says nothing.
  { heading: 'Video.js 10', kind: 'videojs', pkg: '@videojs/react', missing: ['load'] },
];

function failed(code: string): string[] {
  return ['load', `status ${code} fatal`, 'stop playbackerror'];
}

function manifest(): string[] {
  return failed('manifestLoadError');
}

test.describe('the examples of docs/sources/other-players.md run as they are written', () => {
  test.skip(!process.env.OTHER_PLAYERS, 'go tool mage players runs them');
  let examples: Map<string, string>;
  test.beforeAll(async () => {
    examples = await otherPlayers(packages);
    // What mpegts.js plays.
    const video = join(process.env.TEST_VIDEO!, 'players');
    execFileSync('ffmpeg', [
      ...['-loglevel', 'error', '-y', '-i', join(process.env.TEST_VIDEO!, 'stream.m3u8')],
      ...['-c', 'copy', '-bsf:a', 'aac_adtstoasc', join(video, 'stream.flv')],
    ]);
  });

  test('each of them has a test', () => {
    expect([...examples.keys()]).toEqual(players.map(({ heading }) => heading));
  });

  for (const { heading, kind, pkg, protocol = 'hls', missing } of players) {
    const { version } = process.env.OTHER_PLAYERS
      ? (JSON.parse(readFileSync(join(packages, pkg, 'package.json'), 'utf8')) as { version: string })
      : { version: '' };

    test(`${heading} plays`, async ({ page, site, collector }) => {
      const errors: Error[] = [];
      page.on('pageerror', (error) => errors.push(error));
      await openExample(page, examples.get(heading)!, site, collector.endpoint);
      await expect
        .poll(() => errors.map(String).join() || collector.events.some(({ playing = 0 }) => playing > 0), {
          timeout: 60_000,
        })
        .toBe(true);
      const [events] = sessions(collector);
      expect(story(events!).slice(0, 2)).toEqual(['load', 'start']);
      expect(events!.find(({ type }) => type === 'start')!.startTime).toBeGreaterThan(0);
      expect(events!.find(({ playing = 0 }) => playing > 0)!.playing).toBeGreaterThan(7);
      expect(errors).toEqual([]);
      expect(envelopes(collector)).toHaveLength(1);
      expect(envelopes(collector)[0]).toMatchObject({ client: { kind, version }, protocol, stream: 'XXXXX-YYYYY' });
      await page.unrouteAll({ behavior: 'ignoreErrors' });
    });

    test(`${heading} is told that the playlist is missing`, async ({ page, site, collector }) => {
      const example = examples.get(heading)!.replaceAll(/live\/stream\.(m3u8|flv)/g, 'live/missing.$1');
      await openExample(page, example, site, collector.endpoint);
      await expect.poll(() => sessions(collector).map(story).at(-1), { timeout: 30_000 }).toEqual(missing);
      await page.waitForTimeout(1000);
      expect(story(sessions(collector).at(-1)!)).toEqual(missing);
      expect(sessions(collector).flatMap(story)).not.toContain('start');
      await page.unrouteAll({ behavior: 'ignoreErrors' });
    });
  }
});
