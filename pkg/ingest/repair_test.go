package ingest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/play"
	"github.com/streamlens/streamlens/pkg/vl"
	"github.com/streamlens/streamlens/pkg/vl/vltest"
)

// TestRepair stores plays several times, as requests do that a proxy holds back, and lets the collector mend that, also one that is killed
// when they are deleted and not yet there again.
func TestRepair(t *testing.T) {
	t.Parallel() // it mostly waits for VictoriaLogs to begin with deletions
	store, err := vl.NewClient(vltest.Start(t), http.DefaultClient)
	if err != nil {
		t.Fatal(err)
	}
	hour := time.Now().Add(-3 * time.Hour).Truncate(time.Hour)
	line := func(organization, collector string, session, begin, hours int) []byte {
		r := play.NewRecord()
		r.Organization, r.Session, r.Collector, r.User = organization, fmt.Sprint("s", session), collector, "a \"user\""
		r.Begin, r.End = hour.UnixMilli()+int64(begin), hour.Add(time.Duration(hours)*time.Hour).UnixMilli()+int64(session*1000)
		r.Timeline = []byte{1, 0, 0, 0, 0}
		return r.Line(nil)
	}
	insert := func(lines ...[]byte) {
		t.Helper()
		if err := errors.Join(store.Insert(t.Context(), lines), store.Flush(t.Context())); err != nil {
			t.Fatal(err)
		}
	}
	want := map[string]int{} // how often each is to be there, by what tells records apart
	name := func(organization, collector, session, begin, end string) string {
		return strings.Join([]string{organization, collector, session, begin, end}, " ")
	}
	add := func(times, wanted int, l []byte) {
		t.Helper()
		key, err := play.KeyOf(l)
		if err != nil {
			t.Fatal(err)
		}
		end, err := play.EndOf(l)
		if err != nil {
			t.Fatal(err)
		}
		collector := "other"
		if bytes.Contains(l, []byte(`"collector":"c"`)) {
			collector = "c"
		}
		want[name(key.Organization, collector, key.Session, fmt.Sprint(key.Begin), fmt.Sprint(end))] = wanted
		for range times {
			insert(l)
		}
	}
	for session := range 60 {
		for _, organization := range []string{"acme", "beta"} {
			add(1+session%3/2, 1, line(organization, "c", session, 0, session%2))
		}
	}
	add(1, 1, line("acme", "c", 2, 7, 0))      // another play of a session of which one is there twice
	add(2, 2, line("acme", "other", 61, 0, 0)) // another collector mends its own
	compare := func() {
		t.Helper()
		if err := store.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		rows, err := store.Ask(t.Context(), vl.Question{From: hour.Add(-time.Hour), To: time.Now()})
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]int{}
		for _, row := range rows {
			got[name(row["org"], row["collector"], row["session"], row["begin"], row["end"])]++
			if row["user"] != "a \"user\"" || row["timeline"] != "AQAAAAA" {
				t.Errorf("a record is %v", row)
			}
		}
		for key, n := range want {
			if got[key] != n {
				t.Errorf("%s is there %d times, want %d", key, got[key], n)
			}
		}
		if len(got) != len(want) {
			t.Errorf("%d records, want %d", len(got), len(want))
		}
	}
	var ahead time.Duration
	o := Options{Dir: t.TempDir(), Collector: "c", Clock: func() time.Time { return time.Now().Add(ahead) }, Plays: store, KeepPlays: 24 * time.Hour}
	// mend lets a pipeline work until it has nothing to mend.
	mend := func(q *playQueue) {
		t.Helper()
		for range 20 {
			q.step(t.Context())
			ahead += repairPause + time.Second
			if _, err := os.Stat(q.repairPath); errors.Is(err, fs.ErrNotExist) && q.repairAt.Sub(o.Clock()) > repairPause {
				return
			}
		}
		t.Fatalf("it does not end: %d repaired, %d failures", q.repaired.Load(), q.repairFailures.Load())
	}
	p := open(t, o)
	mend(&p.plays)
	compare()
	if s := p.PlayStats(); s.Repaired != 41 || s.RepairErrors != 0 {
		t.Errorf("%d records repaired, %d failures", s.Repaired, s.RepairErrors)
	}

	t.Run("killed in between", func(t *testing.T) {
		insert(line("acme", "c", 0, 0, 0), line("beta", "c", 4, 0, 0))
		lines, found, err := store.Repeats(t.Context(), "c", hour, hour.Add(2*time.Hour))
		if err != nil || len(lines) != 2 || !found.Equal(hour) {
			t.Fatalf("%d lines of %s, %v", len(lines), found, err)
		}
		if _, err := store.TakeOut(t.Context(), "c", lines, found, func(lines [][]byte) error {
			return writeFile(p.plays.repairPath, bytes.Join(lines, nil))
		}); err != nil {
			t.Fatal(err)
		}
		p = open(t, o)
		mend(&p.plays)
		compare()
	})
	t.Run("a store that does not delete", func(t *testing.T) {
		server := vltest.StartServer(t, "-retentionPeriod=30d", "-inmemoryDataFlushInterval=1s")
		plain, err := vl.NewClient(server.URL, http.DefaultClient)
		if err != nil {
			t.Fatal(err)
		}
		l := line("acme", "c", 0, 0, 0)
		if err := errors.Join(plain.Insert(t.Context(), [][]byte{l, l}), plain.Flush(context.Background())); err != nil {
			t.Fatal(err)
		}
		o := o
		o.Dir, o.Plays = t.TempDir(), plain
		q := &open(t, o).plays
		ahead += playsGrace
		q.step(t.Context())
		if _, err := os.Stat(q.repairPath); !errors.Is(err, fs.ErrNotExist) || q.repairFailures.Load() != 1 || !q.retryAt.IsZero() {
			t.Errorf("%v, %d failures, records wait until %v", err, q.repairFailures.Load(), q.retryAt)
		}
	})
}
