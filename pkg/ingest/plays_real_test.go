package ingest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
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
			now := clock().UnixMilli()
			b := report(n, 0, now)
			end := event.New(4, now, event.Stop)
			end.Reason = "destroy"
			b.Events = append(b.Events, end)
			if _, err := p.Events(b, func() event.Viewer { return viewer(n) }); err != nil {
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
	direct, err := vl.NewClient(server.URL, http.DefaultClient)
	if err != nil {
		t.Fatal(err)
	}
	if err := direct.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	rows, err := direct.Ask(t.Context(), vl.Question{From: begun.Add(-24 * time.Hour), To: time.Now().Add(time.Hour), Sums: []vl.Sum{
		{Name: "n", Function: vl.Count}, {Name: "u", Function: vl.Distinct, Fields: []play.Field{play.Session, play.Begin}},
	}})
	if err != nil || len(rows) != 1 || rows[0]["n"] != strconv.Itoa(plays) || rows[0]["u"] != strconv.Itoa(plays) {
		t.Errorf("stored and distinct: %v, %v, want %d", rows, err, plays)
	}
	s := p.PlayStats()
	t.Logf("%d plays, %d kills of each, %d lost answers and cut bodies; since the last start %+v", plays, kills, proxy.Faults.Load(), s)
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
