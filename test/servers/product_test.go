package servers

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/vm/vmtest"
)

// product is a real collector in front of a real VictoriaMetrics. Each log has an organisation of its own.
type product struct {
	t       *testing.T
	program string
	config  string // path of streamlens.yaml
	address string // of the collector

	collector *process
}

// startProduct starts it. More is added to the configuration.
func startProduct(t *testing.T, organizations []string, more map[string]any) *product {
	t.Helper()
	p := &product{t: t, program: program(t, "streamlens"), address: vmtest.FreeAddress(t)}
	folder := t.TempDir()
	configuration := map[string]any{"listen": p.address, "dataDir": filepath.Join(folder, "data"), "victoriametrics": map[string]string{"url": vmtest.Start(t)}}
	var all []map[string]any
	for _, o := range organizations {
		all = append(all, map[string]any{"id": o, "secretKey": "sk_" + o})
	}
	configuration["organizations"] = all
	for key, value := range more {
		configuration[key] = value
	}
	text, err := json.Marshal(configuration) // JSON is YAML
	if err != nil {
		t.Fatal(err)
	}
	p.config = filepath.Join(folder, "streamlens.yaml")
	if err := os.WriteFile(p.config, text, 0o600); err != nil {
		t.Fatal(err)
	}
	p.start()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("collector: %s", p.collector.output.String())
		}
		p.collector.stop(syscall.SIGTERM)
	})
	return p
}

// start starts the collector, the first time or again.
func (p *product) start() {
	p.t.Helper()
	p.collector = run(p.t, nil, nil, p.program, "collect", "--config", p.config)
	waitFor(p.t, "the collector is ready", func() bool {
		select {
		case err := <-p.collector.ended:
			p.t.Fatalf("the collector ended: %v\n%s", err, p.collector.output.String())
		default:
		}
		response, err := http.Get("http://" + p.address + "/readyz")
		if err != nil {
			return false
		}
		response.Body.Close()
		return response.StatusCode == http.StatusOK
	})
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
	arguments := append([]string{"query", widget, "--config", p.config, "--org", organization, "--format", "json",
		"--from", from.UTC().Format(time.RFC3339), "--to", to.UTC().Format(time.RFC3339)}, more...)
	command := exec.Command(p.program, arguments...)
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
