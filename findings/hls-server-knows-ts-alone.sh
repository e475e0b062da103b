#!/bin/bash
# hls-server, by which servers in Node serve HLS, knows playlists and .ts, and answers 404 to all else that HLS has: segments of fragmented MP4 and their beginning, sound alone (AAC), captions and
# keys, though the files are there. Of a stream in one file, whose segments are ranges of it (EXT-X-BYTERANGE), each request has the whole file for an answer, with 200, so that a recording of an
# hour is sent once for each of its segments. What it sends has no length, by which a player knows how far a download is.
#
# Guess before: files of the folder are served with their types, and a range with 206.
# Seen with hls-server 1.5.0 (npm). Needs node and npm.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts hls-server@1.5.0 >/dev/null
cat >finding.cjs <<'END'
const { mkdirSync, writeFileSync } = require('node:fs');
const http = require('node:http');
const HLSServer = require('hls-server');

console.log('hls-server', require('hls-server/package.json').version);
mkdirSync('stream');
for (const name of ['live.m3u8', '1.ts', '1.m4s', 'init.mp4', '1.aac', 'en.vtt', 'stream.key']) {
  writeFileSync(`stream/${name}`, 'x'.repeat(1000));
}
const server = http.createServer();
new HLSServer(server, { path: '/stream', dir: 'stream' });
server.listen(0, '127.0.0.1', async () => {
  const ask = async (name, headers) => {
    const response = await fetch(`http://127.0.0.1:${server.address().port}/stream/${name}`, { headers });
    return `${response.status} ${(await response.arrayBuffer()).byteLength} ${response.headers.get('content-length')}`;
  };
  const seen = {};
  for (const name of ['live.m3u8', '1.ts', '1.m4s', 'init.mp4', '1.aac', 'en.vtt', 'stream.key']) {
    seen[name] = await ask(name, { 'accept-encoding': 'identity' });
  }
  seen['1.ts, 100 bytes'] = await ask('1.ts', { range: 'bytes=0-99', 'accept-encoding': 'identity' });
  console.log('status, bytes and length:', seen);
  const none = '404 0 0';
  if (Object.values(seen).join() !== ['200 1000 null', '200 1000 null', none, none, none, none, none, '200 1000 null'].join()) {
    console.log('CHANGED');
    process.exit(1);
  }
  process.exit(0);
});
END
node finding.cjs
