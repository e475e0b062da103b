#!/bin/bash
# An ad in VAST names addresses to be called when some of it has been played, a time or a part in percent. The tracker of @dailymotion/vast-client keeps both as mere numbers, and when a second is passed, calls what
# has its number, in seconds or in percent. So in an ad of 200 s the address for 50 % is called after 50 s, which is a quarter, that for 90 % before the half, and in one of 80 s the one for 12.5 %, which VAST
# allows, after 12.5 s (below by steps of a second: at 13) and not 10. Whole percents of ads of 100 s and less are right, and so are the quarters that have names of their own.
# Who counts how far ads were seen counts those who left before.
#
# Guess before: by the ad's duration: 50 % of 200 s at 100 s, 12.5 % of 80 s at 10 s.
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
async function called(duration, event) {
  const vast = `<VAST version="4.2"><Ad id="1"><InLine><AdSystem>ads</AdSystem><AdTitle>ad</AdTitle><Impression>https://ads.example/seen</Impression>
<Creatives><Creative><Linear><Duration>${duration}</Duration><TrackingEvents><Tracking ${event}>https://ads.example/progress</Tracking></TrackingEvents>
<MediaFiles><MediaFile delivery="progressive" type="video/mp4" width="640" height="360">https://ads.example/ad.mp4</MediaFile></MediaFiles>
</Linear></Creative></Creatives></InLine></Ad></VAST>`;
  const { ads } = await new VASTParser().parseVAST(new DOMParser().parseFromString(vast, 'text/xml'), {});
  const tracker = new VASTTracker(null, ads[0], ads[0].creatives[0]);
  const times = [];
  let second = 0;
  tracker.trackURLs = () => times.push(second);
  while (second < tracker.assetDuration) tracker.setProgress(++second);
  return times.join(' and ');
}
(async () => {
  const seen = [];
  for (const [duration, event] of [
    ['00:03:20', 'event="progress" offset="50%"'],
    ['00:03:20', 'event="progress" offset="90%"'],
    ['00:03:20', 'event="midpoint"'],
    ['00:01:40', 'event="progress" offset="50%"'],
    ['00:01:20', 'event="progress" offset="50%"'],
    ['00:01:20', 'event="progress" offset="12.5%"'],
  ]) {
    const line = `${duration} ${event}: called at ${await called(duration, event)} s`;
    console.log(line);
    seen.push(line);
  }
  if (
    seen.join('\n') !==
    `00:03:20 event="progress" offset="50%": called at 50 s
00:03:20 event="progress" offset="90%": called at 90 s
00:03:20 event="midpoint": called at 100 s
00:01:40 event="progress" offset="50%": called at 50 s
00:01:20 event="progress" offset="50%": called at 40 s
00:01:20 event="progress" offset="12.5%": called at 13 s`
  ) {
    console.log('CHANGED');
    process.exit(1);
  }
})();
END
node finding.cjs
