package oracle

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

// day is that of UTC, in ms.
const day = 24 * hour

// recordKey tells plays apart.
type recordKey struct {
	organization, session string
	begin                 int64
}

// checkRecords lists all plays that the store has, compares each with what must
// be kept of it, and returns those of which one of several records may have been
// kept as they were.
func checkRecords(t *testing.T, asker Asker, store string, all [][]record, base time.Time) []record {
	t.Helper()
	// Of records that differ by what no list shows the store itself knows which it has.
	played := map[string]string{}
	for _, row := range logsRows(t, store, "fields org, session, begin, play_ms") {
		played[row["org"]+" "+row["session"]+" "+row["begin"]] = row["play_ms"]
	}
	expected := map[recordKey][]record{}
	for _, of := range all {
		if len(of) > 0 && levelOf(of[0].organization) == "premium" { // else nobody may read them
			key := recordKey{of[0].organization, of[0].session, of[0].begin}
			expected[key] = append(expected[key], of...)
		}
	}
	var kept []record
	wrong, rows := 0, 0
	differ := func(format string, arguments ...any) {
		if wrong++; wrong <= 10 {
			t.Errorf(format, arguments...)
		}
	}
	for _, organization := range testOrganizations() {
		if organization.Level != "premium" {
			continue
		}
		for from := floor(base.UnixMilli(), hour) - 31*day; from < base.UnixMilli()+day; from += day {
			order := []string{"", "-bufferingRatio", "stream"}[from/day%3]
			for page, more := 1, true; more; page++ {
				q := Query{QueryType: "plays", Organization: organization.ID, From: from, To: from + day, Page: page, Sort: order}
				found := askRows(t, asker, q)
				more = len(found) == 100
				for _, row := range found {
					rows++
					begin, _ := row["start"].(float64)
					session, _ := row["session"].(string)
					key := recordKey{organization.ID, session, int64(begin)}
					candidates := expected[key]
					if len(candidates) == 0 {
						differ("nothing is expected of %+v, or it is there twice: %v", key, row)
						continue
					}
					var errs []error
					i := slices.IndexFunc(candidates, func(r record) bool {
						err := r.differences(row)
						if got := played[fmt.Sprint(key.organization, " ", key.session, " ", key.begin)]; err == nil && got != fmt.Sprint(r.playing) {
							err = fmt.Errorf("it played %s ms, want %d", got, r.playing)
						}
						errs = append(errs, err)
						return err == nil
					})
					if delete(expected, key); i < 0 {
						differ("%+v of the %d that may be:\n%v", key, len(candidates), errors.Join(errs...))
						i = 0
					}
					candidates[i].either = len(candidates) > 1
					kept = append(kept, candidates[i])
				}
			}
		}
	}
	for key, of := range expected {
		if of[0].end < base.UnixMilli()-29*day { // it may be older than what is kept
			continue
		}
		differ("nothing is kept of %+v, which ended %s", key, rfc3339(of[0].end))
	}
	t.Logf("%d plays and broadcasts are kept, %d are wrong", rows, wrong)
	return kept
}

// askFrame asks for a table.
func askFrame(t *testing.T, asker Asker, q Query) frameJSON {
	t.Helper()
	answer, err := asker.Ask(t.Context(), q)
	if err != nil {
		t.Fatalf("%s: %v", q, err)
	}
	var decoded struct {
		Frames []frameJSON `json:"frames"`
	}
	if err := json.Unmarshal(answer, &decoded); err != nil || len(decoded.Frames) != 1 {
		t.Fatalf("%s: %d frames, %v", q, len(decoded.Frames), err)
	}
	return decoded.Frames[0]
}

// askRows asks for a table, and returns its rows by column.
func askRows(t *testing.T, asker Asker, q Query) []map[string]any {
	t.Helper()
	return askFrame(t, asker, q).rows()
}

// rows are those of a table by column.
func (f frameJSON) rows() []map[string]any {
	var rows []map[string]any
	for i, field := range f.Schema.Fields {
		if len(f.Data.Values) == 0 {
			break
		}
		for n, value := range f.Data.Values[i] {
			if i == 0 {
				rows = append(rows, map[string]any{})
			}
			rows[n][field.Name] = value
		}
	}
	return rows
}

// checkTimelines compares the drawn timelines of some plays with what their
// players sent, number by number.
func checkTimelines(t *testing.T, asker Asker, g *Generator, kept []record, count int) {
	t.Helper()
	entries, moments, merged := 0, 0, 0
	chosen := slices.Clone(kept)
	g.random.Shuffle(len(chosen), func(i, j int) { chosen[i], chosen[j] = chosen[j], chosen[i] })
	slices.SortStableFunc(chosen, func(a, b record) int { // one play of a session only, and long ones are rare
		return cmp.Compare(boolean(len(b.entries) > mostEntries), boolean(len(a.entries) > mostEntries))
	})
	sessions := map[string]int{}
	for i := range kept {
		sessions[kept[i].organization+" "+kept[i].session]++
	}
	wrong := 0
	for _, r := range chosen {
		if r.either || sessions[r.organization+" "+r.session] > 1 {
			continue
		}
		if count--; count < 0 {
			break
		}
		q := Query{QueryType: "play", Organization: r.organization, Session: r.session, From: floor(r.end, minute) - hour, To: floor(r.end, minute) + 2*minute}
		q.Metric = "timeline"
		drawn := askRows(t, asker, q)
		if err := r.checkTimeline(drawn); err != nil {
			t.Errorf("%s\n%v", q, err)
			wrong++
		}
		entries += len(drawn)
		merged += boolean(len(drawn) < len(r.entries))
		q.Metric = "moments"
		var found []happened
		for _, row := range askRows(t, asker, q) {
			at, _ := row["time"].(float64)
			text, _ := row["text"].(string)
			found = append(found, happened{int64(at), text})
		}
		slices.SortFunc(found, func(a, b happened) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.text, b.text)) })
		if want := r.allMoments(); !r.disordered && len(want) < 48 && !slices.Equal(found, want) {
			t.Errorf("%s\nmoments %v, want %v", q, found, want)
			wrong++
		}
		moments += len(found)
		q.Metric = "states"
		last := float64(0)
		for _, row := range askRows(t, asker, q) {
			at, _ := row["time"].(float64)
			if at < last {
				t.Errorf("%s\na state is drawn %v ms before the one ahead of it", q, last-at)
				wrong++
				break
			}
			last = at
		}
		if wrong >= 10 {
			t.Fatal("ten wrong timelines, that is enough")
		}
	}
	t.Logf("%d drawn entries, of %d plays with neighbours merged, and %d moments are compared", entries, merged, moments)
}

// mostEntries is how many entries a timeline has, of which all surely are as
// they were sent up to a third of it: more may need the room of some.
const mostEntries, surelyWhole = 128, 40

// checkTimeline compares drawn entries with those that were sent.
func (r *record) checkTimeline(drawn []map[string]any) error {
	if len(r.entries) > surelyWhole {
		return r.checkMerged(drawn)
	}
	text := func(at int64, numbers ...*float64) string {
		words := []string{fmt.Sprint(at)}
		for _, n := range numbers {
			words = append(words, describe(n, true))
		}
		return strings.Join(words, " ")
	}
	var want, got []string
	for _, e := range r.entries {
		want = append(want, text(e.end, whole{e.bitrate, 1}.value(), whole{e.height, 1}.value(), whole{e.latency, 1000}.value(), whole{e.bufferLength, 1000}.value(),
			ratio(float64(e.buffering), float64(e.playing+e.buffering))))
	}
	for _, row := range drawn {
		at, _ := row["time"].(float64)
		var numbers []*float64
		for _, name := range []string{"bitrate", "height", "latency", "bufferLength", "bufferingRatio"} {
			numbers = append(numbers, nil)
			if n, ok := row[name].(float64); ok {
				numbers[len(numbers)-1] = &n
			}
		}
		got = append(got, text(int64(at), numbers...))
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(want, got) {
		return fmt.Errorf("drawn is\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	return nil
}

// checkMerged compares those of which neighbours may be merged: each is the sum
// of those that were sent since the one before it. Where reports, or their times,
// came in another order, the parts are not known.
func (r *record) checkMerged(drawn []map[string]any) error {
	if len(drawn) > min(mostEntries, len(r.entries)) || len(drawn) == 0 {
		return fmt.Errorf("%d entries are drawn of %d", len(drawn), len(r.entries))
	}
	byEnd := func(a, b entry) int { return cmp.Compare(a.end, b.end) }
	left, known := slices.SortedStableFunc(slices.Values(r.entries), byEnd), !r.disordered && slices.IsSortedFunc(r.entries, byEnd)
	for i, row := range drawn {
		end, _ := row["time"].(float64)
		if i+1 < len(drawn) && drawn[i+1]["time"] == row["time"] {
			continue // which of the parts are whose is not known
		}
		count := 0
		for count < len(left) && left[count].end <= int64(end) {
			count++
		}
		if count == 0 || left[count-1].end != int64(end) {
			return fmt.Errorf("an entry ends at %v, where none ended", end)
		}
		parts := left[:count]
		left = left[count:]
		if !known || i > 0 && drawn[i-1]["time"] == row["time"] {
			continue
		}
		if err := checkSum(row, parts); err != nil {
			return fmt.Errorf("the entry that ends at %v: %w", end, err)
		}
	}
	if len(left) > 0 {
		return fmt.Errorf("the last %d entries are missing", len(left))
	}
	return nil
}

// checkSum compares a drawn entry with those that it is made of. Means by time
// are cut to whole numbers whenever two are merged.
func checkSum(row map[string]any, parts []entry) error {
	playing, buffering := 0.0, 0.0
	for _, e := range parts {
		playing, buffering = playing+float64(e.playing), buffering+float64(e.buffering)
	}
	drawn := func(name string) *float64 {
		if n, ok := row[name].(float64); ok {
			return &n
		}
		return nil
	}
	if want := ratio(buffering, playing+buffering); !equal(want, drawn("bufferingRatio"), "") {
		return fmt.Errorf("bufferingRatio is %s, want %s", describe(drawn("bufferingRatio"), true), describe(want, true))
	}
	for name, number := range map[string]struct {
		of   func(entry) *int64
		unit float64
	}{
		"bitrate":      {func(e entry) *int64 { return e.bitrate }, 1},
		"latency":      {func(e entry) *int64 { return e.latency }, 0.001},
		"bufferLength": {func(e entry) *int64 { return e.bufferLength }, 0.001},
	} {
		sum, weight, known := 0.0, 0.0, 0
		for _, e := range parts {
			if n := number.of(e); n != nil {
				span := float64(e.playing + e.buffering + e.paused)
				sum, weight, known = sum+float64(*n)*span, weight+span, known+1
			}
		}
		got := drawn(name)
		switch {
		case (known == 0) != (got == nil):
			return fmt.Errorf("%s is %s, and %d of %d reports have it", name, describe(got, true), known, len(parts))
		case known < len(parts) || weight == 0: // the mean counts also how long those without were
		case math.Abs(*got/number.unit-sum/weight) > float64(len(parts)):
			return fmt.Errorf("%s is %v, want %v", name, *got, sum/weight*number.unit)
		}
	}
	return nil
}

// recordFacts are what widgets count of records of plays: all of it at the
// plays' end.
func recordFacts(records []record) []Fact {
	var facts []Fact
	orNone := func(text string) string { return cmp.Or(text, "(none)") }
	for i := range records {
		r := &records[i]
		if r.ingest {
			continue
		}
		at := *r.place
		for _, text := range []*string{&at.user, &at.operator, &at.region, &at.cdn, &at.event, &at.ip, &at.referrer} {
			*text = orNone(*text)
		}
		add := func(measure Measure, value *int64, label string) {
			if value != nil {
				facts = append(facts, Fact{measure, r.end, *value, &at, label})
			}
		}
		one := new(int64(1))
		if r.start != nil {
			add(Play, one, "")
		}
		add(Playing, &r.playing, "")
		add(Buffering, &r.buffering, "")
		add(StartTime, r.startTime, "")
		add(PlayedTime, r.played, "")
		add(Stall, r.stalls, "")
		add(Status, &r.errors, "")
		add(VideoBitrate, r.bitrate(), "")
		add(Latency, mean(r.latencies), "")
		add(Smoothness, r.smoothness(), "")
		if r.outcome != "" {
			add(Outcome, one, r.outcome)
		}
		if r.outcome == "playbackfailure" {
			add(Outcome, one, "played")
		}
		if r.quality != "" {
			add(Judged, one, r.quality)
		}
	}
	slices.SortFunc(facts, func(a, b Fact) int { return cmp.Compare(a.At, b.At) })
	return facts
}

// recordBreakdowns are those of records of plays.
func recordBreakdowns() []string {
	return []string{"operator", "device", "os", "browser", "player", "protocol", "event", "referrer", "user", "ip", "country", "stream", "region", "cdn"}
}

// condition makes up a condition on plays, and says which records meet it.
func (g *Generator) condition(like record) (string, func(*record) bool) {
	texts, numbers := like.texts(), like.numbers()
	if g.chance(0.6) {
		name := pick(g, []string{"device", "os", "browser", "player", "protocol", "referrer", "user", "outcome", "quality", "stop", "code", "direction", "session", "ip", "event", "operator", "region", "cdn", "country", "stream"})
		value := texts[name]
		not := g.chance(0.3) && name != "session"
		operator := "="
		if not {
			operator = "!="
		}
		return name + operator + cmp.Or(value, "(none)"), func(r *record) bool { return (r.texts()[name] == value) != not }
	}
	name := pick(g, []string{"startTime", "bufferingRatio", "bitrate", "latency", "errors", "duration"})
	of := numbers[name]
	value, operator := int64(0), pick(g, []string{">=", "<="})
	if of.n != nil {
		value = *of.n
	}
	text := fmt.Sprintf("%s%s%v", name, operator, json.Number(fmt.Sprintf("%.6f", float64(value)/of.by)))
	return text, func(r *record) bool {
		n := r.numbers()[name].n
		return n != nil && (operator == ">=" && *n >= value || operator == "<=" && *n <= value)
	}
}

// checkBreakdowns compares what widgets make of records of plays with the same
// by brute force, by all breakdowns, with conditions and filters.
func checkBreakdowns(t *testing.T, asker Asker, g *Generator, kept []record, count int) {
	t.Helper()
	outcomes := tally{}
	names := recordWidgetNames()
	for range count {
		like := pick(g, kept)
		q := Query{QueryType: pick(g, names), Organization: like.organization, Breakdown: pick(g, recordBreakdowns())}
		of := kept
		if g.chance(0.5) || q.QueryType != "playQuality" { // others ask the sums where these have the breakdown
			text, meets := g.condition(like)
			q.Where = append(q.Where, text)
			of = nil
			for i := range kept {
				if meets(&kept[i]) {
					of = append(of, kept[i])
				}
			}
		}
		if g.chance(0.2) {
			q.Country = []string{like.country}
		}
		if g.chance(0.2) {
			q.Stream = []string{like.stream, "no-such-stream"}
		}
		if g.chance(0.1) && like.event != "" {
			q.Event = []string{like.event}
		}
		length := g.between(1, 6*24*60) * minute
		if q.Breakdown == "user" || q.Breakdown == "ip" {
			length = g.between(1, 24*60) * minute
		}
		q.From = floor(like.end-g.between(0, length), minute)
		q.To = q.From + length
		if g.chance(0.3) {
			q.Form, q.Interval = "series", "1d"
			if length < 2*day {
				q.Interval = "1h"
			}
		}
		widget := recordWidgets()[q.QueryType].brokenDown(q.Breakdown)
		want, err := widget.answer(recordFacts(of), q)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := asker.Ask(t.Context(), q)
		if err == nil {
			var got Table
			if got, err = ReadFrames(answer, widget); err == nil {
				err = Compare(want, got, widget)
			}
		}
		if err != nil {
			outcomes["wrong"]++
			t.Errorf("%s\n%v", q, err)
			if outcomes["wrong"] >= 10 {
				t.Fatal("ten wrong answers about plays, that is enough")
			}
			continue
		}
		outcomes["right"]++
		if isEmpty(want) {
			outcomes["empty"]++
		}
	}
	t.Logf("%d questions about records of plays: %v", count, outcomes)
}

// checkSegments compares the worst segments.
func checkSegments(t *testing.T, asker Asker, g *Generator, kept []record, count int) {
	t.Helper()
	outcomes := tally{}
	for range count {
		like := pick(g, kept)
		for g.chance(0.7) && like.organization != "acme" { // which has most
			like = pick(g, kept)
		}
		length := g.between(5*24*60, 7*24*60) * minute
		q := Query{QueryType: "worstSegments", Organization: like.organization, Metric: pick(g, slices.Sorted(maps.Keys(troubles())))}
		q.To = floor(like.end, minute) + g.between(1, length/minute)*minute
		if last := floor(time.Now().UnixMilli(), minute) + minute; q.To > last {
			q.To = last
		}
		q.From = q.To - length
		meets := func(*record) bool { return true }
		if g.chance(0.2) {
			var text string
			text, meets = g.condition(like)
			q.Where = []string{text}
		}
		if g.chance(0.1) {
			q.Stream = []string{like.stream, pick(g, streams()), pick(g, streams())}
		}
		if g.chance(0.1) {
			q.Referrer = []string{like.referrer}
		}
		var of []*record
		for i := range kept {
			r := &kept[i]
			if r.organization == q.Organization && !r.ingest && r.end >= q.From && r.end < q.To && meets(r) &&
				(len(q.Stream) == 0 || slices.Contains(q.Stream, r.stream)) && (len(q.Referrer) == 0 || slices.Contains(q.Referrer, r.referrer)) {
				of = append(of, r)
			}
		}
		want, s := worstOf(of, q.Metric)
		if err := s.differs(want, askFrame(t, asker, q)); err != nil {
			outcomes["wrong"]++
			t.Errorf("%s\n%v", q, err)
			if outcomes["wrong"] >= 5 {
				t.Fatal("five wrong lists of segments, that is enough")
			}
			continue
		}
		outcomes["right"]++
		outcomes["segments"] += len(want)
		for _, p := range want {
			outcomes["pairs"] += len(p.values) - 1
		}
		if len(want) == 0 {
			outcomes["nothing stands out"]++
		}
	}
	t.Logf("%d questions about the worst segments: %v", count, outcomes)
	if count >= 40 && outcomes["segments"] == 0 {
		t.Error("there is no segment in any answer")
	}
}

// differs compares the segments that must be found with a frame.
func (s *segmenter) differs(want []part, frame frameJSON) error {
	var got, expected []string
	for _, row := range frame.rows() {
		numbers := ""
		for _, name := range []string{"plays", "ratio", "others", "impact"} {
			n, _ := row[name].(float64)
			numbers += fmt.Sprintf(" %.9g", n)
		}
		first, _ := row["condition"].(string)
		if column, text, _ := strings.Cut(first, "="); column == "os" {
			first = "os=" + osFamily(text)
		}
		second, _ := row["and"].(string)
		if column, text, _ := strings.Cut(second, "="); column == "os" {
			second = "os=" + osFamily(text)
		}
		got = append(got, first+" and "+second+numbers)
	}
	for _, p := range want {
		rest := s.but(s.all, p)
		and := ""
		if len(p.values) > 1 {
			and = p.values[1].condition()
		}
		expected = append(expected, fmt.Sprintf("%s and %s %.9g %.9g %.9g %.9g", p.values[0].condition(), and, p.n, p.bad/p.weight, rest.bad/rest.weight, s.impact(p, s.all)))
	}
	if !slices.Equal(got, expected) {
		return fmt.Errorf("got\n%s\nwant, of %v plays\n%s", strings.Join(got, "\n"), s.all.n, strings.Join(expected, "\n"))
	}
	if len(want) > 0 {
		return nil
	}
	words := fmt.Sprintf(" %.0f plays ", s.all.n)
	if s.all.n == 0 {
		words = "No play "
	}
	for _, notice := range frame.Schema.Meta.Notices {
		if strings.Contains(" "+notice.Text, words) {
			return nil
		}
	}
	return fmt.Errorf("no notice says%sof which nothing stands out: %v", words, frame.Schema.Meta.Notices)
}

// checkViewers compares unique viewers and shared access.
func checkViewers(t *testing.T, asker Asker, g *Generator, kept []record, count int) {
	t.Helper()
	for range count {
		like := pick(g, kept)
		length := g.between(60, 3*24*60) * minute
		q := Query{QueryType: "uniqueViewers", Organization: like.organization, From: floor(like.end-g.between(0, length), minute)}
		q.To = q.From + length
		var of []record
		for _, r := range kept {
			if r.organization == q.Organization && !r.ingest {
				of = append(of, r)
			}
		}
		if g.chance(0.5) {
			q.Where = []string{"user!=(none)"}
			of = slices.DeleteFunc(of, func(r record) bool { return r.user == "" })
		}
		in := func(from, to int64) []record {
			return slices.DeleteFunc(slices.Clone(of), func(r record) bool { return r.end < from || r.end >= to })
		}
		started := func(of []record) []record {
			return slices.DeleteFunc(of, func(r record) bool { return r.start == nil })
		}
		who := identityOf(started(in(q.From, q.To)))
		viewers := func(from, to int64) (all map[string]bool, plays int) {
			all = map[string]bool{}
			for _, r := range started(in(from, to)) {
				if name := who(r); name != "" {
					all[name] = true
					plays++
				}
			}
			return all, plays
		}
		now, plays := viewers(q.From, q.To)
		before, _ := viewers(2*q.From-q.To, q.From)
		returning := 0
		for name := range now {
			returning += boolean(before[name])
		}
		want := map[string]any{"viewers": float64(len(now)), "returning": float64(returning), "plays": float64(plays)}
		if got := askRows(t, asker, q); len(got) != 1 || fmt.Sprint(got[0]) != fmt.Sprint(want) {
			t.Errorf("%s\ngot %v, want %v", q, got, want)
		}
		q.QueryType, q.Breakdown = "sharedAccess", pick(g, []string{"user", "ip"})
		checkShared(t, asker, q, in(q.From, q.To))
	}
}

// identityOf is what viewers of some plays are told apart by, "" for one that
// lacks it.
func identityOf(of []record) func(record) string {
	users, addresses := 0, 0
	for _, r := range of {
		users, addresses = users+boolean(r.user != ""), addresses+boolean(r.ip != "")
	}
	switch {
	case len(of) > 0 && 2*users >= len(of):
		return func(r record) string { return r.user }
	case len(of) > 0 && 2*addresses >= len(of):
		return func(r record) string {
			if r.ip == "" {
				return ""
			}
			return strings.Join([]string{r.ip, r.os, r.browser, r.device}, "\n")
		}
	}
	return func(r record) string { return fmt.Sprint(r.session, "\n", r.begin) }
}

// checkShared compares the rows of shared access with plays of the range.
func checkShared(t *testing.T, asker Asker, q Query, of []record) {
	t.Helper()
	others := map[string]string{"user": "addresses", "ip": "users"}[q.Breakdown]
	name, other := func(r record) string { return r.user }, func(r record) string { return r.ip }
	if q.Breakdown == "ip" {
		name, other = other, name
	}
	by := map[string][]record{}
	for _, r := range of {
		if name(r) != "" {
			by[name(r)] = append(by[name(r)], r)
		}
	}
	rows := askRows(t, asker, q)
	if shared := sharing(by, other); len(rows) != min(100, shared) {
		t.Errorf("%s\n%d rows of %d", q, len(rows), shared)
	}
	for _, row := range rows {
		who, _ := row[q.Breakdown].(string)
		distinct, countries, playing, most := map[string]bool{}, map[string]bool{}, int64(0), 0
		for _, r := range by[who] {
			if other(r) != "" {
				distinct[other(r)] = true
			}
			countries[r.country] = true
			playing += r.playing
			begin, together := r.from(), 0
			for _, also := range by[who] {
				together += boolean(also.from() <= begin && begin < max(also.end, also.from()+1))
			}
			most = max(most, together)
		}
		delete(row, "block") // words, of no number
		want := map[string]any{q.Breakdown: who, "mostAtOnce": float64(most), others: float64(len(distinct)), "countries": float64(len(countries)),
			"plays": float64(len(by[who])), "playing": float64(playing) / 1000}
		if fmt.Sprint(row) != fmt.Sprint(want) {
			t.Errorf("%s\ngot %v, want %v", q, row, want)
			return
		}
	}
}

// sharing counts those with plays that are not one after the other, from one
// address, or of one user, in one country.
func sharing(by map[string][]record, other func(record) string) int {
	shared := 0
	for _, plays := range by {
		more := false
		for i, a := range plays {
			for _, b := range plays[:i] {
				apart := a.from() >= max(b.end, b.from()+1) || b.from() >= max(a.end, a.from()+1)
				differ := other(a) != "" && other(b) != "" && other(a) != other(b)
				more = more || !apart || differ || a.country != b.country
			}
		}
		shared += boolean(more)
	}
	return shared
}

// from is when a play begins to take a viewer's time: its first frame, or its
// begin.
func (r *record) from() int64 {
	if r.start != nil {
		return max(*r.start, r.begin)
	}
	return r.begin
}
