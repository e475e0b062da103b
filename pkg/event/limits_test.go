package event_test

import (
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/event"
)

func TestClockCorrection(t *testing.T) {
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		name string
		sent time.Time
		want time.Duration
	}{
		{"right", now, 0},
		{"29 s behind", now.Add(-29 * time.Second), 0},
		{"31.4 s behind", now.Add(-31400 * time.Millisecond), 31 * time.Second},
		{"an hour ahead", now.Add(time.Hour), -time.Hour},
		{"twenty years behind", now.AddDate(-20, 0, 0), now.Sub(now.AddDate(-20, 0, 0))},
		{"never set", time.Unix(5000, 0), 0},
		{"seconds for milliseconds", time.UnixMilli(now.Unix()), 0},
		{"eleven years ahead", now.AddDate(11, 0, 0), 0},
	} {
		if got := event.ClockCorrection(now.UnixMilli(), test.sent.UnixMilli()); got != test.want.Milliseconds() {
			t.Errorf("%s: got %d ms, want %d", test.name, got, test.want.Milliseconds())
		}
	}
}
