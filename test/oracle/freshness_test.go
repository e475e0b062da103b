package oracle

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"
)

// TestFreshness measures how long after it was sent an event shows in the
// answers of widgets: first of a new stream, then of the same one, whose series
// only grow. ORACLE_FRESHNESS is the number of events.
func TestFreshness(t *testing.T) {
	t.Parallel()
	events := environment(t, "ORACLE_FRESHNESS", 5)
	product := StartProduct(t, t.TempDir(), testOrganizations())
	plugin := StartPlugin(t, product, testOrganizations())

	took := make([]time.Duration, events)
	var group sync.WaitGroup
	for n := 0; n < events; n += 2 {
		group.Go(func() {
			widget, stream := []string{"bufferingRatio", "usageOverview"}[n/2%2], fmt.Sprintf("stream %d", n)
			took[n] = timeToShow(t, product, plugin, widget, stream, 2, 0)
			if n+1 < events {
				took[n+1] = timeToShow(t, product, plugin, widget, stream, 2.25, 0.75)
			}
		})
		// Not all at the same moment of the collector's rhythm.
		time.Sleep(1300 * time.Millisecond)
	}
	group.Wait()

	for n, took := range took {
		t.Logf("event of a %s stream: %v", []string{"new", "known"}[n%2], took.Round(10*time.Millisecond))
	}
	slices.Sort(took)
	worst := took[(95*len(took)+99)/100-1]
	t.Logf("95th percentile %v, median %v", worst.Round(10*time.Millisecond), took[(len(took)-1)/2].Round(10*time.Millisecond))
	if worst > freshness {
		t.Errorf("the 95th percentile is above %v", freshness)
	}
}

// timeToShow sends a play that has just played and stalled so many seconds,
// and returns how long it took until the widget showed it. The first play of a
// stream is 2 s without a stall.
func timeToShow(t *testing.T, product *Product, asker Asker, widget, stream string, playing, buffering float64) time.Duration {
	t.Helper()
	begin := time.Now()
	now := begin.UnixMilli()
	request := &Request{Header: http.Header{"Content-Type": {"application/json"}}, Envelope: &Envelope{
		AccountID: "beta-one", AccountKey: "pk_beta_one", Client: Client{Kind: "hlsjs", Version: "1"},
		SessionID: fmt.Sprint(stream, playing), Stream: stream,
		Events: []map[string]any{
			{"seq": 1, "ts": now - int64((playing+buffering)*1000), "type": "start"},
			{"seq": 2, "ts": now, "type": "stats", "playing": playing, "buffering": buffering},
		},
	}}
	receipt, err := product.post(t.Context(), http.DefaultClient, request)
	if err != nil {
		t.Error(err)
		return 0
	}
	if receipt.Status != http.StatusAccepted {
		t.Errorf("sent a play and got %d: %s", receipt.Status, receipt.Answer)
		return 0
	}

	to := floor(now, minute) + 2*minute
	q := Query{QueryType: widget, Organization: "beta", Stream: []string{stream}, From: to - 10*minute, To: to}
	if buffering > 0 {
		playing += 2
	}
	column, wanted := "value", buffering/(buffering+playing)
	if widget == "usageOverview" {
		q.Unit, column, wanted = "playtime", "playout", playing
	}
	for time.Since(begin) < 2*freshness {
		ctx, cancel := context.WithTimeout(t.Context(), freshness)
		answer, err := asker.Ask(ctx, q)
		cancel()
		var table Table
		if err == nil {
			table, err = ReadFrames(answer, Widgets()[widget])
		}
		if err != nil {
			t.Error(err)
			break
		}
		if equal(&wanted, table.Cells[Cell{Column: column}], column) {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	return time.Since(begin)
}
