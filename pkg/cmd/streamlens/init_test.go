package main

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/streamlens/streamlens/pkg/config"
	"github.com/streamlens/streamlens/pkg/processtest"
	"github.com/streamlens/streamlens/pkg/vm/vmtest"
)

// execute runs a subcommand with an input and returns what it printed.
func execute(t *testing.T, command *cobra.Command, input string, args ...string) (string, error) {
	t.Helper()
	var output bytes.Buffer
	command.SetArgs(args)
	command.SetIn(strings.NewReader(input))
	command.SetOut(&output)
	command.SetErr(&output)
	err := command.ExecuteContext(t.Context())
	return output.String(), err
}

func TestInitKnowsTheService(t *testing.T) {
	packaged := "../../../tools/release/debian" // the service of the package
	for _, c := range []struct {
		path, want string
		folders    []string
	}{
		{"/etc/streamlens/streamlens.yaml", "systemctl enable --now streamlens", []string{t.TempDir(), packaged}},
		{"/etc/streamlens/streamlens.yaml", "systemctl enable --now streamlens", []string{"../../../docs/examples/systemd"}},
		{"streamlens.yaml", "streamlens collect --config streamlens.yaml", []string{packaged}},
		{"/etc/streamlens/streamlens.yaml", "streamlens collect --config /etc/streamlens/streamlens.yaml", []string{t.TempDir()}},
	} {
		if got := startCommand(c.path, c.folders); got != c.want {
			t.Errorf("%s with services in %v: %s", c.path, c.folders, got)
		}
	}
}

func TestInitAsks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "streamlens.yaml")
	answers := "tv\n\nhttp://db:8428\nmissing.mmdb\n\"\"\n:9095\n" // the last two questions get no answer
	printed, err := execute(t, initCommand(), answers, "--config", path, "--level", "default")
	if err != nil {
		t.Fatalf("%v\n%s", err, printed)
	}
	c, err := config.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	o := c.Organizations[0]
	got := fmt.Sprintf("%s %s %s %v %s %s %s", o.ID, o.Level, c.VictoriaMetrics.URL, c.GeoIP.Databases, c.Listen, c.PrivateListen, c.DataDir)
	// The empty second answer is to the question of VictoriaMetrics, because --level was given.
	if want := "tv default http://127.0.0.1:8428 [] :9095 127.0.0.1:8096 /var/lib/streamlens"; got != want {
		t.Errorf("wrote %s, want %s", got, want)
	}
	if !strings.Contains(printed, "missing.mmdb") || !strings.Contains(printed, "streamlens collect --config "+path) {
		t.Errorf("it said\n%s", printed)
	}
	if tokens := o.BlockListTokens; len(tokens) != 1 || !strings.HasPrefix(tokens[0].Token, "bt_") || strings.Contains(printed, tokens[0].Token) {
		t.Errorf("block list tokens: %+v", tokens)
	}
	if strings.Contains(printed, o.SecretKey) {
		t.Error("the secret key is on the screen")
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm()&0o007 != 0 {
		t.Errorf("anybody may read the keys: %v, %v", info.Mode(), err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	// The read key opens nothing until somebody wants it.
	if len(o.ReadKeys) != 0 {
		t.Errorf("read keys: %v", o.ReadKeys)
	}
	wanted := filepath.Join(t.TempDir(), "streamlens.yaml")
	if err := os.WriteFile(wanted, bytes.Replace(before, []byte("# readKeys"), []byte("readKeys"), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	if c, err := config.Load(wanted); err != nil || len(c.Organizations[0].ReadKeys) != 1 || len(c.Organizations[0].ReadKeys[0].Key) < 25 {
		t.Errorf("with its # taken away: %v", err)
	}
	if _, err := execute(t, initCommand(), "", "--config", path, "--yes"); err == nil || !strings.Contains(err.Error(), "is there already") {
		t.Errorf("a second time: %v", err)
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
		t.Errorf("a second time changed the file: %v", err)
	}
}

func TestInitRefuses(t *testing.T) {
	for _, test := range []struct {
		flag, value, want string
	}{
		{"org", "Big TV", "id"},
		{"level", "gold", "level"},
		{"listen", "8095", "listen"},
		{"victoriametrics", "db:8428", "victoriametrics"},
		{"geoip", "/nowhere.mmdb", "/nowhere.mmdb"},
	} {
		path := filepath.Join(t.TempDir(), "streamlens.yaml")
		_, err := execute(t, initCommand(), "", "--config", path, "--yes", "--"+test.flag, test.value)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("--%s %s: %v", test.flag, test.value, err)
		}
		if _, err := os.Stat(path); !os.IsNotExist(err) {
			t.Errorf("--%s %s left a file: %v", test.flag, test.value, err)
		}
	}
}

// TestDoctor makes a configuration, looks at it before and after its collector runs, and has a play counted.
func TestDoctor(t *testing.T) {
	database, listen, private := vmtest.Start(t), processtest.FreeAddress(t), processtest.FreeAddress(t)
	path := filepath.Join(t.TempDir(), "streamlens.yaml")
	printed, err := execute(t, initCommand(), "", "--config", path, "--yes", "--victoriametrics", database, "--listen", listen,
		"--private-listen", private, "--data-dir", t.TempDir(), "--geoip", "")
	if err != nil || strings.Contains(printed, "WRONG") {
		t.Fatalf("%v\n%s", err, printed)
	}
	printed, err = execute(t, doctorCommand(), "", "--config", path)
	if err == nil || !strings.Contains(printed, "WRONG  collector") || !strings.Contains(printed, "WRONG  organisation acme: no collector knows") {
		t.Fatalf("without a collector: %v\n%s", err, printed)
	}

	c, err := config.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	command := collectCommand(slog.New(slog.DiscardHandler))
	command.SetArgs([]string{"--config", path})
	ended := make(chan error, 1)
	go func() { ended <- command.ExecuteContext(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	account, at := c.Organizations[0].Accounts[0], time.Now().Add(-3*time.Minute)
	body := fmt.Sprintf(`{"accountId":%q,"accountKey":%q,"client":{"kind":"hlsjs"},"sessionId":"one","stream":"a","events":[`+
		`{"seq":1,"ts":%[3]d,"type":"load"},{"seq":2,"ts":%[3]d,"type":"start"},{"seq":3,"ts":%[3]d,"type":"stats","playing":1}]}`,
		account.ID, account.Key, at.UnixMilli())
	until := time.Now().Add(60 * time.Second)
	for ; ; time.Sleep(50 * time.Millisecond) {
		response, err := http.Post("http://"+listen+"/v1/events", "application/json", strings.NewReader(body))
		if err == nil {
			response.Body.Close()
			if response.StatusCode == http.StatusAccepted {
				break
			}
		}
		if time.Now().After(until) {
			t.Fatalf("the collector takes no events: %v", err)
		}
	}
	for ; ; time.Sleep(200 * time.Millisecond) {
		printed, err = execute(t, doctorCommand(), "", "--config", path)
		if err == nil && strings.Contains(printed, "players of acme: last data: hls "+at.UTC().Format(time.DateOnly)) {
			break
		}
		if time.Now().After(until) {
			t.Fatalf("%v\n%s", err, printed)
		}
	}
	if !strings.Contains(printed, "ok     VictoriaMetrics at "+database) || !strings.Contains(printed, "publishers of acme: nothing in the last 24 hours") {
		t.Errorf("it said\n%s", printed)
	}
}
