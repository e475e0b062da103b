package report

import (
	"math"
	"strconv"
	"strings"

	"github.com/streamlens/streamlens/pkg/widget"
)

// step is a unit in which amounts from least on are shown.
type step struct {
	least  float64
	length float64 // in bytes or seconds
	name   string
}

// The steps of Grafana's units "decbytes" and "s", which the dashboards use.
var (
	byteSteps = []step{{1e15, 1e15, "PB"}, {1e12, 1e12, "TB"}, {1e9, 1e9, "GB"}, {1e6, 1e6, "MB"}, {1e3, 1e3, "kB"}, {0, 1, "B"}}
	timeSteps = []step{
		{365 * 86400, 365 * 86400, "years"}, {7 * 86400, 7 * 86400, "weeks"}, {86400, 86400, "days"},
		{3600, 3600, "hours"}, {60, 60, "mins"}, {0, 1, "s"},
	}
)

// Numbers, and parts of a whole.
var (
	countSteps = []step{{0, 1, ""}}
	ratioSteps = []step{{0, 0.01, "%"}}
)

// stepOf returns the step in which a value is shown.
func stepOf(value float64, unit widget.Unit) step {
	steps := byteSteps
	switch unit {
	case widget.Seconds:
		steps = timeSteps
	case widget.Ratio:
		steps = ratioSteps
	case widget.Count, widget.Viewers:
		steps = countSteps
	}
	for _, s := range steps {
		if math.Abs(value) >= s.least {
			return s
		}
	}
	return steps[len(steps)-1]
}

// format writes a value with its unit and three significant digits, more if it is 1,000 or more: 1.23 TB.
func format(value float64, unit widget.Unit) string {
	if math.IsNaN(value) {
		return ""
	}
	if unit == widget.Ratio {
		return strconv.FormatFloat(value*100, 'f', 1, 64) + " %"
	}
	if unit == widget.Count || unit == widget.Viewers {
		return group(strconv.FormatFloat(math.Round(value), 'f', 0, 64))
	}
	// 999.9 MB is 1.00 GB, not 1,000 MB.
	const rounding = 1.0005
	s := stepOf(value*rounding, unit)
	return s.number(value) + " " + s.name
}

// number writes a value in the step's unit.
func (s step) number(value float64) string {
	v := value / s.length
	decimals := 0
	for limit := 100.0; decimals < 2 && math.Abs(v) < limit; limit /= 10 {
		decimals++
	}
	if v == math.Trunc(v) || s.name == "B" {
		decimals = 0
	}
	return group(strconv.FormatFloat(v, 'f', decimals, 64))
}

// exactly writes a value in bytes or seconds, with all its digits; nothing of what format writes so, or of none.
func exactly(value float64, unit widget.Unit) string {
	if unit != widget.Bytes && unit != widget.Seconds || math.IsNaN(value) {
		return ""
	}
	return group(exact(value, unit)) + " " + string(unit)
}

// group sets commas between the thousands of a number.
func group(number string) string {
	whole, fraction, _ := strings.Cut(number, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if fraction != "" {
		whole += "." + fraction
	}
	return whole
}

// ticks returns the length of the parts of an axis from 0 to at least most: 1, 2, 2.5 or 5 times a power of ten of the
// step's unit, so that there are at most five, and their number.
func ticks(most float64, s step) (length float64, count int) {
	if most <= 0 {
		return s.length, 1
	}
	power := math.Pow(10, math.Floor(math.Log10(most/s.length/5))) * s.length
	for _, factor := range []float64{1, 2, 2.5, 5, 10} {
		if length = factor * power; length*5 >= most {
			break
		}
	}
	return length, int(math.Ceil(most/length - 1e-9))
}
