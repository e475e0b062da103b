package logreader

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"github.com/streamlens/streamlens/pkg/event"
	"github.com/streamlens/streamlens/pkg/source/accesslog"
)

// Fate is what became of a line.
type Fate string

// A line counts, or it is no delivery of a stream and ignored, or it could not be read or must not count and is refused.
const (
	Counted Fate = "counted"
	Ignored Fate = "ignored"
	Refused Fate = "refused"
)

// Reasons of lines that a decoder does not know of. Those of ignored lines are these, "status", "method", and what accesslog.Request
// has in Left; those of counted lines these and "address_" with what accesslog.Request has in NoAddress.
const (
	noStream = "no_stream" // ignored: the path is no streaming media, or names no stream
	badCMCD  = "cmcd"      // counted: what a player says in CMCD cannot be read
	folded   = "folded"    // counted: the name of the stream is one of too many, so the folder's counts
)

// Remark says how many lines had the same fate for the same reason. Of lines that count it says what they lack.
type Remark struct {
	Fate   Fate   `json:"fate"`
	Reason string `json:"reason"` // a short name, as in the collector's metrics
	Lines  int    `json:"lines"`
	// Example is the begin of the first of them, without what is personal.
	Example string `json:"example"`
}

// words say what reasons mean.
var words = map[string]string{
	noStream:             "the path is no streaming media, or names no stream",
	folded:               "as the stream of their folder: its files have more names than a folder has streams, and no playlist has these",
	badCMCD:              "without what the player says, as its CMCD cannot be read",
	"status":             "the request failed (status 400 and above)",
	"method":             "the request is no GET",
	"blank":              "the line is empty",
	"header":             "a header or a comment of the log",
	"test":               "a line by which a CDN tries whether its logs arrive",
	"session":            "a line of a session that another line counts",
	"internal":           "a request of the server's own",
	"publisher":          "a publisher's connection, whose bytes count by polls of the server",
	"unanswered":         "a request without an answer: the client left before it, or the server had none",
	"subrequest":         "a request that the CDN made itself while it answered one that has a line of its own",
	"address_absent":     "without country, address and viewer, as the line has no address",
	"address_name":       "without country, address and viewer, as the line has the name of a host instead of an address",
	"address_unreadable": "without country, address and viewer, as the address cannot be read",
	"future":             "the time is more than 60 s in the future",
	"too_old":            "the time is before what the database keeps",
	"streams":            "the organisation's limit of streams is reached",
	"malformed":          "the line is not as the format has it",
	"missing":            "something is missing that must be known",
	"range":              "a number cannot be right",
	"text":               "a text is too long, or has control characters",
	"format":             "the format of the log cannot be found out",
}

// Words says in words why lines had this fate.
func (r Remark) Words() string {
	return cmp.Or(words[r.Reason], strings.ReplaceAll(r.Reason, "_", " "))
}

// Rejection is a line that was refused, by its number from 1.
type Rejection struct {
	Line int
	event.Refusal
}

// Line is a line that counts, as it is read.
type Line struct {
	number                      int   // in its part
	Time                        int64 // ms since 1970, of the end of the answer
	Stream, Protocol, Direction string
	Bytes                       int64
	Address, Country            string          // Address as it is stored
	Viewer                      event.ViewerKey // 0 if the line shows none
}

// maxFirst is how many lines are kept as they are read.
const maxFirst = 10

// maxRejections is how many refused lines are named.
const maxRejections = 20

// Result is what lines are, all told.
type Result struct {
	// Lines are the traffic and the viewers, Sessions what players say.
	Lines    []event.Usage
	Requests []int // how many lines of the log each of Lines is
	Sessions []event.Batch

	Accepted, Ignored, Refused int // lines of the log
	Remarks                    []Remark
	Rejections                 []Rejection // the first of the refused lines
	First                      []Line      // the first of the lines that count
	Last                       int64       // time of the last request, ms since 1970, 0 if there is none

	fates []int32 // of each line: where it is in Lines, or lineIgnored, or lineRefused
}

const (
	lineIgnored = -1
	lineRefused = -2
)

// outcomes notes what becomes of lines.
type outcomes struct {
	fates      []int32
	remarks    []Remark
	rejections []Rejection
}

// begin returns the number of the next line of the part, from 0. Until something else is noted, it is ignored.
func (o *outcomes) begin() int {
	o.fates = append(o.fates, lineIgnored)
	return len(o.fates) - 1
}

func (o *outcomes) count(number, index int) { o.fates[number] = int32(index) }

func (o *outcomes) ignore(line []byte, reason string) { o.remark(Ignored, reason, line) }

func (o *outcomes) refuse(number int, line []byte, refusal event.Refusal) {
	o.fates[number] = lineRefused
	o.remark(Refused, refusal.Reason, line)
	if len(o.rejections) < maxRejections {
		o.rejections = append(o.rejections, Rejection{number + 1, refusal})
	}
}

// note says what a line lacks that counts.
func (o *outcomes) note(line []byte, reason string) { o.remark(Counted, reason, line) }

func (o *outcomes) remark(fate Fate, reason string, line []byte) {
	for i := range o.remarks {
		if r := &o.remarks[i]; r.Reason == reason && r.Fate == fate {
			r.Lines++
			return
		}
	}
	o.remarks = append(o.remarks, Remark{fate, reason, 1, accesslog.Excerpt(line)})
}

// newResult adds up what parts have read, in their order.
func newResult(parts []*part) *Result {
	r := &Result{Sessions: mergeSessions(parts)}
	lines, fates := 0, 0
	for _, p := range parts {
		lines, fates = lines+len(p.lines), fates+len(p.outcomes.fates)
	}
	r.Lines, r.Requests, r.fates = make([]event.Usage, 0, lines), make([]int, 0, lines), make([]int32, 0, fates)
	for _, p := range parts {
		// Lines that waited come behind the others.
		slices.SortFunc(p.outcomes.rejections, func(a, b Rejection) int { return cmp.Compare(a.Line, b.Line) })
		slices.SortFunc(p.first, func(a, b Line) int { return cmp.Compare(a.number, b.number) })
		for _, rejection := range p.outcomes.rejections {
			if len(r.Rejections) < maxRejections {
				rejection.Line += len(r.fates)
				r.Rejections = append(r.Rejections, rejection)
			}
		}
		for _, fate := range p.outcomes.fates {
			switch fate {
			case lineIgnored:
				r.Ignored++
			case lineRefused:
				r.Refused++
			default:
				fate += int32(len(r.Lines))
				r.Accepted++
			}
			r.fates = append(r.fates, fate)
		}
		r.Lines, r.Requests = append(r.Lines, p.lines...), append(r.Requests, p.counts...)
		r.First = append(r.First, p.first[:min(len(p.first), maxFirst-len(r.First))]...)
		r.Remarks = AddRemarks(r.Remarks, p.outcomes.remarks)
		r.Last = cmp.Or(p.last, r.Last)
	}
	return r
}

// AddRemarks returns remarks with others added to those of the same fate and reason; the examples stay. They are in the order of
// their fates, the most lines first.
func AddRemarks(to, others []Remark) []Remark {
	for _, o := range others {
		if i := slices.IndexFunc(to, func(r Remark) bool { return r.Fate == o.Fate && r.Reason == o.Reason }); i >= 0 {
			to[i].Lines += o.Lines
			continue
		}
		to = append(to, o)
	}
	slices.SortStableFunc(to, func(a, b Remark) int {
		return cmp.Or(cmp.Compare(a.Fate, b.Fate), cmp.Compare(b.Lines, a.Lines), cmp.Compare(a.Reason, b.Reason))
	})
	return to
}

// RefuseAll refuses all lines of a text.
func RefuseAll(text []byte, refusal event.Refusal) *Result {
	p := part{}
	for line := range bytes.Lines(text) {
		p.outcomes.refuse(p.outcomes.begin(), line, refusal)
	}
	return newResult([]*part{&p})
}

// Refuse refuses the lines of the log that are in Lines at the indexes, because these were not taken.
func (r *Result) Refuse(indexes []int, refusal event.Refusal) {
	if len(indexes) == 0 {
		return
	}
	refused := make([]bool, len(r.Lines))
	for _, i := range indexes {
		refused[i] = true
	}
	n := 0
	for number, fate := range r.fates {
		if fate < 0 || !refused[fate] {
			continue
		}
		r.fates[number] = lineRefused
		n++
		if len(r.Rejections) < maxRejections {
			r.Rejections = append(r.Rejections, Rejection{number + 1, refusal})
		}
	}
	r.Accepted -= n
	r.Refused += n
	r.Remarks = AddRemarks(r.Remarks, []Remark{{Refused, refusal.Reason, n, ""}})
}

// Fates says what became of each line, in runs of a number and a letter: "120c3i1r" are 120 lines that count, three that were
// ignored and one that was refused.
func (r *Result) Fates() string {
	letters := make([]byte, len(r.fates))
	for i, fate := range r.fates {
		switch fate {
		case lineIgnored:
			letters[i] = LetterIgnored
		case lineRefused:
			letters[i] = LetterRefused
		default:
			letters[i] = LetterCounted
		}
	}
	return Runs(letters)
}
