#!/bin/bash
# On the day on which clocks go forward croniter, with which Python's schedulers find when something is due, has a daily job due twice, first an hour early: for six o'clock in Berlin it says
# five and six. That is with time zones of Python itself (zoneinfo). With those of pytz a job for half past two is due four times in two days, twice on each, first at a time that
# does not exist. On the day after clocks go back half past two is due at half past three with zoneinfo. A daily report is sent twice, one of them without its last hour.
#
# Guess before: once a day; half past two, where there is none, is half past three.
# Seen with croniter 1.3.5 (Debian 1.3.5-3), pytz 2022.7.1 and Python 3.11. Needs Debian's python3.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq -o APT::Sandbox::User=root python3-croniter=1.3.5-3 python3-dateutil python3-six python3-tz=2022.7.1-4 tzdata >/dev/null
for package in *.deb; do
  dpkg -x "$package" root
done
export PYTHONPATH=$folder/root/usr/lib/python3/dist-packages PYTHONTZPATH=$folder/root/usr/share/zoneinfo PYTZ_TZDATADIR=$folder/root/usr/share/zoneinfo
cat >finding.py <<'END'
import datetime
import importlib.metadata
import sys
import zoneinfo

import croniter
import pytz

print("croniter", importlib.metadata.version("croniter"), "pytz", pytz.__version__)
zones = {
    "zoneinfo": lambda local: local.replace(tzinfo=zoneinfo.ZoneInfo("Europe/Berlin")),
    "pytz": pytz.timezone("Europe/Berlin").localize,
}
seen = []
for expression, month, day, times in [("0 6 * * *", 3, 28, 3), ("30 2 * * *", 3, 28, 5), ("30 2 * * *", 10, 24, 3)]:
    for name, zone in zones.items():
        due = croniter.croniter(expression, zone(datetime.datetime(2026, month, day, 13)))
        seen.append(" ".join(due.get_next(datetime.datetime).strftime("%d.%H:%M%z") for _ in range(times)))
        print(expression, name, seen[-1])
if seen != [
    "29.05:00+0200 29.06:00+0200 30.06:00+0200",
    "29.06:00+0200 30.06:00+0200 31.06:00+0200",
    "29.02:30+0100 30.02:30+0200 31.02:30+0200 01.02:30+0200 02.02:30+0200",
    "29.02:30+0200 29.03:30+0200 30.01:30+0200 30.02:30+0200 31.02:30+0200",
    "25.02:30+0200 26.03:30+0100 27.02:30+0100",
    "25.02:30+0200 26.02:30+0100 27.02:30+0100",
]:
    print("CHANGED")
    sys.exit(1)
END
/usr/bin/python3 finding.py
