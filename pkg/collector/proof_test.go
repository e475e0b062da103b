package collector

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/streamlens/streamlens/pkg/config"
	"github.com/streamlens/streamlens/pkg/tenant"
	"github.com/streamlens/streamlens/pkg/vm/vmtest"
)

// TestManyWhoAskAreOneQuestion holds readiness to one question to VictoriaMetrics a second, which here is one that fails.
func TestManyWhoAskAreOneQuestion(t *testing.T) {
	var asked atomic.Int64
	broken := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.WriteHeader(http.StatusInternalServerError)
	}))
	defer broken.Close()
	p := newProof(hold(config.Config{VictoriaMetrics: config.VictoriaMetrics{URL: broken.URL}}), "c", broken.Client(), nil, slog.New(slog.DiscardHandler))
	first := p.check(t.Context())
	if first == nil || asked.Load() == 0 {
		t.Fatalf("got %v after %d questions", first, asked.Load())
	}
	once := asked.Load()
	for begin := time.Now(); time.Since(begin) < checkShared/2; {
		if err := p.check(t.Context()); err == nil || err.Error() != first.Error() {
			t.Fatalf("got %v, want %v", err, first)
		}
	}
	if n := asked.Load(); n > 2*once {
		t.Errorf("%d questions to VictoriaMetrics, want %d or, on a slow machine, twice that", n, once)
	}
	p.checked = time.Now().Add(-checkShared)
	if before := asked.Load(); p.check(t.Context()) == nil || asked.Load() == before {
		t.Error("a second later VictoriaMetrics was not asked again")
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	p.checked = time.Time{}
	if err := p.check(gone); !errors.Is(err, context.Canceled) {
		t.Errorf("who has gone got %v", err)
	}
	if !p.checked.IsZero() {
		t.Error("the answer to one who has gone is kept")
	}
}

func TestAStartIsNoFault(t *testing.T) {
	c := config.Config{VictoriaMetrics: config.VictoriaMetrics{URL: vmtest.Start(t)}, Organizations: []tenant.Organization{tenant.NewOrganization("acme")}}
	p := newProof(hold(c), "c", http.DefaultClient, nil, slog.New(slog.DiscardHandler))
	for _, written := range []bool{false, true} { // and not shown yet
		p.written = written
		p.begun = time.Now()
		if err := p.checkNow(t.Context()); !errors.Is(err, errStarting) {
			t.Errorf("written %v: got %v", written, err)
		}
		p.begun = time.Now().Add(-showTime)
		if err := p.checkNow(t.Context()); err == nil || errors.Is(err, errStarting) {
			t.Errorf("written %v, after a while: got %v", written, err)
		}
	}
}

// hanging takes requests and never answers.
type hanging struct{}

func (hanging) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func TestReadinessOfADatabaseThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProof(hold(config.Config{VictoriaMetrics: config.VictoriaMetrics{URL: "http://127.0.0.1:8428"}}), "c", &http.Client{Transport: hanging{}}, nil,
			slog.New(slog.DiscardHandler))
		begun := time.Now()
		waits := make(chan error)
		go func() { waits <- p.check(t.Context()) }()
		if err := p.check(t.Context()); !errors.Is(err, errSlow) || time.Since(begun) != checkTimeout {
			t.Errorf("got %v after %v", err, time.Since(begun))
		}
		if err := <-waits; !errors.Is(err, errSlow) || time.Since(begun) != checkTimeout {
			t.Errorf("who asked at the same time got %v after %v", err, time.Since(begun))
		}
	})
}
