#!/bin/bash
# Captions for HLS that Python's webvtt reads and writes again have lost the line that ties their clock to the picture's (X-TIMESTAMP-MAP), so they are shown at another time of the stream, and
# where on the screen they belong (line:0, align:start), so that what was put at the top, off a score or a name, is at the bottom. The text, the names of cues
# and their times are kept, and nothing is said.
#
# Guess before: such a file is read whole, and settings of cues are written again.
# Seen with webvtt-py 0.4.6 (Debian python3-webvtt 0.4.6-2). Needs Debian's python3.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq -o APT::Sandbox::User=root python3-webvtt=0.4.6-2 python3-docopt >/dev/null
for package in *.deb; do
  dpkg -x "$package" root
done
export PYTHONPATH=$folder/root/usr/lib/python3/dist-packages
cat >finding.py <<'END'
import importlib.metadata
import sys

import webvtt

print("webvtt-py", importlib.metadata.version("webvtt-py"))
text = """WEBVTT
X-TIMESTAMP-MAP=MPEGTS:900000,LOCAL:00:00:00.000

score
00:00:01.000 --> 00:00:02.000 line:0 align:start
2 : 1
"""
with open("1.vtt", "w") as file:
    file.write(text)
webvtt.read("1.vtt").save("2.vtt")
with open("2.vtt") as file:
    seen = file.read()
print(seen)
if seen != "WEBVTT\n\nscore\n00:00:01.000 --> 00:00:02.000\n2 : 1":
    print("CHANGED", repr(seen))
    sys.exit(1)
END
/usr/bin/python3 finding.py
