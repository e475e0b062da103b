package simulate

import (
	"bytes"
	"regexp"
	"testing"
	"time"
)

func TestTroubles(t *testing.T) {
	from := time.Date(2026, 11, 20, 19, 0, 0, 0, time.UTC)
	trouble := Trouble{Country: "DE", Kind: "h5live", Version: "4.22.0", From: from, To: from.Add(time.Hour)}
	w, err := newWorld(Options{URL: "http://collector", Viewers: 20, Seed: 1, Troubles: []Trouble{trouble}})
	if err != nil {
		t.Fatal(err)
	}
	type sums struct{ playing, buffering float64 }
	var in, out sums // of sessions in trouble, and of all others
	for s := range w.past(from, from.Add(time.Hour)) {
		if !s.clip(from.Add(time.Hour)) {
			continue
		}
		of := &out
		if s.place.country == "DE" && s.player.kind == "h5live" && s.version == "4.22.0" {
			of = &in
		}
		for !s.over {
			events, _ := s.step()
			for _, e := range events {
				if e.report != nil && !s.broadcast() {
					of.playing += e.Playing
					of.buffering += e.Buffering
				}
			}
		}
	}
	if ratio := in.buffering / (in.playing + in.buffering); ratio < 0.3 || ratio > 0.5 {
		t.Errorf("in trouble the buffering ratio is %.3f, of %+v", ratio, in)
	}
	if ratio := out.buffering / (out.playing + out.buffering); ratio > 0.03 {
		t.Errorf("elsewhere the buffering ratio is %.3f, of %+v", ratio, out)
	}
}

func TestOutages(t *testing.T) {
	from := time.Date(2026, 11, 20, 19, 0, 0, 0, time.UTC)
	outage := Outage{Stream: StreamNames(1)[0], From: from.Add(time.Hour), To: from.Add(80 * time.Minute)}
	w, err := newWorld(Options{URL: "http://collector", Viewers: 20, Publishers: 3, Streams: 3, Seed: 1, Outages: []Outage{outage}})
	if err != nil {
		t.Fatal(err)
	}
	var failed, before, after, elsewhere int
	for s := range w.past(from, from.Add(3*time.Hour)) {
		if s.stream.name != outage.Stream {
			if s.due > outage.From.UnixMilli() && s.due < outage.To.UnixMilli() && s.fate == plays {
				elsewhere++
			}
			continue
		}
		switch begins := time.UnixMilli(s.loaded); {
		case s.broadcast() && s.due < outage.From.UnixMilli():
			before++
			if s.ends > outage.From.UnixMilli() {
				t.Errorf("a broadcast ends %s after the outage has begun", time.UnixMilli(s.ends).Sub(outage.From))
			}
		case s.broadcast():
			after++
			if begins.Before(outage.To) {
				t.Errorf("a broadcast begins %s before the outage ends", outage.To.Sub(begins))
			}
		case begins.After(outage.From) && begins.Before(outage.To):
			failed++
			if s.fate != fails {
				t.Errorf("a viewer who comes in the outage has the fate %d", s.fate)
			}
		case begins.Before(outage.From) && s.fate == plays && s.ends > outage.From.UnixMilli()+s.interval:
			t.Errorf("a viewer watches %s into the outage", time.UnixMilli(s.ends).Sub(outage.From))
		}
	}
	if failed == 0 || before == 0 || after == 0 || elsewhere == 0 {
		t.Errorf("%d failed, %d broadcasts before, %d after, %d plays elsewhere", failed, before, after, elsewhere)
	}
}

func TestSilentLines(t *testing.T) {
	w, err := newWorld(Options{URL: "http://collector", SecretKey: "sk_1", Seed: 1, SilentViewers: 10})
	if err != nil {
		t.Fatal(err)
	}
	from := time.Date(2026, 11, 20, 19, 0, 0, 0, time.UTC)
	whole := w.silentLines(from, from.Add(2*time.Hour))
	text := func(lines []logLine) []byte {
		var b bytes.Buffer
		for _, l := range lines {
			b.WriteString(l.text)
		}
		return b.Bytes()
	}
	// A viewer at a time makes a request every ten seconds.
	if want := 10 * 720; len(whole) < want*7/10 || len(whole) > want*13/10 {
		t.Errorf("%d lines in two hours, about %d were wanted", len(whole), want)
	}
	middle := from.Add(37 * time.Minute)
	if parts := append(text(w.silentLines(from, middle)), text(w.silentLines(middle, from.Add(2*time.Hour)))...); !bytes.Equal(parts, text(whole)) {
		t.Error("the lines of two parts are not those of the whole")
	}
	form := regexp.MustCompile(`^[0-9.]+ - - \[20/Nov/2026:\d\d:\d\d:\d\d \+0000\] "GET /lobby-screens/segment-\d+\.ts HTTP/1\.1" 200 3100000 "-" "Mozilla[^"]+"\n$`)
	for _, l := range whole {
		if !form.MatchString(l.text) {
			t.Fatalf("%q", l.text)
		}
	}
}

// TestBroadcastsAreReceived holds that servers receive each broadcast of the past at least every 90 s, or it would be inactive.
func TestBroadcastsAreReceived(t *testing.T) {
	from := time.Date(2026, 11, 20, 19, 0, 0, 0, time.UTC)
	w, err := newWorld(Options{URL: "http://collector", Publishers: 3, Streams: 3, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	broadcasts := 0
	for s := range w.past(from, from.Add(6*time.Hour)) {
		if !s.broadcast() || !s.clip(from.Add(6*time.Hour)) {
			continue
		}
		broadcasts++
		received := s.due
		for !s.over {
			_, lines := s.step()
			for _, line := range lines {
				if gap := time.Duration(line.TS-received) * time.Millisecond; gap > 90*time.Second {
					t.Errorf("%s: nothing is received for %s", s.stream.name, gap)
				}
				received = line.TS
			}
		}
	}
	if broadcasts < 3 {
		t.Errorf("%d broadcasts", broadcasts)
	}
}
