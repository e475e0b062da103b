package event

import (
	"math"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Bounds of what is accepted. They keep a mistaken or hostile sender from distorting sums: no honest report exceeds them.
const (
	MaxNameBytes = 128                     // of session ids, streams, user ids and custom fields
	MaxTextBytes = 64                      // of free text that becomes a label: reason, code, version, event, protocol
	MaxURLBytes  = 4096                    // of referrers
	MaxDuration  = 24 * 60 * 60 * 1000     // ms in one report, of start time, buffer length and latency
	MaxPlayed    = 7 * 24 * 60 * 60 * 1000 // ms of one play or broadcast
	MaxBitrate   = 10_000_000_000          // bit/s
	MaxHeight    = 65_535                  // lines of a picture
	MaxFrameRate = 1000 * 1000             // thousandths of frames a second
	MaxCount     = 100_000_000             // of stalls, switches or frames in one report
	Million      = 1_000_000               // packets, of which a loss counts those that did not arrive
	MaxBytes     = 1 << 50                 // of one line of usage; sums stay whole numbers below 2^53
	MaxSeq       = 1 << 31
	MaxEvents    = 1000 // in one batch
)

// Times that are accepted, relative to the time of receipt (docs/rules.md, 1).
const (
	MaxFuture    = 60_000 // ms ahead
	SkewKept     = 30_000 // ms by which clocks may differ before the sender's is corrected
	SkewRounding = 1000   // ms to which a correction is rounded
	// MaxAhead is how far ahead a sender's clock may be and still be corrected, 10 years. What is further is no clock.
	MaxAhead = 10 * 365 * 24 * 60 * 60 * 1000
	// MaxPlayerAge is the greatest age of what players say.
	MaxPlayerAge = 7 * 24 * time.Hour
)

// Outside reports whether a player event's time, in ms since 1970, is too far from the time of receipt.
func Outside(at, received int64) bool {
	return at > received+MaxFuture || at < received-MaxPlayerAge.Milliseconds()
}

// EarliestTime is the begin of the year 2000, in ms since 1970. Times before it are seconds that are taken for milliseconds, or those
// of a clock that was never set.
const EarliestTime = 946_684_800_000

// TooEarly says in words why a time before EarliestTime is refused.
func TooEarly(name string) string {
	return name + " is before the year 2000; it must be in milliseconds since 1970, not in seconds"
}

// ClockCorrection returns the milliseconds to add to a sender's times: the difference of the clocks in whole seconds if
// the sender's clock is off by more than 30 s, else 0. A clock before EarliestTime or beyond MaxAhead is not corrected, so what it says is
// too old or in the future.
func ClockCorrection(received, sentAt int64) int64 {
	skew := received - sentAt
	if skew <= SkewKept && skew >= -SkewKept || sentAt < EarliestTime || skew < -MaxAhead {
		return 0
	}
	return int64(math.Round(float64(skew)/SkewRounding)) * SkewRounding
}

// ValidText reports whether s can become a label: UTF-8 of at most limit bytes without control characters.
func ValidText(s string, limit int) bool {
	if len(s) > limit {
		return false
	}
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' { // most texts have none
			return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
		}
	}
	return true
}
