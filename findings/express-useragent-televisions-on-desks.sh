#!/bin/bash
# For express-useragent televisions stand on desks: Samsung's and LG's are SmartTV and Desktop at once, so who asks for desktops first, or counts both, has them among the computers. An
# Apple TV, which asks for segments as AppleCoreMedia, is a desktop, and a Mac, and no television; a Roku has a name and is no kind of device. The platform of the first two is Linux,
# and their browsers are Safari and Chrome.
#
# Guess before: all four are SmartTV, and none is a desktop or a mobile device.
# Seen with express-useragent 2.2.3 (npm). Needs node and npm.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts express-useragent@2.2.3 >/dev/null
cat >finding.mjs <<'END'
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';

const { UserAgent } = createRequire(import.meta.url)('express-useragent');
console.log('express-useragent', JSON.parse(readFileSync('node_modules/express-useragent/package.json')).version);
let changed = false;
for (const [text, said] of [
  [
    'Mozilla/5.0 (SMART-TV; LINUX; Tizen 6.0) AppleWebKit/537.36 (KHTML, like Gecko) 76.0.3809.146/6.0 TV Safari/537.36',
    'isDesktop isSmartTV, Safari on Linux',
  ],
  [
    'Mozilla/5.0 (Web0S; Linux/SmartTV) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/94.0.4606.128 Safari/537.36 WebAppManager',
    'isDesktop isSmartTV, Chrome on Linux',
  ],
  ['AppleCoreMedia/1.0.0.21J354 (Apple TV; U; CPU OS 17_0 like Mac OS X; en_us)', 'isDesktop isMac, AppleCoreMedia on unknown'],
  ['Roku/DVP-12.0 (12.0.0.4182-AE)', ', Roku on unknown'],
  [
    'Mozilla/5.0 (PlayStation; PlayStation 5/6.00) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/13.0 Safari/605.1.15',
    ', Safari on Playstation',
  ],
]) {
  const agent = new UserAgent().parse(text);
  const kinds = ['isDesktop', 'isMobile', 'isTablet', 'isMac', 'isSmartTV', 'isBot'].filter((name) => agent[name] === true);
  const seen = `${kinds.join(' ')}, ${agent.browser} on ${agent.platform}`;
  console.log(`${seen}: ${text}`);
  changed ||= seen !== said;
}
if (changed) {
  console.log('CHANGED');
  process.exit(1);
}
END
node finding.mjs
