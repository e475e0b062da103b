package mediaservers

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/event"
	"github.com/streamlens/streamlens/pkg/processtest"
	"github.com/streamlens/streamlens/pkg/source/mediaserver"
)

// The API key of the LiveKit that is run.
const liveKitKey, liveKitSecret = "APIkey", "a secret of more than 32 characters"

// people is a sink of what counts of a server that counts no bytes.
type people struct {
	mu      sync.Mutex
	viewers map[event.ViewerKey]bool
	onAir   map[string]time.Duration // by broadcast
}

// Take implements mediaserver.Sink.
func (p *people) Take(lines []event.Usage, broadcasts []event.Batch, _ string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, u := range lines {
		p.viewers[u.Viewer] = true
	}
	for _, b := range broadcasts {
		for _, e := range b.Events {
			p.onAir[b.Session.ID] += time.Duration(max(e.Playing, 0)) * time.Millisecond
		}
	}
	return nil
}

// take returns what counted since it was called last.
func (p *people) take() (viewers, broadcasts int, onAir time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, d := range p.onAir {
		onAir += d
	}
	viewers, broadcasts = len(p.viewers), len(p.onAir)
	clear(p.viewers)
	clear(p.onAir)
	return viewers, broadcasts, onAir
}

// participant is a client in a room.
type participant struct {
	t       *testing.T
	command *exec.Cmd
	began   time.Time // before it joined
	there   time.Time // when it had joined, or published
}

// join lets a client join, and returns when it has, or publishes.
func join(t *testing.T, program, server, identity string, publish bool) *participant {
	t.Helper()
	p := &participant{t: t, began: time.Now(), command: exec.Command(program, "-url", "ws://"+server, "-key", liveKitKey, "-secret", liveKitSecret, //nolint:gosec // of the environment
		"-identity", identity, fmt.Sprintf("-publish=%t", publish))}
	output, err := p.command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.command.Process.Kill() }) // it may have ended
	last := map[bool]string{true: "publishes", false: "joined"}[publish]
	said := bufio.NewScanner(output)
	for said.Scan() {
		if said.Text() == last {
			p.there = time.Now()
			go func() { _, _ = io.Copy(io.Discard, output) }() // until it ends
			return p
		}
	}
	t.Fatalf("%s does not join: %v", identity, said.Err())
	return nil
}

// leave lets a client leave after a while, and returns how long it was there at least and at most.
func (p *participant) leave(after time.Duration) (least, most time.Duration) {
	p.t.Helper()
	time.Sleep(after)
	least = time.Since(p.there)
	if err := p.command.Process.Signal(os.Interrupt); err != nil {
		p.t.Error(err)
	}
	_ = p.command.Wait() // the status says that it was interrupted
	return least, time.Since(p.began)
}

// TestLiveKit lets clients publish and watch in a room of a real LiveKit, and compares who counts, and how long, with what the clients did.
func TestLiveKit(t *testing.T) {
	program, client := os.Getenv("LIVEKIT"), os.Getenv("LIVEKIT_CLIENT")
	if program == "" || client == "" {
		t.Skip("go tool mage liveKit builds LiveKit and a client, and takes some minutes the first time")
	}
	dir := t.TempDir()
	server, media := processtest.FreeAddress(t), processtest.FreeAddress(t)
	var poller atomic.Pointer[mediaserver.Poller]
	var webhooks atomic.Int64
	hooks := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			_, err = poller.Load().Hook(mediaserver.HookRequest{Header: r.Header, Query: r.URL.Query(), Body: body})
		}
		if err != nil {
			t.Errorf("a webhook is refused: %v\n%s", err, body)
			w.WriteHeader(http.StatusUnauthorized)
		}
		webhooks.Add(1)
	}))
	defer hooks.Close()
	file := write(t, filepath.Join(dir, "livekit.yaml"), fmt.Sprintf(`
port: %s
bind_addresses: ["127.0.0.1"]
rtc: {udp_port: %s, use_external_ip: false, node_ip: 127.0.0.1, interfaces: {includes: [lo]}, enable_loopback_candidate: true}
keys: {%s: %s}
webhook: {api_key: %[3]s, urls: ["%[5]s"]}
`, port(server), port(media), liveKitKey, liveKitSecret, hooks.URL))
	c := mediaserver.Config{Type: mediaserver.TypeLiveKit, URL: "http://" + server, Username: liveKitKey, Password: liveKitSecret, Organization: "acme", Interval: interval}
	asked, err := mediaserver.New(c)
	if err != nil {
		t.Fatal(err)
	}
	counts := &people{viewers: map[event.ViewerKey]bool{}, onAir: map[string]time.Duration{}}
	p := mediaserver.NewPoller(c, asked, "", counts, slog.New(slog.NewTextHandler(t.Output(), nil)))
	poller.Store(p)
	command := []string{program, "--config", file}
	stop := begin(t, command, dir)
	await(t, server)
	ctx, cancel := context.WithCancel(t.Context())
	var polls sync.WaitGroup
	polls.Go(func() { p.Run(ctx) })
	defer func() {
		cancel()
		polls.Wait()
	}()
	time.Sleep(interval + interval/2)

	fmt.Println("| case | viewers | counted | broadcasts | counted | on air | counted |")
	fmt.Println("| --- | --- | --- | --- | --- | --- | --- |")
	// lost is how much of what was on air may be missing.
	check := func(name string, viewers, publishers int, least, most, lost time.Duration) {
		time.Sleep(2 * interval)
		gotViewers, broadcasts, onAir := counts.take()
		fmt.Printf("| %s | %d | %d | %d | %d | %.1f s | %.1f s |\n", name, viewers, gotViewers, publishers, broadcasts, least.Seconds(), onAir.Seconds())
		if gotViewers != viewers || broadcasts != publishers || onAir > most || onAir < least-lost {
			t.Errorf("%s: %d viewers, %d broadcasts and %v on air count; want %d, %d and %v to %v", name, gotViewers, broadcasts, onAir, viewers, publishers, least-lost, most)
		}
	}
	const told = 100 * time.Millisecond // how late a webhook is

	publisher := join(t, client, server, "anna", true)
	stays, leaves := join(t, client, server, "ben", false), join(t, client, server, "chris", false)
	leaves.leave(2 * time.Second)
	least, most := publisher.leave(4 * time.Second)
	stays.leave(0)
	check("one publisher, two viewers", 2, 1, least, most, told)

	publisher = join(t, client, server, "anna", true)
	time.Sleep(interval / 2)
	join(t, client, server, "dora", false).leave(interval / 10)
	least, most = publisher.leave(2 * time.Second)
	check("a viewer for a tenth of a second", 1, 1, least, most, told)

	least, most = 0, 0
	for range 3 {
		shortest, longest := join(t, client, server, "anna", true).leave(700 * time.Millisecond)
		least, most = least+shortest, most+longest
		time.Sleep(300 * time.Millisecond)
	}
	check("a publisher of 0.7 s, three times", 0, 3, least, most, 3*told)

	publisher = join(t, client, server, "anna", true)
	time.Sleep(4 * time.Second)
	least = time.Since(publisher.there)
	stop(os.Kill)
	most = time.Since(publisher.began)
	_ = publisher.command.Process.Kill() // else it joins again
	begin(t, command, dir)
	await(t, server)
	again, longest := join(t, client, server, "anna", true).leave(3 * time.Second)
	check("the server is killed and started again", 0, 2, least+again, most+longest, interval+5*told)
	if webhooks.Load() == 0 {
		t.Error("there was no webhook")
	}
}
