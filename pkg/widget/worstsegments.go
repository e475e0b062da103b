package widget

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"
	"golang.org/x/sync/errgroup"

	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/play"
	"github.com/streamlens/streamlens/pkg/tenant"
	"github.com/streamlens/streamlens/pkg/vl"
	"github.com/streamlens/streamlens/pkg/vm"
)

// What makes a segment stand out (docs/rules.md, 38).
const (
	leastPlays  = 50
	leastImpact = 0.05
	// pairAdds is how much worse a pair must be than each of its two, as a factor.
	pairAdds = 1.1
	// hitFrom is the share of stalled time, in millionths, from which a play is hit by buffering: that of a good play at the most.
	hitFrom = "10000"
	// confidence is that of the lower bound, for all segments that are looked at together.
	confidence = 0.95
)

// Bounds of what is looked at.
const (
	// promising is the impact from which pairs with a value are looked at: with the fault of a pair each of its two has about its impact.
	promising    = leastImpact / 2
	mostSingles  = 12
	mostPairs    = 12
	mostSegments = 10
	// overlapsAtOnce is how many segments one question asks about: its text is limited.
	overlapsAtOnce = 6
)

// segmentDimensions are what plays are divided by, named as their columns. Those of one group say much the same of a play, so that its values
// have few combinations: one question asks for all of them, because each reads all plays.
var segmentDimensions = [][]string{{"operator", "region", "country"}, {"device", "os", "browser", "player", "protocol"}, {"stream", "cdn"}, {"referrer"}}

// badness is what segments are ranked by: a ratio of two sums over plays, and which plays are hit.
type badness struct {
	help         string
	plays, hit   vl.Sum
	part, weight vl.Sum // of a ratio of times; else they are hit and plays
	ofTimes      bool
}

// badnessNames are the values of the metric, the default first.
var badnessNames = []string{"buffering", "bad", "startFailures", "playbackFailures", "exits"}

func badnessOf(name string) badness {
	attempted := vl.Sum{Function: vl.Count, If: is(play.Outcome, measure.OutcomePlayed, measure.OutcomePlaybackFailure, measure.OutcomeStartFailure, measure.OutcomeExit)}
	of := func(help string, outcomes ...string) badness {
		return badness{help: help, plays: attempted, hit: vl.Sum{Function: vl.Count, If: is(play.Outcome, outcomes...)}}
	}
	switch name {
	case "bad":
		judged := vl.Sum{Function: vl.Count, If: []vl.Filter{has(play.Quality)}}
		return badness{help: "bad plays", plays: judged, hit: vl.Sum{Function: vl.Count, If: is(play.Quality, measure.QualityBad)}}
	case "startFailures":
		return of("failed starts", measure.OutcomeStartFailure)
	case "playbackFailures":
		return of("failures", measure.OutcomeStartFailure, measure.OutcomePlaybackFailure)
	case "exits":
		return of("exits before the start", measure.OutcomeExit)
	}
	return badness{
		help: "buffering", ofTimes: true,
		plays:  vl.Sum{Function: vl.Count, If: []vl.Filter{startedOne}},
		hit:    vl.Sum{Function: vl.Count, If: []vl.Filter{startedOne, {Field: play.BufferShare, Operator: vl.AtLeast, Values: []string{hitFrom}}}},
		part:   vl.Sum{Function: vl.Total, Fields: []play.Field{play.Buffering}},
		weight: vl.Sum{Function: vl.Total, Fields: []play.Field{play.Playing, play.Buffering}},
	}
}

func worstSegments() Definition {
	return Definition{
		Type:  "worstSegments",
		Title: "Worst segments",
		Description: "Which operator, device, player, region and so on, or which two of them together, have so much more trouble than all other plays that ended in the range " +
			"that it is no chance, by the share of all trouble that would vanish if they were like the rest.",
		Details: "`metric` says which trouble: `buffering`, stalled time of the time stalled and played; `bad`, bad plays of those that are judged; `startFailures`, `playbackFailures` and `exits` of the " +
			"attempts that count. A segment has at least 50 plays and an impact of at least 0.05, and more of its plays are hit than of the rest by Wilson's bounds, at 95 % for all segments that are looked at " +
			"together; hit by buffering is a play that stalled for 0.01 of its time or more. Two values together are shown where their ratio is at least a tenth above that of each of the two, and clearly above what each has without the other. A segment that would not stand out without the " +
			"plays of another one is left out. If there is none, it says so. The range is at most 7 days.",
		Page:    PagePlays,
		Level:   tenant.Premium,
		Options: []string{OptionMetric, OptionWhere},
		Filters: append(slices.Clone(commonFilters), measure.DimensionReferrer),
		Columns: []Column{
			{Name: "segment", Help: "What the plays have in common."},
			{Name: "condition", Help: "The first of it, as a condition of `plays`."},
			{Name: "and", Help: "The second, empty if there is none."},
			{Name: "plays", Unit: Count, Help: "Number of its plays; of attempts where these count."},
			{Name: "ratio", Unit: Ratio, Help: "Its trouble."},
			{Name: "others", Unit: Ratio, Help: "That of all other plays."},
			{Name: "impact", Unit: Ratio, Help: "Share of all trouble that would vanish if it were like the rest."},
		},
		parts: badnessNames,
		plays: findWorst,
	}
}

// tally is a group of plays: how many, how many are hit, and the two sums of a ratio.
type tally struct{ plays, hit, part, weight float64 }

func (t tally) ratio() float64 { return t.part / t.weight }

func (t tally) plus(other tally) tally {
	return tally{t.plays + other.plays, t.hit + other.hit, t.part + other.part, t.weight + other.weight}
}

func (t tally) minus(other tally) tally {
	return tally{t.plays - other.plays, t.hit - other.hit, t.part - other.part, t.weight - other.weight}
}

// impact returns which share of everything's trouble would vanish if the group were like the rest.
func (t tally) impact(all tally) float64 {
	return (t.part - t.weight*all.minus(t).ratio()) / all.part
}

// standsOut reports whether a group is worth a row, where z is how many standard deviations the bound is off.
func (t tally) standsOut(all tally, z float64) bool {
	rest := all.minus(t)
	return t.plays >= leastPlays && rest.weight > 0 && t.impact(all) >= leastImpact && t.above(rest, z)
}

// above reports whether more of the plays are hit than of others, by more than chance: by the interval of the difference of two shares that is
// made of their Wilson bounds (Newcombe, Interval estimation for the difference between independent proportions, 1998, method 10). So the
// lower Wilson bound is above the share of the others, which are not taken as certain where they are few.
func (t tally) above(others tally, z float64) bool {
	if others.plays <= 0 {
		return false
	}
	p, q := t.hit/t.plays, others.hit/others.plays
	lower, _ := wilson(p, t.plays, z)
	_, upper := wilson(q, others.plays, z)
	return p-q > math.Hypot(p-lower, upper-q)
}

// wilson returns the Wilson bounds of a share of n.
func wilson(share, n, z float64) (lower, upper float64) {
	center, spread := share+z*z/(2*n), z*math.Sqrt(share*(1-share)/n+z*z/(4*n*n))
	return (center - spread) / (1 + z*z/n), (center + spread) / (1 + z*z/n)
}

// clarity returns how many standard deviations more plays are hit than of the rest: of groups with the same excess the smallest has the most.
func (t tally) clarity(all tally) float64 {
	rest := all.minus(t)
	share := rest.hit / rest.plays
	return (t.hit/t.plays - share) * math.Sqrt(t.plays/max(share*(1-share), 1e-12))
}

// deviations returns how many standard deviations a lower bound is off that holds for some number of groups together.
func deviations(groups int) float64 {
	return math.Sqrt2 * math.Erfinv(1-(1-confidence)/float64(max(groups, 1)))
}

// segmentValue is a value of a dimension; "" stands for none.
type segmentValue struct{ dimension, value string }

// condition returns the value as a condition on plays.
func (v segmentValue) condition() string { return v.dimension + "=" + cmp.Or(v.value, None) }

type segment struct {
	values []segmentValue
	tally
}

func (s segment) filters() []vl.Filter {
	var filters []vl.Filter
	for _, v := range s.values {
		filters = append(filters, is(playBreakdowns[v.dimension], v.value)...)
	}
	return filters
}

// segments finds the worst segments. ask asks for sums of the plays in question, by fields and with filters.
type segments struct {
	badness
	ask func(ctx context.Context, by []play.Field, filters []vl.Filter, sums []vl.Sum) ([]vl.Row, error)
}

// sums returns the sums of a tally, the names of which begin so, of the plays that filters let through.
func (s segments) sums(name string, filters []vl.Filter) []vl.Sum {
	sums := []vl.Sum{s.plays, s.hit, s.part, s.weight}
	if !s.ofTimes {
		sums = sums[:2]
	}
	for i := range sums {
		sums[i].Name = name + tallyNames[i]
		sums[i].If = slices.Concat(sums[i].If, filters)
	}
	return sums
}

// tallyNames end the names of the sums of a tally.
var tallyNames = []string{"n", "h", "b", "w"}

func (s segments) read(row vl.Row, name string) (t tally, err error) {
	for i, number := range []*float64{&t.plays, &t.hit, &t.part, &t.weight} {
		n, err := wholeNumber(row[name+tallyNames[i]])
		if err != nil {
			return t, err
		}
		*number = float64(n)
	}
	if !s.ofTimes {
		t.part, t.weight = t.hit, t.plays
	}
	return t, nil
}

// by returns the tallies of the plays by the values of dimensions.
func (s segments) by(ctx context.Context, filters []vl.Filter, dimensions ...string) ([]segment, error) {
	var fields []play.Field
	for _, d := range dimensions {
		fields = append(fields, playBreakdowns[d])
	}
	rows, err := s.ask(ctx, fields, filters, s.sums("", nil))
	if err != nil {
		return nil, err
	}
	found := make([]segment, len(rows))
	for i, row := range rows {
		for j, d := range dimensions {
			found[i].values = append(found[i].values, segmentValue{d, row[string(fields[j])]})
		}
		if found[i].tally, err = s.read(row, ""); err != nil {
			return nil, err
		}
	}
	// The store has them in any order, and equal ones keep theirs.
	slices.SortFunc(found, func(a, b segment) int {
		return slices.CompareFunc(a.values, b.values, func(a, b segmentValue) int { return cmp.Compare(a.value, b.value) })
	})
	return found, nil
}

// find returns the segments that stand out, those with the greatest impact first, and the tally of all plays.
func (s segments) find(ctx context.Context) (worst []segment, all tally, err error) {
	groups, err := inParallel(ctx, len(segmentDimensions), func(ctx context.Context, i int) ([]segment, error) {
		return s.by(ctx, nil, segmentDimensions[i]...)
	})
	if err != nil {
		return nil, all, err
	}
	for _, g := range groups[0] {
		all = all.plus(g.tally)
	}
	if all.part == 0 {
		return nil, all, nil
	}
	looked, enough := 0, 0 // segments that could be found, and values with enough plays
	var candidates []segment
	for i, dimensions := range segmentDimensions {
		for d := range dimensions {
			before := enough
			for _, g := range together(groups[i], d) {
				if g.plays < leastPlays {
					continue
				}
				enough++
				if g.impact(all) >= promising { // not so where there is no rest
					candidates = append(candidates, g)
				}
			}
			looked += (enough - before) * (1 + before)
		}
	}
	candidates = greatest(candidates, all, mostSingles)
	pairs, err := s.pairs(ctx, candidates, groups)
	if err != nil {
		return nil, all, err
	}
	z := deviations(looked)
	pairs = slices.DeleteFunc(pairs, func(p segment) bool { return !p.standsOut(all, z) || !adds(p, candidates, z) })
	candidates = slices.DeleteFunc(candidates, func(g segment) bool { return !g.standsOut(all, z) })
	// The clearest is what is wrong, and others are left out if nothing is wrong with them without it.
	queue := append(greatest(pairs, all, mostPairs), candidates...)
	slices.SortStableFunc(queue, func(a, b segment) int { return cmp.Compare(b.clarity(all), a.clarity(all)) })
	for len(queue) > 0 && len(worst) < mostSegments {
		first := queue[0]
		worst = append(worst, first)
		if queue, err = s.without(ctx, first, queue[1:], all, z); err != nil {
			return nil, all, err
		}
	}
	return greatest(worst, all, mostSegments), all, nil
}

// greatest returns the segments with the greatest impact, in order.
func greatest(of []segment, all tally, count int) []segment {
	slices.SortStableFunc(of, func(a, b segment) int { return cmp.Compare(b.impact(all), a.impact(all)) })
	return of[:min(len(of), count)]
}

// together returns the segments with the same values of some of their dimensions, added up, in the order of the first of each.
func together(of []segment, dimensions ...int) []segment {
	var sums []segment
	known := map[[2]segmentValue]int{}
	for _, g := range of {
		var key [2]segmentValue
		for i, d := range dimensions {
			key[i] = g.values[d]
		}
		at, ok := known[key]
		if !ok {
			at = len(sums)
			known[key] = at
			sums = append(sums, segment{values: slices.Clone(key[:len(dimensions)])})
		}
		sums[at].tally = sums[at].plus(g.tally)
	}
	return sums
}

// pairs returns the pairs of values of different dimensions that have enough plays, which are those of the groups where both are of one group.
func (s segments) pairs(ctx context.Context, singles []segment, groups [][]segment) (pairs []segment, err error) {
	values := map[string][]string{}
	for _, g := range singles {
		values[g.values[0].dimension] = append(values[g.values[0].dimension], g.values[0].value)
	}
	var found []segment
	type two struct{ a, b string }
	var of []two
	for i, group := range segmentDimensions {
		for j, a := range group {
			if len(values[a]) == 0 {
				continue
			}
			for k, b := range group[j+1:] {
				for _, p := range together(groups[i], j, j+1+k) {
					if slices.Contains(values[a], p.values[0].value) && slices.Contains(values[b], p.values[1].value) {
						found = append(found, p)
					}
				}
			}
			for _, b := range slices.Concat(segmentDimensions[i+1:]...) {
				if len(values[b]) > 0 {
					of = append(of, two{a, b})
				}
			}
		}
	}
	asked, err := inParallel(ctx, len(of), func(ctx context.Context, i int) ([]segment, error) {
		a, b := of[i].a, of[i].b
		return s.by(ctx, append(is(playBreakdowns[a], values[a]...), is(playBreakdowns[b], values[b]...)...), a, b)
	})
	if err != nil {
		return nil, err
	}
	for _, p := range append(found, slices.Concat(asked...)...) {
		if p.plays >= leastPlays {
			pairs = append(pairs, p)
		}
	}
	return pairs, nil
}

// adds reports whether a pair tells more than each of its two: it is worse, and not by chance.
func adds(pair segment, singles []segment, z float64) bool {
	for _, v := range pair.values {
		i := slices.IndexFunc(singles, func(g segment) bool { return g.values[0] == v })
		whole := singles[i].tally
		rest := whole.minus(pair.tally)
		// A pair that is all of one of its two is that one.
		if pair.ratio() < pairAdds*whole.ratio() || rest.weight <= 0 || !pair.above(rest, z) {
			return false
		}
	}
	return true
}

// without returns those segments that stand out without the plays of one.
func (s segments) without(ctx context.Context, one segment, others []segment, all tally, z float64) ([]segment, error) {
	chunks := slices.Collect(slices.Chunk(others, overlapsAtOnce))
	overlaps, err := inParallel(ctx, len(chunks), func(ctx context.Context, i int) ([]tally, error) {
		var sums []vl.Sum
		for j, g := range chunks[i] {
			sums = append(sums, s.sums(string(rune('c'+j)), g.filters())...)
		}
		rows, err := s.ask(ctx, nil, one.filters(), sums)
		if err != nil || len(rows) != 1 {
			return make([]tally, len(chunks[i])), err
		}
		tallies := make([]tally, len(chunks[i]))
		for j := range tallies {
			if tallies[j], err = s.read(rows[0], string(rune('c'+j))); err != nil {
				return nil, err
			}
		}
		return tallies, nil
	})
	if err != nil {
		return nil, err
	}
	var left []segment
	for i, overlap := range slices.Concat(overlaps...) {
		alone, rest := others[i].minus(overlap), all.minus(one.tally)
		// What vanished must still be a part of all trouble, so that a small rest of it is not large.
		if alone.standsOut(rest, z) && alone.impact(rest)*rest.part >= leastImpact*all.part {
			left = append(left, others[i])
		}
	}
	return left, nil
}

// inParallel returns what a function returns for each of count numbers.
func inParallel[T any](ctx context.Context, count int, do func(context.Context, int) (T, error)) ([]T, error) {
	results := make([]T, count)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallelPlays)
	for i := range count {
		group.Go(func() (err error) {
			results[i], err = do(ctx, i)
			return err
		})
	}
	return results, group.Wait()
}

// findWorst answers the widget worstSegments.
func findWorst(ctx context.Context, asker vm.Asker, r *Request) (*data.Frame, error) {
	q, nothing, err := playsQuestion(ctx, asker, r)
	if err != nil {
		return nil, err
	}
	if r.To.Sub(r.From) > longestCombination+2*time.Minute {
		return nil, badQuery("the range is too long to look for the worst segments: it may have 7 days")
	}
	q.Filters = append(q.Filters, ofPlayers)
	var mu sync.Mutex
	var asked []string
	of := segments{badness: badnessOf(r.Metric), ask: func(ctx context.Context, by []play.Field, filters []vl.Filter, sums []vl.Sum) ([]vl.Row, error) {
		part := q
		part.By, part.Sums, part.Filters = by, sums, slices.Concat(q.Filters, filters)
		if text, err := part.Text(); err == nil {
			mu.Lock()
			asked = append(asked, text)
			mu.Unlock()
		}
		rows, err := r.Plays.Ask(ctx, part)
		if err != nil {
			return nil, upstreamPlays(err)
		}
		return rows, nil
	}}
	var worst []segment
	var all tally
	if !nothing {
		if worst, all, err = of.find(ctx); err != nil {
			return nil, err
		}
	}
	frame := frameOfSegments(worst, all)
	slices.Sort(asked)
	frame.Meta.ExecutedQueryString = strings.Join(asked, "\n")
	if len(worst) == 0 {
		short, text := "Nothing stands out", fmt.Sprintf("Nothing stands out among %.0f plays that ended in the range: no operator, device, player and so on, and no two of them, "+
			"has clearly more than its share of the %s.", all.plays, of.help)
		switch {
		case all.plays == 0:
			short, text = "No play matches", "No play that ended in this time range matches."
		case all.part == 0:
			text = fmt.Sprintf("Nothing stands out among %.0f plays that ended in the range: there is no trouble at all (%s).", all.plays, of.help)
		case all.plays < 2*leastPlays:
			short = "Too few plays"
			text = fmt.Sprintf("%.0f plays that ended in the range are too few to say what they have in common: a segment needs %d.", all.plays, leastPlays)
		}
		frame.Meta.Custom = map[string]any{CustomNothing: short}
		frame.Meta.Notices = append(frame.Meta.Notices, data.Notice{Severity: data.NoticeSeverityInfo, Text: text})
		return frame, nil
	}
	frame.Meta.Notices = append(frame.Meta.Notices, data.Notice{Severity: data.NoticeSeverityInfo, Text: ofRecordsNotice})
	return frame, nil
}

func frameOfSegments(worst []segment, all tally) *data.Frame {
	columns := worstSegments().Columns
	texts := make([][]string, 3)
	numbers := make([][]float64, 4)
	for _, s := range worst {
		second, shown := "", []string{}
		for _, v := range s.values {
			name := cmp.Or(v.value, None)
			if v.dimension == measure.LabelCountry {
				name = CountryName(name)
			}
			shown = append(shown, v.dimension+" "+name)
		}
		if len(s.values) > 1 {
			second = s.values[1].condition()
		}
		texts[0], texts[1], texts[2] = append(texts[0], strings.Join(shown, " · ")), append(texts[1], s.values[0].condition()), append(texts[2], second)
		for i, n := range []float64{s.plays, s.ratio(), all.minus(s.tally).ratio(), s.impact(all)} {
			numbers[i] = append(numbers[i], n)
		}
	}
	frame := data.NewFrame("worstSegments")
	frame.Meta = &data.FrameMeta{Type: data.FrameTypeTable}
	for i, c := range columns {
		var field *data.Field
		if i < len(texts) {
			field = data.NewField(c.Name, nil, slices.Concat([]string{}, texts[i]))
		} else {
			field = data.NewField(c.Name, nil, slices.Concat([]float64{}, numbers[i-len(texts)]))
		}
		field.Config = &data.FieldConfig{Description: c.Help, Unit: grafanaUnits[c.Unit]}
		if c.Unit == Ratio {
			alike(field)
		}
		frame.Fields = append(frame.Fields, field)
	}
	return frame
}
