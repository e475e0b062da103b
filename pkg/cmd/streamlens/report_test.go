package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/vm/vmtest"
)

// reportOf runs `streamlens report` with a configuration of two organisations.
func reportOf(t *testing.T, url string, arguments ...string) (string, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "streamlens.yaml")
	content := "victoriametrics:\n  url: " + url + "\norganizations:\n  - {id: acme, level: premium}\n  - id: victim\n"
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	command := reportCommand()
	var output bytes.Buffer
	command.SetOut(&output)
	command.SetErr(&bytes.Buffer{})
	command.SetArgs(append([]string{"--config", file}, arguments...))
	err := command.ExecuteContext(t.Context())
	return output.String(), err
}

func TestReport(t *testing.T) {
	url := vmtest.Start(t)
	vmtest.Import(t, url, everySeries([]string{"192.0.2.1"}))
	folder := t.TempDir()
	tests := []struct {
		name      string
		arguments []string
		file      string // "" is the standard output
		begins    string
	}{
		{"PDF", []string{"-o", filepath.Join(folder, "a.pdf"), "--paper", "letter", "--unit", "playtime"}, "a.pdf", "%PDF-"},
		{"CSV by its name", []string{"-o", filepath.Join(folder, "a.CSV"), "--name", "Acme"}, "a.CSV", "table,row,column,unit,value\n"},
		{"CSV to the standard output", []string{"-o", "-", "--format", "csv"}, "", "table,row,column,unit,value\n"},
		{"of an event", []string{"-o", "-", "--format", "csv", "--kind", "event"}, "", "table,row,column,unit,value\nreport,title,,,Event report\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := reportOf(t, url, append(test.arguments, "--org", "acme", "--from", "now-3d")...)
			if err != nil {
				t.Fatal(err)
			}
			if test.file != "" {
				content, err := os.ReadFile(filepath.Join(folder, test.file))
				if err != nil {
					t.Fatal(err)
				}
				got = string(content)
			}
			if !strings.HasPrefix(got, test.begins) {
				t.Errorf("the report begins with %.60q, want %q", got, test.begins)
			}
		})
	}
}

func TestReportOptions(t *testing.T) {
	url := vmtest.Start(t)
	none := filepath.Join(t.TempDir(), "none")
	tests := []struct {
		name      string
		arguments []string
		want      string // in the error
	}{
		{"no organisation", nil, "--org is missing"},
		{"an unknown organisation", []string{"--org", "other"}, `no organisation "other"`},
		{"an unknown format", []string{"--org", "acme", "--format", "html"}, `the format "html"`},
		{"an unknown kind", []string{"--org", "acme", "--kind", "quality"}, `the kind "quality"`},
		{"an event of the level default", []string{"--org", "victim", "--kind", "event"}, "needs the level premium"},
		{"an unknown paper", []string{"--org", "acme", "--paper", "a5"}, `the paper "a5"`},
		{"no logo", []string{"--org", "acme", "--logo", none}, "logo: "},
		{"no title", []string{"--org", "acme", "--title", " "}, "--title"},
		{"no rows", []string{"--org", "acme", "--top", "0"}, "--top"},
		{"a range that is empty", []string{"--org", "acme", "--to", "now-31d"}, "range"},
		{"an unknown zone", []string{"--org", "acme", "--timezone", "Moon"}, `"Moon"`},
		{"a bad time", []string{"--org", "acme", "--from", "yesterday"}, "--from"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "report.pdf")
			_, err := reportOf(t, url, append(test.arguments, "-o", file)...)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("the error is %v, want one with %q", err, test.want)
			}
			if _, err := os.Stat(file); err == nil {
				t.Error("there is a file nevertheless")
			}
		})
	}
}

func TestReportOfOneOrganization(t *testing.T) {
	url := vmtest.Start(t)
	stamp := time.Now().Add(-26 * time.Hour)
	vmtest.Import(t, url, strings.ReplaceAll(everySeries([]string{"192.0.2.1"}), `org="acme"`, `org="elsewhere"`))
	got, err := reportOf(t, url, "--org", "acme", "--format", "csv", "-o", "-",
		"--from", stamp.Add(-time.Hour).Format(time.RFC3339), "--to", stamp.Add(time.Hour).Format(time.RFC3339))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(got, "live") || !strings.Contains(got, "usageReport,,sent,bytes,0\n") {
		t.Errorf("the report of an organisation without usage is\n%s", got)
	}
}
