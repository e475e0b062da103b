#!/bin/bash
# A television of Samsung names itself in one way to apps and in another to HbbTV, the red button of broadcasters, both times with Tizen. platform.js knows
# Tizen in the first, and makes of the second Android with Android Browser: it takes whatever is of Samsung and not known otherwise for a phone's browser.
#
# Guess before: Tizen in both.
# Seen with platform 1.3.6 (npm). Needs node and npm.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts platform@1.3.6 >/dev/null
cat >finding.cjs <<'END'
const platform = require('platform');

console.log('platform', require('platform/package.json').version);
const agents = {
  app: 'Mozilla/5.0 (SMART-TV; LINUX; Tizen 6.0) AppleWebKit/537.36 (KHTML, like Gecko) 76.0.3809.146/6.0 TV Safari/537.36',
  HbbTV:
    'HbbTV/1.6.1 (+DRM;Samsung;SmartTV2022:UE43BU8079;T-PTMFDEUC-1420.1;Pontus-MFRAME;) Tizen/6.5 (+TVPLUS) Chrome/85 LibVER',
};
const seen = Object.fromEntries(Object.entries(agents).map(([way, agent]) => [way, platform.parse(agent).os.family]));
console.log(seen, '·', platform.parse(agents.HbbTV).description);
if (seen.app !== 'Tizen' || seen.HbbTV !== 'Android') {
  console.log('CHANGED');
  process.exit(1);
}
END
node finding.cjs
