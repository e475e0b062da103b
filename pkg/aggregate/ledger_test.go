package aggregate

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/measure"
)

// noon is an hour boundary in ms since 1970.
const noon = int64(1_763_812_800_000)

func ms(d time.Duration) int64 { return d.Milliseconds() }

// samples parses what Flush returns into series and stamp, to value.
func samples(t *testing.T, text []byte) map[string]int64 {
	t.Helper()
	got := map[string]int64{}
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) != 3 {
			t.Fatalf("line %q has %d fields", line, len(fields))
		}
		value, err := strconv.ParseInt(fields[1], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		key := fields[0] + " " + fields[2]
		if _, ok := got[key]; ok {
			t.Errorf("%s is written twice in one flush", key)
		}
		got[key] = value
	}
	return got
}

// both is a ledger with its samples.
type both struct {
	*Ledger
	samples *Samples
}

func newBoth() both {
	l := New("c1")
	return both{l, NewSamples(l)}
}

func (b both) Flush(text []byte, now int64, all bool) []byte {
	b.samples.Add(b.Take(now))
	if all {
		b.samples.Begin()
	}
	b.samples.Flush(func(batch []byte) { text = append(text, batch...) })
	b.samples.Taken(now)
	b.samples.Prune(now, now+Kept)
	return text
}

func TestLedgerWritesEveryFamilyAndResolution(t *testing.T) {
	space := Space{Organization: "acme", Stream: `a"b\c`, Country: "DE", Event: "e"}
	l := newBoth()
	l.Entry(space, noon+1000).Add(measure.Loads, noon+500, 3, "")
	got := samples(t, l.Flush(nil, noon+2000, true))
	want := map[string]int64{}
	for name, labels := range map[string]string{
		"streamlens_loads":                   `org="acme",collector="c1"`,
		"streamlens_loads_by_country":        `org="acme",collector="c1",country="DE"`,
		"streamlens_loads_by_stream":         `org="acme",collector="c1",stream="a\"b\\c"`,
		"streamlens_loads_by_stream_country": `org="acme",collector="c1",stream="a\"b\\c",country="DE"`,
		"streamlens_loads_by_event":          `org="acme",collector="c1",stream="a\"b\\c",country="DE",event="e"`,
	} {
		stamp := strconv.FormatInt(noon+1, 10)
		want[name+"_1m{"+labels+"} "+stamp] = 3
		want[name+"_1h{"+labels+"} "+stamp] = 3
	}
	if !maps.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

// TestAddressesHaveNoMinutes adds to two minutes of an hour.
func TestAddressesHaveNoMinutes(t *testing.T) {
	for id, dimensions := range map[measure.ID]Dimensions{
		measure.TrafficByIP:       NewDimensions(measure.TrafficByIP, measure.Playout, "192.0.2.1"),
		measure.PlayingByIP:       NewDimensions(measure.PlayingByIP, measure.Playout, "192.0.2.1"),
		measure.TrafficByReferrer: NewDimensions(measure.TrafficByReferrer, "site.example"),
		measure.PlayingByReferrer: NewDimensions(measure.PlayingByReferrer, "site.example"),
	} {
		l := newBoth()
		to := l.Entry(Space{Organization: "acme", Stream: "s", Country: "DE"}, noon+61_000)
		to.Add(id, noon, 1, dimensions)
		to.Add(id, noon+60_000, 2, dimensions)
		name := measure.Prefix + measure.Get(id).Name + `_by_stream_country_1h{org="acme",collector="c1",stream="s",country="DE",` +
			strings.TrimSuffix(string(dimensions), ",") + "} " + strconv.FormatInt(noon+1, 10)
		if got, want := samples(t, l.Flush(nil, noon+61_000, true)), map[string]int64{name: 3}; !maps.Equal(got, want) {
			t.Errorf("got  %v\nwant %v", got, want)
		}
	}
}

func TestLedgerLeavesOutTheEventFamily(t *testing.T) {
	tests := []struct {
		name    string
		space   Space
		measure measure.ID
		want    int
	}{
		{"of spaces without an event", Space{Organization: "acme", Stream: "s", Country: "DE"}, measure.Loads, 8},
		{"of measures that have none", Space{Organization: "acme", Stream: "s", Country: "DE", Event: "e"}, measure.Traffic, 8},
		{"never else", Space{Organization: "acme", Stream: "s", Country: "DE", Event: "e"}, measure.Loads, 10},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			l := newBoth()
			l.Entry(test.space, noon).Add(test.measure, noon, 1, "")
			if got := len(samples(t, l.Flush(nil, noon, true))); got != test.want {
				t.Errorf("wrote %d samples, want %d", got, test.want)
			}
		})
	}
}

// organization keeps the samples per minute of the organisation family.
func organization(all map[string]int64) map[string]int64 {
	maps.DeleteFunc(all, func(k string, _ int64) bool { return !strings.HasPrefix(k, "streamlens_loads_1m{") })
	return all
}

func TestLedgerReopensClosedMinutesWithFurtherSamples(t *testing.T) {
	space := Space{Organization: "acme", Stream: "s", Country: "DE"}
	l := newBoth()
	series := `streamlens_loads_1m{org="acme",collector="c1"} `
	stored := map[string]int64{} // as VictoriaMetrics keeps it: the greatest of equal stamps
	steps := []struct {
		name  string
		now   time.Duration // after noon
		add   int64         // at noon + 10 s
		stamp int64         // ms after noon of the sample that changes
		value int64
	}{
		{"while the minute runs", 20 * time.Second, 2, 1, 2},
		{"before it closes", 5*time.Minute + 59*time.Second, 3, 1, 5},
		{"just when it has closed", 6 * time.Minute, 4, 2, 4},
		{"in the same span of five minutes", 10*time.Minute + 59*time.Second, 1, 2, 5},
		{"in the next span", 11 * time.Minute, 7, 3, 7},
		{"a day later", 24*time.Hour + 6*time.Minute, 1, 290, 1},
		{"in the same hour", 25*time.Hour + 5*time.Minute, 1, 290, 2},
		{"in the next hour", 25*time.Hour + 6*time.Minute, 1, 291, 1},
		{"years later", MaxAge, 9, 1 + 288 + 2000*24 - 24, 9},
	}
	var sum int64
	for _, step := range steps {
		now := noon + ms(step.now)
		l.Entry(space, now).Add(measure.Loads, noon+10_000, step.add, "")
		got := organization(samples(t, l.Flush(nil, now, true)))
		want := map[string]int64{series + strconv.FormatInt(noon+step.stamp, 10): step.value}
		if !maps.Equal(got, want) {
			t.Fatalf("%s: wrote %v, want %v", step.name, got, want)
		}
		for k, v := range got {
			if v < stored[k] {
				t.Errorf("%s: %s shrinks from %d to %d", step.name, k, stored[k], v)
			}
			stored[k] = max(stored[k], v)
		}
		sum += step.add
	}
	var total int64
	for _, v := range stored {
		total += v
	}
	if total != sum {
		t.Errorf("stored %d, want %d", total, sum)
	}
}

func TestLedgerReplaysToTheSameSamples(t *testing.T) {
	run := func(flushes int) map[string]int64 {
		l := newBoth()
		stored := map[string]int64{}
		for i := range int64(200) {
			now := noon + i*30_000
			l.Entry(Space{Organization: "acme", Stream: "s", Country: "DE"}, now).Add(measure.Loads, now-i*i*997, 1, "")
			if i%int64(flushes) == 0 {
				maps.Copy(stored, samples(t, l.Flush(nil, now, i%2 == 0)))
			}
		}
		maps.Copy(stored, samples(t, l.Flush(nil, noon+200*30_000, true)))
		return stored
	}
	if often, once := run(1), run(1000); !maps.Equal(often, once) {
		t.Errorf("flushing often stores %d samples, flushing once %d others", len(often), len(once))
	}
}

func TestLedgerSendsNewSeriesFirst(t *testing.T) {
	l := newBoth()
	add := func(stream string) {
		l.Entry(Space{Organization: "acme", Stream: stream, Country: "DE"}, noon).Add(measure.Loads, noon, 1, "")
	}
	add("one")
	l.Flush(nil, noon, true)
	add("one")
	add("two")
	got := slices.Sorted(maps.Keys(samples(t, l.Flush(nil, noon, false))))
	for _, k := range got {
		if !strings.Contains(k, `"two"`) {
			t.Errorf("%s is written although it is known", k)
		}
	}
	if len(got) != 4 {
		t.Errorf("wrote %d samples, want those of the stream's two families", len(got))
	}
	if rest := samples(t, l.Flush(nil, noon, true)); len(rest) != 8-len(got)+4 {
		t.Errorf("then wrote %d samples, want the 8 of stream one", len(rest))
	}
}

func TestRoundsEndHoweverMuchIsAdded(t *testing.T) {
	s := NewSamples(New("c1"))
	line := func(i int) string {
		return fmt.Sprintf("m{series=\"%d %s\"} 1 %d\n", i, strings.Repeat("x", 1000), noon)
	}
	const count = 3 * flushBytes / 1000
	var text strings.Builder
	for i := range count {
		text.WriteString(line(i))
	}
	if err := s.Put([]byte(text.String())); err != nil {
		t.Fatal(err)
	}
	// Known to VictoriaMetrics, all wait again.
	for left := true; left; s.Taken(noon) {
		_, left = s.Flush(func([]byte) {})
	}
	s.Again(noon, noon-1)

	s.Begin()
	handed, handfuls := 0, 0
	for over := false; !over; handfuls++ {
		if handfuls > 10 {
			t.Fatal("the round does not end")
		}
		before := handed
		over, _ = s.Flush(func(batch []byte) { handed += bytes.Count(batch, []byte("\n")) })
		if handfuls == 0 {
			s.Refused() // a part of what was to be handed out comes again
			handed, over = before, false
			continue
		}
		s.Taken(noon)
		s.Again(noon, noon-1) // what was handed out changes at once
	}
	if handed != count || handfuls < 4 {
		t.Errorf("a round of %d samples handed %d out in %d handfuls", count, handed, handfuls)
	}
	if waiting := s.Waiting(); waiting != count {
		t.Errorf("%d samples wait for the next round, want %d", waiting, count)
	}
	if _, left := s.Flush(func([]byte) { t.Error("known series are handed out before the next round") }); left {
		t.Error("known series are left for this round")
	}
}

func TestLedgerForgetsClosedSeriesButCountsOn(t *testing.T) {
	l := newBoth()
	space := Space{Organization: "acme", Stream: "s", Country: "DE", Event: "e"}
	other := Space{Organization: "acme", Stream: "s", Country: "DE"}
	var total int64
	stored := map[string]int64{}
	for hour := range int64(30) {
		now := noon + hour*3600_000
		// One space uses the projections now and then, the other keeps a pointer to them.
		l.Entry(other, now)
		if hour%7 == 0 {
			l.Entry(space, now).Add(measure.Loads, now, 1, "")
			l.Entry(other, now).Add(measure.Loads, now, 1, "")
			total += 2
		}
		maps.Copy(stored, organization(samples(t, l.Flush(nil, now, true))))
	}
	var sum int64
	for _, v := range stored {
		sum += v
	}
	if sum != total {
		t.Errorf("stored %d, want %d", sum, total)
	}
	if l.Flush(nil, noon+100*3600_000, true); l.samples.Len() != 0 {
		t.Errorf("%d series are open two days later", l.samples.Len())
	}
}

func TestDistribution(t *testing.T) {
	l := newBoth()
	e := l.Entry(Space{Organization: "acme", Stream: "s", Country: "DE"}, noon)
	for _, v := range []int64{0, 840, 845, 5000} {
		e.Observe(measure.StartTime, noon, v)
	}
	got := samples(t, l.Flush(nil, noon, true))
	stamp := strconv.FormatInt(noon+1, 10)
	for name, want := range map[string]int64{
		`streamlens_start_time_ms_sum_1m{org="acme",collector="c1"} `:                                                            6685,
		`streamlens_start_time_ms_count_1h{org="acme",collector="c1"} `:                                                          4,
		`streamlens_start_time_ms_bucket_1m{org="acme",collector="c1",vmrange="0...0"} `:                                         1,
		`streamlens_start_time_ms_bucket_1m{org="acme",collector="c1",vmrange="7.743e+02...8.799e+02"} `:                         2,
		`streamlens_start_time_ms_bucket_by_country_1h{org="acme",collector="c1",country="DE",vmrange="4.642e+03...5.275e+03"} `: 1,
		`streamlens_start_time_ms_sum_by_stream_country_1m{org="acme",collector="c1",stream="s",country="DE"} `:                  6685,
	} {
		if got[name+stamp] != want {
			t.Errorf("%s is %d, want %d", name, got[name+stamp], want)
		}
	}
	buckets := map[string]int{}
	for name := range got {
		if metric, _, _ := strings.Cut(name, "{"); strings.Contains(metric, "_bucket") {
			buckets[strings.TrimPrefix(metric, "streamlens_start_time_ms_bucket")]++
		}
	}
	// By stream and country together they have hours alone.
	want := map[string]int{"_1m": 3, "_1h": 3, "_by_country_1m": 3, "_by_country_1h": 3, "_by_stream_1m": 3, "_by_stream_1h": 3, "_by_stream_country_1h": 3}
	if !maps.Equal(buckets, want) {
		t.Errorf("buckets are in %v, want %v", buckets, want)
	}
}

func BenchmarkLedger(b *testing.B) {
	l := newBoth()
	space := Space{Organization: "acme", Stream: "s", Country: "DE"}
	playing := NewDimensions(measure.Playing, measure.Playout, "hls")
	for i := 0; b.Loop(); i++ {
		e := l.Entry(space, noon)
		e.Add(measure.Playing, noon+int64(i%60_000), 9000, playing)
		e.Observe(measure.BufferLength, noon+int64(i%60_000), int64(i%3000))
	}
}

func TestLedgerWritesByLabelsOfPlayers(t *testing.T) {
	l := newBoth()
	space := Space{Organization: "acme", Stream: "s", Country: "DE", Event: "e"}
	of := l.PlayerEntryAt(&Place{}, &space, &Player{Version: "h5live-4", OS: "iOS", Protocol: "hls"}, noon)
	of.Add(measure.Plays, noon, 2, "")
	l.PlayerEntryAt(&Place{}, &space, &Player{Version: "h5live-4", OS: "Android"}, noon).Add(measure.Plays, noon, 3, "")
	of.AddValues(measure.Latency, noon, 1, 800)
	of.AddValues(measure.Latency, noon, 1, 300)
	of.Add(measure.Viewing, noon, 7000, "")
	of.Add(measure.PlaysByOS, noon, 1, NewDimensions(measure.PlaysByOS, "iOS", "mobile")) // is not stored so
	got := samples(t, l.Flush(nil, noon, true))
	want := map[string]int64{}
	resolutions := []string{"_1m", "_1h"}
	add := func(name, labels string, value int64) {
		for _, resolution := range resolutions {
			want[fmt.Sprintf(`streamlens_%s%s{org="acme",collector="c1",%s} %d`, name, resolution, labels, noon+1)] = value
		}
	}
	for _, place := range []struct{ family, labels string }{{"", ""}, {"_country", `country="DE",`}, {"_stream", `stream="s",`}} {
		// What is stored by both a label of players and a place has hours alone, but for versions of streams and for viewing time.
		resolutions = []string{"_1m", "_1h"}
		add("viewing_ms_by"+place.family+"_version", place.labels+`version="h5live-4"`, 7000)
		add("viewing_ms_by"+place.family+"_os", place.labels+`os="iOS"`, 7000)
		add("viewing_ms_by"+place.family+"_protocol", place.labels+`protocol="hls"`, 7000)
		if place.family == "_country" {
			resolutions = []string{"_1h"}
		}
		add("plays_by"+place.family+"_version", place.labels+`version="h5live-4"`, 5)
		add("latency_ms_sum_by"+place.family+"_version", place.labels+`version="h5live-4"`, 1100)
		add("latency_ms_count_by"+place.family+"_version", place.labels+`version="h5live-4"`, 2)
		if place.family == "_stream" {
			resolutions = []string{"_1h"}
		}
		add("plays_by"+place.family+"_os", place.labels+`os="Android"`, 3)
		for label, value := range map[string]string{"os": "iOS", "protocol": "hls"} {
			add("plays_by"+place.family+"_"+label, fmt.Sprintf("%s%s=%q", place.labels, label, value), 2)
			add("latency_ms_sum_by"+place.family+"_"+label, fmt.Sprintf("%s%s=%q", place.labels, label, value), 1100)
			add("latency_ms_count_by"+place.family+"_"+label, fmt.Sprintf("%s%s=%q", place.labels, label, value), 2)
		}
	}
	if !maps.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

func TestPlaceIsFoundAgainAfterItsSpaceWasForgotten(t *testing.T) {
	var (
		b      = newBoth()
		space  = Space{Organization: "acme", Stream: "live", Country: "DE"}
		player = Player{Version: "h5live-4", OS: "iOS"}
		known  Place
	)
	add := func(p *Place, now int64) {
		b.EntryAt(p, &space, now).Add(measure.Viewing, now, 1000, "")
		b.PlayerEntryAt(p, &space, &player, now).Add(measure.Viewing, now, 1000, "")
	}
	later := noon + ms(idle) + ms(2*time.Minute)
	add(&known, noon)
	b.samples.Add(b.Take(noon))
	b.samples.Add(b.Take(later)) // forgets the spaces
	add(&known, later)
	add(&Place{}, later) // is the same one
	found := map[string]int64{}
	for name, value := range samples(t, b.Flush(nil, later, true)) {
		metric, labels, _ := strings.Cut(name, "{")
		if strings.HasSuffix(metric, "_1m") && strings.HasSuffix(name, fmt.Sprint(" ", later-later%ms(time.Minute)+1)) {
			found[metric+"{"+labels] = value
		}
	}
	if len(found) != 4+2*3 {
		t.Errorf("%d series of the last minute, want 10: %v", len(found), found)
	}
	for name, value := range found {
		if value != 2000 {
			t.Errorf("%s is %d, want 2000", name, value)
		}
	}
}

// TestKeptCellsOutliveTheirSeries adds to the cells of an address and a referrer that somebody keeps, after their series were forgotten and
// in other Samples.
func TestKeptCellsOutliveTheirSeries(t *testing.T) {
	b := newBoth()
	space, other := Space{Organization: "acme", Stream: "s", Country: "DE"}, Space{Organization: "acme", Stream: "t", Country: "DE"}
	to := b.Entry(space, noon)
	cells := []*Cell{
		to.OwnCell(measure.PlayingByIP, NewDimensions(measure.PlayingByIP, measure.Playout, "192.0.2.1")),
		to.Cell(measure.PlayingByReferrer, NewDimensions(measure.PlayingByReferrer, "site.example")),
	}
	if to.Has(nil) || !to.Has(cells[0]) || b.Entry(other, noon).Has(cells[0]) {
		t.Error("a cell is of another space than its own")
	}
	for i, at := range []int64{noon, noon + ms(2*time.Hour), noon + ms(4*time.Hour)} {
		if i == 2 {
			b.samples = NewSamples(b.Ledger)
		}
		for range 2 {
			for _, c := range cells {
				b.Entry(space, at).AddTo(c, at, 1000)
			}
		}
		got := samples(t, b.Flush(nil, at, true))
		if len(got) != len(cells) {
			t.Errorf("after %d hours %v, want a sample of each cell", 2*i, got)
		}
		for name, value := range got {
			if value != 2000 {
				t.Errorf("after %d hours %s is %d, want 2000", 2*i, name, value)
			}
		}
		b.samples.Prune(at+ms(90*time.Minute), at+ms(90*time.Minute))
	}
}

func TestReferrersThatNobodyComesFromAreForgotten(t *testing.T) {
	l := New("c1")
	space := Space{Organization: "acme", Stream: "s", Country: "DE"}
	for i := range 10 {
		now := noon + int64(i)*ms(time.Minute)
		l.Entry(space, now).Add(measure.TrafficByReferrer, now, 1, NewDimensions(measure.TrafficByReferrer, fmt.Sprint("site", i)))
		l.Take(now + 1)
	}
	if n, texts := l.named.Len(), len(l.texts); n > 3 || texts > 3 || l.byName.Len() != n {
		t.Errorf("keeps the cells of %d referrers, %d texts and %d in the index, want those of the last minutes", n, texts, l.byName.Len())
	}
}

// TestCellsShareTexts prunes between the cells of two spaces with one referrer.
func TestCellsShareTexts(t *testing.T) {
	l := New("c1")
	cellOf := func(stream string, at int64) *Cell {
		to := l.Entry(Space{Organization: "acme", Stream: stream, Country: "DE"}, at)
		c := to.Cell(measure.TrafficByReferrer, NewDimensions(measure.TrafficByReferrer, "site.example"))
		to.AddTo(c, at, 1)
		return c
	}
	one := cellOf("one", noon)
	l.Take(noon)
	if other := cellOf("two", noon); other == one || other.text != one.text {
		t.Errorf("cells of two spaces have the texts %p and %p", one.text, other.text)
	}
}

func TestQuietSpacesHaveNoCells(t *testing.T) {
	l := New("c1")
	at := Space{Organization: "acme", Stream: "s", Country: "DE"}
	to := l.Entry(at, noon)
	to.Add(measure.Loads, noon, 1, "")
	l.Take(noon + ms(3*time.Minute))
	if to.space.cells.count != 0 {
		t.Errorf("%d cells are kept", to.space.cells.count)
	}
}

func TestEveryBucketOfOneSpace(t *testing.T) {
	b := newBoth()
	to := b.Entry(Space{Organization: "acme", Stream: "s", Country: "DE"}, noon)
	values := 0
	for range 2 {
		for value := int64(1); value < 2e15; value += 1 + value/20 {
			to.Observe(measure.Latency, noon, value)
			values++
		}
	}
	counted, buckets := int64(0), 0
	for name, value := range samples(t, b.Flush(nil, noon, true)) {
		if strings.HasPrefix(name, "streamlens_latency_ms_bucket_1m{") {
			counted += value
			buckets++
		}
	}
	if counted != int64(values) || buckets < 260 {
		t.Errorf("%d values in %d buckets, want %d in more than can be kept", counted, buckets, values)
	}
}
