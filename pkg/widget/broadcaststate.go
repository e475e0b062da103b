package widget

import (
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/streamlens/streamlens/pkg/measure"
)

// broadcastStates are what the column state says of a broadcast, by its number: the greater, the worse (docs/rules.md, 36).
var broadcastStates = []wordedNumber{{"ok", "green"}, {"poor line", "yellow"}, {"duplicate", "orange"}, {"restarting", "orange"}, {"inactive", "red"}}

const (
	stateOK = float64(iota)
	statePoorLine
	stateDuplicate
	stateRestarting
	stateInactive
)

// restartingLimit is how many publishes in five minutes are a restart after the other.
const restartingLimit = 3

// The reads of the state of a broadcast, by index after those of its other columns.
const (
	statePublishes = iota + 8
	stateLastMinute
	stateMinuteBefore
	statePublishers
	stateReceived
	stateReceivedBefore
	stateRoundTripSum
	stateRoundTripCount
	stateLossSum
	stateLossCount
)

// broadcastStateReads read what happened up to the end of an interval.
func broadcastStateReads() []read {
	onAir := usage(Query{Unit: UnitPlaytime}, measure.Ingest)
	received := usage(Query{Unit: UnitTraffic}, measure.Ingest)
	lately := func(r read, length time.Duration) read {
		r.window = length
		return r
	}
	minuteBefore, receivedBefore, peak := lately(onAir, time.Minute), lately(received, time.Hour), lately(onAir, 3*time.Minute)
	minuteBefore.before, peak.kind = time.Minute, peakMinute
	return []read{
		lately(read{measure: measure.Publishes}, 5*time.Minute), lately(onAir, time.Minute), minuteBefore, peak,
		lately(received, 3*time.Minute), receivedBefore,
		lately(read{measure: measure.RoundTripTime, kind: valueSums}, 3*time.Minute), lately(read{measure: measure.RoundTripTime, kind: valueCounts}, 3*time.Minute),
		lately(read{measure: measure.PacketLoss, kind: valueSums}, 3*time.Minute), lately(read{measure: measure.PacketLoss, kind: valueCounts}, 3*time.Minute),
	}
}

// broadcastState returns the worst that holds of a broadcast, NaN of one that is not on air.
func broadcastState(c cell) float64 {
	minute := measure.Minute.Length.Seconds()
	switch {
	case c.sum(statePublishers) > 0.5 && c.sum(stateReceived) == 0 && c.sum(stateReceivedBefore) > 0:
		return stateInactive
	case c.sum(statePublishes) >= restartingLimit:
		return stateRestarting
	case c.sum(stateLastMinute) > duplicateLimit*minute && c.sum(stateMinuteBefore) > duplicateLimit*minute:
		return stateDuplicate
	case c.average(stateRoundTripSum, stateRoundTripCount) > roundTripLimit, c.average(stateLossSum, stateLossCount) > packetLossLimit:
		return statePoorLine
	case c.sum(statePublishers) > 0:
		return stateOK
	}
	return math.NaN()
}

// troubled orders broadcasts by their state, those with equal ones by their publishers; by these alone where no state is read.
func troubled(c cell) float64 {
	publishers := c.sum(0)
	if len(c.table.reads) <= statePublishes {
		return publishers
	}
	state := broadcastState(c)
	if math.IsNaN(state) {
		state = -1
	}
	return state + min(publishers, 999)/1000
}

// wordedNumber is what people read in place of a number, and its colour of Grafana's.
type wordedNumber struct{ text, color string }

// worded returns the words for the numbers from 0 on, as value mappings.
func worded(words []wordedNumber) data.ValueMappings {
	mapper := data.ValueMapper{}
	for i, w := range words {
		mapper[strconv.Itoa(i)] = data.ValueMappingResult{Text: w.text, Color: w.color, Index: i}
	}
	return data.ValueMappings{mapper}
}

// Words returns what people read in place of the number of a field, and false if they read the number.
func Words(f *data.Field, number float64) (string, bool) {
	if f.Config == nil || number != math.Trunc(number) {
		return "", false
	}
	i := slices.IndexFunc(f.Config.Mappings, func(m data.ValueMapping) bool { _, ok := m.(data.ValueMapper); return ok })
	if i < 0 {
		return "", false
	}
	mapper, _ := f.Config.Mappings[i].(data.ValueMapper)
	result, ok := mapper[strconv.FormatFloat(number, 'f', -1, 64)]
	return result.Text, ok
}
