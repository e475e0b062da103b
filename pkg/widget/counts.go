package widget

import "github.com/streamlens/streamlens/pkg/measure"

// countsAndShares returns the columns of a widget that counts something per name, such as plays per operating system.
func countsAndShares(names, help, counted string) []Column {
	return []Column{
		{Name: names, Help: help},
		{Name: counted, Unit: Count, Help: "Number of " + counted + ".",
			value: func(c cell) float64 { return c.sum(0) }},
		{Name: "share", Unit: Ratio, Help: "Of all " + counted + ".",
			value: func(c cell) float64 { return c.share(0) }},
	}
}

// countsAndPlayingTime returns those columns of plays, with how long they played, for the reads of andPlayingTime.
func countsAndPlayingTime(names, help string) []Column {
	return append(countsAndShares(names, help, "plays"), Column{Name: "playingTime", Unit: Seconds, long: true, of: []int{1, 2},
		Help:  "Time in which players rendered; left out with filters on events, or on both country and stream, by which it is not stored.",
		value: func(c cell) float64 { return c.sum(1) - c.sum(2) }})
}

// andPlayingTime adds what playing time is made of: what is watched, and the stalls in it.
func andPlayingTime(counts func(Query) []read) func(Query) []read {
	return func(q Query) []read {
		return append(counts(q), read{measure: measure.Viewing, optional: true}, read{measure: measure.Buffering, optional: true})
	}
}

// sumsWith reads the sums of a measure where it carries a dimension that it did not have at first, whatever the query.
func sumsWith(id measure.ID, dimension string) func(Query) []read {
	return func(Query) []read { return []read{{measure: id, carries: dimension}} }
}

// sumsOf reads the sums of a measure, whatever the query.
func sumsOf(id measure.ID) func(Query) []read {
	return func(Query) []read { return []read{{measure: id}} }
}
