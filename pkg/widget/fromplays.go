package widget

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/play"
	"github.com/streamlens/streamlens/pkg/vl"
	"github.com/streamlens/streamlens/pkg/vm"
)

// Limits of sums over records of plays, which read every play of their range.
const (
	// longestShares is the longest range of sums of all plays, and longestCombination that of some that conditions choose.
	longestShares      = 31 * day
	longestCombination = 7 * day
	// maxPlayIntervals is how many intervals a series may have: each is a question of its own.
	maxPlayIntervals = 60
	parallelPlays    = 4
)

// playBreakdowns are the fields of records by which widgets may be broken down, by the name of the breakdown, which is the plays' column or
// a label of players.
var playBreakdowns = map[string]play.Field{
	measure.LabelCountry: play.Country, measure.LabelStream: play.Stream, measure.LabelEvent: play.Event, measure.DimensionReferrer: play.Referrer,
	measure.DimensionOS: play.OS, measure.DimensionBrowser: play.Browser, measure.DimensionDevice: play.Device,
	measure.DimensionProtocol: play.Protocol, measure.DimensionVersion: play.Player,
	"player": play.Player, "operator": play.Operator, "cdn": play.CDN, "region": play.Region, "user": play.User, "ip": play.Address,
}

// recordsHelp says what the columns of breakdowns hold that records of plays alone have.
var recordsHelp = map[string]string{
	"operator": "Name of the network.", "player": "Kind and version of the player.", "region": "ISO 3166-2.", "cdn": "The network that delivers the media, as the page names it.", "referrer": "Host of the page.",
	"user": "The user's id, with `plays.users`.", "ip": "Address, its network or a hash of it.", "event": "The event's id.",
}

// recordBreakdowns returns the breakdowns that records of plays alone have.
func recordBreakdowns() []string { return slices.Sorted(maps.Keys(recordsHelp)) }

// namesOfPlayBreakdowns returns the breakdowns of records of plays as Markdown.
func namesOfPlayBreakdowns() string {
	return "`" + strings.Join(slices.Sorted(maps.Keys(playBreakdowns)), "`, `") + "`"
}

// ofRecordsNotice says whom an answer of records of plays is about.
const ofRecordsNotice = "Of the plays that ended in the range, from the store of plays."

// asksPlays reports whether a query is answered from records of plays: it has a condition on their columns, or is broken down by one that
// sums are not stored by.
func (r *Request) asksPlays(d Definition) (bool, error) {
	if d.ofRecords {
		return true, nil
	}
	_, stored := breakdowns[r.Breakdown]
	if measure.IsPlayerLabel(r.Breakdown) && !slices.Contains(d.Options, OptionDimension) {
		stored = !slices.Contains(d.Options, OptionWhere)
	}
	if r.Breakdown != "" && !stored {
		return true, nil
	}
	conditions, err := r.conditions()
	return len(conditions) > 0, err
}

// What chooses plays.
var (
	ofPlayers  = vl.Filter{Field: play.Direction, Operator: vl.Is, Values: []string{measure.Playout}}
	startedOne = has(play.Start)
)

// has lets the plays through that have a field.
func has(f play.Field) vl.Filter {
	return vl.Filter{Field: f, Operator: vl.IsNot, Values: []string{""}}
}

func is(f play.Field, values ...string) []vl.Filter {
	return []vl.Filter{{Field: f, Operator: vl.Is, Values: values}}
}

// fromPlays returns the number of records of plays that a read is, and false if they do not have it.
func fromPlays(r read) (vl.Sum, bool) {
	total := func(fields ...play.Field) (vl.Sum, bool) { return vl.Sum{Function: vl.Total, Fields: fields}, true }
	count := func(filters ...vl.Filter) (vl.Sum, bool) { return vl.Sum{Function: vl.Count, If: filters}, true }
	distribution := func(f play.Field) (vl.Sum, bool) {
		switch r.kind {
		case valueSums:
			return total(f)
		case valueCounts:
			return count(has(f))
		case bucketSums:
			return vl.Sum{Function: vl.Histogram, Fields: []play.Field{f}}, true
		}
		return vl.Sum{}, false
	}
	if r.field != "" {
		return distribution(r.field)
	}
	if r.kind == peakMinute {
		return vl.Sum{}, false
	}
	switch r.measure {
	case measure.Plays:
		return count(startedOne)
	case measure.Buffering:
		return total(play.Buffering)
	case measure.Playing:
		return total(play.Playing)
	case measure.Viewing:
		return total(play.Playing, play.Buffering)
	case measure.StartTime:
		return distribution(play.StartTime)
	case measure.PlayedTime:
		return distribution(play.Played)
	case measure.Stalls:
		return total(play.Stalls)
	case measure.Statuses:
		switch {
		case r.dimension == "":
			return total(play.Errors)
		case r.dimension == measure.DimensionFatal && r.value == "true":
			return total(play.Fatal)
		}
	case measure.Outcomes:
		switch {
		case r.dimension != measure.DimensionOutcome:
		case r.value == measure.OutcomePlayed: // as its first outcome
			return count(is(play.Outcome, measure.OutcomePlayed, measure.OutcomePlaybackFailure)...)
		default:
			return count(is(play.Outcome, r.value)...)
		}
	case measure.Quality:
		switch r.dimension {
		case "":
			return count(has(play.Quality))
		case measure.DimensionQuality:
			return count(is(play.Quality, r.value)...)
		}
	}
	return vl.Sum{}, false
}

// onRecords returns the definition without the columns that records of plays do not have.
func (d Definition) onRecords(q Query) Definition {
	reads := d.reads(q)
	d.Columns = slices.DeleteFunc(slices.Clone(d.Columns), func(c Column) bool {
		if c.value == nil {
			return false
		}
		for i, r := range reads {
			if _, ok := fromPlays(r); !ok && (c.of == nil || slices.Contains(c.of, i)) {
				return true
			}
		}
		return false
	})
	return d
}

// checkRecords checks what can be wrong with a query that is answered from records of plays.
func (r *Request) checkRecords(d Definition) error {
	if !slices.Contains(d.Options, OptionWhere) {
		return badQuery("the widget %s has no breakdown by %s", d.Type, r.Breakdown)
	}
	if len(d.numbers()) == 0 {
		return badQuery("records of plays do not have what the widget %s shows", d.Type)
	}
	if r.Metric != "" && !slices.Contains(d.numbers(), r.Metric) {
		return badQuery("records of plays do not have the %s of the widget %s: choose another metric", r.Metric, d.Type)
	}
	if r.Mode == ModeDelta {
		return badQuery("the mode delta is not available of records of plays")
	}
	if _, ok := playBreakdowns[r.Breakdown]; r.Breakdown != "" && !ok {
		return badQuery("records of plays have no breakdown by %s", r.Breakdown)
	}
	conditions, err := r.conditions()
	if err != nil {
		return err
	}
	longest, what := longestShares, "31 days"
	switch by := playBreakdowns[r.Breakdown]; {
	case namesOne(conditions):
	case by == play.User || by == play.Address:
		longest, what = longestList, "24 hours by "+r.Breakdown
	case len(conditions) > 0:
		longest, what = longestCombination, "7 days with conditions"
	}
	// The ends of a range are widened to whole minutes.
	if r.To.Sub(r.From) > longest+2*time.Minute {
		return badQuery("the range is too long for sums of records of plays: it may have %s", what)
	}
	return nil
}

// namesOne reports whether conditions choose the plays of a session, a user or an address, which are few.
func namesOne(filters []vl.Filter) bool {
	return slices.ContainsFunc(filters, func(f vl.Filter) bool {
		return f.Operator == vl.Is && slices.Contains([]play.Field{play.Session, play.User, play.Address}, f.Field) && !slices.Contains(f.Values, "")
	})
}

// readPlays asks the store of plays for some reads over some intervals.
func (res *result) readPlays(ctx context.Context, asker vm.Asker, reads []read, intervals []interval) (*table, error) {
	t := newTable(reads, len(intervals))
	q, nothing, err := playsQuestion(ctx, asker, &res.request)
	if err != nil {
		return nil, err
	}
	if nothing {
		return t, nil
	}
	if len(intervals) > 2*maxPlayIntervals || res.request.Form == FormSeries && len(res.intervals) > maxPlayIntervals {
		return nil, badQuery("a series of records of plays has %d intervals, more than %d: choose a longer interval", len(res.intervals), maxPlayIntervals)
	}
	by := playBreakdowns[res.request.Breakdown]
	if by != "" {
		q.By = []play.Field{by}
	}
	q.Filters = append(q.Filters, ofPlayers)
	for i, r := range reads {
		if s, ok := fromPlays(r); ok {
			s.Name = sumName(i)
			q.Sums = append(q.Sums, s)
		}
	}
	if text, err := q.Text(); err == nil {
		res.executed += text + "\n"
	}
	answers := make([][]vl.Row, len(intervals))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallelPlays)
	for i, in := range intervals {
		if in.isEmpty() {
			continue
		}
		group.Go(func() error {
			of := q
			of.From, of.To = in.from, in.to
			var err error
			answers[i], err = res.request.Plays.Ask(ctx, of)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, upstreamPlays(err)
	}
	for i, rows := range answers {
		for _, found := range rows {
			name := ""
			if by != "" {
				if name = found[string(by)]; name == "" {
					name = none
				}
			}
			if err := t.addFound(t.row(name), i, found); err != nil {
				return nil, err
			}
		}
	}
	return t, nil
}

// sumName is the name of the sum of a read in an answer of the store of plays.
func sumName(read int) string { return "n" + strconv.Itoa(read) }

// addFound adds what the store of plays says of a row in an interval.
func (t *table) addFound(r *row, interval int, found vl.Row) error {
	for i, of := range t.reads {
		text := found[sumName(i)]
		if of.kind != bucketSums {
			n, err := wholeNumber(text)
			if err != nil {
				return err
			}
			t.add(r, i, interval, 0, n)
			continue
		}
		buckets, err := histogram(text)
		if err != nil {
			return err
		}
		for bucket, n := range buckets {
			t.add(r, i, interval, bucket, n)
		}
	}
	return nil
}

// wholeNumber reads a count or sum of an answer of the store of plays: "" and "NaN" are sums of nothing.
func wholeNumber(text string) (int64, error) {
	if text == "" || text == "NaN" {
		return 0, nil
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || n != math.Trunc(n) || math.Abs(n) > 1<<53 {
		return 0, upstreamPlays(fmt.Errorf("a sum is no whole number: %q", text))
	}
	return int64(n), nil
}

// histogram reads the buckets of an answer of the store of plays.
func histogram(text string) (map[int]int64, error) {
	if text == "" {
		return nil, nil
	}
	var found []struct {
		Range string `json:"vmrange"`
		Hits  int64  `json:"hits"`
	}
	if err := json.Unmarshal([]byte(text), &found); err != nil {
		return nil, upstreamPlays(fmt.Errorf("a distribution cannot be read: %w", err))
	}
	buckets := map[int]int64{}
	for _, b := range found {
		bucket := 0
		// The bucket of 0 is the one that begins with it: whole numbers have none between 0 and 1.
		if len(b.Range) < 4 || b.Range[:4] != "0..." {
			var err error
			if bucket, err = measure.ParseBucketRange(b.Range); err != nil {
				return nil, upstreamPlays(err)
			}
		}
		buckets[bucket] += b.Hits
	}
	return buckets, nil
}
