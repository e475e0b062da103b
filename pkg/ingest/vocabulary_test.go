package ingest

import (
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/measure"
)

func TestVocabulary(t *testing.T) {
	const limit = 2
	hour := time.Hour.Milliseconds()
	now := 500_000 * hour
	v := vocabulary{length: time.Hour}
	steps := []struct {
		name                string
		now                 int64
		organization, field string
		value               string
		at                  int64
		want                string
	}{
		{"the first value", now, "acme", "ip", "a", now, "a"},
		{"the second", now, "acme", "ip", "b", now, "b"},
		{"one too many", now, "acme", "ip", "c", now, measure.Other},
		{"a known one", now, "acme", "ip", "a", now, "a"},
		{"of another organisation", now, "beta", "ip", "c", now, "c"},
		{"of another field", now, "acme", "referrer", "c", now, "c"},
		{"of an hour before", now, "acme", "ip", "c", now - hour, "c"},
		{"nothing is never too many", now, "acme", "ip", "", now, ""},
		{"late for the hour, whose values are still known", now + hour, "acme", "ip", "c", now, measure.Other},
		{"in the next hour", now + hour, "acme", "ip", "c", now + hour, "c"},
		{"when the hour is forgotten", now + 3*hour, "acme", "ip", "c", now, "c"},
	}
	for _, step := range steps {
		v.turn(step.now)
		if got := v.label(step.organization, step.field, step.value, step.at, limit); got != step.want {
			t.Errorf("%s: %q counts as %q, want %q", step.name, step.value, got, step.want)
		}
	}
	if len(v.terms) != 1 {
		t.Errorf("remembers %d terms, want the one that was just used", len(v.terms))
	}
}
