package simulate

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/event"
	"github.com/streamlens/streamlens/pkg/source/beacon"
	"github.com/streamlens/streamlens/pkg/source/usage"
)

// recorder answers as a collector does, with its decoders, and keeps which events came.
type recorder struct {
	t     *testing.T
	mu    sync.Mutex
	types map[string][]event.Type // of events, by session, in the order of receipt
	lines int
	// trouble is answered to the first requests.
	trouble []int
}

func (h *recorder) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.trouble) > 0 {
		w.WriteHeader(h.trouble[0])
		h.trouble = h.trouble[1:]
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		h.t.Error(err)
	}
	now := time.Now().UnixMilli()
	var accepted, refused int
	if r.URL.Path == "/v1/usage" {
		lines, problems := new(usage.Decoder).Decode(body, now, 24*time.Hour)
		accepted, refused = len(lines), len(problems)
		h.lines += accepted
	} else {
		e, problem := beacon.NewDecoder(24*time.Hour).Decode(body, now, nil)
		if problem != nil {
			h.t.Errorf("refused: %v", problem)
		}
		for _, one := range e.Events {
			h.types[e.SessionID] = append(h.types[e.SessionID], one.Type)
		}
		if r.Header.Get("X-Forwarded-For") == "" || r.Header.Get("User-Agent") == "" {
			h.t.Error("a request names no viewer")
		}
		accepted, refused = len(e.Events), len(e.Refused)
	}
	if refused > 0 {
		h.t.Errorf("%d refused:\n%s", refused, body)
	}
	w.WriteHeader(http.StatusAccepted)
	if err := json.NewEncoder(w).Encode(answer{Accepted: int64(accepted)}); err != nil {
		h.t.Error(err)
	}
}

func TestLiveStopsWhatItHasStarted(t *testing.T) {
	h := &recorder{t: t, types: map[string][]event.Type{}, trouble: []int{http.StatusTooManyRequests, http.StatusServiceUnavailable}}
	server := httptest.NewServer(h)
	defer server.Close()
	o := testOptions()
	o.URL, o.Interval, o.Viewers, o.Publishers = server.URL, time.Second, 50, 4
	ctx, cancel := context.WithTimeout(t.Context(), 6*time.Second)
	defer cancel()
	sum, err := Live(ctx, o, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	var events int64
	stopped := 0
	for id, types := range h.types {
		events += int64(len(types))
		if types[0] != event.Load {
			t.Errorf("session %s begins with type %d", id, types[0])
		}
		if types[len(types)-1] == event.Stop {
			stopped++
		}
	}
	if sum.Events != events || sum.Lines != int64(h.lines) || sum.Sessions != int64(len(h.types)) || sum.Refused != 0 {
		t.Errorf("summary %+v, the collector got %d events of %d sessions and %d lines", sum, events, len(h.types), h.lines)
	}
	// Of 52 sessions with events, a few fail, leave early or vanish.
	if stopped < 35 || events < 4*50 || h.lines < 35 {
		t.Errorf("%d stops, %d events, %d lines", stopped, events, h.lines)
	}
}

func TestRefusalEndsTheRun(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, `{"error": "unknown account or wrong account key"}`)
	}))
	defer server.Close()
	o := testOptions()
	o.URL, o.SecretKey = server.URL, ""
	now := time.Now()
	for name, run := range map[string]func() (Summary, error){
		"live": func() (Summary, error) { return Live(t.Context(), o, slog.New(slog.DiscardHandler)) },
		"history": func() (Summary, error) {
			return History(t.Context(), o, now.Add(-time.Hour), now, slog.New(slog.DiscardHandler), nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := run()
			if err == nil || !strings.Contains(err.Error(), "unknown account") {
				t.Errorf("error %v does not say what the collector said", err)
			}
		})
	}
}

func TestHistory(t *testing.T) {
	h := &recorder{t: t, types: map[string][]event.Type{}}
	server := httptest.NewServer(h)
	defer server.Close()
	o := testOptions()
	o.URL, o.PlaysPerDay = server.URL, 50
	now := time.Now()
	var parts []float64
	sum, err := History(t.Context(), o, now.Add(-12*time.Hour), now, slog.New(slog.DiscardHandler), func(p float64) { parts = append(parts, p) })
	if err != nil {
		t.Fatal(err)
	}
	if sum.Sessions == 0 || sum.Lines == 0 || sum.Refused != 0 {
		t.Errorf("%+v", sum)
	}
	for i, p := range parts {
		if p < 0 || p > 1 || i > 0 && p < parts[i-1] {
			t.Errorf("progress %v", parts)
			break
		}
	}
}
