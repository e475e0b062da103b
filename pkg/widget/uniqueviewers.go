package widget

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/play"
	"github.com/streamlens/streamlens/pkg/tenant"
	"github.com/streamlens/streamlens/pkg/vl"
	"github.com/streamlens/streamlens/pkg/vm"
)

// viewerIntervals are the lengths of intervals to choose from, and maxViewerIntervals how many there may be then: each asks three times.
var viewerIntervals = []string{"1h", "6h", "1d"}

const maxViewerIntervals = 31

func uniqueViewers() Definition {
	return Definition{
		Type:        "uniqueViewers",
		Title:       "Unique viewers",
		Description: "How many different viewers had a play that ended in the range or interval, and how many of them had one in the range or interval just before, too.",
		Details: "A viewer is a user, if half of the plays or more name one (`plays.users`); else an address with operating system, browser and device, so that people behind one address with the same are one; else, " +
			"without addresses, a session. A notice says which, and how many plays are left out because they lack it. Plays count whose first frame was rendered. Viewers of intervals do not add up. The range is at most 31 days; before the " +
			"first play that is kept nobody returns.",
		Page:     PagePlays,
		Level:    tenant.Premium,
		Options:  []string{OptionMetric, OptionWhere},
		Filters:  append(slices.Clone(commonFilters), measure.DimensionReferrer),
		Columns:  viewerColumns,
		parts:    []string{"viewers", "returning", "plays"},
		inSeries: true,
		plays:    countViewers,
	}
}

var viewerColumns = []Column{
	{Name: "viewers", Unit: Count, Help: "Different viewers."},
	{Name: "returning", Unit: Count, Help: "Those of them who had a play in the time of the same length just before, too."},
	{Name: "plays", Unit: Count, Help: "Their plays."},
}

// identity is what viewers are told apart by.
type identity struct {
	fields []play.Field // the first of which a play must have
	words  string
}

var (
	asUsers     = identity{[]play.Field{play.User}, "Viewers are users."}
	asAddresses = identity{[]play.Field{play.Address, play.OS, play.Browser, play.Device},
		"Viewers are addresses with their operating system, browser and device: users are not stored, or few plays name one."}
	asSessions = identity{[]play.Field{play.Session, play.Begin}, "Viewers are sessions: neither users nor addresses are stored, so nobody is seen to return."}
)

// countViewers answers the widget uniqueViewers.
func countViewers(ctx context.Context, asker vm.Asker, r *Request) (*data.Frame, error) {
	q, nothing, err := playsQuestion(ctx, asker, r)
	if err != nil {
		return nil, err
	}
	if r.To.Sub(r.From) > longestShares+2*time.Minute {
		return nil, badQuery("the range is too long for unique viewers: it may have 31 days")
	}
	intervals, err := viewerIntervalsOf(r)
	if err != nil {
		return nil, err
	}
	q.Filters = append(q.Filters, ofPlayers, startedOne)
	var numbers [][3]int64
	var notices []string
	if nothing {
		numbers = make([][3]int64, len(intervals))
	} else {
		who, left, err := identify(ctx, r.Plays, q)
		if err != nil {
			return nil, err
		}
		notices = append(notices, strings.TrimSpace(ofRecordsNotice+" "+who.words))
		if left > 0 {
			notices = append(notices, fmt.Sprintf("%d plays are left out, because they lack it.", left))
		}
		q.Filters = append(q.Filters, has(who.fields[0]))
		numbers, err = inParallel(ctx, len(intervals), func(ctx context.Context, i int) ([3]int64, error) {
			return viewersIn(ctx, r.Plays, q, who, intervals[i])
		})
		if err != nil {
			return nil, err
		}
	}
	return frameOfViewers(r, intervals, numbers, notices), nil
}

// viewerInterval is an interval and the begin of the time before it that is compared with it.
type viewerInterval struct {
	interval
	before time.Time
}

func viewerIntervalsOf(r *Request) ([]viewerInterval, error) {
	if r.Form != FormSeries {
		return []viewerInterval{{interval{r.From, r.From, r.To}, r.From.Add(r.From.Sub(r.To))}}, nil
	}
	zone, err := loadZone(r.Timezone)
	if err != nil {
		return nil, err
	}
	lengths, limit := viewerIntervals, maxViewerIntervals
	if r.Interval != "" {
		lengths, limit = []string{r.Interval}, maxPlayIntervals
	}
	var found []interval
	var g grid
	for _, length := range lengths {
		if g, err = newGrid(length, zone); err != nil {
			return nil, err
		}
		if found, err = g.intervals(r.From, r.To, limit); err == nil {
			break
		}
	}
	if err != nil {
		return nil, err
	}
	var intervals []viewerInterval
	for _, in := range found {
		intervals = append(intervals, viewerInterval{in, g.previous(in.start)})
	}
	return intervals, nil
}

// identify returns what viewers are told apart by, and how many plays lack that.
func identify(ctx context.Context, store vl.Asker, q vl.Question) (who identity, left int64, err error) {
	q.Sums = []vl.Sum{
		{Name: "all", Function: vl.Count}, {Name: "users", Function: vl.Count, If: []vl.Filter{has(play.User)}},
		{Name: "addresses", Function: vl.Count, If: []vl.Filter{has(play.Address)}},
	}
	rows, err := store.Ask(ctx, q)
	if err != nil {
		return who, 0, upstreamPlays(err)
	}
	counts := map[string]int64{}
	for _, row := range rows {
		for name, text := range row {
			if counts[name], err = wholeNumber(text); err != nil {
				return who, 0, err
			}
		}
	}
	switch all := counts["all"]; {
	case all == 0:
		return identity{fields: asSessions.fields}, 0, nil // of no plays nobody knows what they lack
	case 2*counts["users"] >= all:
		return asUsers, all - counts["users"], nil
	case 2*counts["addresses"] >= all:
		return asAddresses, all - counts["addresses"], nil
	default:
		return asSessions, 0, nil
	}
}

// viewersIn returns the viewers of an interval, those of them who were there before, and the plays.
func viewersIn(ctx context.Context, store vl.Asker, q vl.Question, who identity, in viewerInterval) (numbers [3]int64, err error) {
	count := func(from, to time.Time) (viewers, plays int64, err error) {
		if !from.Before(to) {
			return 0, 0, nil
		}
		q.From, q.To = from, to
		q.Sums = []vl.Sum{{Name: "viewers", Function: vl.Distinct, Fields: who.fields}, {Name: "plays", Function: vl.Count}}
		rows, err := store.Ask(ctx, q)
		if err != nil || len(rows) == 0 {
			return 0, 0, upstreamOrNil(err)
		}
		if viewers, err = wholeNumber(rows[0]["viewers"]); err != nil {
			return 0, 0, err
		}
		plays, err = wholeNumber(rows[0]["plays"])
		return viewers, plays, err
	}
	now, plays, err := count(in.from, in.to)
	if err != nil {
		return numbers, err
	}
	before, _, err := count(in.before, in.from)
	if err != nil {
		return numbers, err
	}
	both, _, err := count(in.before, in.to)
	if err != nil {
		return numbers, err
	}
	return [3]int64{now, now + before - both, plays}, nil
}

func upstreamOrNil(err error) error {
	if err == nil {
		return nil
	}
	return upstreamPlays(err)
}

func frameOfViewers(r *Request, intervals []viewerInterval, numbers [][3]int64, notices []string) *data.Frame {
	frame := data.NewFrame("uniqueViewers")
	frame.Meta = &data.FrameMeta{Type: data.FrameTypeNumericWide}
	if r.Form == FormSeries {
		frame.Meta.Type = data.FrameTypeTimeSeriesWide
		times := make([]time.Time, len(intervals))
		for i, in := range intervals {
			times[i] = in.start
		}
		frame.Fields = append(frame.Fields, data.NewField("time", nil, times))
	}
	for i, c := range viewerColumns {
		if r.Metric != "" && r.Metric != c.Name || r.Alert && r.Metric == "" && i > 0 {
			continue
		}
		values := make([]float64, len(numbers))
		for n := range numbers {
			values[n] = float64(numbers[n][i])
		}
		field := data.NewField(c.Name, nil, values)
		field.Config = &data.FieldConfig{Description: c.Help, Unit: grafanaUnits[c.Unit]}
		frame.Fields = append(frame.Fields, field)
	}
	for _, text := range notices {
		frame.Meta.Notices = append(frame.Meta.Notices, data.Notice{Severity: data.NoticeSeverityInfo, Text: text})
	}
	return frame
}
