package useragent

import (
	"os"
	"strings"
	"testing"
)

// TestParse parses the user agents of testdata/agents.txt, of which each line has the system, the browser and the device that are
// right for it.
func TestParse(t *testing.T) {
	parser := newParser(t)
	file, err := os.ReadFile("testdata/agents.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(file)) {
		line = strings.TrimSuffix(line, "\n")
		if strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.SplitN(line, " | ", 4)
		if len(fields) != 4 {
			t.Fatalf("%q has no four fields", line)
		}
		want := Agent{OS: fields[0], Browser: fields[1], Device: fields[2]}
		if got := parser.Parse(Headers{UserAgent: fields[3]}); got != want {
			t.Errorf("%s\ngot  %+v\nwant %+v", fields[3], got, want)
		}
	}
}
