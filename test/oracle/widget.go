package oracle

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"sort"
)

// Widget says how the answer of a query type follows from facts.
type Widget struct {
	// Breakdown is the column that names the rows, empty if there is one row.
	Breakdown   string
	Columns     []string // numbers, in the order of a row's values
	Premium     bool
	Usage       bool // has a unit
	Viewers     bool // has a mode
	Complete    bool // ends before the newest minutes
	Choice      bool // has one row, unless the query names a breakdown
	Percentiles bool // has any percentile
	// Rounded are the columns that show what is kept in buckets, beside those
	// that always do.
	Rounded []string
	Peaks   bool // has peaks of viewers, which do not add up over streams
	Players bool // can be filtered by what players watch with, and broken down if there is a choice
	Apart   bool // is stored by country or by stream, not by both, nor by event
	// Label is the row that a fact belongs to, empty for none. It is nil if
	// there is one row.
	Label func(Fact) string
	// Of are the measures that the widget is about. Without a fact of them a
	// breakdown has no row.
	Of func(q Query) []Measure
	// Values are the numbers of a row over its facts.
	Values func(facts []Fact, q Query) []*float64
	// Rows are as many rows as are asked for, where facts are in several of
	// them.
	Rows  func(facts []Fact, count int) []Row
	count int
	// LooksBack is how long before the interval, in ms, a row needs facts, too.
	LooksBack int64
	// RankBy are the measures by whose sum rows are the greatest, those of Of if there are none.
	RankBy []Measure
	// Finish sets the values that need all rows, if there are any.
	Finish func(rows []Row)
}

// brokenDown is the widget as the query breaks it down.
func (w Widget) brokenDown(by string) Widget {
	w.Breakdown = by
	switch by {
	case "country":
		w.Label = func(f Fact) string { return f.country }
	case "stream":
		w.Label = func(f Fact) string { return f.stream }
	case "tag":
		w.Label = func(f Fact) string { return f.tag }
	default:
		if by != "" {
			w.Label = func(f Fact) string { return f.with(by) }
		}
	}
	return w
}

// dimensions are what players watch with.
func dimensions() []string { return []string{"version", "os", "browser", "device", "protocol"} }

// with is a fact's value of a dimension.
func (f Fact) with(dimension string) string {
	switch dimension { // no map: it is asked of every fact for every query
	case "version", "player":
		return f.version
	case "os":
		return f.os
	case "browser":
		return f.browser
	case "device":
		return f.device
	case "protocol":
		return f.protocol
	case "event":
		return f.event
	case "referrer":
		return f.referrer
	case "ip":
		return f.ip
	case "user":
		return f.user
	case "operator":
		return f.operator
	case "region":
		return f.region
	case "cdn":
		return f.cdn
	}
	return ""
}

// Row is one row of a total form. A nil value is null.
type Row struct {
	Label  string
	Values []*float64
}

// Widgets are the widgets that the oracle can answer, by query type.
func Widgets() map[string]Widget {
	country := func(f Fact) string { return f.country }
	os := func(f Fact) string { return f.os }
	browser := func(f Fact) string { return f.browser }
	device := func(f Fact) string { return f.device }
	version := func(f Fact) string { return f.version }
	return map[string]Widget{
		"usageOverview":     {Columns: []string{"playout", "ingest", "total"}, Usage: true, Of: playoutAndIngest, Values: overview},
		"concurrentViewers": {Columns: []string{"viewers", "plays", "serverViewers"}, Viewers: true, Complete: true, Choice: true, Of: seen, Values: viewersAndPlays},
		"monthToDate":       {Breakdown: "period", Columns: []string{"playout", "ingest", "total", "change"}, Usage: true, Of: playoutAndIngest, Values: overview},
		"usagePlayout":      usageBy("protocol", func(f Fact) string { return f.protocol }, []string{"value"}, playout),
		"usageIngest":       usageBy("protocol", func(f Fact) string { return f.protocol }, []string{"value"}, ingest),
		"usageByCountry":    shares(usageBy("country", country, []string{"value"}, playoutAndIngest)),

		"usageByStream":   usageBy("stream", func(f Fact) string { return f.stream }, []string{"ingest", "playout"}, ingest, playout),
		"usageByTag":      usageBy("tag", func(f Fact) string { return f.tag }, []string{"ingest", "playout"}, ingest, playout),
		"usageByReferrer": usageBy("referrer", func(f Fact) string { return f.referrer }, []string{"playout"}, playout),
		"usageByIP":       usageBy("ip", func(f Fact) string { return f.ip }, []string{"ingest", "playout"}, ingest, playout),

		"worldMap": {Breakdown: "country", Columns: []string{"value", "plays", "rank", "weight"}, Label: onMap, Of: mapMeasures, Values: mapValues, Finish: rank},

		"playsByOS":      shares(playsAndTime("os", os)),
		"playsByDevice":  shares(playsAndTime("device", device)),
		"playsByBrowser": shares(playsAndTime("browser", browser)),
		"playsByVersion": shares(playsAndTime("version", version)),
		"stopReasons":    premium(counts("reason", func(f Fact) string { return f.label }, "stops", Stop)),
		"streamHealth":   {Breakdown: "stream", Columns: []string{"viewers", "bufferingRatio", "startFailures", "latency", "errors"}, Premium: true, Complete: true, Players: true, Label: func(f Fact) string { return f.stream }, Of: healthMeasures, Values: health},
		"playerHealth":   {Breakdown: "version", Columns: []string{"viewers", "plays", "bufferingRatio", "startFailures", "startTime", "latency", "errors"}, Premium: true, Complete: true, Players: true, Label: version, Of: playerMeasures, Values: playerHealth},
		"bufferingRatio": {Columns: []string{"value"}, Premium: true, Choice: true, Players: true, Of: watching, Values: bufferingRatio},
		"loadsByCountry": counts("country", country, "loads", Load),
		"outcomes": {Breakdown: "outcome", Columns: []string{"attempts", "share"}, Premium: true, Players: true,
			Label: func(f Fact) string { return f.label }, Of: outcomesOf, Values: outcomeCount, Finish: outcomeShares},
		"startFailures":    ofOutcomes("failures", failedToStart),
		"exitsBeforeStart": ofOutcomes("exits", exits),
		"playbackFailures": ofOutcomes("failures", failedToPlay),
		"startSuccess":     {Columns: []string{"ratio", "failures", "attempts"}, Choice: true, Players: true, Of: outcomesOf, Values: startSuccess},
		"goodPlays": {Columns: []string{"good", "fair", "bad", "startFailures", "exits", "playbackFailures", "slowStarts", "buffering", "attempts"},
			Premium: true, Choice: true, Of: func(Query) []Measure { return []Measure{Judged} }, Values: goodPlays},
		"scores": {Columns: []string{"successScore", "startupScore", "attempts"}, Premium: true, Choice: true, Players: true,
			Of: func(Query) []Measure { return []Measure{Outcome, StartTime} }, Values: scores},
		"bufferLength": distribution(BufferLength, millisecond, 95, 99),
		"latency":      ofPlayers(distribution(Latency, millisecond, 95, 99)),
		"startTime":    ofPlayers(distribution(StartTime, millisecond, 95, 99)),
		"statusCodes":  ofPlayers(playerCodes()),
		"playedTime":   distribution(PlayedTime, millisecond, 95, 99),

		"stalls":           {Columns: []string{"perHour", "stalls", "watched"}, Apart: true, Premium: true, Choice: true, Of: stallMeasures, Values: stallsPerHour},
		"viewerBitrate":    {Columns: []string{"bitrate", "known"}, Apart: true, Premium: true, Choice: true, Of: bitrateMeasures, Values: viewerBitrate},
		"playtimeByHeight": shares(playtimeByHeight()),
		"viewersByHeight": {Breakdown: "height", Columns: []string{"viewers"}, Apart: true, Premium: true, Complete: true, Label: func(f Fact) string { return f.label },
			Of: heightMeasures, Values: func(facts []Fact, _ Query) []*float64 { return numbers(peak(facts, PlayingByHeight) / float64(minute)) }},
		"switches":      {Columns: []string{"up", "down", "failed", "perHour"}, Apart: true, Premium: true, Choice: true, Of: switchMeasures, Values: switches},
		"droppedFrames": {Columns: []string{"ratio", "dropped", "frames"}, Apart: true, Premium: true, Choice: true, Of: frameMeasures, Values: droppedFrames},
		"ingestHealth": {Breakdown: "stream", Columns: []string{"state", "publishers", "publishes", "bitrate", "roundTripTime", "packetLoss"}, Premium: true, Complete: true, LooksBack: hour,
			Label: func(f Fact) string { return f.stream }, Of: ingestMeasures, Values: ingestHealth},
		"publishStopReasons": premium(counts("reason", func(f Fact) string { return f.label }, "stops", PublishStop)),
		"publishStatusCodes": statusCodes(PublishStatus, FatalPublishStatus),

		"publishesByOS":      shares(counts("os", os, "publishes", Publish)),
		"publishesByDevice":  shares(counts("device", device, "publishes", Publish)),
		"publishesByBrowser": shares(counts("browser", browser, "publishes", Publish)),
		"publishesByVersion": shares(counts("version", version, "publishes", Publish)),
		"videoBitrate":       distribution(VideoBitrate, 1),
		"audioBitrate":       distribution(AudioBitrate, 1),
		"ingestTime":         distribution(IngestTime, millisecond),

		"eventSummary": {Columns: []string{"peakViewers", "averageViewers", "plays", "watched", "watchedPerPlay", "length", "shareWatched", "goodPlays"}, Premium: true,
			Complete: true, Choice: true, Peaks: true, Of: eventMeasures, Values: eventSummary},
		"joinsAndLeaves": {Columns: []string{"joins", "leaves", "joinsPerMinute", "leavesPerMinute"}, Premium: true, Complete: true, Choice: true,
			Of: func(Query) []Measure { return []Measure{Play, Stop} }, Values: joinsAndLeaves},
		"retention": {Breakdown: "played", Columns: []string{"retained", "seconds"}, Premium: true, Complete: true,
			Of: func(Query) []Measure { return []Measure{Stay} }, Rows: retainedPlays},

		"usageReport": {Columns: []string{"sent", "received"}, Usage: true, Of: playoutAndIngest, Values: sentAndReceived},
	}
}

const millisecond = 0.001 // s

// playout, ingest and both: what usage adds up, by unit.
func playout(q Query) []Measure {
	if q.Unit == "playtime" {
		return []Measure{Playing}
	}
	return []Measure{Sent}
}

func ingest(q Query) []Measure {
	if q.Unit == "playtime" {
		return []Measure{OnAir}
	}
	return []Measure{Received}
}

func playoutAndIngest(q Query) []Measure { return append(playout(q), ingest(q)...) }

// used is the sum of usage measures, in bytes or seconds.
func used(facts []Fact, measures []Measure) float64 {
	sum := total(facts, measures...)
	if slices.Contains(measures, Playing) || slices.Contains(measures, OnAir) {
		return sum * millisecond
	}
	return sum
}

// usageBy is usage broken down, with one of the sums in each column.
func usageBy(breakdown string, label func(Fact) string, columns []string, sums ...func(Query) []Measure) Widget {
	return Widget{
		Breakdown: breakdown, Label: label, Columns: columns, Usage: true,
		Of: func(q Query) []Measure {
			var all []Measure
			for _, measures := range sums {
				all = append(all, measures(q)...)
			}
			return all
		},
		Values: func(facts []Fact, q Query) []*float64 {
			var values []*float64
			for _, measures := range sums {
				values = append(values, number(used(facts, measures(q))))
			}
			return values
		},
	}
}

// counts is the number of a measure's facts, broken down.
func counts(breakdown string, label func(Fact) string, column string, measure Measure) Widget {
	return Widget{
		Breakdown: breakdown, Label: label, Columns: []string{column},
		Of:     func(Query) []Measure { return []Measure{measure} },
		Values: func(facts []Fact, _ Query) []*float64 { return numbers(total(facts, measure)) },
	}
}

// playsAndTime is the number of plays and their playing time, which is not stored
// by event, nor by country and stream together.
func playsAndTime(breakdown string, label func(Fact) string) Widget {
	widget := counts(breakdown, label, "plays", Play)
	widget.Columns = append(widget.Columns, "playingTime")
	widget.Of, widget.RankBy = func(Query) []Measure { return []Measure{Play, Playing} }, []Measure{Play}
	widget.Values = func(facts []Fact, q Query) []*float64 {
		values := []*float64{number(total(facts, Play)), nil}
		if q.storesPlayingTime() {
			values[1] = number(total(facts, Playing) * millisecond)
		}
		return values
	}
	return widget
}

// storesPlayingTime says whether playing time by what players watch with is
// stored for the query's filters.
func (q Query) storesPlayingTime() bool {
	return len(q.Event) == 0 && (len(q.Country) == 0 || len(q.Stream) == 0 && len(q.Tag) == 0)
}

func statusCodes(all, fatal Measure) Widget {
	widget := premium(counts("code", func(f Fact) string { return f.label }, "count", all))
	widget.Columns = []string{"count", "fatal"}
	widget.Of = func(Query) []Measure { return []Measure{all, fatal} }
	widget.Values = func(facts []Fact, _ Query) []*float64 {
		return numbers(total(facts, all), total(facts, fatal))
	}
	return widget
}

// playerCodes are those of players, with the number of plays that had each.
func playerCodes() Widget {
	widget := statusCodes(Status, FatalStatus)
	widget.Columns = append(widget.Columns, "plays")
	widget.Of = func(Query) []Measure { return []Measure{Status, FatalStatus, StatusPlay} }
	widget.Values = func(facts []Fact, _ Query) []*float64 {
		return numbers(total(facts, Status), total(facts, FatalStatus), total(facts, StatusPlay))
	}
	return widget
}

// distribution is the median, the average and some percentiles of a measure's
// facts.
func distribution(measure Measure, scale float64, percentiles ...int) Widget {
	columns := []string{"median", "average"}
	for _, p := range percentiles {
		columns = append(columns, percentileColumn(p))
	}
	return Widget{
		Columns: columns, Premium: true, Choice: true, Percentiles: true,
		Of: func(Query) []Measure { return []Measure{measure} },
		Values: func(facts []Fact, q Query) []*float64 {
			asked := percentiles
			if q.Percentile != 0 && !slices.Contains(percentiles, q.Percentile) {
				asked = append(slices.Clone(percentiles), q.Percentile)
			}
			var values []float64
			for _, f := range only(facts, measure) {
				values = append(values, float64(f.Value)*scale)
			}
			if len(values) == 0 {
				return make([]*float64, 2+len(asked))
			}
			sort.Float64s(values)
			n := len(values)
			row := numbers((values[(n-1)/2]+values[n/2])/2, total(facts, measure)*scale/float64(n))
			for _, p := range asked {
				row = append(row, number(nearestRank(values, p)))
			}
			return row
		},
	}
}

func percentileColumn(p int) string { return fmt.Sprintf("p%d", p) }

// nearestRank is the least of sorted values to which at least p hundredths of
// them are not greater (rule 34).
func nearestRank(values []float64, p int) float64 {
	for i, value := range values {
		if (i+1)*100 >= p*len(values) {
			return value
		}
	}
	return values[len(values)-1]
}

func premium(widget Widget) Widget {
	widget.Premium = true
	return widget
}

func ofPlayers(widget Widget) Widget {
	widget.Players = true
	return widget
}

// shares adds the column share, of the first one.
func shares(widget Widget) Widget {
	widget.Columns = append(widget.Columns, "share")
	widget.Finish = func(rows []Row) {
		all := 0.0
		for _, row := range rows {
			all += *row.Values[0]
		}
		for i := range rows {
			rows[i].Values = append(rows[i].Values, ratio(*rows[i].Values[0], all))
		}
	}
	return widget
}

func overview(facts []Fact, q Query) []*float64 {
	return numbers(used(facts, playout(q)), used(facts, ingest(q)), used(facts, playoutAndIngest(q)))
}

func sentAndReceived(facts []Fact, q Query) []*float64 {
	return numbers(used(facts, playout(q)), used(facts, ingest(q)))
}

func watching(Query) []Measure { return []Measure{Playing, Buffering} }

func seen(Query) []Measure { return []Measure{Playing, Buffering, Play, ServerViewer} }

func viewersAndPlays(facts []Fact, _ Query) []*float64 {
	return numbers(viewers(facts), total(facts, Play), serverViewers(facts))
}

// viewers is the greatest number of viewers of a minute (rule 14), and serverViewers that of the viewers whom only servers see.
func viewers(facts []Fact) float64 { return peak(facts, Playing, Buffering) / float64(minute) }

func serverViewers(facts []Fact) float64 { return peak(facts, ServerViewer) }

// peak is the greatest sum of a minute (rule 14).
func peak(facts []Fact, measures ...Measure) float64 {
	minutes := map[int64]int64{} // ms of a minute
	for _, f := range facts {
		if slices.Contains(measures, f.Measure) {
			minutes[floor(f.At, minute)] += f.Value
		}
	}
	greatest := int64(0)
	for _, value := range minutes {
		greatest = max(greatest, value)
	}
	return float64(greatest)
}

func bufferingRatio(facts []Fact, _ Query) []*float64 {
	return []*float64{ratio(total(facts, Buffering), total(facts, Playing, Buffering))}
}

func outcomesOf(Query) []Measure { return []Measure{Outcome, EarlyFailure} }

// labelled is how many facts of a measure have one of the labels.
func labelled(facts []Fact, measure Measure, labels ...string) float64 {
	return float64(len(slices.DeleteFunc(only(facts, measure), func(f Fact) bool { return !slices.Contains(labels, f.label) })))
}

func outcomeCount(facts []Fact, _ Query) []*float64 {
	return []*float64{number(total(facts, Outcome)), nil}
}

// outcomeShares are the shares of all attempts, of which a playback failure is
// none of its own.
func outcomeShares(rows []Row) {
	all := 0.0
	for _, row := range rows {
		if row.Label != "playbackfailure" {
			all += *row.Values[0]
		}
	}
	for _, row := range rows {
		row.Values[1] = ratio(*row.Values[0], all)
	}
}

// counted is the number of attempts that count, N of rule 30.
func counted(facts []Fact) float64 { return labelled(facts, Outcome, "played", "startfailure", "exit") }

func failedToStart(facts []Fact) float64 { return labelled(facts, Outcome, "startfailure") }
func exits(facts []Fact) float64         { return labelled(facts, Outcome, "exit") }
func failedToPlay(facts []Fact) float64 {
	return labelled(facts, Outcome, "startfailure", "playbackfailure")
}

// ofOutcomes is a number of attempts, and its part of those that count.
func ofOutcomes(column string, count func([]Fact) float64) Widget {
	return Widget{Columns: []string{column, "ratio", "attempts"}, Choice: true, Players: true, Of: outcomesOf,
		Values: func(facts []Fact, _ Query) []*float64 {
			return []*float64{number(count(facts)), ratio(count(facts), counted(facts)), number(counted(facts))}
		}}
}

func startSuccess(facts []Fact, _ Query) []*float64 {
	failures, all := failedToStart(facts)+total(facts, EarlyFailure), counted(facts)
	success := ratio(failures, all)
	if success != nil {
		success = number(1 - *success)
	}
	return []*float64{success, number(failures), number(all)}
}

// scores are those of attempts and of start times (rule 42).
func scores(facts []Fact, q Query) []*float64 {
	all := counted(facts)
	success := ratio(100*(labelled(facts, Outcome, "played")-labelled(facts, Outcome, "playbackfailure"))+50*exits(facts), all)
	if success != nil {
		success = number(max(0, *success))
	}
	starts := only(facts, StartTime)
	sum := 0.0
	for _, f := range starts {
		sum += 100 / (1 + float64(f.Value)*millisecond/8)
	}
	return []*float64{success, ratio(sum, float64(len(starts))), number(all)}
}

func goodPlays(facts []Fact, _ Query) []*float64 {
	all := total(facts, Judged)
	causes := []string{"startfailure", "exit", "playbackfailure", "starttime", "buffering"}
	values := []*float64{}
	for _, labels := range [][]string{{"good"}, {"fair"}, causes, causes[:1], causes[1:2], causes[2:3], causes[3:4], causes[4:]} {
		values = append(values, ratio(labelled(facts, Judged, labels...), all))
	}
	return append(values, number(all))
}

func eventMeasures(Query) []Measure { return []Measure{Playing, Buffering, Play, OnAir, Judged} }

// eventSummary is what became of an event.
func eventSummary(facts []Fact, _ Query) []*float64 {
	length := extent(only(facts, OnAir))
	if length == 0 {
		length = extent(only(facts, Playing, Buffering))
	}
	watched, plays := total(facts, Playing, Buffering)*millisecond, total(facts, Play)
	return []*float64{
		number(viewers(facts)), ratio(watched, length), number(plays), number(watched), ratio(watched, plays), number(length),
		ratio(watched, plays*length), ratio(labelled(facts, Judged, "good"), total(facts, Judged)),
	}
}

// retainedPlays is which part of plays played longer than each of some times, nine
// for each power of ten from 1 s on.
func retainedPlays(facts []Fact, count int) []Row {
	stays := only(facts, Stay)
	rows := []Row{}
	for n := range count {
		after := math.Pow(10, 3+float64(n)/9) // ms
		longer := 0
		for _, stay := range stays {
			if float64(stay.Value) > after*(1+1e-12) {
				longer++
			}
		}
		rows = append(rows, Row{played(after / 1000), []*float64{ratio(float64(longer), float64(len(stays))), number(after / 1000)}})
	}
	return rows
}

// ages is how many rows retention has: up to the first that no play outlasts.
func ages(facts []Fact) int {
	stays := only(facts, Stay)
	if len(stays) == 0 {
		return 0
	}
	for n := 1; n < 46; n++ {
		if *retainedPlays(stays, n)[n-1].Values[0] == 0 {
			return n
		}
	}
	return 46
}

// played is what a row of retention is called.
func played(seconds float64) string {
	switch {
	case seconds >= 3600:
		return fmt.Sprintf("%.3g h", seconds/3600)
	case seconds >= 60:
		return fmt.Sprintf("%.3g min", seconds/60)
	}
	return fmt.Sprintf("%.3g s", seconds)
}

// extent is how long it is from the first minute with something to the end of
// the last one, in s.
func extent(facts []Fact) float64 {
	first, last := int64(0), int64(0)
	for _, f := range facts {
		if at := floor(f.At, minute); f.Value > 0 {
			if first == 0 || at < first {
				first = at
			}
			last = max(last, at+minute)
		}
	}
	return float64(last-first) * millisecond
}

func joinsAndLeaves(facts []Fact, q Query) []*float64 {
	minutes := float64((q.To - q.From) / minute)
	joins, leaves := total(facts, Play), total(facts, Stop)
	return numbers(joins, leaves, joins/minutes, leaves/minutes)
}

func stallMeasures(Query) []Measure   { return []Measure{Stall, Playing, Buffering} }
func bitrateMeasures(Query) []Measure { return []Measure{VideoPlayed, VideoPlayedTime, Playing} }
func heightMeasures(Query) []Measure  { return []Measure{PlayingByHeight} }
func switchMeasures(Query) []Measure  { return []Measure{Switched, Playing} }
func frameMeasures(Query) []Measure   { return []Measure{Frames, DroppedFrames} }
func ingestMeasures(Query) []Measure {
	return []Measure{OnAir, Publish, Received, RoundTripTime, PacketLoss}
}

// perHour is a number by the hours in so many milliseconds.
func perHour(n, time float64) *float64 { return ratio(n*3600_000, time) }

func stallsPerHour(facts []Fact, _ Query) []*float64 {
	n, watched := total(facts, Stall), total(facts, Playing, Buffering)
	return []*float64{perHour(n, watched), number(n), number(watched * millisecond)}
}

func viewerBitrate(facts []Fact, _ Query) []*float64 {
	known := total(facts, VideoPlayedTime)
	return []*float64{ratio(total(facts, VideoPlayed)*8, known*millisecond), ratio(known, total(facts, Playing))}
}

func playtimeByHeight() Widget {
	w := counts("height", func(f Fact) string { return f.label }, "playtime", PlayingByHeight)
	w.Premium, w.Apart = true, true
	w.Values = func(facts []Fact, _ Query) []*float64 { return numbers(total(facts, PlayingByHeight) * millisecond) }
	return w
}

// valued is the sum of the facts with a label.
func valued(facts []Fact, measure Measure, label string) float64 {
	return total(slices.DeleteFunc(only(facts, measure), func(f Fact) bool { return f.label != label }), measure)
}

func switches(facts []Fact, _ Query) []*float64 {
	up, down := valued(facts, Switched, "up"), valued(facts, Switched, "down")
	return []*float64{number(up), number(down), number(valued(facts, Switched, "failed")), perHour(up+down, total(facts, Playing))}
}

func droppedFrames(facts []Fact, _ Query) []*float64 {
	dropped, all := total(facts, DroppedFrames), total(facts, Frames)
	return []*float64{ratio(dropped, all), number(dropped), number(all)}
}

func ingestHealth(all []Fact, q Query) []*float64 {
	facts := between(all, q.From, q.To)
	average := func(measure Measure, scale float64) *float64 {
		return ratio(total(facts, measure)*scale, float64(len(only(facts, measure))))
	}
	return []*float64{
		broadcastState(all, q.To), number(peak(facts, OnAir) / float64(minute)), number(total(facts, Publish)),
		ratio(total(facts, Received)*8, total(facts, OnAir)*millisecond),
		average(RoundTripTime, millisecond), average(PacketLoss, 0.000001),
	}
}

// broadcastState is how a broadcast is at a time (rule 36): 0 if all is well,
// null if it is not on air.
func broadcastState(facts []Fact, end int64) *float64 {
	last := func(minutes int64) []Fact { return between(facts, end-minutes*minute, end) }
	mean := func(measure Measure) float64 {
		those := only(last(3), measure)
		return total(those, measure) / float64(max(1, len(those)))
	}
	twice := between(facts, end-2*minute, end-minute)
	switch {
	case peak(last(3), OnAir) > 30_000 && total(last(3), Received) == 0 && total(last(60), Received) > 0:
		return number(4)
	case total(last(5), Publish) > 2:
		return number(3)
	case total(last(1), OnAir) > 72_000 && total(twice, OnAir) > 72_000:
		return number(2)
	case mean(RoundTripTime) > 250 || mean(PacketLoss) > 50_000:
		return number(1)
	case total(last(3), OnAir) > 0:
		return number(0)
	}
	return nil
}

func healthMeasures(Query) []Measure {
	return []Measure{Playing, Buffering, Outcome, Latency, FatalStatus}
}

// health is how well the viewers of a stream are served.
func health(facts []Fact, q Query) []*float64 {
	return []*float64{
		number(viewers(facts)),
		bufferingRatio(facts, q)[0],
		ratio(failedToStart(facts), counted(facts)),
		ratio(total(facts, Latency)*millisecond, float64(len(only(facts, Latency)))),
		number(total(facts, FatalStatus)),
	}
}

func playerMeasures(q Query) []Measure { return append(healthMeasures(q), StartTime, Play) }

// playerHealth is how well those are served who watch with the same.
func playerHealth(facts []Fact, q Query) []*float64 {
	of := health(facts, q)
	startTime := ratio(total(facts, StartTime)*millisecond, float64(len(only(facts, StartTime))))
	return []*float64{of[0], number(total(facts, Play)), of[1], of[2], startTime, of[3], of[4]}
}

// mapMetrics are the metrics of worldMap, and whether they are premium.
func mapMetrics() map[string]bool {
	return map[string]bool{
		"playouts": false, "ingests": false, "playoutsAndIngests": false, "usageSent": false, "usageReceived": false,
		"latency": true, "bufferingRatio": true, "playtimeAverage": true,
	}
}

// onMap is the country of a fact, if it is on the map.
func onMap(f Fact) string {
	if f.country == unknownCountry {
		return ""
	}
	return f.country
}

// mapMeasures are what a row of the map is made of (rule 18).
func mapMeasures(q Query) []Measure {
	switch q.Metric {
	case "ingests":
		return []Measure{Publish, Play}
	case "playoutsAndIngests":
		return []Measure{Play, Publish}
	case "usageSent":
		return []Measure{Sent, Play}
	case "usageReceived":
		return []Measure{Received, Play}
	case "latency":
		return []Measure{Latency, Play}
	case "bufferingRatio":
		return []Measure{Buffering, Playing, Play}
	case "playtimeAverage":
		return []Measure{PlayedTime, Play}
	}
	return []Measure{Play}
}

// mapValues leave the rank open.
func mapValues(facts []Fact, q Query) []*float64 {
	average := func(measure Measure) *float64 {
		return ratio(total(facts, measure)*millisecond, float64(len(only(facts, measure))))
	}
	plays := number(total(facts, Play))
	value := plays
	var weight *float64
	switch q.Metric {
	case "ingests":
		value = number(total(facts, Publish))
	case "playoutsAndIngests":
		value = number(total(facts, Play, Publish))
	case "usageSent":
		value = number(total(facts, Sent))
	case "usageReceived":
		value = number(total(facts, Received))
	case "latency":
		value, weight = average(Latency), number(float64(len(only(facts, Latency))))
	case "bufferingRatio":
		watched := total(facts, Playing, Buffering)
		value, weight = ratio(total(facts, Buffering), watched), number(watched*millisecond)
	case "playtimeAverage":
		value, weight = average(PlayedTime), number(float64(len(only(facts, PlayedTime))))
	}
	return []*float64{value, plays, nil, weight}
}

// rank ranks the rows of the map by their first value. What has none has no
// rank.
func rank(rows []Row) {
	slices.SortFunc(rows, func(a, b Row) int {
		if a.Values[0] == nil || b.Values[0] == nil {
			return cmp.Compare(boolean(a.Values[0] == nil), boolean(b.Values[0] == nil))
		}
		return cmp.Or(cmp.Compare(*b.Values[0], *a.Values[0]), cmp.Compare(a.Label, b.Label))
	})
	for i, row := range rows {
		if row.Values[0] != nil {
			row.Values[2] = number(float64(i + 1))
		}
	}
}

func boolean(x bool) int {
	if x {
		return 1
	}
	return 0
}

func total(facts []Fact, measures ...Measure) float64 {
	sum := int64(0)
	for _, f := range facts {
		if slices.Contains(measures, f.Measure) {
			sum += f.Value
		}
	}
	return float64(sum)
}

func only(facts []Fact, measures ...Measure) []Fact {
	var those []Fact
	for _, f := range facts {
		if slices.Contains(measures, f.Measure) {
			those = append(those, f)
		}
	}
	return those
}

func groupBy(facts []Fact, label func(Fact) string) map[string][]Fact {
	groups := map[string][]Fact{}
	for _, f := range facts {
		groups[label(f)] = append(groups[label(f)], f)
	}
	return groups
}

func number(x float64) *float64 { return &x }

func numbers(xs ...float64) []*float64 {
	pointers := make([]*float64, len(xs))
	for i := range xs {
		pointers[i] = &xs[i]
	}
	return pointers
}

// ratio is null where there is nothing to divide by.
func ratio(a, b float64) *float64 {
	if b == 0 {
		return nil
	}
	return number(a / b)
}

// recordWidgets are the widgets that are made of records of plays, too, with
// the columns that those have.
func recordWidgets() map[string]Widget {
	all := Widgets()
	widgets := map[string]Widget{
		"goodPlays": {Columns: []string{"good", "fair", "bad", "attempts"}, Of: all["goodPlays"].Of, Values: func(facts []Fact, q Query) []*float64 {
			judged := total(facts, Judged)
			return []*float64{ratio(labelled(facts, Judged, "good"), judged), ratio(labelled(facts, Judged, "fair"), judged),
				ratio(labelled(facts, Judged, "bad"), judged), number(judged)}
		}},
		"playQuality": {Columns: []string{"plays", "playing", "bufferingRatio", "startTime", "startTimeP95", "attempts", "startFailures", "exits", "playbackFailures",
			"good", "errors", "bitrate", "latency", "successScore", "startupScore", "smoothnessScore"}, Rounded: []string{"startTime", "startTimeP95"},
			Of: func(Query) []Measure {
				return []Measure{Play, Playing, Buffering, StartTime, Outcome, Status, Judged, VideoBitrate, Latency, Smoothness}
			}, Values: playQuality},
	}
	for _, name := range []string{"bufferingRatio", "startFailures", "exitsBeforeStart", "playbackFailures", "startTime", "playedTime", "scores", "stalls"} {
		widgets[name] = all[name]
	}
	return widgets
}

func recordWidgetNames() []string {
	return append(slices.Sorted(maps.Keys(recordWidgets())), "playQuality", "playQuality")
}

// answer is that of the widget, by facts of records.
func (w Widget) answer(facts []Fact, q Query) (Table, error) {
	facts = filtered(facts, Tags{}, q)
	table := Table{Cells: map[Cell]*float64{}}
	add := func(at, from, to int64) {
		for _, row := range w.rows(between(facts, from, to), q) {
			for i, column := range w.Columns {
				table.Cells[Cell{Time: at, Row: row.Label, Column: column}] = row.Values[i]
			}
		}
	}
	if q.Form != "series" {
		add(0, q.From, q.To)
		return table, nil
	}
	steps, err := uncutHours(q) // records have minutes
	for _, step := range steps {
		table.Times = append(table.Times, step.start)
		add(step.start, step.from, step.to)
	}
	return table, err
}

// playQuality is how plays went.
func playQuality(facts []Fact, q Query) []*float64 {
	average := func(measure Measure, scale float64) *float64 {
		return ratio(total(facts, measure)*scale, float64(len(only(facts, measure))))
	}
	starts := distribution(StartTime, millisecond, 95).Values(facts, Query{})
	of, attempts := scores(facts, q), counted(facts)
	return []*float64{
		number(total(facts, Play)), number(total(facts, Playing) * millisecond), bufferingRatio(facts, q)[0], starts[0], starts[2], number(attempts),
		ratio(failedToStart(facts), attempts), ratio(exits(facts), attempts), ratio(failedToPlay(facts), attempts),
		ratio(labelled(facts, Judged, "good"), total(facts, Judged)), number(total(facts, Status)),
		average(VideoBitrate, 1), average(Latency, millisecond), of[0], of[1], average(Smoothness, 0.001),
	}
}
