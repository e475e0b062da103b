#!/bin/bash
# In a low-latency playlist Python's m3u8 adds the durations of a segment's parts to its clock, and then that of the segment, which is the same time once more: the first segment with
# parts has its end for its begin (current_program_date_time), and each one of 4 s moves the clock by 8. Where there are no parts all is right, so the clock
# of a live stream, whose last segments alone have parts, goes wrong at its edge, where delay is measured.
#
# Guess before: EXT-X-PROGRAM-DATE-TIME is carried on by the durations of segments.
# Seen with m3u8 0.8.0 (Debian 0.8.0-3), m3u8/parser.py. Needs Debian's python3.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq -o APT::Sandbox::User=root python3-m3u8=0.8.0-3 python3-iso8601 >/dev/null
for package in *.deb; do
  dpkg -x "$package" root
done
export PYTHONPATH=$folder/root/usr/lib/python3/dist-packages
cat >finding.py <<'END'
import importlib.metadata
import sys

import m3u8

print("m3u8", importlib.metadata.version("m3u8"))
head = "#EXTM3U\n#EXT-X-VERSION:9\n#EXT-X-TARGETDURATION:4\n#EXT-X-PART-INF:PART-TARGET=2\n#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00Z\n"
seen = []
for parts in [(), (0, 1)]:
    text = head
    for segment in range(4):
        # the last two have parts
        if segment > 1:
            text += "".join(f'#EXT-X-PART:DURATION=2,URI="{segment}.{part}.mp4"\n' for part in parts)
        text += f"#EXTINF:4,\n{segment}.mp4\n"
    playlist = m3u8.loads(text)
    seen.append(" ".join(segment.current_program_date_time.strftime("%S") for segment in playlist.segments))
    print("segments of 4 s,", "two parts of 2 s in the last two:" if parts else "no parts:", seen[-1])
if seen != ["00 04 08 12", "00 04 12 20"]:
    print("CHANGED")
    sys.exit(1)
END
/usr/bin/python3 finding.py
