#!/bin/bash
# InfluxDB's line protocol, which Telegraf and many small senders speak, has fields that are texts. VictoriaMetrics, which stores numbers only, makes a series of each: 0 for a text like
# "ok" (and for "failed"), the number for one like "200", so that a graph of a status is flat whatever happens. No field is left out, and nothing is said.
#
# Guess before: fields that are no numbers are left out, or the line is refused.
# Seen with VictoriaMetrics v1.151.0, the package with which it reads the protocol, Go 1.26.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat >main.go <<'END'
package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/VictoriaMetrics/VictoriaMetrics/lib/protoparser/influx"
)

func main() {
	const line = `encoder,stream=a state="ok",before="failed",code="200",fps=25 1700000000000000000`
	var rows influx.Rows
	if err := rows.Unmarshal(line+"\n", false); err != nil {
		fmt.Println("CHANGED: refused:", err)
		os.Exit(1)
	}
	var seen []string
	for _, field := range rows.Rows[0].Fields {
		seen = append(seen, fmt.Sprintf("%s=%g", field.Key, field.Value))
	}
	fmt.Printf("%s\n%s\n", line, strings.Join(seen, " "))
	if strings.Join(seen, " ") != "state=0 before=0 code=200 fps=25" {
		fmt.Println("CHANGED")
		os.Exit(1)
	}
}
END
go mod init finding >/dev/null 2>&1
go get github.com/VictoriaMetrics/VictoriaMetrics/lib/protoparser/influx@v1.151.0 >/dev/null 2>&1
go list -m github.com/VictoriaMetrics/VictoriaMetrics
go run .
