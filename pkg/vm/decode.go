package vm

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// decoder makes series of the answer to query or query_range.
type decoder struct {
	jsonReader

	status, problem string
	partial         bool // whether some storage nodes are missing
	begin           int  // where the result begins
	answer          Answer
	wrong           error // the first value that is no point or no whole number

	// Series have their labels and points in common memory, as long as it lasts.
	labels []Label
	points []Point
}

// minLabels and minPoints are how much memory is taken at a time for labels and points.
const (
	minLabels = 512
	minPoints = 1024
)

// decode reads the answer to query or query_range. Labels are parts of the body.
func decode(status int, body string) (Answer, error) {
	d := decoder{jsonReader: jsonReader{text: body}}
	d.object(d.member)
	if d.next() != 0 {
		d.fail()
	}
	switch {
	case d.err != nil || d.status == "":
		if status != http.StatusOK && status != http.StatusNotFound && status != http.StatusMethodNotAllowed {
			return Answer{}, &StatusError{Code: status, Text: plainText([]byte(body))}
		}
		return Answer{}, ErrNotVictoriaMetrics
	case status != http.StatusOK || d.status != "success":
		return Answer{}, &StatusError{Code: status, Text: cleanText(d.problem)}
	case d.partial:
		return Answer{}, ErrPartial
	case d.wrong != nil:
		return Answer{}, fmt.Errorf("answer of VictoriaMetrics: %w", d.wrong)
	}
	return d.answer, nil
}

func (d *decoder) member(key string) {
	switch key {
	case "status":
		d.status = d.textOrWord()
	case "error":
		d.problem = d.textOrWord()
	case "isPartial":
		d.partial = d.word() == "true"
	case "data":
		d.object(func(key string) {
			if key != "result" {
				d.skip()
				return
			}
			d.begin = d.at
			d.array(d.series)
		})
	case "stats":
		d.object(func(key string) {
			if text := d.skipped(); key == "seriesFetched" {
				// Only for people to see: an answer without it is good.
				d.answer.Fetched, _ = strconv.Atoi(strings.Trim(text, `"`))
			}
		})
	default:
		d.skip()
	}
}

// skipped reads a value and returns it as it is written.
func (d *decoder) skipped() string {
	d.next()
	begin := d.at
	d.skip()
	return d.text[begin:d.at]
}

func (d *decoder) series() {
	// Neighbours are alike, so what the one before had is about what this one needs.
	labels, points := 2, 1
	if n := len(d.answer.Series); n > 0 {
		labels, points = len(d.answer.Series[n-1].Labels), len(d.answer.Series[n-1].Points)
	}
	if cap(d.labels)-len(d.labels) < labels {
		d.labels = make([]Label, 0, max(labels, minLabels))
	}
	if cap(d.points)-len(d.points) < points {
		d.points = make([]Point, 0, max(points, minPoints))
	}
	firstLabel, firstPoint := len(d.labels), len(d.points)
	d.object(func(key string) {
		switch key {
		case "metric":
			d.object(func(name string) { d.labels = append(d.labels, Label{name, d.textOrWord()}) })
		case "value":
			d.point()
		case "values":
			d.array(d.point)
		default:
			d.skip()
		}
	})
	if n := len(d.answer.Series); n > 0 && n == cap(d.answer.Series) {
		d.answer.Series = slices.Grow(d.answer.Series, 1+n*(len(d.text)-d.at)/(d.at-d.begin))
	}
	d.answer.Series = append(d.answer.Series, Series{
		Labels: d.labels[firstLabel:len(d.labels):len(d.labels)],
		Points: d.points[firstPoint:len(d.points):len(d.points)],
	})
}

// point reads a pair of a time in seconds and a value in quotes.
func (d *decoder) point() {
	n := 0
	var p Point
	d.array(func() {
		var err error
		switch text := d.textOrWord(); n {
		case 0:
			p.Time, err = milliseconds(text)
		case 1:
			p.Value, err = wholeNumber(text)
		}
		d.blame(err)
		n++
	})
	if n != 2 {
		d.blame(errors.New("a point is no pair of time and value"))
	}
	d.points = append(d.points, p)
}

func (d *decoder) blame(err error) {
	if d.wrong == nil {
		d.wrong = err
	}
}

// milliseconds reads a time that is written in seconds.
func milliseconds(text string) (int64, error) {
	if seconds, err := strconv.ParseInt(text, 10, 54); err == nil {
		return seconds * 1000, nil
	}
	seconds, err := strconv.ParseFloat(text, 64)
	if err != nil || math.Abs(seconds) > 1<<53 {
		return 0, fmt.Errorf("time %q of a point is no number of seconds", text)
	}
	return int64(math.Round(seconds * 1000)), nil
}

// wholeNumber parses a value. VictoriaMetrics writes whole numbers from 10^21 on, and only those, with an exponent; they
// are beyond int64 and refused.
func wholeNumber(text string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("value %q is no whole number", text)
	}
	return n, nil
}
