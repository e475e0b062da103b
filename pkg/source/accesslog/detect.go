package accesslog

import (
	"bytes"
	"fmt"
	"strings"
	"time"
)

// MaxHead is how much of a log's begin Detect looks at, in bytes.
const MaxHead = 64 << 10

// Detection is the format of a log, as its begin shows it.
type Detection struct {
	Format Format
	Reason string // a sentence: from what it was found out
	Notice string // sentences about what the format does not tell, such as the zone of its times; "" if there are none
}

// DetectError says why the format of a log could not be found out: no format fits, or several of different meaning do.
type DetectError struct {
	Fits    []string // the formats that fit
	Message string   // sentences
	Line    string   // an excerpt of the line that fits no format, "" if there is none
}

func (e *DetectError) Error() string { return e.Message }

// Detect finds out the format of a log from its begin, of which it reads at most MaxHead bytes; location is that of times
// that name no zone, nil if it is not known. The error is a *DetectError.
func Detect(head []byte, location *time.Location) (Detection, error) {
	lines := firstLines(head)
	if len(lines) == 0 {
		return Detection{}, &DetectError{Message: "the log has no line"}
	}
	var best []string
	most := 0
	for _, known := range formats {
		if known.name == "template" {
			continue
		}
		decoder, err := known.make(Format{Name: known.name, Location: location})
		if err != nil {
			continue
		}
		fitting := 0
		for _, line := range lines {
			var r Request
			if ok, err := decoder.Decode(line, &r); ok && err == nil {
				fitting++
			}
		}
		if fitting > most {
			best, most = nil, fitting
		}
		if fitting > 0 && fitting == most && known.name != "apache-combined" {
			best = append(best, known.name)
		}
	}
	switch len(best) {
	case 0:
		return Detection{}, &DetectError{Message: "no format fits the first line: " + Excerpt(lines[0]), Line: Excerpt(lines[0])}
	case 1:
		return Detection{
			Format: Format{Name: best[0], Location: location},
			Reason: fmt.Sprintf("%d of %d lines are as the %s writes them", most, len(lines), Describe(best[0])),
		}, nil
	}
	return Detection{}, &DetectError{Fits: best, Message: "several formats fit: " + strings.Join(best, ", ")}
}

// firstLines returns the whole lines of a head.
func firstLines(head []byte) [][]byte {
	head = head[:min(len(head), MaxHead)]
	if end := bytes.LastIndexByte(head, '\n'); end >= 0 {
		head = head[:end]
	}
	var lines [][]byte
	for line := range bytes.SplitSeq(head, []byte("\n")) {
		if line = bytes.TrimSpace(line); len(line) > 0 {
			lines = append(lines, line)
		}
	}
	return lines
}
