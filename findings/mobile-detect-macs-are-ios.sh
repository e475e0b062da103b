#!/bin/bash
# On a Mac, Safari shows itself to a page as Safari on a Macintosh, and asks for HLS as AppleCoreMedia on one. mobile-detect takes the first for no mobile device, and the
# second for iOS, whatever stands beside it: in the logs of segments all Macs and Apple TVs are iPhones' kin, in those of pages they are not.
#
# Guess before: no mobile system for a user agent that says Macintosh.
# Seen with mobile-detect 1.4.5 (npm). Needs node and npm.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts mobile-detect@1.4.5 >/dev/null
cat >finding.mjs <<'END'
import { readFileSync } from 'node:fs';
import MobileDetect from 'mobile-detect';

console.log('mobile-detect', JSON.parse(readFileSync('node_modules/mobile-detect/package.json')).version);
const agents = {
  page: 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Safari/605.1.15',
  segments: 'AppleCoreMedia/1.0.0.23E214 (Macintosh; U; Intel Mac OS X 14_4; en_us)',
  television: 'AppleCoreMedia/1.0.0.21K79 (Apple TV; U; CPU OS 17_1 like Mac OS X; en_us)',
};
const seen = Object.entries(agents).map(([name, agent]) => `${name} ${new MobileDetect(agent).os()}`);
console.log(seen.join(', '));
if (seen.join() !== 'page null,segments iOS,television iOS') {
  console.log('CHANGED');
  process.exit(1);
}
END
node finding.mjs
