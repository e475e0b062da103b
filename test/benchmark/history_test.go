package benchmark

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/vm/vmtest"
)

// history is made up: streams that are on air some hours of each day, with viewers in nine countries and a publisher in one, so that
// each stream has ten series of traffic. Minutes, hours and families of it add up to each other as those of a collector do.
//
// All families have the recent days. Days before them have what long ranges read: minutes and hours of the organisation and of
// countries, and hours of streams, and minutes of those with the tag some.
type history struct {
	streams      int
	recent, days int // number of days that all families have, and of all days
	hoursOnAir   int
	end          time.Time // the midnight that ends the last day

	url     string
	group   errgroup.Group
	batch   bytes.Buffer
	samples int64

	series []fine
	coarse []*sums // of organisation, countries and streams
}

const (
	minutesOfDay     = 24 * 60
	playoutCountries = 9
	// ofTag is how many streams have the tag some. All days of them have the minutes that peaks read.
	ofTag = 40
	// addressesOfDay is how many addresses a day has that no other has.
	addressesOfDay = 5_000
	// ofEvent is how many streams belong to the event.
	ofEvent = 40
	// batchBytes is how much is imported at a time.
	batchBytes = 8 << 20
)

var countries = []string{"AT", "BE", "BR", "CA", "CH", "CZ", "DE", "DK", "ES", "FI", "FR", "GB", "GR", "HU", "IE", "IN", "IT", "JP", "KR", "MX",
	"NL", "NO", "PL", "PT", "RO", "SE", "TR", "UA", "US", "ZA"}

// fine is a series of the family with stream and country, and the sums to which it adds.
type fine struct {
	measure  measure.ID
	labels   string // JSON, without the name
	stream   int
	greatest uint64 // value of a minute
	everyNth int    // minutes that have a value
	event    bool
	parts    []*sums
}

// sums are the minutes of a day of one series of a coarser family.
type sums struct {
	measure measure.ID
	family  measure.Family
	labels  string
	tagged  bool // it is of a stream with the tag some
	minutes [minutesOfDay]int64
}

// write fills a VictoriaMetrics with the history, and returns when it can be read.
func (h *history) write(t *testing.T, url string) {
	t.Helper()
	h.url = url
	h.group.SetLimit(2)
	h.makeSeries()
	for day := h.days - 1; day >= 0; day-- {
		h.writeDay(t, h.end.AddDate(0, 0, -1-day), day < h.recent)
	}
	h.writeTags()
	h.flush()
	if err := h.group.Wait(); err != nil {
		t.Fatal(err)
	}
	vmtest.Flush(t, url)
}

func (h *history) makeSeries() {
	known := map[string]*sums{}
	for stream := range h.streams {
		add := func(id measure.ID, country, dimensions string, greatest uint64, everyNth int) {
			m := measure.Get(id)
			f := fine{measure: id, stream: stream, greatest: greatest, everyNth: everyNth, event: m.Events && stream < ofEvent}
			for _, family := range m.Families() {
				if family.Has(measure.LabelEvent) {
					continue
				}
				labels := `"org":"acme","collector":"a"` + dimensions
				if family.Has(measure.LabelCountry) {
					labels += `,"country":"` + country + `"`
				}
				if family.Has(measure.LabelStream) {
					labels += `,"stream":"stream` + strconv.Itoa(stream) + `"`
				}
				if family.Has(measure.LabelCountry, measure.LabelStream) {
					f.labels = labels
					continue
				}
				key := m.Metric(family, measure.Minute) + labels
				if known[key] == nil {
					known[key] = &sums{measure: id, family: family, labels: labels, tagged: family.Has(measure.LabelStream) && stream < ofTag}
					h.coarse = append(h.coarse, known[key])
				}
				f.parts = append(f.parts, known[key])
			}
			h.series = append(h.series, f)
		}
		protocol := []string{"hls", "h5live"}[stream%2]
		for n := range playoutCountries {
			country := countries[(stream*7+n)%len(countries)]
			add(measure.Traffic, country, `,"direction":"playout","protocol":"`+protocol+`"`, 50_000_000, 1)
			add(measure.Viewing, country, "", 600_000, 1)
			add(measure.Plays, country, "", 20, 30)
		}
		add(measure.Traffic, countries[stream%len(countries)], `,"direction":"ingest","protocol":"rtmp"`, 20_000_000, 1)
		if stream%10 == 0 {
			add(measure.ServerViewers, countries[stream%len(countries)], "", 100, 1)
		}
	}
}

// writeDay writes a day; all families of it if it is recent.
func (h *history) writeDay(t *testing.T, day time.Time, recent bool) {
	number := int(day.Unix() / 86_400)
	values := make([]int64, 60*h.hoursOnAir)
	for i := range h.series {
		f := &h.series[i]
		begin := 60 * ((f.stream*7 + number) % (25 - h.hoursOnAir))
		random := uint64(i)<<32 | uint64(number)
		for minute := range values {
			values[minute] = 0
			if minute%f.everyNth == 0 {
				// The multiplier of Knuth's linear congruential generator MMIX.
				random = random*6364136223846793005 + 1442695040888963407
				values[minute] = 1 + int64((random>>33)%f.greatest)
			}
			for _, s := range f.parts {
				s.minutes[begin+minute] += values[minute]
			}
		}
		if recent {
			m := measure.Get(f.measure)
			family, _ := m.FamilyWith(measure.LabelStream, measure.LabelCountry)
			h.writeBoth(m, family, f.labels, day, begin, values)
			if f.event {
				family, _ = m.FamilyWith(measure.LabelEvent)
				h.writeBoth(m, family, f.labels+`,"event":"final"`, day, begin, values)
			}
		}
	}
	for _, s := range h.coarse {
		m := measure.Get(s.measure)
		if recent || s.tagged || !s.family.Has(measure.LabelStream) {
			h.writeSamples(m.Metric(s.family, measure.Minute), s.labels, day, 0, s.minutes[:])
		}
		h.writeHours(m.Metric(s.family, measure.Hour), s.labels, day, 0, s.minutes[:])
		clear(s.minutes[:])
	}
	if recent {
		h.writeDistributions(day)
		h.writeAddresses(day, number)
	}
	if err := t.Context().Err(); err != nil {
		t.Fatal(err)
	}
}

func (h *history) writeBoth(m measure.Measure, family measure.Family, labels string, day time.Time, begin int, minutes []int64) {
	h.writeSamples(m.Metric(family, measure.Minute), labels, day, begin, minutes)
	h.writeHours(m.Metric(family, measure.Hour), labels, day, begin, minutes)
}

// writeHours adds up the minutes of a day, of which the first begins an hour.
func (h *history) writeHours(name, labels string, day time.Time, begin int, minutes []int64) {
	hours := make([]int64, 0, 24)
	for hour := range slices.Chunk(minutes, 60) {
		sum := int64(0)
		for _, v := range hour {
			sum += v
		}
		hours = append(hours, sum)
	}
	h.writeEvery(time.Hour, name, labels, day.Add(time.Duration(begin)*time.Minute), hours)
}

func (h *history) writeSamples(name, labels string, day time.Time, begin int, minutes []int64) {
	h.writeEvery(time.Minute, name, labels, day.Add(time.Duration(begin)*time.Minute), minutes)
}

// writeEvery writes the values that are not zero, in VictoriaMetrics' form of JSON lines.
func (h *history) writeEvery(step time.Duration, name, labels string, from time.Time, values []int64) {
	if !slices.ContainsFunc(values, func(v int64) bool { return v != 0 }) {
		return
	}
	h.batch.WriteString(`{"metric":{"__name__":"` + name + `",` + labels + `},"values":[`)
	separate := func(n int) {
		if n > 0 {
			h.batch.WriteByte(',')
		}
	}
	n := 0
	for _, v := range values {
		if v != 0 {
			separate(n)
			h.batch.Write(strconv.AppendInt(h.batch.AvailableBuffer(), v, 10))
			n++
		}
	}
	h.batch.WriteString(`],"timestamps":[`)
	n = 0
	for i, v := range values {
		if v != 0 {
			separate(n)
			h.batch.Write(strconv.AppendInt(h.batch.AvailableBuffer(), from.Add(time.Duration(i)*step).UnixMilli()+1, 10))
			n++
		}
	}
	h.batch.WriteString("]}\n")
	h.samples += int64(n)
	if h.batch.Len() > batchBytes {
		h.flush()
	}
}

// writeDistributions writes hours of buffer lengths, of the organisation and of each stream while it is on air.
func (h *history) writeDistributions(day time.Time) {
	const buckets = 25
	m := measure.Get(measure.BufferLength)
	ofOrganization, _ := m.FamilyWith()
	ofStream, _ := m.FamilyWith(measure.LabelStream)
	write := func(family measure.Family, labels string, begin, hours int, times int64) {
		counts, lengths, numbers := make([]int64, hours), make([]int64, hours), make([]int64, hours)
		for hour := range hours {
			counts[hour], lengths[hour], numbers[hour] = 40*times, 40*times*buckets*2000, 40*times*buckets
		}
		at := day.Add(time.Duration(begin) * time.Hour)
		for bucket := range buckets {
			text := `,"vmrange":"` + measure.BucketRange(measure.Bucket(500)+bucket) + `"`
			h.writeEvery(time.Hour, m.BucketMetric(family, measure.Hour), labels+text, at, counts)
		}
		h.writeEvery(time.Hour, m.SumMetric(family, measure.Hour), labels, at, lengths)
		h.writeEvery(time.Hour, m.CountMetric(family, measure.Hour), labels, at, numbers)
	}
	const organization = `"org":"acme","collector":"a"`
	write(ofOrganization, organization, 0, 24, int64(h.streams*h.hoursOnAir/24))
	for stream := range h.streams {
		labels := organization + `,"stream":"stream` + strconv.Itoa(stream) + `"`
		begin := (stream*7 + int(day.Unix()/86_400)) % (25 - h.hoursOnAir)
		write(ofStream, labels, begin, h.hoursOnAir, 1)
	}
}

// writeAddresses writes the hour of each address of a day, in which it fetched something.
func (h *history) writeAddresses(day time.Time, number int) {
	m := measure.Get(measure.TrafficByIP)
	family, _ := m.FamilyWith(measure.LabelStream, measure.LabelCountry)
	for n := range addressesOfDay {
		labels := fmt.Sprintf(`"org":"acme","collector":"a","direction":"playout","ip":"10.%d.%d.%d","stream":"stream%d","country":%q`,
			number%256, n>>8, n%256, n%h.streams, countries[n%len(countries)])
		h.writeEvery(time.Hour, m.Metric(family, measure.Hour), labels, day.Add(time.Duration(n%24)*time.Hour), []int64{int64(1_000_000 + n)})
	}
}

// writeTags gives ofTag streams the tag some and half of all the tag half.
func (h *history) writeTags() {
	tag := func(stream int, name string) {
		labels := fmt.Sprintf(`"org":"acme","stream":"stream%d","tag":%q`, stream, name)
		h.writeEvery(time.Minute, measure.StreamTagMetric, labels, h.end.Add(-time.Hour), []int64{1})
	}
	for stream := range h.streams {
		if stream < ofTag {
			tag(stream, "some")
		}
		if stream%2 == 0 {
			tag(stream, "half")
		}
	}
}

func (h *history) flush() {
	body := slices.Clone(h.batch.Bytes())
	h.batch.Reset()
	h.group.Go(func() error {
		response, err := http.Post(h.url+"/api/v1/import", "application/json", bytes.NewReader(body))
		if err != nil {
			return err
		}
		defer response.Body.Close()
		if response.StatusCode != http.StatusNoContent {
			text, err := io.ReadAll(response.Body)
			return fmt.Errorf("import: status %d, %s, %w", response.StatusCode, text, err)
		}
		return nil
	})
}
