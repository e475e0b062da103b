#!/bin/bash
# An ad in VAST with skipoffset="00:00:00" may be skipped from its first picture. The tracker of @dailymotion/vast-client takes 0 for not said, and such an ad for one that may not be skipped at all:
# there is no countdown, and it never becomes skippable, so that a player that shows its button by the tracker shows none. With 1 s it becomes skippable at 1 s.
# In the numbers such ads are those that nobody skips.
#
# Guess before: it is skippable from the first second.
# Seen with @dailymotion/vast-client 6.4.5 and @xmldom/xmldom 0.8.15 (npm). Needs node and npm.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts @dailymotion/vast-client@6.4.5 @xmldom/xmldom@0.8.15 >/dev/null
cat >finding.cjs <<'END'
const { readFileSync } = require('node:fs');
const { VASTParser, VASTTracker } = require('@dailymotion/vast-client');
const { DOMParser } = require('@xmldom/xmldom');

const directory = 'node_modules/@dailymotion/vast-client';
console.log('@dailymotion/vast-client', JSON.parse(readFileSync(`${directory}/package.json`)).version);
async function skipped(offset) {
  const vast = `<VAST version="4.2"><Ad id="1"><InLine><AdSystem>ads</AdSystem><AdTitle>ad</AdTitle><Impression>https://ads.example/seen</Impression>
<Creatives><Creative><Linear skipoffset="${offset}"><Duration>00:00:20</Duration>
<MediaFiles><MediaFile delivery="progressive" type="video/mp4" width="640" height="360">https://ads.example/ad.mp4</MediaFile></MediaFiles>
</Linear></Creative></Creatives></InLine></Ad></VAST>`;
  const { ads } = await new VASTParser().parseVAST(new DOMParser().parseFromString(vast, 'text/xml'), {});
  const tracker = new VASTTracker(null, ads[0], ads[0].creatives[0]);
  let countdowns = 0;
  let since;
  tracker.on('skip-countdown', () => countdowns++);
  for (let second = 1; second <= 20; second++) {
    tracker.setProgress(second);
    if (tracker.skippable) since ??= second;
  }
  return `${countdowns} countdowns, ${since ? `skippable at ${since} s` : 'never skippable'}`;
}
(async () => {
  const seen = [];
  for (const offset of ['00:00:05', '00:00:01', '00:00:00', '0%']) {
    const line = `${offset}: ${await skipped(offset)}`;
    console.log(line);
    seen.push(line);
  }
  if (
    seen.join('\n') !==
    `00:00:05: 5 countdowns, skippable at 5 s
00:00:01: 1 countdowns, skippable at 1 s
00:00:00: 0 countdowns, never skippable
0%: 0 countdowns, never skippable`
  ) {
    console.log('CHANGED');
    process.exit(1);
  }
})();
END
node finding.cjs
