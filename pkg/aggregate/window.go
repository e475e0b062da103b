package aggregate

import "time"

// Every series has one sample per minute or hour, stamped 1 ms after its start, so that sum_over_time(m[1h]) at 12:00 is
// 11:00 to 12:00. While a bucket is open its sample is sent again with the value so far. What comes later must not touch
// the sample any more, because its sum is forgotten: it goes into a further sample, k ms after the first.
//
// k follows from the clock alone: it numbers the spans of time after the bucket's end. So nothing needs to remember which
// k was used last, and a replay of the same input gives the same samples.
const (
	firstStamp = 1 // ms after the start of a minute or hour

	openAfterEnd   = 5 * int64(time.Minute/time.Millisecond) // ms for which a bucket stays open, and a reopened one
	lateSpan       = openAfterEnd                            // length of the spans in the first day after closing
	veryLateSpan   = int64(time.Hour / time.Millisecond)     // length of the spans after that
	lateSpansUntil = 24 * int64(time.Hour/time.Millisecond)  // ms after closing at which the longer spans begin
	lateSpans      = lateSpansUntil / lateSpan
)

// minute and hour are one in ms.
const (
	minute = int64(time.Minute / time.Millisecond)
	hour   = 60 * minute
)

// MaxAge is the greatest age of what can be added. With it, k stays below 50,000, within the 59,999 ms that a minute has.
const MaxAge = 2000 * 24 * time.Hour

// windowOf returns the stamp, in ms since 1970, of the sample for what happened at the time at and became known at now, in buckets of
// length ms. All that becomes known until the window closes goes into the same sample.
func windowOf(at, now, length int64) (stamp int64) {
	start := at - at%length
	late := now - (start + length + openAfterEnd)
	switch {
	case late < 0:
		return start + firstStamp
	case late < lateSpansUntil:
		return start + firstStamp + late/lateSpan + 1
	default:
		return start + firstStamp + lateSpans + (late-lateSpansUntil)/veryLateSpan + 1
	}
}

// closes returns when the window of a stamp closes, in ms since 1970.
func closes(stamp, length int64) int64 {
	k := (stamp - firstStamp) % length
	end := stamp - firstStamp - k + length + openAfterEnd
	if k <= lateSpans {
		return end + k*lateSpan
	}
	return end + lateSpansUntil + (k-lateSpans)*veryLateSpan
}

// Late reports whether the minute in which something happened, at the time at, had closed at now; both in ms since 1970.
func Late(at, now int64) bool {
	return now-at >= openAfterEnd && now >= at-at%minute+minute+openAfterEnd // the first tells most of them without a division
}
