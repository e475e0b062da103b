#!/bin/bash
# pycountry finds a country by a name that is not quite its own (search_fuzzy) and has the best first. For "Niger", which is a country's whole name, that is Nigeria, whose name begins with it and
# which has a state of that name besides: each place where it fits adds to a sum, and three are more than two. Who takes the first, as "best first" says, has all viewers of the one in the other.
# By lookup() Niger is Niger, but Russia, Turkey, Macau and the Ivory Coast, as people and databases of addresses call them, are none there.
#
# Guess before: a whole name comes first.
# Seen with pycountry 22.3.5 (Debian 22.3.5+ds1-1) and the lists of Debian's iso-codes 4.15.0. Needs Debian's python3.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq -o APT::Sandbox::User=root python3-pycountry=22.3.5+ds1-1 iso-codes=4.15.0-1 python3-pkg-resources >/dev/null
for package in *.deb; do
  dpkg -x "$package" root
done
# its lists are where they were unpacked
sed -i "s|/usr/share/iso-codes|$folder/root&|" root/usr/lib/python3/dist-packages/pycountry/__init__.py
export PYTHONPATH=$folder/root/usr/lib/python3/dist-packages
cat >finding.py <<'END'
import importlib.metadata
import sys

import pycountry

print("pycountry", importlib.metadata.version("pycountry"))
seen = []
for name in ["Niger", "Nigeria", "Guinea", "Mali"]:
    seen.append(f"{name}: {pycountry.countries.search_fuzzy(name)[0].alpha_2} {pycountry.countries.lookup(name).alpha_2}")
for name in ["Russia", "Turkey", "Macau", "Ivory Coast"]:
    try:
        seen.append(f"{name}: {pycountry.countries.lookup(name).alpha_2}")
    except LookupError:
        seen.append(f"{name}: none")
print("\n".join(seen))
if seen != ["Niger: NG NE", "Nigeria: NG NG", "Guinea: GN GN", "Mali: ML ML", "Russia: none", "Turkey: none", "Macau: none", "Ivory Coast: none"]:
    print("CHANGED")
    sys.exit(1)
END
/usr/bin/python3 finding.py
