package ingest

import (
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/event"
)

func TestAudience(t *testing.T) {
	hour, minute := time.Hour.Milliseconds(), time.Minute.Milliseconds()
	noon := 490_000 * hour
	var a audience
	steps := []struct {
		name    string
		viewer  uint64
		at, now int64
		want    bool
	}{
		{"the first of a minute", 1, noon, noon, true},
		{"again in the minute", 1, noon + minute - 1, noon, false},
		{"another viewer", 2, noon, noon, true},
		{"the next minute", 1, noon + minute, noon, true},
		{"the last minute of the hour before", 1, noon - 1, noon, true},
		{"a minute before, late", 1, noon, noon + 5*hour, false},
		{"much older, as logs that are imported", 1, noon - 5000*hour, noon + 5*hour, true},
		{"again", 1, noon - 5000*hour, noon + 5*hour, false},
	}
	for _, step := range steps {
		if got := a.isNew(event.ViewerKey(step.viewer), step.at, step.now); got != step.want {
			t.Errorf("%s: %v", step.name, got)
		}
	}
	a.forget(noon + 25*hour)
	if len(a.hours) != 2 || a.viewers != 3 {
		t.Errorf("%d hours and %d viewers are left, want those that were used within a day", len(a.hours), a.viewers)
	}
	a.viewers = maxAudience
	if a.isNew(9, noon, noon) || !a.isNew(2, noon+minute, noon) {
		t.Error("beyond the bound, new viewers count or known ones do not")
	}
}
