package main

import (
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/play"
	"github.com/streamlens/streamlens/pkg/vl"
	"github.com/streamlens/streamlens/pkg/vl/vltest"
)

// TestExportPlays exports the plays of two hours, and not those beside them or of another organisation.
func TestExportPlays(t *testing.T) {
	store := vltest.Start(t)
	client, err := vl.NewClient(store, http.DefaultClient)
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Now().UTC().Truncate(time.Hour).Add(-5 * time.Hour)
	var lines [][]byte
	var want []string
	for i := range 400 {
		r := play.NewRecord()
		r.Organization, r.Session, r.Direction, r.User = "acme", fmt.Sprint("s", i), "playout", `=al"ice, ü`
		r.Begin, r.End = begin.UnixMilli(), begin.Add(time.Duration(i)*time.Minute-30*time.Minute).UnixMilli()
		r.Playing, r.Buffering, r.Timeline = int64(i), 0, []byte{1, 2, 3}
		if i%50 == 49 {
			r.Organization = "other"
		} else if i >= 30 && i < 150 {
			want = append(want, r.Session)
		}
		lines = append(lines, r.Line(nil))
	}
	if err := client.Insert(t.Context(), lines); err != nil {
		t.Fatal(err)
	}
	if err := client.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	config := filepath.Join(dir, "streamlens.yaml")
	content := "victoriametrics:\n  url: http://127.0.0.1:1\norganizations:\n  - {id: acme, level: premium}\nplays: {url: \"" + store + "\", keep: 30d}\n"
	if err := os.WriteFile(config, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	export := func(args ...string) (string, error) {
		command := exportCommand()
		var out bytes.Buffer
		command.SetOut(&out)
		command.SetErr(&bytes.Buffer{})
		command.SilenceErrors, command.SilenceUsage = true, true
		command.SetArgs(append([]string{"plays", "--config", config, "--from", begin.Add(20 * time.Minute).Format(time.RFC3339), "--to", begin.Add(2*time.Hour + time.Minute).Format(time.RFC3339)}, args...))
		err := command.ExecuteContext(t.Context())
		return out.String(), err
	}
	t.Run("ndjson", func(t *testing.T) {
		path := filepath.Join(dir, "plays.ndjson.gz")
		if _, err := export("--output", path); err != nil {
			t.Fatal(err)
		}
		file, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		unpacked, err := gzip.NewReader(file)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for decoder := json.NewDecoder(unpacked); decoder.More(); {
			var row struct {
				Schema        int    `json:"schema"`
				Session, User string `json:",omitempty"`
				Timeline      string
			}
			if err := decoder.Decode(&row); err != nil {
				t.Fatal(err)
			}
			if row.Schema != play.SchemaVersion || row.User != `=al"ice, ü` || row.Timeline == "" {
				t.Errorf("row %+v", row)
			}
			got = append(got, row.Session)
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%d plays, want %d: %v", len(got), len(want), got)
		}
	})
	t.Run("csv", func(t *testing.T) {
		out, err := export("--format", "csv")
		if err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(strings.NewReader(out)).ReadAll()
		if err != nil || len(rows) != len(want)+1 || !slices.Equal(rows[0], play.Columns()) {
			t.Fatalf("%d rows, %v", len(rows), err)
		}
		if user := rows[1][slices.Index(rows[0], "user")]; user != `'=al"ice, ü` {
			t.Errorf("the user is %q", user)
		}
	})
	for name, args := range map[string][]string{
		"an unknown format": {"--format", "xml"}, "no closed hour": {"--from", "now-5m"}, "no time": {"--from", "yesterday"},
	} {
		path := filepath.Join(dir, "none")
		if out, err := export(append(args, "--output", path)...); err == nil {
			t.Errorf("%s: %q", name, out)
		}
		if found, err := filepath.Glob(path + "*"); err != nil || len(found) > 0 {
			t.Errorf("%s: there are files %v, %v", name, found, err)
		}
	}
}
