#!/bin/bash
# Grafana reads what stands in a time range or an interval in two places, in the browser (@grafana/data) and in plugins on the server (the SDK's gtime), and they differ: "this week" (now/w) begins on
# Sunday in the browser, if it is set to English and nobody has said otherwise, and on Monday on the server; a month before 31 March is 28 February, or 3 March; 1h30m and 1.5h are an hour in the
# browser and an hour and a half on the server; a month is 30 days or 30.4375, a year 365 or 365.25.
#
# Guess before: both read a text alike, but for a month before the 31st, where what is used in the browser is known to go back to the last of the month; a month is 30 days, and a year 365.
# Seen with @grafana/data 12.3.0 (npm) and github.com/grafana/grafana-plugin-sdk-go v0.298.0, backend/gtime, Go 1.26. Needs Go, node and npm.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts --legacy-peer-deps @grafana/data@12.3.0 react@18.3.1 react-dom@18.3.1 jsdom@24.1.3 >/dev/null
cat >finding.cjs <<'END'
const { JSDOM } = require('jsdom');

// what @grafana/data asks of a browser while it is loaded
const { window } = new JSDOM('', { url: 'http://localhost/' });
window.matchMedia = () => ({ matches: false, addEventListener() {} });
Object.defineProperty(globalThis, 'navigator', { value: window.navigator, configurable: true });
for (const name of ['document', 'localStorage', 'HTMLElement', 'Element', 'Node', 'DOMParser']) {
  globalThis[name] = window[name];
}
globalThis.window = window;
console.info = () => {};
const { dateMath, dateTime, rangeUtil } = require('@grafana/data');

const now = dateTime('2026-03-31T12:00:00Z');
for (const text of ['now/w', 'now-1M', 'now/M']) {
  console.log(text, dateMath.toDateTime(text, { now, timezone: 'utc' }).toISOString().slice(0, 10));
}
for (const text of ['1h30m', '1.5h', '90m', '1M', '1y']) {
  console.log(text, rangeUtil.intervalToSeconds(text));
}
END
cat >main.go <<'END'
package main

import (
	"fmt"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend/gtime"
)

func main() {
	for _, text := range []string{"now/w", "now-1M", "now/M"} {
		at, err := gtime.TimeRange{From: text, To: "now", Now: time.Date(2026, 3, 31, 12, 0, 0, 0, time.UTC)}.ParseFrom()
		if err != nil {
			panic(err)
		}
		fmt.Println(text, at.Format(time.DateOnly))
	}
	for _, text := range []string{"1h30m", "1.5h", "90m", "1M", "1y"} {
		length, err := gtime.ParseDuration(text)
		if err != nil {
			panic(err)
		}
		fmt.Println(text, int(length.Seconds()))
	}
}
END
go mod init finding >/dev/null 2>&1
go get github.com/grafana/grafana-plugin-sdk-go/backend/gtime@v0.298.0 >/dev/null 2>&1
node -p '"@grafana/data " + require("@grafana/data/package.json").version'
go list -m github.com/grafana/grafana-plugin-sdk-go
TZ=UTC node finding.cjs >browser
go run . >server
paste -d '\t' browser server
if [ "$(paste -sd, browser)" != "now/w 2026-03-29,now-1M 2026-02-28,now/M 2026-03-01,1h30m 3600,1.5h 3600,90m 5400,1M 2592000,1y 31536000" ] ||
  [ "$(paste -sd, server)" != "now/w 2026-03-30,now-1M 2026-03-03,now/M 2026-03-01,1h30m 5400,1.5h 5400,90m 5400,1M 2629800,1y 31557600" ]; then
  echo CHANGED
  exit 1
fi
