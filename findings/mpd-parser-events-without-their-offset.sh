#!/bin/bash
# Times of events in a DASH manifest count from the presentationTimeOffset of their EventStream, as those of segments count from that of theirs. mpd-parser
# hands that offset out and does not subtract it, so that the ad markers of a live stream whose clock began long ago lie hours after the end.
#
# Guess before: an event at 3600 with the offset 3590 and the time scale 1 is 10 s into its period.
# Seen with mpd-parser 1.4.0 (npm): at 3600 s; the segments beside it, with the same offset, begin at 0 s. Needs node and npm.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts mpd-parser@1.4.0 >/dev/null
cat >finding.mjs <<'END'
import { readFileSync } from 'node:fs';
import { parse } from 'mpd-parser';

console.log('mpd-parser', JSON.parse(readFileSync('node_modules/mpd-parser/package.json')).version);

const manifest = `<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" profiles="urn:mpeg:dash:profile:isoff-live:2011" type="static"
  minBufferTime="PT2S" mediaPresentationDuration="PT20S"><Period start="PT0S">
  <EventStream schemeIdUri="urn:example:break" timescale="1" presentationTimeOffset="3590"><Event presentationTime="3600" duration="5" id="1">ad</Event></EventStream>
  <AdaptationSet mimeType="video/mp4" contentType="video"><SegmentTemplate timescale="1" presentationTimeOffset="3590" media="$Time$.m4s" initialization="init.mp4">
  <SegmentTimeline><S t="3590" d="10" r="1"/></SegmentTimeline></SegmentTemplate>
  <Representation id="v" bandwidth="100000" codecs="avc1.4d401f" width="320" height="180"/></AdaptationSet></Period></MPD>`;
const { playlists, eventStream } = parse(manifest, { manifestUri: 'https://media.example/stream.mpd' });
const [event] = eventStream;
const segment = playlists[0].segments[0].presentationTime;
console.log('first segment at', segment, 's; event from', event.start, 'to', event.end, 's, offset', event.presentationTimeOffset);
if (segment !== 0 || event.start !== 3600) {
  console.log('CHANGED');
  process.exit(1);
}
END
node finding.mjs
