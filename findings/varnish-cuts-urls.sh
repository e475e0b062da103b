#!/bin/bash
# varnishncsa cuts a URL in the middle, without a mark: what Varnish logs of a request is cut at 255 bytes (the parameter vsl_reclen),
# although requests may be far longer. Long query strings, such as CMCD's, lose their end; status and bytes of the line are right.
#
# Guess before: a log has the URL that was asked for, or a mark that it is cut.
# Seen with Varnish 7.1.1 (Debian 7.1.1-2+deb12u1) and its default parameters. Needs gcc, as Varnish does.
source "$(dirname "$0")/lib.sh"
packages varnish=7.1.1-2+deb12u1 libvarnishapi3=7.1.1-2+deb12u1 libjemalloc2=5.3.0-1

port=$(free_port)
printf 'vcl 4.1;\nbackend default none;\nsub vcl_recv { return (synth(200)); }\n' >"$folder/default.vcl"
start varnishd -j none -n "$folder/varnish" -F -a "127.0.0.1:$port" -f "$folder/default.vcl" -s malloc,16m 2>/dev/null
listening "$port"
start varnishncsa -n "$folder/varnish" -w "$folder/access.log" -F '%U%q'
query=$(printf 'x%.0s' {1..400})
for _ in {1..50}; do # varnishncsa begins to read some time after its start
  curl -s -o /dev/null "http://127.0.0.1:$port/seg-1.ts?$query&sid=1"
  sleep 0.1
done
kill -USR1 "${pids[-1]}" # it writes what it holds
line=$(line_with '/seg-1.ts?xxx' "$folder/access.log")
varnishd -V 2>&1 | sed -n 1p
echo "${#line} of $((${#query} + 16)) bytes: $line"
[[ ${#line} -lt 256 && $line != *sid=1* ]] || fail "the URL is whole"
