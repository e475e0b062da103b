package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/streamlens/streamlens/pkg/processtest"
)

var (
	usages = regexp.MustCompile("(?:^|[\\s`/$(])streamlens ((?:[a-z]+ ?)+)([^`\n|;]*)")
	flags  = regexp.MustCompile(`(?:^|[\s\[(])--([a-z][a-z0-9-]*)`)
)

// TestFlagsOfDocuments checks that the commands of README and docs have the flags with which they are shown.
func TestFlagsOfDocuments(t *testing.T) {
	root := processtest.ModuleRoot(t)
	shown := 0
	for _, pattern := range []string{"README.md", "CONTRIBUTING.md", "docs/*.md", "docs/sources/*.md", "docs/examples/systemd/*", "docs/examples/kubernetes/*"} {
		paths, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil || len(paths) == 0 {
			t.Fatalf("%s: %v, %v", pattern, paths, err)
		}
		for _, path := range paths {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for _, usage := range usages.FindAllStringSubmatch(strings.ReplaceAll(string(text), "\\\n", " "), -1) {
				command, _, err := rootCommand(slog.New(slog.DiscardHandler)).Find(strings.Fields(usage[1]))
				if err != nil || !command.HasParent() {
					continue // prose about streamlens
				}
				for _, flag := range flags.FindAllStringSubmatch(usage[2], -1) {
					shown++
					if command.Flags().Lookup(flag[1]) == nil && flag[1] != "help" {
						t.Errorf("%s: streamlens %s has no flag --%s", path, command.Name(), flag[1])
					}
				}
			}
		}
	}
	if shown < 100 {
		t.Errorf("only %d flags are shown", shown)
	}
}
