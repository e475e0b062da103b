package widget

import (
	"context"
	"slices"
	"time"

	"github.com/streamlens/streamlens/pkg/play"
	"github.com/streamlens/streamlens/pkg/vl"
)

const (
	// partsAge is how old what is known of a running play may be: it is written each minute, and may be late or lost once.
	partsAge = 3 * time.Minute
	// partsAhead is how far a collector's clock may be ahead.
	partsAhead = time.Minute
	// askedAtOnce is how many sessions a question may name: as many as its text has room for.
	askedAtOnce = 40
)

// chooseRunning lets a question ask about the plays that run if a condition says so, which only the list of plays may have.
func (r *Request) chooseRunning(q *vl.Question) error {
	i := slices.IndexFunc(q.Filters, func(f vl.Filter) bool {
		return f.Field == play.Outcome && f.Operator == vl.Is && slices.Contains(f.Values, play.Running)
	})
	switch {
	case i < 0:
		return nil
	case r.QueryType != plays().Type:
		return badQuery("plays that still run are in no sums: the widget plays alone has them")
	case len(q.Filters[i].Values) > 1:
		return badQuery("the condition outcome=running goes with no other outcome: a list has plays that run or plays that ended")
	}
	q.Filters = slices.Delete(q.Filters, i, i+1)
	q.Running, q.From, q.To = true, r.Now.Add(-partsAge), r.Now.Add(partsAhead)
	return nil
}

// reachesNow reports whether plays that still run belong to the range of a request.
func reachesNow(r *Request) bool { return !r.To.Before(r.Now.Add(-partsAge)) }

// withoutEnded leaves those of some running plays out that have a record: what says that they ended may be lost, or another collector may
// have ended them.
func withoutEnded(ctx context.Context, store vl.Asker, rows []vl.Row, now time.Time) ([]vl.Row, error) {
	type key struct{ session, begin string }
	keyOf := func(row vl.Row) key { return key{row[string(play.Session)], row[string(play.Begin)]} }
	ended := map[key]bool{}
	for some := range slices.Chunk(rows, askedAtOnce) {
		q := vl.Question{From: now, To: now.Add(partsAhead), Fields: []play.Field{play.Session, play.Begin}}
		sessions := vl.Filter{Field: play.Session, Operator: vl.Is}
		for _, row := range some {
			n, err := wholeNumber(row[string(play.Begin)])
			if err != nil {
				return nil, err
			}
			if begin := time.UnixMilli(n); begin.Before(q.From) {
				q.From = begin
			}
			sessions.Values = append(sessions.Values, row[string(play.Session)])
		}
		q.Filters = []vl.Filter{sessions}
		found, err := store.Ask(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, row := range found {
			ended[keyOf(row)] = true
		}
	}
	return slices.DeleteFunc(rows, func(row vl.Row) bool { return ended[keyOf(row)] }), nil
}
