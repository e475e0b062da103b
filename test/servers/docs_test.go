package servers

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/streamlens/streamlens/test/program"
)

// snippet returns the first example of a page of docs/sources that contains all of the texts.
func snippet(t *testing.T, page string, texts ...string) string {
	t.Helper()
	example, ok := findSnippet(t, page, texts...)
	if !ok {
		t.Fatalf("%s has no example with %q", page, texts)
	}
	return example
}

func findSnippet(t *testing.T, page string, texts ...string) (string, bool) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("../../docs/sources", page))
	if err != nil {
		t.Fatal(err)
	}
examples:
	for i, example := range strings.Split(string(content), "```") {
		if i%2 == 0 {
			continue // between examples
		}
		for _, text := range texts {
			if !strings.Contains(example, text) {
				continue examples
			}
		}
		_, example, _ = strings.Cut(example, "\n") // the language
		return example, true
	}
	return "", false
}

// importCommand is the command of the page that shows the log, for this file and this product. Of a log that no page shows it is
// the shortest that works.
func (p *product) importCommand(t *testing.T, l accessLog) string {
	t.Helper()
	if l.shown == "" {
		return p.here("streamlens import --config streamlens.yaml --org acme LOG", l.name, "LOG", l.file)
	}
	if command, ok := findSnippet(t, l.page, "streamlens import ", l.shown+"*\n"); ok {
		return p.here(command, l.name, l.shown+"*", l.file)
	}
	return p.here(snippet(t, l.page, "streamlens import ", l.shown+"\n"), l.name, l.shown, l.file)
}

// curlCommand is the command of the page that posts the log, "" if it has none.
func (p *product) curlCommand(t *testing.T, l accessLog) string {
	t.Helper()
	if l.shown == "" {
		return ""
	}
	command, ok := findSnippet(t, l.page, "curl --data-binary @"+filepath.Base(l.shown)+" ", "/v1/logs?")
	if !ok {
		return ""
	}
	command = strings.NewReplacer("sk_…", "sk_"+curlOf(l), "collector:8095", p.Address).Replace(command)
	return p.here(command, curlOf(l), filepath.Base(l.shown), l.file)
}

// here puts the names of this test into a command of the docs.
func (p *product) here(command, organization, shown, file string) string {
	return strings.NewReplacer("streamlens ", program.Streamlens(p.t)+" ", "streamlens.yaml", p.Config, "--org acme", "--org "+organization, shown, file).Replace(command)
}

// followed is the entry of logs in streamlens.yaml that the page shows, nil if it has none.
func followed(t *testing.T, l accessLog, file string) map[string]any {
	t.Helper()
	if l.shown == "" {
		return nil
	}
	text, ok := findSnippet(t, l.page, "logs:\n", l.shown+",")
	if !ok {
		return nil
	}
	var shown struct{ Logs []map[string]any }
	if err := yaml.Unmarshal([]byte(text), &shown); err != nil || len(shown.Logs) != 1 {
		t.Fatalf("%s: %v\n%s", l.page, err, text)
	}
	entry := shown.Logs[0]
	entry["file"], entry["organization"] = file, followOf(l)
	return entry
}

// The organisations that get a log in another way than by import.
func curlOf(l accessLog) string   { return l.name + "-curl" }
func followOf(l accessLog) string { return l.name + "-follow" }
