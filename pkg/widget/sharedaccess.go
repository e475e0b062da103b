package widget

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/streamlens/streamlens/pkg/blocklist"
	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/play"
	"github.com/streamlens/streamlens/pkg/tenant"
	"github.com/streamlens/streamlens/pkg/vl"
	"github.com/streamlens/streamlens/pkg/vm"
)

const (
	// mostShared is how many users or addresses are listed.
	mostShared = 100
	// sharedAtOnce is how many of them one question asks about: its text is limited.
	sharedAtOnce = 40
	// mostOneByOne is how many plays are read one by one, to find those at one moment.
	mostOneByOne = 50_000
)

func sharedAccess() Definition {
	return Definition{
		Type:        "sharedAccess",
		Title:       "Shared access",
		Description: "The users, or addresses, with the most plays at once, addresses or plays among the plays that ended in the range: who shares an account, or takes more than one viewer does.",
		Details: "`breakdown` is `user`, the default, or `ip`. 100 are listed, of those with the most addresses (by address: users) and those with the most plays, in the order of their plays at once; not those with one play at a time from one address in one country. A play lasts from its first frame, or its load, to " +
			"its end. The range is at most 7 days, and those who are looked at may have 50,000 plays in it.",
		Page:    PagePlays,
		Level:   tenant.Premium,
		Options: []string{OptionBreakdown, OptionWhere},
		Filters: append(slices.Clone(commonFilters), measure.DimensionReferrer),
		Columns: []Column{
			{Name: "user", Help: "The user's id, or `ip`, its address."},
			{Name: "mostAtOnce", Unit: Count, Help: "The greatest number of its plays at one moment."},
			{Name: "addresses", Unit: Count, Help: "Different addresses; by address `users`, different users."},
			{Name: "countries", Unit: Count, Help: "Different countries."},
			{Name: "plays", Unit: Count, Help: "Number of plays."},
			{Name: "playing", Unit: Seconds, long: true, Help: "Time of playing, of all of them together."},
			{Name: "block", Help: "The command that puts it on the [block list](blocking.md) for a week; none of a hash or a network in the place of an address."},
		},
		plays: listShared,
	}
}

// listShared answers the widget sharedAccess.
func listShared(ctx context.Context, asker vm.Asker, r *Request) (*data.Frame, error) {
	by, others := play.User, play.Address
	columns := slices.Clone(sharedAccess().Columns)
	switch r.Breakdown {
	case "", "user":
	case "ip":
		by, others = play.Address, play.User
		columns[0].Name, columns[2].Name = "ip", "users"
	default:
		return nil, badQuery("the widget sharedAccess has no breakdown by %s: it has user and ip", r.Breakdown)
	}
	q, nothing, err := playsQuestion(ctx, asker, r)
	if err != nil {
		return nil, err
	}
	if r.To.Sub(r.From) > longestCombination+2*time.Minute {
		return nil, badQuery("the range is too long to look for shared access: it may have 7 days")
	}
	q.Filters = append(q.Filters, ofPlayers, has(by))
	var rows []vl.Row
	if !nothing {
		if rows, err = mostOf(ctx, r.Plays, q, by, others); err != nil {
			return nil, err
		}
	}
	atOnce, err := playsAtOnceOf(ctx, r.Plays, q, by, rows)
	if err != nil {
		return nil, err
	}
	numbers := map[string][]float64{}
	for _, row := range rows {
		name := row[string(by)]
		of := []float64{float64(atOnce[name])}
		for _, sum := range []string{"others", "countries", "plays", "playing"} {
			n, err := wholeNumber(row[sum])
			if err != nil {
				return nil, err
			}
			of = append(of, float64(n))
		}
		if of[0] <= 1 && of[1] <= 1 && of[2] <= 1 {
			continue // one viewer
		}
		of[4] /= 1000
		numbers[name] = of
	}
	names := make([]string, 0, len(numbers))
	for name := range numbers {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(slices.Compare(numbers[b], numbers[a]), strings.Compare(a, b))
	})
	names = names[:min(len(names), mostShared)]
	frame := data.NewFrame("sharedAccess", data.NewField(columns[0].Name, nil, names))
	frame.Meta = &data.FrameMeta{Type: data.FrameTypeTable, Notices: []data.Notice{{Severity: data.NoticeSeverityInfo, Text: ofRecordsNotice}}}
	for i, c := range columns[1 : len(columns)-1] {
		values := make([]float64, len(names))
		for n, name := range names {
			values[n] = numbers[name][i]
		}
		frame.Fields = append(frame.Fields, data.NewField(c.Name, nil, values))
	}
	kind := blocklist.User
	if by == play.Address {
		kind = blocklist.IP
	}
	commands := make([]string, len(names))
	for n, name := range names {
		commands[n] = r.blockCommand(kind, name)
	}
	frame.Fields = append(frame.Fields, data.NewField("block", nil, commands))
	for i, c := range columns {
		frame.Fields[i].Config = &data.FieldConfig{Description: c.Help, Unit: grafanaUnit(c)}
	}
	if len(names) == 0 {
		short := "No play matches"
		switch {
		case len(rows) >= mostShared: // there may be others
			short = "Of the busiest nobody shares access"
		case len(rows) > 0:
			short = "No access is shared"
		case by == play.User:
			short = "No play names a user"
		}
		frame.Meta.Custom = map[string]any{CustomNothing: short}
	}
	return frame, nil
}

// mostOf returns the sums of those who have the most of others, and of those who have the most plays.
func mostOf(ctx context.Context, store vl.Asker, q vl.Question, by, others play.Field) ([]vl.Row, error) {
	q.By = []play.Field{by}
	q.Sums = []vl.Sum{
		{Name: "plays", Function: vl.Count}, {Name: "others", Function: vl.Distinct, Fields: []play.Field{others}},
		{Name: "countries", Function: vl.Distinct, Fields: []play.Field{play.Country}}, {Name: "playing", Function: vl.Total, Fields: []play.Field{play.Playing}},
	}
	q.Limit = mostShared
	found, err := inParallel(ctx, 2, func(ctx context.Context, i int) ([]vl.Row, error) {
		part := q
		part.Greatest = []string{"others", "plays"}[i]
		return store.Ask(ctx, part)
	})
	if err != nil {
		return nil, upstreamPlays(err)
	}
	rows := found[0]
	for _, row := range found[1] {
		if !slices.ContainsFunc(found[0], func(other vl.Row) bool { return other[string(by)] == row[string(by)] }) {
			rows = append(rows, row)
		}
	}
	return rows, nil
}

// playsAtOnceOf returns the greatest number of plays at one moment of those whom rows name.
func playsAtOnceOf(ctx context.Context, store vl.Asker, q vl.Question, by play.Field, rows []vl.Row) (map[string]int, error) {
	plays := int64(0)
	for _, row := range rows {
		n, err := wholeNumber(row["plays"])
		if err != nil {
			return nil, err
		}
		plays += n
	}
	if plays > mostOneByOne {
		return nil, badQuery("those with the most plays have %d in the range, of which %d can be looked at: choose a shorter range, or a filter", plays, mostOneByOne)
	}
	q.Fields = []play.Field{by, play.Begin, play.Start, play.End}
	chunks := slices.Collect(slices.Chunk(rows, sharedAtOnce))
	found, err := inParallel(ctx, len(chunks), func(ctx context.Context, i int) ([]vl.Row, error) {
		var names []string
		for _, row := range chunks[i] {
			names = append(names, row[string(by)])
		}
		part := q
		part.Filters = append(slices.Clone(q.Filters), is(by, names...)...)
		return store.Ask(ctx, part)
	})
	if err != nil {
		return nil, upstreamPlays(err)
	}
	spans := map[string][]span{}
	for _, row := range slices.Concat(found...) {
		record, err := play.Read(row)
		if err != nil {
			return nil, upstreamPlays(err)
		}
		name := row[string(by)]
		spans[name] = append(spans[name], span{max(record.Begin, record.Start), record.End})
	}
	most := map[string]int{}
	for name, of := range spans {
		most[name] = atOnce(of)
	}
	return most, nil
}

// span is a part of time, ms since 1970; its end is not in it.
type span struct{ from, to int64 }

// atOnce returns how many spans there are at the moment that has the most.
func atOnce(spans []span) int {
	var begins, ends []int64
	for _, s := range spans {
		begins, ends = append(begins, s.from), append(ends, max(s.to, s.from+1))
	}
	slices.Sort(begins)
	slices.Sort(ends)
	most, ended := 0, 0
	for begun, at := range begins {
		for ends[ended] <= at {
			ended++
		}
		most = max(most, begun+1-ended)
	}
	return most
}
