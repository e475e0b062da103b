//go:build unix

package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/config"
	"github.com/streamlens/streamlens/pkg/processtest"
	"github.com/streamlens/streamlens/pkg/vm/vmtest"
	"github.com/streamlens/streamlens/pkg/widget"
)

// reloads is how often the test reloads, and clients how many post meanwhile.
const (
	reloads = 20
	clients = 4
)

func TestReloadLosesNothing(t *testing.T) {
	database, listen := vmtest.Start(t), processtest.FreeAddress(t)
	path := filepath.Join(t.TempDir(), "streamlens.yaml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	dataDir := t.TempDir()
	configuration := func(listen string, generation int) string {
		return fmt.Sprintf("listen: %q\ndataDir: %q\nvictoriametrics: {url: %q}\norganizations:\n  - id: acme\n    secretKey: sk_%d\n"+
			"    accounts: [{id: acme, key: pk_acme}]\n", listen, dataDir, database, generation)
	}
	write(configuration(listen, 0))

	var log processtest.Output
	count := func(text string) int { return strings.Count(log.String(), text) }
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	command := collectCommand(slog.New(slog.NewTextHandler(&log, nil)))
	command.SetArgs([]string{"--config", path})
	ended := make(chan error, 1)
	go func() { ended <- command.ExecuteContext(ctx) }()
	eventually := func(what string, condition func() bool) {
		t.Helper()
		for deadline := time.Now().Add(20 * time.Second); !condition(); time.Sleep(5 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%s did not happen; log:\n%s", what, log.String())
			}
		}
	}
	eventually("the start", func() bool { return count("Collector listens") == 1 })
	reload := func(what, logged string) {
		t.Helper()
		before := count(logged)
		told := reloadCommand()
		told.SetArgs([]string{"--config", path})
		told.SetOut(io.Discard)
		if err := told.ExecuteContext(ctx); err != nil {
			t.Fatal(err)
		}
		eventually(what, func() bool { return count(logged) > before })
	}
	status := func(key string) int {
		t.Helper()
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+listen+"/v1/usage", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer "+key)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		return response.StatusCode
	}

	eventually("that the collector says it is ready", func() bool {
		ready := readyCommand()
		ready.SetArgs([]string{"--config", path})
		ready.SetOut(io.Discard)
		ready.SetErr(io.Discard)
		return ready.ExecuteContext(ctx) == nil
	})

	begun := time.Now()
	var posting sync.WaitGroup
	var accepted atomic.Int64
	done := make(chan struct{})
	for client := range clients {
		posting.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-done:
					return
				case <-time.After(5 * time.Millisecond):
				}
				body := fmt.Sprintf(`{"accountId":"acme","accountKey":"pk_acme","client":{"kind":"hlsjs"},"sessionId":"%d-%d","stream":"a",`+
					`"events":[{"seq":1,"ts":%d,"type":"load"}]}`, client, i, time.Now().UnixMilli())
				response, err := http.Post("http://"+listen+"/v1/events", "application/json", strings.NewReader(body))
				if err != nil {
					t.Errorf("post: %v", err)
					return
				}
				response.Body.Close()
				if response.StatusCode != http.StatusAccepted {
					t.Errorf("status %d", response.StatusCode)
					return
				}
				accepted.Add(1)
			}
		})
	}

	for i := 1; i <= reloads; i++ {
		write(configuration(listen, i))
		before := accepted.Load()
		reload("a reload", "Configuration reloaded")
		eventually("a posted event", func() bool { return accepted.Load() >= before+10*clients })
		if got := status(fmt.Sprintf("sk_%d", i)); got != http.StatusBadRequest {
			t.Errorf("reload %d: the new key with a bad body: status %d, want 400", i, got)
		}
		if got := status(fmt.Sprintf("sk_%d", i-1)); i%5 == 0 && got != http.StatusUnauthorized {
			t.Errorf("reload %d: the old key: status %d, want 401", i, got)
		}
	}
	write("organizations: nobody\n")
	refused := reloadCommand()
	refused.SetArgs([]string{"--config", path})
	refused.SilenceUsage, refused.SilenceErrors = true, true
	if err := refused.ExecuteContext(ctx); err == nil {
		t.Error("a broken file was not refused")
	}
	if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	eventually("the refusal of a broken file", func() bool { return count("nothing is changed") > 0 })
	if got := status(fmt.Sprintf("sk_%d", reloads)); got != http.StatusBadRequest {
		t.Errorf("after a broken file the key that holds: status %d, want 400", got)
	}
	write(configuration("127.0.0.1:1", reloads))
	reload("the warning", "keys=listen")
	close(done)
	posting.Wait()
	stop()
	if err := <-ended; err != nil {
		t.Errorf("the collector ended with %v", err)
	}
	write(configuration(listen, 0))
	if err := refused.ExecuteContext(t.Context()); err == nil || !strings.Contains(err.Error(), "no collector runs") {
		t.Errorf("telling a collector that has ended: %v", err)
	}

	vmtest.Flush(t, database)
	write(configuration(listen, 0))
	c, err := config.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	frames, err := runQuery(t.Context(), c, "acme", widget.Request{
		Query: widget.Query{QueryType: "loadsByCountry"}, From: begun.Add(-time.Minute), To: now.Add(time.Minute), Now: now,
	})
	if err != nil {
		t.Fatal(err)
	}
	loads, _ := frames[0].FieldByName("loads")
	if loads == nil || loads.Len() != 1 {
		t.Fatalf("the answer is %+v, want one country", frames[0])
	}
	if got, err := loads.FloatAt(0); err != nil || int64(got) != accepted.Load() {
		t.Errorf("%v loads are counted, %v; %d were accepted", got, err, accepted.Load())
	}
	t.Logf("%d events were accepted while the collector reloaded %d times", accepted.Load(), reloads)
}
