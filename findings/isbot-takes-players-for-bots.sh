#!/bin/bash
# isbot takes whatever calls itself by a name and a version alone for a bot, so ffmpeg and mpv (Lavf), GStreamer, Windows Media Player, IPTV Smarters,
# Infuse, Perfect Player and Winamp are bots, and VLC, Kodi and players on ExoPlayer are people. Who leaves out bots by it from a live stream's access log loses
# set-top boxes and radio listeners, and more of them the plainer the player.
#
# Guess before: players of media are on neither list of bots.
# Seen with isbot 5.2.3 (npm). The list of crawler-user-agents 1.2.0 has none of them. Needs node and npm.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts isbot@5.2.3 crawler-user-agents@1.2.0 >/dev/null
cat >finding.mjs <<'END'
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { isbot } from 'isbot';

const crawlers = createRequire(import.meta.url)('crawler-user-agents');
for (const name of ['isbot', 'crawler-user-agents']) {
  console.log(name, JSON.parse(readFileSync(`node_modules/${name}/package.json`)).version);
}
const players = {
  'Lavf/60.3.100': true,
  'mpv 0.37.0': true,
  'GStreamer souphttpsrc 1.22.0 libsoup/3.2.2': true,
  'NSPlayer/12.00.19041.3996': true,
  IPTVSmartersPlayer: true,
  'Infuse-Direct/7.6': true,
  'Perfect Player 1.5': true,
  'WinampMPEG/5.9': true,
  'VLC/3.0.20 LibVLC/3.0.20': false,
  'Roku/DVP-12.5 (12.5.0.4174-88)': false,
  'AppleCoreMedia/1.0.0.21E236 (iPhone; U; CPU OS 17_4_1 like Mac OS X; en_us)': false,
  'AndroidXMedia3/1.3.1 (Linux; Android 14)': false,
};
let same = true;
for (const [agent, before] of Object.entries(players)) {
  const bot = isbot(agent);
  const listed = crawlers.some((crawler) => new RegExp(crawler.pattern).test(agent));
  console.log(`${bot ? 'bot   ' : 'person'} ${listed ? 'listed' : '      '} ${agent}`);
  same &&= bot === before && !listed;
}
if (!same) {
  console.log('CHANGED');
  process.exit(1);
}
END
node finding.mjs
