#!/bin/bash
# Grafana's SDK for plugins turns rows (time, stream, value) into a column for each stream (LongToWide), as data sources and alerts do before a graph is drawn. If the values are of a type
# that has no null (float64), a stream without a row for a time has 0 there, like one that was measured as 0: an alert for "no viewers" may fire
# for a stream that has not begun. Of two rows of one stream and time the later one is kept, and nothing is said.
#
# Guess before: null where nothing was measured, and an error or the first row where there are two.
# Seen with github.com/grafana/grafana-plugin-sdk-go v0.298.0, Go 1.26. With *float64 it is null.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat >main.go <<'END'
package main

import (
	"fmt"
	"os"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"
)

// wide returns the columns of three rows: stream a twice in the first minute, stream b in the second.
func wide(values any) string {
	first := time.Unix(1700000000, 0).UTC()
	frame, err := data.LongToWide(data.NewFrame("",
		data.NewField("time", nil, []time.Time{first, first, first.Add(time.Minute)}),
		data.NewField("stream", nil, []string{"a", "a", "b"}),
		data.NewField("viewers", nil, values)), nil)
	if err != nil {
		return err.Error()
	}
	text := ""
	for _, field := range frame.Fields[1:] {
		text += field.Labels["stream"] + ":"
		for i := range field.Len() {
			value, ok := field.ConcreteAt(i)
			if !ok {
				value = "null"
			}
			text += fmt.Sprint(" ", value)
		}
		text += "; "
	}
	return text
}

func main() {
	one, two, three := 1.0, 2.0, 3.0
	plain := wide([]float64{one, two, three})
	nullable := wide([]*float64{&one, &two, &three})
	fmt.Println("float64: ", plain)
	fmt.Println("*float64:", nullable)
	if plain != "a: 2 0; b: 0 3; " || nullable != "a: 2 null; b: null 3; " {
		fmt.Println("CHANGED")
		os.Exit(1)
	}
}
END
go mod init finding >/dev/null 2>&1
go get github.com/grafana/grafana-plugin-sdk-go/data@v0.298.0 >/dev/null 2>&1
go list -m github.com/grafana/grafana-plugin-sdk-go
go run .
