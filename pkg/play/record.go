package play

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/streamlens/streamlens/pkg/event"
	"github.com/streamlens/streamlens/pkg/measure"
)

// MaxLine is how long the line of a record may be, in bytes. The store drops longer ones, and others behind them, from 256 KiB on.
const MaxLine = 64 << 10

// Record is one play or broadcast, mostly one that has ended. Times are in ms since 1970, durations in ms, bitrates in bit/s; numbers that are not
// known are event.Absent.
type Record struct {
	Organization, Session, Direction, Stream, Event, User            string
	Address, Operator, Country, Region                               string
	OS, Browser, Device, Player, Referrer, Protocol, CDN, Collector  string
	Code, Stop, Outcome, Quality                                     string
	ASN                                                              int64
	Begin, Start, End                                                int64
	StartTime, Played, Playing, Buffering, Paused, LongestStall      int64
	BitrateMean, BitrateLeast, BitrateMost, LatencyMean, LatencyMost int64
	Height, Stalls, Up, Down, Dropped, RoundTrip, Loss               int64
	Errors, Fatal                                                    int64
	Timeline                                                         []byte // see Timeline
}

// texts returns the fields that hold text.
func (r *Record) texts() []textField {
	return []textField{
		{Organization, &r.Organization}, {Session, &r.Session}, {Direction, &r.Direction}, {Stream, &r.Stream}, {Event, &r.Event},
		{User, &r.User}, {Address, &r.Address}, {Operator, &r.Operator}, {Country, &r.Country}, {Region, &r.Region}, {OS, &r.OS},
		{Browser, &r.Browser}, {Device, &r.Device}, {Player, &r.Player}, {Referrer, &r.Referrer}, {Protocol, &r.Protocol}, {CDN, &r.CDN},
		{Collector, &r.Collector}, {Code, &r.Code}, {Stop, &r.Stop},
		{Outcome, &r.Outcome}, {Quality, &r.Quality},
	}
}

// numbers returns the fields that hold whole numbers.
func (r *Record) numbers() []numberField {
	return []numberField{
		{ASN, &r.ASN}, {Begin, &r.Begin}, {Start, &r.Start}, {End, &r.End}, {StartTime, &r.StartTime}, {Played, &r.Played},
		{Playing, &r.Playing}, {Buffering, &r.Buffering}, {Paused, &r.Paused}, {LongestStall, &r.LongestStall},
		{BitrateMean, &r.BitrateMean}, {BitrateLeast, &r.BitrateLeast}, {BitrateMost, &r.BitrateMost},
		{LatencyMean, &r.LatencyMean}, {LatencyMost, &r.LatencyMost}, {Errors, &r.Errors}, {Fatal, &r.Fatal},
		{Height, &r.Height}, {Stalls, &r.Stalls}, {Up, &r.Up}, {Down, &r.Down}, {Dropped, &r.Dropped}, {RoundTrip, &r.RoundTrip}, {Loss, &r.Loss},
	}
}

// allNumbers returns the numbers and what is made of them.
func (r *Record) allNumbers() []numberField {
	return append(r.numbers(), numberField{BufferShare, new(r.BufferShare())}, numberField{Smoothness, new(r.Smoothness())})
}

type textField struct {
	name  Field
	value *string
}

type numberField struct {
	name  Field
	value *int64
}

// BufferShare returns the time stalled per million of the time stalled and played, or event.Absent if nothing was either.
func (r *Record) BufferShare() int64 {
	if r.Playing < 0 || r.Buffering < 0 || r.Playing+r.Buffering == 0 {
		return event.Absent
	}
	return r.Buffering * 1_000_000 / (r.Playing + r.Buffering)
}

// ScoreUnit is how many parts a point of a score is stored in.
const ScoreUnit = 1000

// Smoothness returns the smoothness score of Mux Data's guide "Smoothness" in parts of ScoreUnit: the mean of 100 ÷ √(1 + (stalls ÷ 2)²) and
// 100 × e^(−10 × share stalled). It is event.Absent of what did not play, and of a play that stalled nobody knows how often.
func (r *Record) Smoothness() int64 {
	if r.Direction != measure.Playout || r.Start == event.Absent || r.Playing < 0 || r.Buffering < 0 || r.Playing+r.Buffering == 0 ||
		r.Stalls == event.Absent && r.Buffering > 0 {
		return event.Absent
	}
	stalls, stalled := float64(max(r.Stalls, 0)), float64(r.Buffering)/float64(r.Playing+r.Buffering)
	return int64(math.Round(ScoreUnit * (100/math.Hypot(1, stalls/2) + 100*math.Exp(-10*stalled)) / 2))
}

// Key tells two plays apart: a page that gives its player a fixed session id begins several plays under it.
type Key struct {
	Organization, Session string
	Begin                 int64
}

// Key returns the record's key.
func (r *Record) Key() Key { return Key{r.Organization, r.Session, r.Begin} }

// Line appends the record to b as a line of JSON, as the store takes it. The same record makes the same line. A line that would be
// longer than MaxLine goes without its timeline.
func (r *Record) Line(b []byte) []byte {
	begun := len(b)
	b = r.line(b, Final, r.End, true)
	if len(b)-begun > MaxLine {
		b = r.line(b[:begun], Final, r.End, false)
	}
	return b
}

// PartLine is Line of a Part, which is what was known at a time in ms since 1970. It has no timeline.
func (r *Record) PartLine(b []byte, at int64) []byte { return r.line(b, Part, at, false) }

func (r *Record) line(b []byte, kind string, at int64, timeline bool) []byte {
	b = append(b, `{"_msg":"play","_time":"`...)
	b = strconv.AppendInt(b, at, 10)
	b = append(b, `","`...)
	b = append(b, Kind...)
	b = append(b, `":"`...)
	b = append(b, kind...)
	b = append(b, '"')
	return r.fields(b, timeline)
}

// fields appends the fields that are known to an object of JSON that has some, and ends it and its line.
func (r *Record) fields(b []byte, timeline bool) []byte {
	for _, f := range r.texts() {
		if *f.value != "" {
			b = appendName(b, f.name)
			b = appendText(b, *f.value)
		}
	}
	for _, f := range r.allNumbers() {
		if *f.value != event.Absent {
			b = strconv.AppendInt(appendName(b, f.name), *f.value, 10)
		}
	}
	if timeline && len(r.Timeline) > 0 {
		b = appendName(b, TimelineText)
		b = append(b, '"')
		b = timelineEncoding.AppendEncode(b, r.Timeline)
		b = append(b, '"')
	}
	return append(b, '}', '\n')
}

func appendName(b []byte, name Field) []byte {
	b = append(b, ',', '"')
	b = append(b, name...)
	return append(b, '"', ':')
}

// appendText appends a JSON string. Bytes that are no text become U+FFFD.
func appendText(b []byte, text string) []byte {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			var quoted bytes.Buffer
			e := json.NewEncoder(&quoted)
			e.SetEscapeHTML(false)
			// A string always has a JSON form, and a buffer takes it.
			_ = e.Encode(text)
			return append(b, bytes.TrimSuffix(quoted.Bytes(), []byte("\n"))...)
		}
	}
	b = append(b, '"')
	b = append(b, text...)
	return append(b, '"')
}

// Read makes a record of the fields that the store answers with, all of which are text.
func Read(row map[string]string) (Record, error) {
	var r Record
	for _, f := range r.texts() {
		*f.value = row[string(f.name)]
	}
	for _, f := range r.numbers() {
		*f.value = event.Absent
		text, ok := row[string(f.name)]
		if !ok || text == "" {
			continue
		}
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return r, fmt.Errorf("the field %s of a record is no whole number: %q", f.name, text)
		}
		*f.value = n
	}
	if text := row[string(TimelineText)]; text != "" {
		timeline, err := timelineEncoding.DecodeString(text)
		if err != nil {
			return r, fmt.Errorf("the timeline of a record: %w", err)
		}
		r.Timeline = timeline
	}
	return r, nil
}

// errLine means that a line is none of Line's.
var errLine = errors.New("the line is no record of a play")

// KeyOf returns the key of a line that Line has made.
func KeyOf(line []byte) (Key, error) {
	key, _, err := identify(line)
	return key, err
}

// EndOf returns the end, in ms since 1970, of a line that Line has made.
func EndOf(line []byte) (int64, error) {
	_, end, err := identify(line)
	return end, err
}

func identify(line []byte) (Key, int64, error) {
	var k struct {
		Organization string `json:"org"`
		Session      string `json:"session"`
		Begin        int64  `json:"begin"`
		End          int64  `json:"end"`
	}
	if err := json.Unmarshal(line, &k); err != nil {
		return Key{}, 0, fmt.Errorf("%w: %w", errLine, err)
	}
	if k.Organization == "" || k.Session == "" || k.End == 0 {
		return Key{}, 0, errLine
	}
	return Key{k.Organization, k.Session, k.Begin}, k.End, nil
}

// NewRecord returns a record of which no number is known.
func NewRecord() Record {
	var r Record
	for _, f := range r.numbers() {
		*f.value = event.Absent
	}
	return r
}
