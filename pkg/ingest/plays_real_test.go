package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/event"
	"github.com/streamlens/streamlens/pkg/play"
	"github.com/streamlens/streamlens/pkg/vl"
	"github.com/streamlens/streamlens/pkg/vl/vltest"
)

// TestPlaysOnce kills a real VictoriaLogs and the pipeline again and again, loses answers and cuts bodies off, and then asks whether every
// play is stored once, while it is also told which plays run. It does so for a few seconds; PLAYS_KILLS says how often each is killed, PLAYS how many plays there are.
func TestPlaysOnce(t *testing.T) {
	kills, plays := number(t, "PLAYS_KILLS", 1), number(t, "PLAYS", 1_000)
	server := vltest.StartServer(t, vltest.Flags...)
	proxy := vltest.StartFaulty(t, server.URL)
	store, err := vl.NewClient(proxy.URL, &http.Client{Transport: &http.Transport{DisableKeepAlives: true}})
	if err != nil {
		t.Fatal(err)
	}
	// Plays end one after the other, by the clock of the pipeline, which is a little behind that of the store.
	var behind atomic.Int64
	begun := time.Now().Add(-time.Hour)
	clock := func() time.Time { return begun.Add(time.Duration(behind.Load())).Add(time.Since(begun.Add(time.Hour))) }
	o := Options{Dir: t.TempDir(), Clock: clock, Plays: store, KeepPlays: 24 * time.Hour, RunningPlays: true}
	p := open(t, o)
	ctx, stop := context.WithCancel(t.Context())
	var sending sync.WaitGroup
	run := func() {
		queue, running := &p.plays, &p.running
		sending.Go(func() { queue.run(ctx) })
		sending.Go(func() { running.run(ctx) })
	}
	run()
	rounds := 2*kills + 1
	for round := range rounds {
		for n := round * plays / rounds; n < (round+1)*plays/rounds; n++ {
			if _, err := p.Events(ended(n, clock()), func() event.Viewer { return viewer(n) }); err != nil {
				t.Fatal(err)
			}
			if n%(plays/rounds/4+1) == 0 {
				p.addUp()
				p.stopSaving()
				time.Sleep(30 * time.Millisecond)
			}
		}
		behind.Add(int64(time.Second))
		p.addUp()
		p.stopSaving()
		time.Sleep(100 * time.Millisecond)
		switch {
		case round == rounds-1:
		case round%2 == 0: // the pipeline is killed: what it has in memory is gone
			stop()
			sending.Wait()
			ctx, stop = context.WithCancel(t.Context())
			p = open(t, o)
			run()
		default:
			server.Kill()
			time.Sleep(50 * time.Millisecond)
			server.Start()
		}
	}
	deadline := time.Now().Add(3 * time.Minute)
	for s := p.PlayStats(); s.Waiting > 0 || p.plays.files.next() != ""; s = p.PlayStats() {
		if time.Now().After(deadline) {
			t.Fatalf("they still wait: %+v", s)
		}
		time.Sleep(20 * time.Millisecond)
	}
	stop()
	sending.Wait()
	// If it was killed since, that shows with the next probe.
	for p.plays.probed = (time.Time{}); p.plays.probed.IsZero() || p.plays.length() > 0; time.Sleep(20 * time.Millisecond) {
		p.plays.step(t.Context())
	}
	checkStored(t, server.URL, plays)
	s := p.PlayStats()
	t.Logf("%d plays, %d kills of each, %d lost answers and cut bodies; since the last start %+v", plays, kills, proxy.Faults.Load(), s)
}

// holding is a proxy in front of VictoriaLogs that receives the first request that writes as a whole, breaks the connection to the collector, and
// hands a share of it on at once and the rest later.
type holding struct {
	proxy        http.Handler
	target       string
	first        float64 // share that is handed on at once
	hold         time.Duration
	once         sync.Once
	broken, over chan struct{} // closed when the connection is broken, and when VictoriaLogs has answered
}

func (h *holding) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/insert/jsonline" {
		h.once.Do(func() {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				panic(err)
			}
			go h.handOn(r.URL.RequestURI(), r.Header.Clone(), body)
			close(h.broken)
			panic(http.ErrAbortHandler)
		})
	}
	h.proxy.ServeHTTP(w, r)
}

// handOn hands a body on, and closes over if VictoriaLogs takes it.
func (h *holding) handOn(path string, header http.Header, body []byte) {
	at := int(h.first * float64(len(body)))
	reader, writer := io.Pipe()
	go func() {
		_, err := writer.Write(body[:at])
		time.Sleep(h.hold)
		if err == nil {
			_, err = writer.Write(body[at:])
		}
		writer.CloseWithError(err)
	}()
	request, err := http.NewRequest(http.MethodPost, h.target+path, reader)
	if err != nil {
		return
	}
	request.Header = header
	response, err := http.DefaultClient.Do(request)
	if err == nil && response.Body.Close() == nil && response.StatusCode == http.StatusOK {
		close(h.over)
	}
}

// TestPlaysHeldBack lets VictoriaLogs store plays after the collector has given up the request with them. They must not be sent again, and plays that
// end meanwhile must not wait.
func TestPlaysHeldBack(t *testing.T) {
	for _, tt := range []struct {
		name   string
		first  float64
		hold   time.Duration
		killed bool // whether the pipeline is killed before VictoriaLogs stores
	}{
		{"on the way", 0, time.Second, false},
		{"on the way, after a kill", 0, time.Second, true},
		{"in VictoriaLogs", 0.5, playsGrace + 2*time.Second, false},
		{"in VictoriaLogs, after a kill", 0.5, playsGrace + 2*time.Second, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := vltest.StartServer(t, vltest.Flags...)
			target, err := url.Parse(server.URL)
			if err != nil {
				t.Fatal(err)
			}
			h := &holding{
				proxy: httputil.NewSingleHostReverseProxy(target), target: server.URL, first: tt.first, hold: tt.hold,
				broken: make(chan struct{}), over: make(chan struct{}),
			}
			front := httptest.NewServer(h)
			t.Cleanup(front.Close)
			store, err := vl.NewClient(front.URL, &http.Client{Transport: &http.Transport{DisableKeepAlives: true}})
			if err != nil {
				t.Fatal(err)
			}
			o := Options{Dir: t.TempDir(), Plays: store, KeepPlays: 24 * time.Hour}
			p := open(t, o)
			const held = 200
			together(t, p, 0, held, func(session int) event.Batch { return ended(session, time.Now()) })
			p.addUp()
			p.stopSaving()
			p.plays.step(t.Context())
			<-h.broken
			if tt.killed {
				p = open(t, o)
			}
			together(t, p, held, held+1, func(session int) event.Batch { return ended(session, time.Now()) })
			p.addUp()
			p.stopSaving()
			deadline, waited := time.Now().Add(time.Minute), true
			for s := p.PlayStats(); s.Waiting > 0; s = p.PlayStats() {
				if time.Now().After(deadline) {
					t.Fatalf("they still wait: %+v", s)
				}
				waited = waited && s.Written == 0
				p.plays.step(t.Context())
				time.Sleep(20 * time.Millisecond)
			}
			if waited {
				t.Error("a play that nothing is doubtful about waited for those that are")
			}
			select {
			case <-h.over:
			case <-time.After(10 * time.Second):
				t.Fatal("VictoriaLogs did not take what was held back")
			}
			if s := p.PlayStats(); s.Found != held || s.Written != 1 {
				t.Errorf("%+v, want %d found and 1 written", s, held)
			}
			checkStored(t, server.URL, held+1)
		})
	}
}

// ended is a report of a play that has ended at a time.
func ended(session int, at time.Time) event.Batch {
	now := at.UnixMilli()
	b := report(session, 0, now)
	end := event.New(4, now, event.Stop)
	end.Reason = "destroy"
	b.Events = append(b.Events, end)
	return b
}

// checkStored checks that so many plays are stored, each once.
func checkStored(t *testing.T, url string, plays int) {
	t.Helper()
	direct, err := vl.NewClient(url, http.DefaultClient)
	if err != nil {
		t.Fatal(err)
	}
	if err := direct.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	rows, err := direct.Ask(t.Context(), vl.Question{From: time.Now().Add(-25 * time.Hour), To: time.Now().Add(time.Hour), Sums: []vl.Sum{
		{Name: "n", Function: vl.Count}, {Name: "u", Function: vl.Distinct, Fields: []play.Field{play.Session, play.Begin}},
	}})
	if err != nil || len(rows) != 1 || rows[0]["n"] != strconv.Itoa(plays) || rows[0]["u"] != strconv.Itoa(plays) {
		t.Errorf("stored and distinct: %v, %v, want %d", rows, err, plays)
	}
}

func number(t *testing.T, variable string, usual int) int {
	t.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return usual
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(errors.Join(fmt.Errorf("%s", variable), err))
	}
	return n
}
