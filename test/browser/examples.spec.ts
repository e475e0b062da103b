import { expect, type Page } from '@playwright/test';
import { envelopes, sessions, stopped, story, test } from './support/beacon';
import { examplesOf, openExample } from './support/documentation';

/** What the examples of docs/sources must report. */
const documented: Array<{ source: string; client: object; protocol?: string; fields: string[] }> = [
  { source: 'hlsjs', client: { kind: 'hlsjs', version: '1.7.4' }, fields: ['bufferLength', 'videoBitrate'] },
  {
    source: 'dashjs',
    client: { kind: 'dashjs', version: '5.2.1' },
    fields: ['bufferLength', 'videoBitrate', 'audioBitrate'],
  },
  {
    source: 'shaka',
    client: { kind: 'shaka', version: 'v5.2.12' },
    protocol: 'dash',
    fields: ['bufferLength', 'videoBitrate'],
  },
  {
    source: 'videojs',
    client: { kind: 'videojs', version: '8.24.1' },
    protocol: 'hls',
    fields: ['bufferLength', 'videoBitrate'],
  },
  { source: 'html5', client: { kind: 'html5' }, fields: ['bufferLength'] },
  {
    source: 'nanoplayer',
    client: { kind: 'h5live', version: '4.22.0' },
    fields: ['bufferLength', 'latency', 'videoBitrate'],
  },
  {
    source: 'webcaster',
    client: { kind: 'webcaster' },
    fields: ['videoBitrate', 'audioBitrate', 'roundTripTime', 'packetLoss'],
  },
  { source: 'webrtc', client: { kind: 'webcaster' }, protocol: 'webrtc', fields: ['videoBitrate', 'audioBitrate'] },
];

for (const { source, client, protocol, fields } of documented) {
  for (const form of ['html', 'module'] as const) {
    test(`the example of docs/sources/${source}.md runs as it is written: ${form}`, async ({
      withCamera,
      site,
      collector,
    }) => {
      const context = await withCamera.newContext();
      const page = await context.newPage();
      const errors: Error[] = [];
      page.on('pageerror', (error) => errors.push(error));
      if (source === 'webrtc') {
        await receive(page, await context.newPage());
      }
      const examples = await examplesOf(source);
      await openExample(page, examples[form], site, collector.endpoint);
      if (source === 'webcaster') {
        await page.click('#start');
      }
      await expect.poll(() => collector.events.some(({ playing = 0 }) => playing > 0), { timeout: 60_000 }).toBe(true);
      if (source === 'webcaster') {
        await page.click('#stop');
        await stopped(collector, 1);
      }
      const [events] = sessions(collector);
      const report = events!.filter(({ type }) => type === 'stats').at(-1)!;
      expect(story(events!).slice(0, 2)).toEqual(['load', 'start']);
      expect(report.playing).toBeGreaterThan(8);
      expect(Object.keys(report)).toEqual(expect.arrayContaining(fields));
      expect(envelopes(collector)).toHaveLength(1);
      const [envelope] = envelopes(collector);
      expect(envelope).toMatchObject({ accountId: 'acme', stream: 'XXXXX-YYYYY', client, interval: 10 });
      expect(envelope!.protocol).toBe(protocol);
      expect(errors).toEqual([]);
      await page.unrouteAll({ behavior: 'ignoreErrors' });
      await context.close();
    });
  }
}

/** Lets a second page receive what the first publishes: it answers the offer to https://media.example/live/whip. */
async function receive(publisher: Page, receiver: Page): Promise<void> {
  await receiver.route('https://media.example/', (route) =>
    route.fulfill({ contentType: 'text/html', body: '<html></html>' })
  );
  await receiver.goto('https://media.example/');
  await publisher.route('https://media.example/live/whip', async (route) => {
    const headers = { 'Access-Control-Allow-Origin': '*', 'Access-Control-Allow-Headers': 'Content-Type' };
    const offer = route.request().postData();
    const answer = offer && (await receiver.evaluate(answerTo, offer));
    await route.fulfill({ status: answer ? 201 : 204, headers, contentType: 'application/sdp', body: answer ?? '' });
  });
}

/** Runs in the receiving page. */
async function answerTo(offer: string): Promise<string> {
  const connection = new RTCPeerConnection();
  Object.assign(window, { connection });
  await connection.setRemoteDescription({ type: 'offer', sdp: offer });
  await connection.setLocalDescription();
  await new Promise<void>((resolve) => {
    connection.onicegatheringstatechange = () => connection.iceGatheringState === 'complete' && resolve();
  });
  return connection.localDescription!.sdp;
}
