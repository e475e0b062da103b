#!/bin/bash
# node-webvtt, which cuts subtitles into segments for HLS, puts a cue that is shown across a cut only into the segment in which it begins, where RFC 8216
# wants it in every segment in whose time it is shown: who joins in the second segment does not see it. Where nothing is said for a while the
# segment simply becomes longer than what was asked for, and EXT-X-TARGETDURATION with it.
#
# Guess before: segments of 10 s, and a cue from 1 s to 12 s in the first two of them.
# Seen with node-webvtt 1.9.4 (npm): segments of 10 and 16 s, the cue in the first. Needs node and npm.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts node-webvtt@1.9.4 >/dev/null
cat >finding.cjs <<'END'
const { hls } = require('node-webvtt');

console.log('node-webvtt', require('node-webvtt/package.json').version);
const subtitles = 'WEBVTT\n\n00:00:01.000 --> 00:00:12.000\nlong\n\n00:00:25.000 --> 00:00:26.000\nlast\n';
const segments = hls.hlsSegment(subtitles, 10);
const playlist = hls.hlsSegmentPlaylist(subtitles, 10);
const durations = [...playlist.matchAll(/#EXTINF:([0-9.]+)/g)].map(([, duration]) => Number(duration));
const having = segments.map(({ content }, i) => (content.includes('long') ? i + 1 : 0)).filter(Boolean);
console.log('segments, s:', durations.join(' '), '· target', /TARGETDURATION:(\d+)/.exec(playlist)[1], '· cue of 1 to 12 s in segment', having.join(' '));
if (durations.join() !== '10,16' || having.join() !== '1') {
  console.log('CHANGED');
  process.exit(1);
}
END
node finding.cjs
