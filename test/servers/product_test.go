package servers

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/vm/vmtest"
	"github.com/streamlens/streamlens/test/program"
)

// product is a real collector in front of a real VictoriaMetrics. Each log has an organisation of its own.
type product struct {
	*program.Collector
	t *testing.T
}

// startProduct starts it. More is added to the configuration.
func startProduct(t *testing.T, organizations []string, more map[string]any) *product {
	t.Helper()
	var all []map[string]any
	for _, o := range organizations {
		all = append(all, map[string]any{"id": o, "secretKey": "sk_" + o})
	}
	settings := map[string]any{"victoriametrics": map[string]string{"url": vmtest.Start(t)}, "organizations": all}
	maps.Copy(settings, more)
	return &product{program.StartCollector(t, settings), t}
}

// shell runs a command of the docs, and returns what it prints and its exit status.
func shell(t *testing.T, command string) (output string, status int) {
	t.Helper()
	text, err := exec.Command("sh", "-c", command).CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if exit != nil {
		status = exit.ExitCode()
	}
	return string(text), status
}

// row is what a widget has of one value.
type row map[string]any

func (r row) number(t *testing.T, column string) int64 {
	t.Helper()
	if r[column] == nil {
		return 0
	}
	n, ok := r[column].(json.Number)
	if !ok {
		t.Fatalf("column %s is no number: %v", column, r)
	}
	whole, err := n.Int64()
	if err != nil {
		t.Fatalf("column %s: %v", column, err)
	}
	return whole
}

func (r row) text(column string) string { return fmt.Sprint(r[column]) }

// query asks for a widget.
func (p *product) query(t *testing.T, organization, widget string, from, to time.Time, more ...string) []row {
	t.Helper()
	arguments := append([]string{"query", widget, "--config", p.Config, "--org", organization, "--format", "json",
		"--from", from.UTC().Format(time.RFC3339), "--to", to.UTC().Format(time.RFC3339)}, more...)
	command := exec.Command(program.Streamlens(t), arguments...)
	var failed strings.Builder
	command.Stderr = &failed
	text, err := command.Output()
	if err != nil {
		t.Fatalf("query %s: %v\n%s", widget, err, failed.String())
	}
	var table struct{ Rows []row }
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&table); err != nil {
		t.Fatalf("query %s: %v\n%s", widget, err, text)
	}
	return table.Rows
}
