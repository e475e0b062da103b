#!/bin/bash
# A log of CloudFront says in a line "#Fields:" which columns it has, and since logs can be had with the fields that one chooses, that line differs. cloudfront-log-parser passes over it
# and names columns by the places of a list of its own: in a log with five fields the viewer's address is the name of the edge, the path is the number of bytes and the status is the
# viewer's address, without an error. Escapes are undone as Latin-1, so /grüße in a path is /grÃ¼Ã\x9Fe, and of the query string CMCD's quotation marks are
# undone, but not its commas.
#
# Guess before: the line that names the fields is read; what is unescaped is UTF-8, as URLs have it.
# Seen with cloudfront-log-parser 1.2.0 (npm), index.js; the form of the file is that of
# https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logging.html. Needs node and npm.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts cloudfront-log-parser@1.2.0 >/dev/null
cat >finding.cjs <<'END'
const { parse } = require('cloudfront-log-parser');

console.log('cloudfront-log-parser', require('cloudfront-log-parser/package.json').version);
const file = (fields, values) => `#Version: 1.0\n#Fields: ${fields.join(' ')}\n${values.join('\t')}\n`;
const [chosen] = parse(
  file(['date', 'time', 'c-ip', 'cs-uri-stem', 'sc-status'], ['2026-11-30', '10:00:00', '203.0.113.7', '/live/a.m3u8', '200']),
);
const fields = 'date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent) cs-uri-query'.split(' ');
const [all] = parse(
  file(fields, ['2026-11-30', '10:00:00', 'FRA56-C1', '1234', '203.0.113.7', 'GET', 'd1.cloudfront.net', '/gr%C3%BC%C3%9Fe', '200', '-', 'VLC', 'CMCD=cid%253D%2522a%252Cb%2522']),
);
console.log('a log of five fields:', JSON.stringify(chosen));
console.log('path', JSON.stringify(all['cs-uri-stem']), '· query', all['cs-uri-query']);
const { 'x-edge-location': edge, 'sc-bytes': bytes, 'c-ip': address } = chosen;
if (
  [edge, bytes, address, all['cs-uri-stem'], all['cs-uri-query']].join('|') !==
  '203.0.113.7|/live/a.m3u8|200|/gr\u00c3\u00bc\u00c3\u009fe|CMCD=cid%3D"a%2Cb"'
) {
  console.log('CHANGED');
  process.exit(1);
}
END
node finding.cjs
