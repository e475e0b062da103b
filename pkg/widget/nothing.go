package widget

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/vl"
	"github.com/streamlens/streamlens/pkg/vm"
)

// CustomNothing is the name under which a frame's custom meta data has the words that stand in place of numbers. A frame has it if
// none of its numbers says anything.
const CustomNothing = "nothing"

// everPast is how far back is looked for what ever reported: as long as VictoriaMetrics keeps at the least.
const everPast = 400 * day

// reason is why an answer says nothing.
type reason struct {
	short  string // a few words, for the place where a number would stand
	notice string // a sentence with what to do about it; "" if there is a notice already
	// insteadOfZeros is set if even sums, which are 0, say nothing.
	insteadOfZeros bool
}

// sourceKind is a kind of what reports.
type sourceKind uint8

const (
	players sourceKind = iota
	publishers
	servers
)

// kinds are what is said of a kind of source, and what tells whether there ever was one.
var kinds = [...]struct {
	missing string // that there never was one, in a few words
	connect string // how there will be one
	signs   []read
}{
	players: {
		"No player reports yet", "Players report when they have the beacon, or send CMCD",
		[]read{{measure: measure.Loads}, {measure: measure.Plays}, playing()},
	},
	publishers: {
		"No publisher reports yet", "Webcasters report when they have the beacon, other encoders by way of a media server that is polled",
		[]read{{measure: measure.Publishes}, usage(Query{Unit: UnitPlaytime}, measure.Ingest)},
	},
	servers: {
		"No server reports yet", "Servers report by their access logs, by /v1/usage, or when they are polled",
		[]read{{measure: measure.Traffic}, {measure: measure.ServerViewers}},
	},
}

// kindOf returns what reports that of which a read takes a part.
func kindOf(r read) sourceKind {
	switch r.measure {
	case measure.Traffic, measure.TrafficByIP, measure.TrafficByReferrer, measure.ServerViewers:
		return servers
	case measure.Publishes, measure.PublishesByOS, measure.PublishesByBrowser, measure.PublishesByVersion,
		measure.VideoBitrate, measure.AudioBitrate, measure.IngestTime, measure.RoundTripTime, measure.PacketLoss, measure.PublishStops,
		measure.PublishStatuses, measure.PictureHeight, measure.FrameRate, measure.Jitter, measure.MediaLag:
		return publishers
	}
	if r.dimension == measure.DimensionDirection && r.value == measure.Ingest {
		return publishers
	}
	return players
}

// isNothing reports whether the answer says nothing: the column that was chosen, or every column, has no number but 0. sums is whether
// some of them are 0, and others whether columns beside the chosen one say something.
func (res *result) isNothing() (nothing, sums, others bool) {
	for _, r := range res.table.rows {
		for _, c := range res.columns() {
			for i := range res.table.shown {
				switch v := c.value(cell{res.table, r, i}); {
				case math.IsNaN(v):
				case v == 0:
					sums = true
				case !res.matters(c):
					others = true
				default:
					return false, false, false
				}
			}
		}
	}
	return true, sums, others
}

// matters reports whether a column is what was asked for: of a widget with choices the chosen one alone.
func (res *result) matters(c Column) bool {
	return len(res.definition.Choices) == 0 || c.Name == chosenColumn || c.compares == chosenColumn
}

// explain finds out why an answer says nothing, if it does. Alert rules have nobody who reads it, so they are spared the questions.
func (res *result) explain(ctx context.Context, asker vm.Asker) error {
	if res.request.Alert {
		return nil
	}
	nothing, sums, others := res.isNothing()
	if !nothing {
		return nil
	}
	if res.why == nil && res.request.fromRecords {
		res.why = &reason{"No play matches", "No play that ended in this time range matches.", true}
	}
	if res.why == nil {
		why, err := res.findReason(ctx, asker)
		if err != nil {
			return err
		}
		res.why = &why
	}
	if res.why.notice != "" {
		res.notices = append(res.notices, res.why.notice)
	}
	res.wordsOnly = !others && (!sums || res.why.insteadOfZeros)
	return nil
}

// findReason asks, until it knows, whether there is something without the filters, and whether there ever was.
func (res *result) findReason(ctx context.Context, asker vm.Asker) (reason, error) {
	of := res.readsOfColumns()
	if len(res.intervals) > 0 && len(res.filters) > len(res.fixed) {
		whole := interval{from: res.intervals[0].from, to: res.intervals[len(res.intervals)-1].to}
		if some, err := res.finds(ctx, asker, of, whole); err != nil || some {
			return reason{short: "Nothing matches the filters", notice: "There is something in this time range, but nothing that matches the filters."}, err
		}
	}
	ever := interval{from: res.request.Now.Add(-everPast).Truncate(time.Minute), to: ceilMinute(res.request.Now)}
	var missing []sourceKind
	for _, r := range of {
		if kind := kindOf(r); !slices.Contains(missing, kind) {
			missing = append(missing, kind)
		}
	}
	for _, kind := range missing {
		if some, err := res.finds(ctx, asker, kinds[kind].signs, ever); err != nil {
			return reason{}, err
		} else if some {
			return res.nothingOf(ctx, asker, of, ever)
		}
	}
	why := reason{short: "Nothing reports yet", notice: "Nothing of this was ever reported.", insteadOfZeros: true}
	if len(missing) == 1 {
		why.short = kinds[missing[0]].missing
		why.notice = why.short + "."
	}
	for _, kind := range missing {
		why.notice += fmt.Sprintf(" %s.", kinds[kind].connect)
	}
	why.notice += " See docs/sources/README.md."
	if slices.Contains(res.definition.Options, OptionUnit) {
		other, unit, who := players, UnitPlaytime, "Players"
		if res.request.Unit == UnitPlaytime {
			other, unit, who = servers, UnitTraffic, "Servers"
		}
		if some, err := res.finds(ctx, asker, kinds[other].signs, ever); err != nil {
			return reason{}, err
		} else if some {
			why.notice += fmt.Sprintf(" %s do report: choose the unit %s.", who, unit)
		}
	}
	return why, nil
}

// nothingOf is the reason where the kind of source is known: it never says this, as not every player has a latency, or it has said
// nothing of it in the range.
func (res *result) nothingOf(ctx context.Context, asker vm.Asker, of []read, ever interval) (reason, error) {
	distributions := !slices.ContainsFunc(of, func(r read) bool { return measure.Get(r.measure).Kind != measure.Distribution })
	if distributions {
		some, err := res.finds(ctx, asker, of, ever)
		if err != nil {
			return reason{}, err
		}
		if !some {
			return reason{"Nobody reports this", "There are reports, but none of them has this number: not every player or encoder knows it.", true}, nil
		}
	}
	return reason{short: "None in this time range", notice: "There is none in this time range."}, nil
}

// finds reports whether anything was counted in an interval of what is read, by the fixed filters alone.
func (res *result) finds(ctx context.Context, asker vm.Asker, of []read, in interval) (bool, error) {
	reads := slices.Clone(of)
	for i := range reads {
		// Hours do, and the number of values.
		reads[i].kind = sums
		if measure.Get(reads[i].measure).Kind == measure.Distribution {
			reads[i].kind = valueCounts
		}
	}
	p, err := newPlan(reads, "", res.fixed, []interval{in})
	if err != nil {
		return false, err
	}
	t, took, err := p.run(ctx, asker)
	res.statistics.requests += took.requests
	res.statistics.fetched += took.fetched
	res.statistics.points += took.points
	if err != nil {
		return false, err
	}
	return len(t.rows) > 0 && !t.rows[0].isEmpty(0), nil
}

// readsOfColumns returns the reads of which the columns that are asked for are made.
func (res *result) readsOfColumns() []read {
	all := res.definition.reads(res.request.Query)
	var of []read
	for _, c := range res.columns() {
		for i, r := range all {
			if res.matters(c) && (c.of == nil || slices.Contains(c.of, i)) && !slices.Contains(of, r) {
				of = append(of, r)
			}
		}
	}
	return of
}

// ShortOf says in a few words why there is no answer, for the place where a number would stand: err is one that Run returned.
func ShortOf(err error) string {
	var of *kindError
	var unreachable *vm.UnreachableError
	switch {
	case errors.As(err, &of) && of.short != "":
		return of.short
	case errors.Is(err, ErrBadQuery), errors.Is(err, vm.ErrLimit), errors.Is(err, vl.ErrLimit):
		return "The query is not possible"
	case errors.Is(err, context.DeadlineExceeded):
		return "The database is too slow"
	case errors.As(err, &unreachable):
		return "The database does not answer"
	case errors.As(err, new(*vl.UnreachableError)):
		return "The store of plays does not answer"
	case errors.As(err, new(*vl.StatusError)):
		return "The store of plays refuses"
	case errors.Is(err, ErrUpstream):
		return "The database refuses"
	}
	return "Failed; the log says why"
}
