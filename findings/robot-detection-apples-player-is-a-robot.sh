#!/bin/bash
# robot-detection, which tells crawlers by their user agents from lists of their names, looks for each name anywhere, and one of those names is "core": every player of Apple's devices, which call
# themselves AppleCoreMedia, on iPhones, iPads, Apple TVs and Macs, in apps and in Safari, is a robot. Where robots are left out of a log of a stream, so are
# these viewers. VLC, ffmpeg, Roku and curl are none.
#
# Guess before: players are no robots.
# Seen with python3-robot-detection 0.4.0 and python3-user-agents 2.2.0, by which they are no bots (Debian 0.4.0-3, 2.2.0-3). Needs Debian's python3.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq -o APT::Sandbox::User=root python3-robot-detection=0.4.0-3 python3-user-agents=2.2.0-3 python3-ua-parser=0.16.1-2 uap-core=1:0.16.0-1 python3-yaml python3-six >/dev/null
for package in *.deb; do
  dpkg -x "$package" root
done
# its list is where it was unpacked
sed -i "s|/usr/share/uap-core|$folder/root&|" root/usr/lib/python3/dist-packages/ua_parser/user_agent_parser.py
export PYTHONPATH=$folder/root/usr/lib/python3/dist-packages
cat >finding.py <<'END'
import sys

import robot_detection
import user_agents

agents = [
    "AppleCoreMedia/1.0.0.20G75 (iPhone; U; CPU OS 16_6 like Mac OS X; en_us)",
    "AppleCoreMedia/1.0.0.20L497 (Apple TV; U; CPU OS 16_4 like Mac OS X; de_de)",
    "AppleCoreMedia/1.0.0.22G90 (Macintosh; U; Intel Mac OS X 13_5; de_de)",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 16_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/16.6 Mobile/15E148 Safari/604.1",
    "VLC/3.0.18 LibVLC/3.0.18",
    "Lavf/59.27.100",
    "Roku/DVP-12.5 (12.5.0.4178-88)",
    "curl/8.0",
    "Googlebot/2.1",
]
seen = []
for agent in agents:
    seen.append((robot_detection.is_robot(agent), user_agents.parse(agent).is_bot))
    print("robot-detection: %s, user-agents: %s, %s" % (*seen[-1], agent))
if seen != [(True, False)] * 3 + [(False, False)] * 5 + [(True, True)]:
    print("CHANGED")
    sys.exit(1)
END
for package in python3-robot-detection python3-user-agents; do
  echo "$package $(dpkg-deb -f "$package"_*.deb Version)"
done
/usr/bin/python3 finding.py
