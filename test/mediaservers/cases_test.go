package mediaservers

import (
	"context"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/source/mediaserver"
)

// front is a proxy in front of a server's API, which can be away or slow.
type front struct {
	*httptest.Server
	away atomic.Bool
}

// newFront returns a proxy in front of an API, whose every answer takes longer by a delay.
func newFront(t *testing.T, api string, secure bool, delay time.Duration) *front {
	t.Helper()
	to, err := url.Parse(api)
	if err != nil {
		t.Fatal(err)
	}
	pass := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: to.Scheme, Host: to.Host})
	pass.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	f := &front{}
	f.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if f.away.Load() {
			panic(http.ErrAbortHandler)
		}
		time.Sleep(delay)
		pass.ServeHTTP(w, r)
	}))
	f.Config.ErrorLog = pass.ErrorLog
	if secure {
		f.StartTLS()
	} else {
		f.Start()
	}
	t.Cleanup(f.Close)
	return f
}

// in returns a configuration that asks the proxy.
func (f *front) in(c mediaserver.Config) mediaserver.Config {
	to, err := url.Parse(c.URL)
	if err == nil {
		c.URL = f.URL + to.Path
	}
	return c
}

// play runs the server through the cases.
func (s *server) play(t *testing.T, program, media string) []row {
	b := s.begin(t, program, media, "127.0.0.1")
	b.plays()
	b.reconnects()
	b.pauses()
	b.byProtocol()
	b.short()
	b.many()
	b.away()
	b.killed()
	rows := b.rows
	b = s.begin(t, program, media, "::1")
	b.plainly()
	return append(rows, b.rows...)
}

// begin runs the server, and polls it.
func (s *server) begin(t *testing.T, program, media, host string) *bench {
	t.Helper()
	dir, err := os.MkdirTemp("", "mediaserver") // which a server that gives its rights away can read
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o777); err != nil { //nolint:gosec // the same
		t.Fatal(err)
	}
	b := &bench{T: t, server: s, dir: dir, media: media}
	hooks := httptest.NewServer(http.HandlerFunc(b.takeHook))
	t.Cleanup(hooks.Close)
	b.run = s.prepare(t, program, dir, host, hooks.URL+"/hook")
	b.api = newFront(t, b.run.config.URL, false, 0)
	b.counts = newSink()
	run := []func(context.Context){b.poller(b.api.in(b.run.config), b.counts)}
	if host == "127.0.0.1" {
		secure, slow := newFront(t, b.run.config.URL, true, 0), newFront(t, b.run.config.URL, false, interval*3/10)
		c := secure.in(b.run.config)
		c.CA = write(t, filepath.Join(dir, "ca.pem"), string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw})))
		b.others = []other{{"the API by TLS, with a CA of one's own", newSink()}, {"each answer of the API takes 0.3 of an interval", newSink()}}
		run = append(run, b.poller(c, b.others[0].counts), b.poller(slow.in(b.run.config), b.others[1].counts))
	}
	b.stop = begin(t, b.run.command, dir)
	await(t, b.run.media)
	ctx, cancel := context.WithCancel(context.Background())
	var polls sync.WaitGroup
	for _, r := range run {
		polls.Go(func() { r(ctx) })
	}
	t.Cleanup(func() {
		cancel()
		polls.Wait()
	})
	time.Sleep(interval + interval/2)
	return b
}

// poller prepares a poller.
func (b *bench) poller(c mediaserver.Config, counts *sink) (run func(context.Context)) {
	c.Type, c.Organization, c.Interval = b.server.kind, "acme", interval
	c.StreamName = func(name string) string { return mediaserver.StreamName(c.Type, name) }
	asked, err := mediaserver.New(c)
	if err != nil {
		b.Fatal(err)
	}
	p := mediaserver.NewPoller(c, asked, "", counts, slog.New(slog.NewTextHandler(b.Output(), nil)))
	b.pollers = append(b.pollers, p)
	return p.Run
}

// takeHook gives a hook to all pollers.
func (b *bench) takeHook(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the server was killed
	}
	var answer mediaserver.HookAnswer
	for _, p := range b.pollers {
		if answer, err = p.Hook(mediaserver.HookRequest{Header: r.Header, Query: r.URL.Query(), Body: body}); err != nil {
			b.Errorf("a hook is refused: %v\n%s", err, body)
		}
	}
	for name, value := range answer.Header {
		w.Header().Set(name, value)
	}
	_, _ = io.WriteString(w, answer.Body) // the server may be killed
}

// rate is how many bytes a second a stream has at most, with what a player is sent at once when it begins.
func (b *bench) rate() float64 {
	if b.run.format == "mp3" {
		return 20_000
	}
	return 90_000
}

// settled waits until all that will count counts, and returns it.
func (b *bench) settled() taken {
	time.Sleep(b.server.lag)
	for range 2 {
		from := time.Now()
		for i, p := range b.pollers {
			for deadline := from.Add(20 * interval); !p.Status().Answered.After(from); time.Sleep(interval / 20) {
				if time.Now().After(deadline) {
					b.Fatalf("poller %d: no poll is answered: %+v", i, p.Status())
				}
			}
		}
	}
	time.Sleep(interval / 5) // the poll may be under way
	return b.counts.take()
}

// check waits until all that will count counts, and compares it with the truth.
func (b *bench) check(name string, is truth) taken {
	got := b.settled()
	b.compare(name, is, got)
	return got
}

func (b *bench) compare(name string, is truth, got taken) {
	r := row{b.server.kind, name, is.sent, got.ingest, is.received, got.playout, is.publishers, len(got.broadcasts)}
	b.rows = append(b.rows, r)
	b.Log(r)
	if got.ingest > is.sent || got.playout > is.received {
		b.Errorf("%s: more is counted than there was: %v", name, r)
	}
	if len(got.broadcasts) != is.publishers {
		b.Errorf("%s: %d broadcasts of %d publishers", name, len(got.broadcasts), is.publishers)
	}
	// What a connection does after the last poll that saw it is lost, and what the protocol adds is not counted by all.
	lost := int64((interval + b.server.lag + is.unseen).Seconds() * b.rate())
	if got.ingest < is.sent*9/10-lost*int64(is.publishers) || !is.short && got.playout < is.received*9/10-lost*int64(is.watchers) {
		b.Errorf("%s: too little is counted: %v", name, r)
	}
}

// during publishes alpha while something is done, and some time before and after it, and returns the bytes of the socket.
func (b *bench) during(do func()) int64 {
	p, stop := b.publisher()
	time.Sleep(interval + interval/2)
	do()
	time.Sleep(interval / 2)
	stop(os.Interrupt)
	p.open.Wait()
	return p.up.Load()
}

// plays has one publisher and two players, and is polled in several ways.
func (b *bench) plays() {
	for _, o := range b.others {
		o.counts.take()
	}
	var first, second int64
	sent := b.during(func() {
		var players sync.WaitGroup
		players.Go(func() { first = b.watch(4 * interval) })
		players.Go(func() {
			time.Sleep(interval)
			second = b.watch(2 * interval)
		})
		players.Wait()
	})
	is := truth{publishers: 1, watchers: 2, sent: sent, received: first + second}
	b.check("one publisher, two players", is)
	for _, o := range b.others {
		b.compare(o.name, is, o.counts.take())
	}
	if b.run.log != "" {
		b.rows = append(b.rows, checkLog(b.T, b.run.log, b.server.kind, first+second))
	}
}

// plainly has one publisher and one player, whose address counts.
func (b *bench) plainly() {
	var received int64
	sent := b.during(func() { received = b.watch(3 * interval) })
	got := b.check("both by IPv6", truth{publishers: 1, watchers: 1, sent: sent, received: received})
	delete(got.byAddress, "")
	if len(got.byAddress) > 1 || len(got.byAddress) == 1 && got.byAddress["::1"] == 0 {
		b.Errorf("bytes by address: %v", got.byAddress)
	}
}

func (b *bench) reconnects() {
	var sent int64
	for range 3 {
		sent += b.publish(2*interval + interval/2)
		time.Sleep(interval + interval/2)
	}
	b.check("a publisher that comes back twice", truth{publishers: 3, sent: sent})
}

// pauses has a publisher that sends nothing for a while.
func (b *bench) pauses() {
	p, stop := b.publisher()
	time.Sleep(3 * time.Second)
	stop(syscall.SIGSTOP)
	time.Sleep(4 * time.Second)
	stop(syscall.SIGCONT)
	time.Sleep(3 * time.Second)
	stop(os.Interrupt)
	p.open.Wait()
	b.check("a publisher that pauses for 4 s", truth{publishers: 1, sent: p.up.Load(), unseen: 4 * time.Second})
}

// byProtocol has a player of each protocol.
func (b *bench) byProtocol() {
	if len(b.run.readers) < 2 {
		return
	}
	received := make([]int64, len(b.run.readers))
	sent := b.during(func() {
		var players sync.WaitGroup
		for i, r := range b.run.readers {
			players.Go(func() { received[i] = b.read(r, 4*interval) })
		}
		players.Wait()
	})
	got := b.settled()
	for i, r := range b.run.readers {
		b.compare("read by "+r.protocol, truth{received: received[i], watchers: 1, short: r.uncounted}, taken{playout: got.byProtocol[r.protocol]})
		delete(got.byProtocol, r.protocol)
	}
	if len(got.byProtocol) > 0 || got.ingest > sent {
		b.Errorf("%d of %d bytes are ingest, and of protocols that nobody used count: %v", got.ingest, sent, got.byProtocol)
	}
}

// short has players that come and go between two polls.
func (b *bench) short() {
	var received int64
	sent := b.during(func() {
		for range 5 {
			received += b.watch(200 * time.Millisecond)
			time.Sleep(interval / 2)
		}
	})
	b.check("five players that stay shorter than an interval", truth{publishers: 1, watchers: 5, sent: sent, received: received, short: true})
}

// thirty are names of streams.
func thirty() []string {
	var streams []string
	for i := range 30 {
		streams = append(streams, fmt.Sprint("s", i))
	}
	return streams
}

// many has thirty streams at once.
func (b *bench) many() {
	streams := thirty()
	sent := b.publish(3*interval, streams...)
	got := b.check("thirty streams at once", truth{publishers: len(streams), sent: sent})
	for _, stream := range streams {
		if got.byStream[stream] == 0 && b.server.lag == 0 {
			b.Errorf("nothing counts of %s", stream)
		}
	}
	if len(got.byStream) > len(streams) {
		b.Errorf("streams that nobody sent: %v", got.byStream)
	}
}

// away has an API that does not answer for 7 intervals, in which a publisher and a player end while another publisher goes on.
func (b *bench) away() {
	const gone, seen, rest = 7 * interval, 2 * interval, 2 * interval
	other, stopOther := b.publisher("beta")
	var received int64
	sent := b.during(func() {
		var player sync.WaitGroup
		player.Go(func() { received = b.watch(seen + rest) })
		time.Sleep(seen)
		b.api.away.Store(true)
		player.Wait()
	})
	time.Sleep(gone - rest)
	b.api.away.Store(false)
	time.Sleep(3 * interval)
	stopOther(os.Interrupt)
	other.open.Wait()
	got := b.settled()
	ended, went := taken{ingest: got.ingest - got.byStream["beta"], playout: got.playout}, taken{ingest: got.byStream["beta"]}
	ended.broadcasts, went.broadcasts = map[string]string{}, map[string]string{}
	for id, stream := range got.broadcasts {
		if stream == "beta" {
			went.broadcasts[id] = stream
		} else {
			ended.broadcasts[id] = stream
		}
	}
	is := truth{publishers: 1, watchers: 1, sent: sent, received: received, unseen: rest + interval}
	if b.server.hooks {
		is.unseen = 0
	}
	b.compare("both end while the API is away for 7 intervals", is, ended)
	b.compare("a publisher goes on while the API is away for 7 intervals", truth{publishers: 1, sent: other.up.Load()}, went)
}

// killed has a server that is killed and started again.
func (b *bench) killed() {
	p, stop := b.publisher()
	time.Sleep(4 * time.Second)
	b.stop(os.Kill)
	stop(os.Interrupt)
	p.open.Wait()
	begin(b.T, b.run.command, b.dir)
	await(b.T, b.run.media)
	sent := p.up.Load() + b.publish(5*time.Second)
	b.check("the server is killed and started again", truth{publishers: 2, sent: sent})
}
