#!/bin/bash
# Radio streams send their titles among the sound, as StreamTitle='…';StreamUrl='…';. Between two songs the title is empty, and icecast-parser, which takes at least one character for a
# value, then has "';StreamUrl='https://…" for the song, punctuation and all, and no address. A title with a quotation mark before a semicolon (Say "Hi"; now) ends there.
# Who counts songs by it counts the station's address as one, played after every other.
#
# Guess before: an empty title is empty or left out, the address is the address, and a title with a quotation mark and a semicolon is whole.
# Seen with icecast-parser 4.0.2 (npm), dist/StreamReader.js. icecast-metadata-js 1.2.9 reads all three. Needs node and npm.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts icecast-parser@4.0.2 icecast-metadata-js@1.2.9 >/dev/null
cat >finding.mjs <<'END'
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { Parser } from 'icecast-parser';
import { IcecastMetadataReader } from 'icecast-metadata-js';

for (const name of ['icecast-parser', 'icecast-metadata-js']) {
  console.log(name, JSON.parse(readFileSync(`node_modules/${name}/package.json`)).version);
}

// 16 bytes of sound, and the text behind them
const radio = (text) => {
  const blocks = Math.ceil(text.length / 16);
  return Buffer.concat([Buffer.alloc(16), Buffer.from([blocks]), Buffer.from(text.padEnd(blocks * 16, '\0'))]);
};
let text;
const server = createServer((request, response) => {
  response.writeHead(200, { 'Content-Type': 'audio/mpeg', 'icy-metaint': '16' });
  response.end(radio(text));
});
await new Promise((done) => server.listen(0, '127.0.0.1', done));

const seen = [];
for (text of [
  "StreamTitle='Band - Song';StreamUrl='https://radio.example/';",
  "StreamTitle='';StreamUrl='https://radio.example/';",
  "StreamTitle='Say \"Hi\"; now';StreamUrl='https://radio.example/';",
]) {
  const read = await new Promise((done) => {
    const parser = new Parser({ url: `http://127.0.0.1:${server.address().port}/`, autoUpdate: false });
    parser.on('metadata', (metadata) => done(Object.fromEntries(metadata)));
  });
  let other;
  new IcecastMetadataReader({ icyMetaInt: 16, metadataTypes: ['icy'], onMetadata: ({ metadata }) => (other = metadata) }).readAll(radio(text));
  seen.push(read.StreamTitle, read.StreamUrl, other.StreamTitle);
  console.log(text, '\n  title', JSON.stringify(read.StreamTitle), 'address', JSON.stringify(read.StreamUrl), '· by the other', JSON.stringify(other.StreamTitle));
}
server.close();
const address = 'https://radio.example/';
if (JSON.stringify(seen) !== JSON.stringify(['Band - Song', address, 'Band - Song', `';StreamUrl='${address}`, undefined, '', 'Say "Hi', address, 'Say "Hi"; now'])) {
  console.log('CHANGED');
  process.exit(1);
}
process.exit(0);
END
node finding.mjs
