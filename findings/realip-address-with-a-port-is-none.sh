#!/bin/bash
# Some proxies put the viewer's port behind the address that they hand on (X-Forwarded-For: 203.0.113.7:1234, as Azure's Application Gateway does). Two Go libraries that find the viewer then
# have none: realip says "", nothing, although it knows who is connected, and xff says the proxy, so that all viewers are one. Without a port xff puts one behind the viewer's address that is
# the proxy's. A viewer in one's own network has no address by realip either, and one behind a carrier's shared address (100.64.0.0/10) is found at that, by both, not at
# the public one behind it.
#
# Guess before: the port is cut off, and 100.64.0.9 is passed over as a private address.
# Seen with github.com/tomasen/realip v0.0.0-20180522021738-f0c99a92ddce and github.com/sebest/xff v0.0.0-20210106013422-671bd2870b3a, Go 1.26. Needs Go.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat >main.go <<'END'
package main

import (
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/sebest/xff"
	"github.com/tomasen/realip"
)

func main() {
	var seen []string
	for _, forwarded := range []string{"203.0.113.7", "203.0.113.7:1234", "[2001:db8::7]:4711", "192.168.0.5", "100.64.0.9, 203.0.113.7"} {
		request := &http.Request{Header: http.Header{"X-Forwarded-For": {forwarded}}, RemoteAddr: "10.0.0.2:5"}
		seen = append(seen, fmt.Sprintf("%s: %q %q", forwarded, realip.FromRequest(request), xff.GetRemoteAddr(request)))
	}
	fmt.Println("from the proxy 10.0.0.2:5, by realip and by xff")
	fmt.Println(strings.Join(seen, "\n"))
	if strings.Join(seen, "\n") != `203.0.113.7: "203.0.113.7" "203.0.113.7:5"
203.0.113.7:1234: "" "10.0.0.2:5"
[2001:db8::7]:4711: "" "10.0.0.2:5"
192.168.0.5: "" "10.0.0.2:5"
100.64.0.9, 203.0.113.7: "100.64.0.9" "100.64.0.9:5"` {
		fmt.Println("CHANGED")
		os.Exit(1)
	}
}
END
go mod init finding >/dev/null 2>&1
go get github.com/tomasen/realip@v0.0.0-20180522021738-f0c99a92ddce github.com/sebest/xff@v0.0.0-20210106013422-671bd2870b3a >/dev/null 2>&1
go list -m github.com/tomasen/realip github.com/sebest/xff
go run .
