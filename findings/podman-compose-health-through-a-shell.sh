#!/bin/bash
# A health check with CMD in a compose file is a program and its arguments, without a shell, which images without one need. podman-compose makes a command for /bin/sh of it,
# and quotes it so that shell and program never meet the same words: such a container is unhealthy for ever.
# CMD-SHELL is handed on as it is.
#
# Guess before: podman is given ["CMD", …], which it knows.
# Seen with podman-compose 1.0.3 (Debian 12: 1.0.3-3), by what it would run (--dry-run). Needs python3 with yaml and dotenv.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq -o APT::Sandbox::User=root podman-compose=1.0.3-3 python3-dotenv=0.21.0-1 python3-yaml=6.0-3+b2 >/dev/null
for package in *.deb; do
  dpkg -x "$package" root
done
export PYTHONPATH="$folder/root/usr/lib/python3/dist-packages"
mkdir bin
# The real podman is asked for its version only.
printf '#!/bin/sh\necho podman version 4.3.1\n' >bin/podman
chmod +x bin/podman
export PATH="$folder/bin:$PATH"

# check TEST prints the health check that a container would get.
check() {
  printf 'services:\n  collector:\n    image: localhost/example\n    healthcheck:\n      test: %s\n' "$1" >docker-compose.yaml
  python3 root/usr/bin/podman-compose --dry-run up -d 2>&1 | sed -n "s/.*--healthcheck-command \(.*\) localhost\/example.*/\1/p"
}

python3 root/usr/bin/podman-compose --version 2>&1 | grep -i compose
exec_form=$(check '[CMD, /ready, --quick]')
shell_form=$(check '[CMD-SHELL, /ready --quick]')
printf 'CMD: %s\nCMD-SHELL: %s\n' "$exec_form" "$shell_form"
if [[ $exec_form != "/bin/sh -c /ready' '--quick" || $shell_form == *"' '"* ]]; then
  echo CHANGED
  exit 1
fi
