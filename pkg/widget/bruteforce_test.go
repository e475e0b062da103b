package widget

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/tenant"
)

var dimensionValues = map[string][]string{
	measure.DimensionDirection: {measure.Playout, measure.Ingest},
	measure.DimensionProtocol:  {"hls", "rtmp"},
	measure.DimensionOS:        {"iOS", "Android", "Windows"},
	measure.DimensionDevice:    {"mobile", "tablet", "tv", ""}, // the last is what was stored before there were devices
	measure.DimensionBrowser:   {"Chrome", "Safari"},
	measure.DimensionVersion:   {"h5live 4.22.0", "hlsjs 1.5"},
	measure.DimensionReason:    {"normal", "timeout", "a,b"},
	measure.DimensionCode:      {"1000", "2002"},
	measure.DimensionFatal:     {"true", "false"},
	measure.DimensionIP:        {"192.0.2.1", "2001:db8::1"},
	measure.DimensionReferrer:  {"site.example", "(none)"},
	measure.DimensionOutcome: {measure.OutcomePlayed, measure.OutcomeStartFailure, measure.OutcomeExit, measure.OutcomeExitEarly,
		measure.OutcomePlaybackFailure},
	measure.DimensionRange:   {"", measure.BucketRange(60), measure.BucketRange(80)},
	measure.DimensionHeight:  {"720p", "1080p", "(unknown)"},
	measure.DimensionSwitch:  {measure.SwitchUp, measure.SwitchDown, measure.SwitchFailed},
	measure.DimensionQuality: {measure.QualityGood, measure.QualityFair, measure.QualityBad},
	measure.DimensionCause:   {"", measure.OutcomeExit, measure.CauseBuffering},
}

func pick(random *rand.Rand, values []string) string { return values[random.IntN(len(values))] }

// randomFacts spreads facts of every measure over four days, and returns them in the order of time.
func randomFacts(random *rand.Rand, n int) []fact {
	facts := make([]fact, n)
	for i := range facts {
		m := measure.All()[random.IntN(len(measure.All()))]
		f := fact{
			measure:   m.ID,
			at:        day0.Add(-2 * day).Add(time.Duration(random.IntN(4*24*60)) * time.Minute),
			country:   pick(random, []string{"DE", "FR", "US", "ZZ"}),
			stream:    pick(random, []string{"s1", "s2", "ſ.*3", "s4"}), // the last has no tag
			collector: pick(random, []string{"a", "b"}),
			late:      max(0, random.IntN(8)-5),
			value:     random.Int64N(200_000),
		}
		if m.Events {
			f.event = pick(random, []string{"", "e1", "e2"})
		}
		if m.ByPlayer {
			f.player = map[string]string{}
			for _, label := range measure.PlayerLabels() {
				f.player[label] = pick(random, dimensionValues[label][:2])
			}
		}
		for _, d := range m.Dimensions {
			f.dimensions = append(f.dimensions, pick(random, dimensionValues[d]))
		}
		facts[i] = f
	}
	slices.SortFunc(facts, func(a, b fact) int { return a.at.Compare(b.at) })
	return facts
}

// between are the facts of a range, of all in the order of time.
func between(facts []fact, from, to time.Time) []fact {
	first := func(at time.Time) int {
		i, _ := slices.BinarySearchFunc(facts, at, func(f fact, at time.Time) int { return f.at.Compare(at) })
		return i
	}
	return facts[first(from):max(first(from), first(to))]
}

// chosen are the facts that a query is about.
func chosen(facts []fact, q Query, id measure.ID, from, to time.Time) []fact {
	matches := func(filter []string, value string) bool { return len(filter) == 0 || slices.Contains(filter, value) }
	var c []fact
	for _, f := range facts {
		missing := func(tag string) bool { return !slices.Contains(tagsOf[f.stream], tag) }
		if f.measure == id && !f.at.Before(from) && f.at.Before(to) && matches(q.Country, f.country) &&
			matches(q.Stream, f.stream) && (len(q.Values) == 0 || f.player != nil && matches(q.Values, f.player[q.Dimension])) && (!measure.Get(id).Events || matches(q.Event, f.event)) &&
			!slices.ContainsFunc(q.Tag, missing) && (q.QueryType != "usageByReferrer" || matches(q.Referrer, f.dimensions[0])) {
			c = append(c, f)
		}
	}
	return c
}

func sumOf(facts []fact, dimensions ...string) (sum float64) {
	for _, f := range facts {
		if len(dimensions) == 0 || slices.Contains(f.dimensions, dimensions[0]) {
			sum += float64(f.value)
		}
	}
	return sum
}

// peakOf returns the greatest sum of a minute.
func peakOf(facts []fact) float64 {
	minutes, peak := map[time.Time]float64{}, 0.0
	for _, f := range facts {
		minutes[f.at] += float64(f.value)
		peak = max(peak, minutes[f.at])
	}
	return peak
}

func exactMedian(facts []fact) float64 {
	if len(facts) == 0 {
		return math.NaN()
	}
	var values []float64
	for _, f := range facts {
		values = append(values, float64(f.value))
	}
	slices.Sort(values)
	return (values[(len(values)-1)/2] + values[len(values)/2]) / 2
}

// exactPercentile returns the least value to which p % of all are not greater.
func exactPercentile(facts []fact, p int) float64 {
	var values []float64
	for _, f := range facts {
		values = append(values, float64(f.value))
	}
	slices.Sort(values)
	for i, v := range values {
		if (i+1)*100 >= p*len(values) {
			return v
		}
	}
	return math.NaN()
}

// part returns a ÷ b, and NaN, which is none, where b is 0.
func part(a, b float64) float64 {
	if b == 0 {
		return math.NaN()
	}
	return a / b
}

// countedAttempts are those of which ratios of outcomes are parts.
func countedAttempts(outcomes []fact) float64 {
	return sumOf(outcomes, measure.OutcomePlayed) + sumOf(outcomes, measure.OutcomeStartFailure) + sumOf(outcomes, measure.OutcomeExit)
}

// expected are the numbers of a widget in a range, by "column" or "column name".
func expected(facts []fact, q Query, from, to time.Time) map[string]float64 {
	of := func(id measure.ID) []fact { return chosen(facts, q, id, from, to) }
	usage, byIP, byReferrer, unit := measure.Traffic, measure.TrafficByIP, measure.TrafficByReferrer, 1.0
	if q.Unit == UnitPlaytime {
		usage, byIP, byReferrer, unit = measure.Playing, measure.PlayingByIP, measure.PlayingByReferrer, 1000
	}
	by := func(name func(fact) string, facts []fact, add func(map[string]float64, string, fact)) map[string]float64 {
		want := map[string]float64{}
		for _, f := range facts {
			add(want, name(f), f)
		}
		return want
	}
	label := q.Breakdown
	if q.QueryType == "playerHealth" && label == "" {
		label = cmp.Or(q.Dimension, measure.DimensionVersion)
	}
	if label != "" && !strings.HasPrefix(label, "row") {
		if q.Breakdown = "row"; measure.IsPlayerLabel(label) {
			q.Breakdown = "row of players"
		}
		namesOf := func(f fact) []string {
			switch label {
			case measure.LabelCountry:
				return []string{f.country}
			case measure.LabelStream:
				return []string{f.stream}
			case measure.DimensionTag:
				return namesOfTags(f)
			}
			return []string{f.player[label]}
		}
		names := map[string]bool{}
		for _, f := range facts {
			for _, name := range namesOf(f) {
				names[name] = true
			}
		}
		want := map[string]float64{}
		for name := range names {
			inRow := slices.DeleteFunc(slices.Clone(facts), func(f fact) bool { return name == "" || !slices.Contains(namesOf(f), name) })
			for column, v := range expected(inRow, q, from, to) {
				// A row in which nothing happened is not there.
				if v != 0 && !math.IsNaN(v) && !math.IsInf(v, 0) {
					want[column+" "+name] = v
				}
			}
		}
		return want
	}
	distribution := func(id measure.ID, unit float64) map[string]float64 {
		values := of(id)
		if q.byPlayer() {
			return map[string]float64{"average": sumOf(values) / float64(len(values)) / unit}
		}
		want := map[string]float64{"median": exactMedian(values) / unit, "average": sumOf(values) / float64(len(values)) / unit}
		percentiles := []int{q.Percentile}
		if id != measure.VideoBitrate && id != measure.AudioBitrate && id != measure.IngestTime {
			percentiles = append(percentiles, 95, 99)
		}
		for _, p := range percentiles {
			if p > 0 {
				want[fmt.Sprintf("p%d", p)] = exactPercentile(values, p) / unit
			}
		}
		return want
	}
	byProtocol := func(direction string) map[string]float64 {
		want := map[string]float64{}
		for _, f := range of(usage) {
			if f.dimensions[0] == direction {
				want["value "+f.dimensions[1]] += float64(f.value) / unit
			}
		}
		return want
	}
	counted := func(id measure.ID, column string, share bool) map[string]float64 {
		all := sumOf(of(id))
		return by(func(f fact) string { return f.dimensions[0] }, of(id), func(want map[string]float64, name string, f fact) {
			want[column+" "+name] += float64(f.value)
			if share {
				want["share "+name] += float64(f.value) / all
			}
		})
	}
	byDevice := func(id measure.ID, column string) map[string]float64 {
		facts := slices.DeleteFunc(of(id), func(f fact) bool { return f.dimensions[1] == "" })
		all := sumOf(facts)
		return by(func(f fact) string { return f.dimensions[1] }, facts, func(want map[string]float64, name string, f fact) {
			want[column+" "+name] += float64(f.value)
			want["share "+name] += float64(f.value) / all
		})
	}
	played := func(want map[string]float64, label string) map[string]float64 {
		if len(q.Event) > 0 || len(q.Country) > 0 && len(q.Stream)+len(q.Tag) > 0 {
			return want // it is not stored so
		}
		if len(q.Country) > 0 || len(q.Stream)+len(q.Tag) > 0 && label != measure.DimensionVersion {
			// It is stored by the hour.
			from, to = from.Truncate(time.Hour), to.Add(time.Hour-1).Truncate(time.Hour)
		}
		for _, f := range of(measure.Viewing) {
			want["playingTime "+f.player[label]] += float64(f.value) / 1000
		}
		for _, f := range of(measure.Buffering) {
			want["playingTime "+f.player[label]] -= float64(f.value) / 1000
		}
		return want
	}
	switch q.QueryType {
	case "usageOverview":
		playout, ingest := sumOf(of(usage), measure.Playout)/unit, sumOf(of(usage), measure.Ingest)/unit
		return map[string]float64{"playout": playout, "ingest": ingest, "total": playout + ingest}
	case "usageByCountry":
		all := sumOf(of(usage))
		return by(func(f fact) string { return f.country }, of(usage), func(want map[string]float64, name string, f fact) {
			want["value "+name] += float64(f.value) / unit
			want["share "+name] += float64(f.value) / all
		})
	case "usageByStream":
		return by(func(f fact) string { return f.stream }, of(usage), func(want map[string]float64, name string, f fact) {
			want[f.dimensions[0]+" "+name] += float64(f.value) / unit
		})
	case "usageByTag":
		want := map[string]float64{}
		for _, f := range of(usage) {
			for _, name := range namesOfTags(f) {
				want[f.dimensions[0]+" "+name] += float64(f.value) / unit
			}
		}
		return want
	case "concurrentViewers":
		return map[string]float64{"viewers": peakOf(of(measure.Viewing)) / 60_000, "plays": sumOf(of(measure.Plays)),
			"serverViewers": peakOf(of(measure.ServerViewers))}
	case "eventSummary":
		return expectedEvent(of)
	case "joinsAndLeaves":
		joins, leaves, minutes := sumOf(of(measure.Plays)), sumOf(of(measure.Stops)), to.Sub(from).Minutes()
		return map[string]float64{"joins": joins, "leaves": leaves, "joinsPerMinute": joins / minutes, "leavesPerMinute": leaves / minutes}
	case "streamHealth":
		return expectedHealth(of)
	case "playerHealth":
		buffering, viewing := sumOf(of(measure.Buffering)), sumOf(of(measure.Viewing))
		average := func(id measure.ID) float64 { return sumOf(of(id)) / float64(len(of(id))) / 1000 }
		return map[string]float64{
			"viewers": peakOf(of(measure.Viewing)) / 60_000, "plays": sumOf(of(measure.Plays)), "bufferingRatio": part(buffering, viewing),
			"startFailures": part(sumOf(of(measure.Outcomes), measure.OutcomeStartFailure), countedAttempts(of(measure.Outcomes))), "startTime": average(measure.StartTime),
			"latency": average(measure.Latency), "errors": sumOf(of(measure.Statuses), "true"),
		}
	case "bufferingRatio":
		return map[string]float64{"value": part(sumOf(of(measure.Buffering)), sumOf(of(measure.Viewing)))}
	case "startTime":
		return distribution(measure.StartTime, 1000)
	case "latency":
		return distribution(measure.Latency, 1000)
	case "startFailures", "exitsBeforeStart", "playbackFailures", "startSuccess":
		all := of(measure.Outcomes)
		n, failures, exits := countedAttempts(all), sumOf(all, measure.OutcomeStartFailure), sumOf(all, measure.OutcomeExit)
		later := failures + sumOf(all, measure.OutcomePlaybackFailure)
		early := failures + sumOf(of(measure.EarlyPlaybackFailures))
		return map[string]map[string]float64{
			"startFailures":    {"failures": failures, "ratio": part(failures, n), "attempts": n},
			"exitsBeforeStart": {"exits": exits, "ratio": part(exits, n), "attempts": n},
			"playbackFailures": {"failures": later, "ratio": part(later, n), "attempts": n},
			"startSuccess":     {"ratio": 1 - part(early, n), "failures": early, "attempts": n},
		}[q.QueryType]
	case "scores":
		all := of(measure.Outcomes)
		n, played := countedAttempts(all), sumOf(all, measure.OutcomePlayed)-sumOf(all, measure.OutcomePlaybackFailure)
		want := map[string]float64{"successScore": max(0, part(100*played+50*sumOf(all, measure.OutcomeExit), n)), "attempts": n}
		if !q.byPlayer() {
			starts, score := of(measure.StartTime), 0.0
			for _, f := range starts {
				score += 800 / (8 + float64(f.value)/1000)
			}
			want["startupScore"] = part(score, float64(len(starts)))
		}
		return want
	case "outcomes":
		all := of(measure.Outcomes)
		n := sumOf(all) - sumOf(all, measure.OutcomePlaybackFailure)
		return by(func(f fact) string { return f.dimensions[0] }, all, func(want map[string]float64, name string, f fact) {
			want["attempts "+name] += float64(f.value)
			want["share "+name] += part(float64(f.value), n)
		})
	case "stalls":
		n, watched := sumOf(of(measure.Stalls)), sumOf(of(measure.Viewing))/1000
		return map[string]float64{"perHour": part(n, watched) * 3600, "stalls": n, "watched": watched}
	case "viewerBitrate":
		known := sumOf(of(measure.VideoPlayedTime)) / 1000
		return map[string]float64{"bitrate": part(sumOf(of(measure.VideoPlayed))*8, known),
			"known": part(known, sumOf(of(measure.Playing), measure.Playout)/1000)}
	case "playtimeByHeight":
		all := sumOf(of(measure.PlayingByHeight))
		return by(func(f fact) string { return f.dimensions[0] }, of(measure.PlayingByHeight), func(want map[string]float64, name string, f fact) {
			want["playtime "+name] += float64(f.value) / 1000
			want["share "+name] += float64(f.value) / all
		})
	case "viewersByHeight":
		want := map[string]float64{}
		for _, height := range dimensionValues[measure.DimensionHeight] {
			in := slices.DeleteFunc(slices.Clone(of(measure.PlayingByHeight)), func(f fact) bool { return f.dimensions[0] != height })
			if len(in) > 0 {
				want["viewers "+height] = peakOf(in) / 60_000
			}
		}
		return want
	case "switches":
		all, played := of(measure.Switches), sumOf(of(measure.Playing), measure.Playout)/1000
		up, down := sumOf(all, measure.SwitchUp), sumOf(all, measure.SwitchDown)
		return map[string]float64{"up": up, "down": down, "failed": sumOf(all, measure.SwitchFailed), "perHour": part(up+down, played) * 3600}
	case "droppedFrames":
		dropped, frames := sumOf(of(measure.DroppedFrames)), sumOf(of(measure.Frames))
		return map[string]float64{"ratio": part(dropped, frames), "dropped": dropped, "frames": frames}
	case "ingestHealth":
		lately := func(id measure.ID, minutes, before int) []fact {
			end := to.Add(time.Duration(-before) * time.Minute)
			return chosen(facts, q, id, end.Add(time.Duration(-minutes)*time.Minute), end)
		}
		return expectedIngest(of, lately)
	case "publishStopReasons":
		return counted(measure.PublishStops, "stops", false)
	case "publishStatusCodes":
		return by(func(f fact) string { return f.dimensions[0] }, of(measure.PublishStatuses), func(want map[string]float64, name string, f fact) {
			want["count "+name] += float64(f.value)
			if f.dimensions[1] == "true" {
				want["fatal "+name] += float64(f.value)
			}
		})
	case "goodPlays":
		all := of(measure.Quality)
		n := sumOf(all)
		want := map[string]float64{"attempts": n}
		for column, value := range map[string]string{"good": measure.QualityGood, "fair": measure.QualityFair, "bad": measure.QualityBad,
			"startFailures": measure.OutcomeStartFailure, "exits": measure.OutcomeExit, "playbackFailures": measure.OutcomePlaybackFailure,
			"slowStarts": measure.CauseStartTime, "buffering": measure.CauseBuffering} {
			want[column] = part(sumOf(all, value), n)
		}
		return want
	case "bufferLength":
		return distribution(measure.BufferLength, 1000)
	case "playedTime":
		return distribution(measure.PlayedTime, 1000)
	case "ingestTime":
		return distribution(measure.IngestTime, 1000)
	case "videoBitrate":
		return distribution(measure.VideoBitrate, 1)
	case "audioBitrate":
		return distribution(measure.AudioBitrate, 1)
	case "usageReport":
		return map[string]float64{"sent": sumOf(of(usage), measure.Playout) / unit, "received": sumOf(of(usage), measure.Ingest) / unit}
	case "usagePlayout":
		return byProtocol(measure.Playout)
	case "usageIngest":
		return byProtocol(measure.Ingest)
	case "usageByReferrer":
		return by(func(f fact) string { return f.dimensions[0] }, of(byReferrer), func(want map[string]float64, name string, f fact) {
			want["playout "+name] += float64(f.value) / unit
		})
	case "usageByIP":
		return by(func(f fact) string { return f.dimensions[1] }, of(byIP), func(want map[string]float64, name string, f fact) {
			want[f.dimensions[0]+" "+name] += float64(f.value) / unit
		})
	case "statusCodes":
		want := by(func(f fact) string { return f.dimensions[0] }, of(measure.Statuses), func(want map[string]float64, name string, f fact) {
			want["count "+name] += float64(f.value)
			if f.dimensions[1] == "true" {
				want["fatal "+name] += float64(f.value)
			}
		})
		for _, f := range of(measure.PlaysByCode) {
			want["plays "+f.dimensions[0]] += float64(f.value)
		}
		return want
	case "loadsByCountry":
		return by(func(f fact) string { return f.country }, of(measure.Loads), func(want map[string]float64, name string, f fact) {
			want["loads "+name] += float64(f.value)
		})
	case "worldMap":
		return expectedMap(of, usage, unit, q.Metric)
	case "playsByDevice":
		return played(byDevice(measure.PlaysByOS, "plays"), measure.DimensionDevice)
	case "publishesByDevice":
		return byDevice(measure.PublishesByOS, "publishes")
	case "playsByBrowser":
		return played(counted(measure.PlaysByBrowser, "plays", true), measure.DimensionBrowser)
	case "playsByVersion":
		return played(counted(measure.PlaysByVersion, "plays", true), measure.DimensionVersion)
	case "publishesByOS":
		return counted(measure.PublishesByOS, "publishes", true)
	case "publishesByBrowser":
		return counted(measure.PublishesByBrowser, "publishes", true)
	case "publishesByVersion":
		return counted(measure.PublishesByVersion, "publishes", true)
	case "playsByOS":
		return played(counted(measure.PlaysByOS, "plays", true), measure.DimensionOS)
	case "stopReasons":
		return counted(measure.Stops, "stops", false)
	}
	panic("no expectation for " + q.QueryType)
}

// namesOfTags are the rows of tags that a fact is in.
func namesOfTags(f fact) []string {
	if tags := tagsOf[f.stream]; len(tags) > 0 {
		return tags
	}
	return []string{Untagged}
}

// expectedHealth are the numbers of the health of streams.
// expectedEvent are the numbers of an event.
func expectedEvent(of func(measure.ID) []fact) map[string]float64 {
	lengthOf := func(facts []fact) float64 {
		if len(facts) == 0 {
			return 0
		}
		first, last := facts[0].at, facts[0].at
		for _, f := range facts {
			first, last = earlier(first, f.at), later(last, f.at)
		}
		return last.Truncate(time.Minute).Sub(first.Truncate(time.Minute)).Seconds() + 60
	}
	length := lengthOf(slices.DeleteFunc(of(measure.Playing), func(f fact) bool { return f.dimensions[0] != measure.Ingest }))
	if length == 0 {
		length = lengthOf(of(measure.Viewing))
	}
	watched, plays, judged := sumOf(of(measure.Viewing))/1000, sumOf(of(measure.Plays)), of(measure.Quality)
	return map[string]float64{
		"peakViewers": peakOf(of(measure.Viewing)) / 60_000, "averageViewers": part(watched, length), "plays": plays, "watched": watched,
		"watchedPerPlay": part(watched, plays), "length": length, "shareWatched": part(watched, plays*length),
		"goodPlays": part(sumOf(judged, measure.QualityGood), sumOf(judged)),
	}
}

func expectedHealth(of func(measure.ID) []fact) map[string]float64 {
	want := map[string]float64{}
	read := []measure.ID{measure.Viewing, measure.Buffering, measure.Outcomes, measure.Latency, measure.Statuses}
	for _, stream := range []string{"s1", "s2", "ſ.*3", "s4"} {
		in := func(id measure.ID) []fact {
			return slices.DeleteFunc(slices.Clone(of(id)), func(f fact) bool { return f.stream != stream })
		}
		if !slices.ContainsFunc(read, func(id measure.ID) bool { return len(in(id)) > 0 }) {
			continue
		}
		buffering, outcomes := sumOf(in(measure.Buffering)), in(measure.Outcomes)
		for column, value := range map[string]float64{
			"viewers":        peakOf(in(measure.Viewing)) / 60_000,
			"bufferingRatio": part(buffering, sumOf(in(measure.Viewing))),
			"startFailures":  part(sumOf(outcomes, measure.OutcomeStartFailure), countedAttempts(outcomes)),
			"latency":        sumOf(in(measure.Latency)) / float64(len(in(measure.Latency))) / 1000,
			"errors":         sumOf(in(measure.Statuses), "true"),
		} {
			if value > 0 {
				want[column+" "+stream] = value
			}
		}
	}
	return want
}

// expectedIngest are the numbers of the health of broadcasts.
func expectedIngest(of func(measure.ID) []fact, lately func(id measure.ID, minutes, before int) []fact) map[string]float64 {
	want := map[string]float64{}
	for _, stream := range []string{"s1", "s2", "ſ.*3", "s4"} {
		in := func(id measure.ID, dimensions ...string) []fact {
			return slices.DeleteFunc(slices.Clone(of(id)), func(f fact) bool {
				return f.stream != stream || len(dimensions) > 0 && !slices.Contains(f.dimensions, dimensions[0])
			})
		}
		onAir := in(measure.Playing, measure.Ingest)
		average := func(id measure.ID, unit float64) float64 { return part(sumOf(in(id)), float64(len(in(id)))) / unit }
		for column, value := range map[string]float64{
			"publishers": peakOf(onAir) / 60_000, "publishes": sumOf(in(measure.Publishes)),
			"bitrate":       part(sumOf(in(measure.Traffic, measure.Ingest))*8, sumOf(onAir)/1000),
			"roundTripTime": average(measure.RoundTripTime, 1000), "packetLoss": average(measure.PacketLoss, 1_000_000),
		} {
			if value > 0 {
				want[column+" "+stream] = value
			}
		}
		// What others have is of other streams, or directions.
		last := func(id measure.ID, minutes, before int, dimensions ...string) []fact {
			return slices.DeleteFunc(lately(id, minutes, before), func(f fact) bool {
				return f.stream != stream || len(dimensions) > 0 && !slices.Contains(f.dimensions, dimensions[0])
			})
		}
		mean := func(id measure.ID) float64 { return sumOf(last(id, 3, 0)) / float64(len(last(id, 3, 0))) }
		state := 0.0
		if mean(measure.RoundTripTime) > 250 || mean(measure.PacketLoss) > 50_000 {
			state = 1
		}
		if sumOf(last(measure.Playing, 1, 0, measure.Ingest)) > 72_000 && sumOf(last(measure.Playing, 1, 1, measure.Ingest)) > 72_000 {
			state = 2
		}
		if sumOf(last(measure.Publishes, 5, 0)) >= 3 {
			state = 3
		}
		if peakOf(last(measure.Playing, 3, 0, measure.Ingest)) > 30_000 && sumOf(last(measure.Traffic, 3, 0, measure.Ingest)) == 0 &&
			sumOf(last(measure.Traffic, 60, 0, measure.Ingest)) > 0 {
			state = 4
		}
		if state > 0 {
			want["state "+stream] = state
		}
	}
	return want
}

// expectedMap are the numbers of the world map.
func expectedMap(of func(measure.ID) []fact, usage measure.ID, unit float64, metric string) map[string]float64 {
	type found struct {
		country string
		value   float64
	}
	var ranking []found
	want := map[string]float64{}
	for _, country := range []string{"DE", "FR", "US"} {
		in := func(id measure.ID) []fact {
			return slices.DeleteFunc(slices.Clone(of(id)), func(f fact) bool { return f.country != country })
		}
		plays, publishes := sumOf(in(measure.Plays)), sumOf(in(measure.Publishes))
		average := func(id measure.ID) float64 { return sumOf(in(id)) / float64(len(in(id))) / 1000 }
		buffering := sumOf(in(measure.Buffering))
		value := map[string]float64{
			"":                   plays,
			"playouts":           plays,
			"ingests":            publishes,
			"playoutsAndIngests": plays + publishes,
			"usageSent":          sumOf(in(usage), measure.Playout) / unit,
			"usageReceived":      sumOf(in(usage), measure.Ingest) / unit,
			"latency":            average(measure.Latency),
			"bufferingRatio":     buffering / (buffering + sumOf(in(measure.Playing), measure.Playout)),
			"playtimeAverage":    average(measure.PlayedTime),
		}[metric]
		weight := map[string]float64{
			"latency":         float64(len(in(measure.Latency))),
			"bufferingRatio":  (buffering + sumOf(in(measure.Playing), measure.Playout)) / 1000,
			"playtimeAverage": float64(len(in(measure.PlayedTime))),
		}[metric]
		if weight > 0 {
			want["weight "+country] = weight
		}
		if plays > 0 {
			want["plays "+country] = plays
		}
		// An average or ratio of something may be 0; a sum of 0 without plays is nothing.
		averaged := slices.Contains([]string{"latency", "bufferingRatio", "playtimeAverage"}, metric)
		if !math.IsNaN(value) && (plays > 0 || value > 0 || averaged) {
			want["value "+country] = value
			ranking = append(ranking, found{country, value})
		}
	}
	for _, a := range ranking {
		rank := 1.0
		for _, b := range ranking {
			if b.value > a.value || b.value == a.value && b.country < a.country {
				rank++
			}
		}
		want["rank "+a.country] = rank
	}
	return want
}

// byPlayer reports whether the query's numbers are those that are stored by labels of players.
func (q Query) byPlayer() bool {
	return len(q.Values) > 0 || measure.IsPlayerLabel(q.Breakdown) || q.Breakdown == "row of players"
}

// ofHours reports whether the query's numbers are stored by the hour alone: addresses and referrers; what players watch with, together with a
// country or a stream, but for the versions of streams; and buckets, by country and stream together or by event.
func (q Query) ofHours() bool {
	byCountry := len(q.Country) > 0 || q.Breakdown == measure.LabelCountry
	byStream := len(q.Stream)+len(q.Tag) > 0 || slices.Contains([]string{measure.LabelStream, measure.DimensionTag}, q.Breakdown) || q.QueryType == "streamHealth"
	label := cmp.Or(q.Dimension, measure.DimensionVersion)
	if measure.IsPlayerLabel(q.Breakdown) {
		label = q.Breakdown
	}
	byPlayer := q.byPlayer() || q.QueryType == "playerHealth"
	switch q.QueryType {
	case "usageByIP", "usageByReferrer":
		return true
	case "playsByOS", "playsByDevice", "playsByBrowser", "playsByVersion":
		label = strings.ToLower(strings.TrimPrefix(q.QueryType, "playsBy"))
		byPlayer = q.Form == FormSeries && len(q.Event) == 0 && !(byCountry && byStream)
	}
	if byPlayer {
		return byCountry || byStream && label != measure.DimensionVersion
	}
	ofBuckets := []string{"startTime", "latency", "bufferLength", "playedTime", "videoBitrate", "audioBitrate", "ingestTime", "scores"}
	return slices.Contains(ofBuckets, q.QueryType) && (byCountry && byStream || len(q.Event) > 0)
}

// isApart reports whether the widget's numbers are stored by country or by stream, and without events.
func isApart(d Definition) bool {
	return slices.ContainsFunc(d.Measures(), func(id measure.ID) bool { return measure.Get(id).Apart })
}

// chooseDimension lets some queries filter and break down by a label of players.
func chooseDimension(random *rand.Rand, d Definition, q *Query) {
	if random.IntN(2) == 0 {
		q.Dimension = pick(random, measure.PlayerLabels())
		q.Values = [][]string{nil, {dimensionValues[q.Dimension][0]}, {dimensionValues[q.Dimension][1], ".*"}}[random.IntN(3)]
	}
	if slices.Contains(d.Options, OptionBreakdown) && random.IntN(3) == 0 {
		if q.Breakdown = q.Dimension; q.Breakdown == "" {
			q.Breakdown = pick(random, measure.PlayerLabels())
		}
	}
}

// keepStored leaves a query the filters that are stored together.
func keepStored(random *rand.Rand, d Definition, q *Query) {
	if !q.byPlayer() && d.Type != "playerHealth" && !isApart(d) {
		return
	}
	q.Event = nil
	byStream := q.Breakdown == measure.LabelStream || q.Breakdown == measure.DimensionTag || d.Type == "streamHealth"
	if byStream || q.Breakdown != measure.LabelCountry && random.IntN(2) == 0 {
		q.Country = nil
	} else {
		q.Stream, q.Tag = nil, nil
	}
}

// TestRandomQueries compares random queries with what one gets by adding up the facts: five of each widget, others each time; -count
// asks more.
func TestRandomQueries(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 0))
	t.Logf("seed %d", seed)
	facts := randomFacts(random, 6_000)
	client := store(t, facts)
	some := func(values ...string) []string {
		random.Shuffle(len(values), func(i, j int) { values[i], values[j] = values[j], values[i] })
		return values[:max(0, random.IntN(2*len(values))-len(values))]
	}
	widgets := All()
	for i := range 5 * len(widgets) {
		d := widgets[i%len(widgets)]
		if d.periods != nil {
			continue // TestRandomMonths
		}
		if d.byAge {
			continue // TestRetention
		}
		q := Query{
			QueryType: d.Type,
			Country:   some("DE", "FR", "US", "XX"),
			Tag:       some("a", "b", `"c"=~.*`),
			Stream:    some("s1", "s2", "ſ.*3", "s4", "s."),
			Event:     some("e1", "e2", "e3"),
			Unit:      pick(random, []string{UnitTraffic, UnitPlaytime}),
			Form:      pick(random, []string{FormTotal, FormSeries}),
			Interval:  pick(random, []string{"", "7m", "30m", "1h", "90m", "6h", "1d", "1M", "1w"}),
			Timezone:  pick(random, []string{"UTC", "America/New_York", "Asia/Kolkata"}),
		}
		if len(d.Choices) > 0 {
			q.Metric = pick(random, append([]string{""}, d.Metrics()...))
		}
		if slices.Contains(d.Options, OptionBreakdown) {
			q.Breakdown = pick(random, []string{"", measure.LabelCountry, measure.LabelStream, measure.DimensionTag})
			if q.Breakdown == measure.DimensionTag && (d.Type == "concurrentViewers" || d.Type == "eventSummary") {
				q.Breakdown = "" // peaks do not add up
			}
		}
		if slices.Contains(d.Options, OptionDimension) {
			chooseDimension(random, d, &q)
		}
		keepStored(random, d, &q)
		if slices.Contains(d.Options, OptionPercentile) && !q.byPlayer() && random.IntN(3) > 0 {
			q.Percentile = 1 + random.IntN(99)
		}
		if slices.Contains(d.Filters, measure.DimensionReferrer) {
			q.Referrer = some("site.example", "(none)", ".*")
		}
		from := day0.Add(-2 * day).Add(time.Duration(random.IntN(3*24*60)) * time.Minute)
		to := from.Add(time.Duration(1+random.IntN(2*24*60)) * time.Minute)
		frames, err := Run(t.Context(), client, Request{
			Query: q, From: from, To: to, Now: day0.Add(3 * day), Level: tenant.Premium})
		if err != nil {
			t.Fatalf("%+v: %v", q, err)
		}
		for _, problem := range compare(frames[0], facts, q, from, to) {
			t.Errorf("%+v from %s to %s: %s\n%s", q, from, to, problem, frames[0].Meta.ExecutedQueryString)
		}
		if t.Failed() {
			return
		}
	}
}

var percentileColumn = regexp.MustCompile(`^p[1-9][0-9]?$`)

// compare lists how a frame differs from the facts, which are in the order of time.
func compare(frame *data.Frame, facts []fact, q Query, from, to time.Time) (problems []string) {
	hour := func(t time.Time) time.Time { return t }
	if q.ofHours() {
		hour = func(t time.Time) time.Time { return t.Add(time.Hour - 1).UTC().Truncate(time.Hour) }
		from, to = from.Truncate(time.Hour), hour(to)
	}
	intervals := []interval{{from, from, to}}
	if q.Form == FormSeries {
		times := frame.Fields[0]
		intervals = nil
		for i := range times.Len() {
			in := interval{start: times.At(i).(time.Time), to: to}
			in.from = later(in.start, from)
			if i+1 < times.Len() {
				in.to = times.At(i + 1).(time.Time)
			}
			intervals = append(intervals, in)
		}
		if !intervals[0].start.Before(from.Add(time.Minute)) {
			problems = append(problems, "the first interval begins after the range")
		}
	}
	for i, in := range intervals {
		begin, end := hour(in.from), hour(in.to)
		// Of what is asked by the minute, some look an hour back, and playing time is that of whole hours.
		want := expected(between(facts, begin.Add(-time.Hour), end.Add(time.Hour)), q, begin, end)
		got := map[string]float64{}
		if q.Form == FormSeries {
			for _, f := range frame.Fields[1:] {
				key := f.Name
				for _, name := range f.Labels {
					key += " " + name
				}
				got[key] = valueAt(f, i)
			}
		} else {
			for row := range frame.Rows() {
				suffix := ""
				for _, f := range frame.Fields {
					if name, ok := f.At(row).(string); ok {
						suffix = " " + name
						continue
					}
					got[f.Name+suffix] = valueAt(f, row)
				}
			}
		}
		for key, v := range got {
			w := want[key]
			delete(want, key)
			tolerance := 1e-9
			if column, _, _ := strings.Cut(key, " "); column == "median" || column == "startupScore" || percentileColumn.MatchString(column) {
				tolerance = 0.07
			}
			if !(math.IsNaN(v) && (math.IsNaN(w) || w == 0)) && !(math.Abs(v-w) <= tolerance*math.Max(math.Abs(w), 1e-3)) {
				problems = append(problems, fmt.Sprintf("%s at %s is %v instead of %v", key, in.start, v, w))
			}
		}
		for key, w := range want {
			problems = append(problems, fmt.Sprintf("%s at %s is missing instead of %v", key, in.start, w))
		}
	}
	return problems
}

func valueAt(f *data.Field, i int) float64 {
	v, ok := f.At(i).(*float64)
	if !ok || v == nil {
		return math.NaN()
	}
	return *v
}

// TestRandomMonths compares months to date with the facts of about three months, by what calendars and clocks in the time
// zone say.
func TestRandomMonths(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 0))
	t.Logf("seed %d", seed)
	const days = 95
	begin := day0.Add(-days * day)
	var facts []fact
	for range 4_000 {
		facts = append(facts, fact{
			measure: []measure.ID{measure.Traffic, measure.Playing}[random.IntN(2)],
			at:      begin.Add(time.Duration(random.IntN(days*24*60)) * time.Minute), country: pick(random, []string{"DE", "FR"}),
			stream: pick(random, []string{"s1", "s2"}), value: 1 + random.Int64N(200_000),
			dimensions: []string{pick(random, []string{measure.Playout, measure.Ingest}), "hls"},
		})
	}
	client := store(t, facts)
	for range 60 {
		zone, err := time.LoadLocation(pick(random, []string{"UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Chatham"}))
		if err != nil {
			t.Fatal(err)
		}
		to := day0.Add(-time.Duration(random.IntN(60*24*60)) * time.Minute).In(zone)
		switch year, month, _ := to.Date(); random.IntN(4) {
		case 0:
			to = time.Date(year, month, 1, 0, 0, 0, 0, zone)
		case 1:
			to = time.Date(year, month, 1, 0, 0, 0, -1e6, zone) // the last millisecond of a month, as dashboards ask for whole months
		}
		if hour := to.Hour(); hour >= 1 && hour <= 4 {
			continue // where clocks change, an hour of the month before may be missing or there twice
		}
		q := Query{QueryType: "monthToDate", Timezone: zone.String(), Unit: pick(random, []string{UnitTraffic, UnitPlaytime}),
			Form: pick(random, []string{FormTotal, FormSeries}), Interval: pick(random, []string{"", "6h", "1M", "7m"}),
			Country: [][]string{nil, {"FR"}}[random.IntN(2)], Tag: [][]string{nil, {"b"}}[random.IntN(2)]}
		frames, err := Run(t.Context(), client, Request{Query: q, From: to.Add(-time.Hour), To: to, Now: day0.Add(3 * day)})
		if err != nil {
			t.Fatalf("%+v: %v", q, err)
		}
		want := expectedMonths(facts, q, to)
		got := map[string]float64{}
		for _, f := range frames[0].Fields[1:] {
			for i := range f.Len() {
				name := f.Labels["period"]
				if q.Form == FormTotal {
					name = frames[0].Fields[0].At(i).(string)
				}
				got[f.Name+" "+name] += valueAt(f, i)
			}
		}
		checkChange(t, q, got, want)
		for key := range want {
			if len(got) != 9 || math.Abs(got[key]-want[key]) > 1e-6 {
				t.Errorf("%+v up to %s: %s is %v instead of %v", q, to, key, got[key], want[key])
			}
		}
		if t.Failed() {
			return
		}
	}
}

// checkChange compares the change of a total form, and takes the changes away.
func checkChange(t *testing.T, q Query, got, want map[string]float64) {
	t.Helper()
	was, now := want["total previous month to date"], want["total month to date"]
	if change := got["change month to date"]; q.Form == FormTotal && was > 0 && math.Abs(change-(now/was-1)) > 1e-9 {
		t.Errorf("%+v: the change is %v from %v to %v", q, change, was, now)
	}
	for _, row := range []string{"previous month", "previous month to date", "month to date"} {
		if change, ok := got["change "+row]; !ok || !math.IsNaN(change) && (row != "month to date" || q.Form != FormTotal || was == 0) {
			t.Errorf("%+v: the change of %s is %v", q, row, change)
		}
		delete(got, "change "+row)
	}
}

func expectedMonths(facts []fact, q Query, to time.Time) map[string]float64 {
	id, unit := measure.Traffic, 1.0
	if q.Unit == UnitPlaytime {
		id, unit = measure.Playing, 1000
	}
	want := map[string]float64{}
	for _, column := range []string{"playout", "ingest", "total"} {
		for _, name := range []string{"previous month", "previous month to date", "month to date"} {
			want[column+" "+name] = 0
		}
	}
	const clock = "02 15:04:05.000" // of a month
	last := to.Add(-time.Millisecond)
	month := func(t time.Time) int { return t.Year()*12 + int(t.Month()) }
	for _, f := range chosen(facts, q, id, time.Time{}, to) {
		at := f.at.In(to.Location())
		add := func(name string) {
			want[f.dimensions[0]+" "+name] += float64(f.value) / unit
			want["total "+name] += float64(f.value) / unit
		}
		switch month(last) - month(at) {
		case 0:
			add("month to date")
		case 1:
			add("previous month")
			if at.Format(clock) <= last.Format(clock) {
				add("previous month to date")
			}
		}
	}
	return want
}

// TestGreatestAddresses lists fewer addresses than there are, many of which have equal sums, and some of which are stored as (other).
func TestGreatestAddresses(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 0))
	t.Logf("seed %d", seed)
	var facts []fact
	for range 300 {
		ip := fmt.Sprintf("192.0.2.%d", random.IntN(60))
		if random.IntN(20) == 0 {
			ip = measure.Other
		}
		facts = append(facts, fact{measure: measure.TrafficByIP, at: day0.Add(time.Duration(random.IntN(180)) * time.Minute), country: pick(random, []string{"DE", "FR"}),
			stream: pick(random, []string{"s1", "s2"}), value: 1 + int64(random.IntN(4)), dimensions: []string{pick(random, []string{measure.Playout, measure.Playout, measure.Ingest}), ip}})
	}
	client := store(t, facts)
	for top := 1; top < 70; top++ {
		q := Query{QueryType: "usageByIP", Top: top, Country: [][]string{nil, {"DE"}}[random.IntN(2)]}
		from, to := day0, day0.Add(time.Duration(1+random.IntN(3))*time.Hour)
		frames, err := Run(t.Context(), client, Request{Query: q, From: from, To: to, Now: day0.Add(3 * day)})
		if err != nil {
			t.Fatal(err)
		}
		if got, want := text(frames), greatestOf(chosen(facts, q, measure.TrafficByIP, from, to), top); got != want {
			t.Errorf("%+v from %s to %s: got\n%s\nwant\n%s\n%s", q, from, to, got, want, frames[0].Meta.ExecutedQueryString)
			return
		}
	}
}

// greatestOf is the list of the addresses with the greatest sums, and of all others.
func greatestOf(facts []fact, top int) string {
	ingest, playout := map[string]int64{}, map[string]int64{}
	var names []string
	for _, f := range facts {
		if ingest[f.dimensions[1]]+playout[f.dimensions[1]] == 0 {
			names = append(names, f.dimensions[1])
		}
		map[string]map[string]int64{measure.Ingest: ingest, measure.Playout: playout}[f.dimensions[0]][f.dimensions[1]] += f.value
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(ingest[b]+playout[b], ingest[a]+playout[a]), cmp.Compare(a, b))
	})
	listed, rest := names, []string(nil)
	if len(names) > top {
		listed, rest = names[:top], names[top:]
	}
	lines := []string{"ip | ingest | playout"}
	var ofRest [2]int64
	for _, name := range listed {
		if name == measure.Other && rest != nil {
			rest = append(rest, name)
			continue
		}
		lines = append(lines, fmt.Sprintf("%s | %d | %d", name, ingest[name], playout[name]))
	}
	for _, name := range rest {
		ofRest[0], ofRest[1] = ofRest[0]+ingest[name], ofRest[1]+playout[name]
	}
	if rest != nil {
		lines = append(lines, fmt.Sprintf("%s | %d | %d", measure.Other, ofRest[0], ofRest[1]))
	}
	return strings.Join(lines, "\n")
}
