package collector

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestOrder(t *testing.T) {
	first := orderKey{"acme", "first"}
	for _, test := range []struct {
		name    string
		before  []orderKey    // that have counted
		later   orderKey      // counts after a second
		waiting int           // others that wait
		cancel  time.Duration // 0: never
		want    bool
		took    time.Duration
	}{
		{"it has counted", []orderKey{{"acme", "other"}, first}, orderKey{}, 0, 0, true, 0},
		{"it counts later", nil, first, 0, 0, true, time.Second},
		{"another one counts", nil, orderKey{"acme", "second"}, 0, 0, false, maxBehind},
		{"that of another organisation counts", nil, orderKey{"other", "first"}, 0, 0, false, maxBehind},
		{"the sender goes away", nil, orderKey{}, 0, 2 * time.Second, false, 2 * time.Second},
		{"too many wait", nil, first, maxWaiting, 0, false, 0},
		{"too many wait, but it has counted", []orderKey{first}, orderKey{}, maxWaiting, 0, true, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var o order
				for _, k := range test.before {
					o.note(k)
				}
				for range test.waiting {
					go o.wait(t.Context(), orderKey{"acme", "never"})
				}
				synctest.Wait()
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				time.AfterFunc(time.Second, func() { o.note(test.later) })
				if test.cancel > 0 {
					time.AfterFunc(test.cancel, cancel)
				}
				began := time.Now()
				if got := o.wait(ctx, first); got != test.want || time.Since(began) != test.took {
					t.Errorf("%v after %v, want %v after %v", got, time.Since(began), test.want, test.took)
				}
				time.Sleep(maxBehind)
				synctest.Wait()
				if o.waiting != 0 {
					t.Errorf("%d still wait", o.waiting)
				}
			})
		})
	}
}
