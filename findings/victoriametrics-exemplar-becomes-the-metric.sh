#!/bin/bash
# A counter without labels that has an exemplar (plays_total 5 # {trace_id="x"} 1 …, as OpenMetrics has it and libraries for it write it) is read by VictoriaMetrics as
# a metric with the name "plays_total 5 #" and the exemplar's label, its value the exemplar's: the counter itself is gone, and nothing is said. It looks for the
# first brace of the line, whichever it is of. With a label of its own the counter is read, and the exemplar left out.
#
# Guess before: exemplars are left out of every line, as VictoriaMetrics does not store them.
# Seen with VictoriaMetrics v1.151.0, the package with which it reads what it scrapes and imports, Go 1.26, and prom-client 15.1.3 (npm). Needs Go, node and npm.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts prom-client@15.1.3 >/dev/null
cat >finding.mjs <<'END'
import client from 'prom-client';

const registry = new client.Registry();
registry.setContentType(client.Registry.OPENMETRICS_CONTENT_TYPE);
const options = { help: 'plays', enableExemplars: true, registers: [registry] };
const plays = new client.Counter({ name: 'plays', ...options });
plays.inc({ labels: {}, value: 4, exemplarLabels: { trace_id: 'v' } });
plays.inc({ labels: {}, value: 1, exemplarLabels: { trace_id: 'x' } });
new client.Counter({ name: 'starts', labelNames: ['stream'], ...options }).inc({ labels: { stream: 'a' }, value: 3, exemplarLabels: { trace_id: 'x' } });
process.stdout.write(await registry.metrics());
END
cat >main.go <<'END'
package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/VictoriaMetrics/VictoriaMetrics/lib/protoparser/prometheus"
)

func main() {
	text, err := io.ReadAll(os.Stdin)
	if err != nil {
		panic(err)
	}
	fmt.Printf("%s", text)
	var rows prometheus.Rows
	var errors []string
	rows.UnmarshalWithErrLogger(string(text), func(text string) { errors = append(errors, text) })
	var seen []string
	for _, row := range rows.Rows {
		line := "metric " + row.Metric
		for _, tag := range row.Tags {
			line += fmt.Sprintf(", %s=%s", tag.Key, tag.Value)
		}
		seen = append(seen, fmt.Sprintf("%s: %g", line, row.Value))
	}
	fmt.Println(strings.Join(seen, "\n"))
	if strings.Join(seen, "; ") != "metric plays_total 5 #, trace_id=x: 1; metric starts_total, stream=a: 3" || len(errors) != 0 {
		fmt.Println("CHANGED", errors)
		os.Exit(1)
	}
}
END
go mod init finding >/dev/null 2>&1
go get github.com/VictoriaMetrics/VictoriaMetrics/lib/protoparser/prometheus@v1.151.0 >/dev/null 2>&1
go list -m github.com/VictoriaMetrics/VictoriaMetrics
node finding.mjs | go run .
