import { expect, type Browser } from '@playwright/test';
import type { BeaconOptions } from '@streamlens/beacon';
import { StubCollector, type ReceivedEvent } from './collector';
import { Site } from './site';
import { test as base } from './turn';

/** Seconds between reports. */
export const interval = 2;

/** A test with a site, a stand-in for the collector and a browser that has a camera. */
export const test = base.extend<
  { collector: StubCollector; beacon: BeaconOptions },
  { site: Site; withCamera: Browser }
>({
  withCamera: [
    async ({ playwright }, use, { project }) => {
      const { launchOptions } = project.use;
      const browser = await playwright.chromium.launch({
        ...launchOptions,
        args: [
          ...(launchOptions?.args ?? []),
          '--use-fake-device-for-media-stream',
          '--use-fake-ui-for-media-stream',
          '--disable-features=WebRtcHideLocalIpsWithMdns',
          '--allow-loopback-in-peer-connection',
        ],
      });
      await use(browser);
      await browser.close();
    },
    { scope: 'worker' },
  ],
  site: [
    async ({}, use) => {
      const site = await Site.start();
      await use(site);
      await site.stop();
    },
    { scope: 'worker' },
  ],
  collector: async ({}, use) => {
    const collector = await StubCollector.start();
    await use(collector);
    await collector.stop();
    expect(collector.complaints).toEqual([]);
  },
  beacon: async ({ collector }, use) => {
    await use({ endpoint: collector.endpoint, accountId: 'acme', accountKey: 'pk_test', stream: 'live-1', interval });
  },
});

/** The events of each session, in the order of their first requests, each once. */
export function sessions(collector: StubCollector): ReceivedEvent[][] {
  const byId = new Map<string, Map<number, ReceivedEvent>>();
  for (const { envelope } of collector.receipts) {
    const events = byId.get(envelope.sessionId) ?? new Map<number, ReceivedEvent>();
    byId.set(envelope.sessionId, events);
    envelope.events.filter(({ seq }) => !events.has(seq)).forEach((event) => events.set(event.seq, event));
  }
  return [...byId.values()].map((events) => [...events.values()].sort((a, b) => a.seq - b.seq));
}

export function envelopes(collector: StubCollector) {
  const ids = new Set<string>();
  return collector.receipts
    .map(({ envelope }) => envelope)
    .filter(({ sessionId }) => !ids.has(sessionId) && ids.add(sessionId));
}

/** The events of a session in short, without its reports. */
export function story(events: ReceivedEvent[]): string[] {
  return events
    .filter(({ type }) => type !== 'stats')
    .map(({ type, reason, code, fatal }) =>
      [type, reason ?? code, fatal ? 'fatal' : undefined].filter(Boolean).join(' ')
    );
}

export async function stopped(collector: StubCollector, count: number): Promise<ReceivedEvent[][]> {
  await expect
    .poll(() => sessions(collector).filter((events) => events.at(-1)!.type === 'stop').length, { timeout: 15_000 })
    .toBe(count);
  return sessions(collector);
}
