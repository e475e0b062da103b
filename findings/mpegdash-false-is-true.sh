#!/bin/bash
# Python's mpegdash, which reads and writes DASH manifests, takes "false" for true, as any text that is not empty is true in Python: a low-latency stream whose segments can be had before they are whole
# (availabilityTimeComplete="false") says the opposite when it is written again, and pictures whose segments do not begin together (segmentAlignment="false") do. A time offset that
# is endless (INF) is written as inf, which XML's numbers do not know, and how late viewers are to be (ServiceDescription), what an Event says (SCTE-35) and the offset of an
# EventStream's times are gone, without a word.
#
# Guess before: a manifest that is read and written again says the same.
# Seen with mpegdash 0.3.1 (Debian python3-mpegdash 0.3.1-1), mpegdash/utils.py. Needs Debian's python3.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq -o APT::Sandbox::User=root python3-mpegdash=0.3.1-1 python3-future=0.18.2-6 >/dev/null
for package in *.deb; do
  dpkg -x "$package" root
done
cat >finding.py <<'END'
import re
import sys
from importlib.metadata import version

from mpegdash.parser import MPEGDASHParser

print("mpegdash", version("mpegdash"))
manifest = """<?xml version="1.0"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" profiles="urn:mpeg:dash:profile:isoff-live:2011" type="dynamic" availabilityStartTime="2026-11-30T10:00:00Z" minBufferTime="PT1S">
  <BaseURL availabilityTimeOffset="INF">https://cdn.example/</BaseURL>
  <ServiceDescription id="0"><Latency target="3500"/></ServiceDescription>
  <Period id="0" start="PT0S">
    <EventStream schemeIdUri="urn:scte:scte35:2014:xml+bin" timescale="90000" presentationTimeOffset="450000">
      <Event presentationTime="900000"><Signal xmlns="http://www.scte.org/schemas/35/2016"><Binary>/DAWAAAAAAAA</Binary></Signal></Event>
    </EventStream>
    <AdaptationSet mimeType="video/mp4" segmentAlignment="false" bitstreamSwitching="true">
      <SegmentTemplate timescale="1" duration="2" availabilityTimeOffset="1.5" availabilityTimeComplete="false" media="$Number$.m4s" initialization="i.mp4"/>
      <Representation id="v" bandwidth="1000000"/>
    </AdaptationSet>
  </Period>
</MPD>
"""
with open("before.mpd", "w") as file:
    file.write(manifest)
MPEGDASHParser.write(MPEGDASHParser.parse("before.mpd"), "after.mpd")
with open("after.mpd") as file:
    again = file.read()
names = r"availabilityTimeOffset|availabilityTimeComplete|segmentAlignment|bitstreamSwitching"
before, after = (" ".join(sorted(f"{name}={value}" for name, value in re.findall(rf'({names})="([^"]*)"', text))) for text in (manifest, again))
gone = [word for word in ("ServiceDescription", "Signal", 'presentationTimeOffset="450000"', "<Event ") if word not in again]
print("read: ", before)
print("wrote:", after)
print("gone: ", ", ".join(gone))
if (
    after != "availabilityTimeComplete=true availabilityTimeOffset=1.5 availabilityTimeOffset=inf bitstreamSwitching=true segmentAlignment=true"
    or gone != ["ServiceDescription", "Signal", 'presentationTimeOffset="450000"']
):
    sys.exit("CHANGED")
END
PYTHONPATH="$folder/root/usr/lib/python3/dist-packages" /usr/bin/python3 finding.py
