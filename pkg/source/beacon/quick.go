package beacon

import (
	"bytes"
	"math"
	"strconv"
	"time"

	"github.com/streamlens/streamlens/pkg/event"
)

// quick decodes in one pass what players usually send: a body without escapes, with each field once, plain numbers, no objects but
// those that are known, and nothing to refuse. Whatever is odd is left to the tree, which alone knows what is right and how to say
// what is not, so that no rule has two forms.
type quick struct {
	body     []byte
	at       int
	odd      bool
	envelope [envelopeFields]value
	client   [clientFields]value
	started  [startedFields]value
	event    [eventFields]value
	switches [switchFields]value
	texts    []byte // of the envelope, one behind the other
	names    *names
}

// names are those that the objects of each kind had before, also in other bodies, in their order. A player names its fields in the same
// order each time, so mostly the next one is compared and not looked for.
type names [objectKinds][]name

// name is how a field begins, with its quotes and the colon and without spaces.
type name struct {
	text  []byte
	field int
}

// Kinds of objects.
const (
	envelopeObject = iota
	clientObject
	startedObject
	eventObject
	switchesObject
	objectKinds
)

// value is one of a field.
type value struct {
	kind     kind
	from, to int32 // of a text, in the body
	number   float64
}

type kind uint8

const (
	absent kind = iota
	null
	text
	number
	yes
	no
	object
)

// given reports whether there is one that is not null.
func (v *value) given() bool { return v.kind > null }

// Fields of the envelope. The first are those whose texts are kept.
const (
	accountID = iota
	accountKey
	sessionID
	stream
	eventID
	protocol
	referrer
	userID
	cdn
	sentAt
	intervalField
	eventsField // the first of the three that are no plain values
	clientField
	startedField
	customField    // the first of them
	envelopeFields = customField + len(customFields)
	keptTexts      = cdn + 1
)

const (
	clientKind = iota
	clientVersion
	clientFields
)

const (
	startedSeq = iota
	startedTime
	startedFields
)

const (
	eventSeq = iota
	eventTime
	eventType
	startTime
	playing
	buffering
	paused
	bufferLength
	latency
	videoBitrate
	audioBitrate
	played
	reason
	statusCode
	fatal
	business
	height
	stalls
	frames
	droppedFrames
	roundTripTime
	packetLoss
	switchesField
	eventFields
)

const (
	switchesUp = iota
	switchesDown
	switchesFailed
	switchFields
)

// unknown is the place of fields that have no name here; their values are read over.
const unknown = -1

func envelopeField(name []byte) int {
	switch string(name) {
	case "accountId":
		return accountID
	case "accountKey":
		return accountKey
	case "sessionId":
		return sessionID
	case "stream":
		return stream
	case "eventId":
		return eventID
	case "protocol":
		return protocol
	case "referrer":
		return referrer
	case "userId":
		return userID
	case "cdn":
		return cdn
	case "interval":
		return intervalField
	case "sentAt":
		return sentAt
	case "events":
		return eventsField
	case "client":
		return clientField
	case "started":
		return startedField
	}
	for i, custom := range customFields {
		if string(name) == custom {
			return customField + i
		}
	}
	return unknown
}

func clientFieldOf(name []byte) int {
	switch string(name) {
	case "kind":
		return clientKind
	case "version":
		return clientVersion
	}
	return unknown
}

func startedFieldOf(name []byte) int {
	switch string(name) {
	case "seq":
		return startedSeq
	case "ts":
		return startedTime
	}
	return unknown
}

func eventField(name []byte) int {
	switch string(name) {
	case "seq":
		return eventSeq
	case "ts":
		return eventTime
	case "type":
		return eventType
	case "startTime":
		return startTime
	case "playing":
		return playing
	case "buffering":
		return buffering
	case "paused":
		return paused
	case "bufferLength":
		return bufferLength
	case "latency":
		return latency
	case "videoBitrate":
		return videoBitrate
	case "audioBitrate":
		return audioBitrate
	case "played":
		return played
	case "reason":
		return reason
	case "code":
		return statusCode
	case "fatal":
		return fatal
	case "business":
		return business
	case "height":
		return height
	case "stalls":
		return stalls
	case "frames":
		return frames
	case "droppedFrames":
		return droppedFrames
	case "roundTripTime":
		return roundTripTime
	case "packetLoss":
		return packetLoss
	case "switches":
		return switchesField
	}
	return unknown
}

func switchFieldOf(name []byte) int {
	switch string(name) {
	case "up":
		return switchesUp
	case "down":
		return switchesDown
	case "failed":
		return switchesFailed
	}
	return unknown
}

// quick returns the envelope of a body, or false if the body is not wholly usual.
func (d *Decoder) quick(body []byte, received int64, events []event.Event) (Envelope, bool) {
	var e Envelope
	if bytes.IndexByte(body, '\\') >= 0 {
		return e, false
	}
	q := d.quicks.Get().(*quick)
	defer d.quicks.Put(q)
	q.begin(body)
	defer func() { q.body = nil }()
	e.Events = events
	q.object(envelopeObject, q.envelope[:], envelopeField, func(field int) {
		switch field {
		case eventsField:
			q.array(func() {
				clear(q.event[:])
				clear(q.switches[:])
				q.object(eventObject, q.event[:], eventField, q.inner)
				e.Events = append(e.Events, event.New(0, 0, 0))
				q.fill(&e.Events[len(e.Events)-1])
			})
		case clientField:
			q.object(clientObject, q.client[:], clientFieldOf, nil)
		case startedField:
			q.object(startedObject, q.started[:], startedFieldOf, nil)
		}
		q.envelope[field].kind = yes
	})
	q.odd = q.odd || q.next() != 0 || !q.envelope[clientField].given() || !q.envelope[eventsField].given()
	if q.odd {
		return e, false
	}
	q.describe(&e)
	correction := int64(0)
	if at := q.envelope[sentAt]; at.given() {
		correction = event.ClockCorrection(received, q.whole(&at, event.EarliestTime, latest))
	}
	if q.envelope[startedField].given() {
		e.Started.Seq = q.whole(&q.started[startedSeq], 1, event.MaxSeq)
		e.Started.Time = q.whole(&q.started[startedTime], 0, latest) + correction
	}
	for i := range e.Events[len(events):] {
		at := &e.Events[len(events)+i].Time
		*at += correction
		q.odd = q.odd || *at > received+event.MaxFuture || *at < received-d.maxAge
	}
	return e, !q.odd
}

// begin begins with a body. What is read of each event is cleared before that.
func (q *quick) begin(body []byte) {
	q.body, q.at, q.odd, q.texts = body, 0, false, q.texts[:0]
	clear(q.envelope[:])
	clear(q.client[:])
	clear(q.started[:])
}

// inner reads the field of an event that may be an object.
func (q *quick) inner(field int) {
	if q.next() != '{' {
		q.event[field] = q.value()
		return
	}
	q.object(switchesObject, q.switches[:], switchFieldOf, nil)
	q.event[field].kind = object
}

// latest is the greatest time that can be one, as in jsonfields.
const latest = 253_402_300_799_999

// describe fills what an envelope says of its session. Its texts share one copy.
func (q *quick) describe(e *Envelope) {
	var ends [keptTexts + clientFields]int
	for i := range keptTexts {
		ends[i] = q.keep(q.envelope[i])
	}
	for i := range q.client {
		ends[keptTexts+i] = q.keep(q.client[i])
	}
	all := string(q.texts)
	from := 0
	for i, to := range [...]struct {
		text     *string
		limit    int
		required bool
	}{
		accountID:                 {&e.AccountID, event.MaxTextBytes, true},
		accountKey:                {&e.AccountKey, event.MaxNameBytes, true},
		sessionID:                 {&e.SessionID, event.MaxNameBytes, true},
		stream:                    {&e.Stream, event.MaxNameBytes, true},
		eventID:                   {&e.EventID, event.MaxTextBytes, false},
		protocol:                  {&e.Protocol, event.MaxTextBytes, false},
		referrer:                  {&e.Referrer, event.MaxURLBytes, false},
		userID:                    {&e.UserID, event.MaxNameBytes, false},
		cdn:                       {&e.CDN, event.MaxTextBytes, false},
		keptTexts + clientKind:    {&e.Kind, event.MaxTextBytes, true},
		keptTexts + clientVersion: {&e.Version, event.MaxTextBytes, false},
	} {
		*to.text = all[from:ends[i]]
		from = ends[i]
		q.odd = q.odd || to.required && *to.text == "" || !event.ValidText(*to.text, to.limit)
	}
	for _, v := range q.envelope[customField:] {
		q.textOf(v, event.MaxNameBytes)
	}
	e.Interval = defaultInterval * time.Second
	if v := q.envelope[intervalField]; v.given() {
		q.odd = q.odd || v.kind != number || v.number < minInterval || v.number > maxInterval
		e.Interval = time.Duration(math.Round(v.number*1000)) * time.Millisecond
	}
}

// keep adds a text to those that are kept and returns where they end.
func (q *quick) keep(v value) int {
	switch v.kind {
	case absent, null:
	case text:
		q.texts = append(q.texts, q.body[v.from:v.to]...)
	default:
		q.odd = true
	}
	return len(q.texts)
}

// fill makes an event that carries no number that whose fields were read last, its time as it was sent.
func (q *quick) fill(e *event.Event) {
	f := &q.event
	e.Seq, e.Time = q.whole(&f[eventSeq], 1, event.MaxSeq), q.whole(&f[eventTime], event.EarliestTime, latest)
	t := &f[eventType]
	if t.kind != text {
		q.odd = true
		return
	}
	switch string(q.body[t.from:t.to]) {
	case "stats":
		e.Type = event.Stats
		q.report(e)
		e.BufferLength = q.scaled(&f[bufferLength], 1000, event.MaxDuration/1000)
		e.Latency = q.scaled(&f[latency], 1000, event.MaxDuration/1000)
		e.AudioBitrate = q.scaled(&f[audioBitrate], 1, event.MaxBitrate)
		e.RoundTripTime = q.scaled(&f[roundTripTime], 1000, event.MaxDuration/1000)
		e.PacketLoss = q.scaled(&f[packetLoss], event.Million, 1)
	case "load":
		e.Type = event.Load
	case "start":
		e.Type = event.Start
		e.StartTime = q.scaled(&f[startTime], 1000, event.MaxDuration/1000)
	case "status":
		e.Type = event.Status
		if f[statusCode].kind == text {
			e.Code = q.textOf(f[statusCode], event.MaxTextBytes)
			q.odd = q.odd || e.Code == ""
		} else {
			e.Code = strconv.FormatInt(q.whole(&f[statusCode], 0, math.MaxInt32), 10)
		}
		e.Fatal = f[fatal].kind == yes
		if f[business].kind == yes {
			e.Excuse = event.Business
		}
		for _, flag := range [...]value{f[fatal], f[business]} {
			q.odd = q.odd || flag.kind == text || flag.kind == number
		}
	case "stop":
		e.Type = event.Stop
		e.Reason = q.textOf(f[reason], event.MaxTextBytes)
		q.odd = q.odd || e.Reason == ""
		e.Played = q.scaled(&f[played], 1000, event.MaxPlayed/1000)
		q.report(e)
	default:
		q.odd = true
	}
}

func (q *quick) report(e *event.Event) {
	e.Playing = q.scaled(&q.event[playing], 1000, event.MaxDuration/1000)
	e.Buffering = q.scaled(&q.event[buffering], 1000, event.MaxDuration/1000)
	e.Paused = q.scaled(&q.event[paused], 1000, event.MaxDuration/1000)
	e.VideoBitrate = q.scaled(&q.event[videoBitrate], 1, event.MaxBitrate)
	e.Height = q.scaled(&q.event[height], 1, event.MaxHeight)
	e.Stalls = q.scaled(&q.event[stalls], 1, event.MaxCount)
	e.Frames = q.scaled(&q.event[frames], 1, event.MaxCount)
	e.DroppedFrames = q.scaled(&q.event[droppedFrames], 1, event.MaxCount)
	if !q.event[switchesField].given() {
		return
	}
	q.odd = q.odd || q.event[switchesField].kind != object
	e.SwitchesUp = q.scaled(&q.switches[switchesUp], 1, event.MaxCount)
	e.SwitchesDown = q.scaled(&q.switches[switchesDown], 1, event.MaxCount)
	e.SwitchesFailed = q.scaled(&q.switches[switchesFailed], 1, event.MaxCount)
}

// textOf returns a copy of an optional text.
func (q *quick) textOf(v value, limit int) string {
	if !v.given() {
		return ""
	}
	s := string(q.body[v.from:v.to])
	q.odd = q.odd || v.kind != text || !event.ValidText(s, limit)
	return s
}

// whole returns a required whole number from least to limit.
func (q *quick) whole(v *value, least, limit float64) int64 {
	q.odd = q.odd || v.kind != number || v.number < least || v.number > limit || v.number != math.Trunc(v.number)
	return int64(v.number)
}

// scaled returns the number, which is not above limit, times scale, rounded, or event.Absent.
func (q *quick) scaled(v *value, scale, limit float64) int64 {
	if !v.given() {
		return event.Absent
	}
	q.odd = q.odd || v.kind != number || v.number < 0 || v.number > limit
	return int64(math.Round(v.number * scale))
}

// next passes spaces and returns the byte behind them, 0 at the end.
func (q *quick) next() byte {
	if q.at < len(q.body) && q.body[q.at] > ' ' {
		return q.body[q.at]
	}
	return q.nextBehindSpaces()
}

func (q *quick) nextBehindSpaces() byte {
	for ; q.at < len(q.body); q.at++ {
		switch c := q.body[q.at]; c {
		case ' ', '\n', '\t', '\r':
		case 0:
			q.odd = true
			return c
		default:
			return c
		}
	}
	return 0
}

// pass passes a byte that must follow.
func (q *quick) pass(c byte) {
	q.odd = q.odd || q.next() != c
	q.at++
}

// more reports whether another element follows in an object or array.
func (q *quick) more(end byte) bool {
	c := q.next()
	q.at++
	q.odd = q.odd || c != ',' && c != end
	return c == ','
}

// nested are, for each kind of object, the first and the last field that is no plain value.
var nested = [objectKinds][2]int{
	envelopeObject: {eventsField, startedField}, clientObject: {clientFields, clientFields}, startedObject: {startedFields, startedFields},
	eventObject: {switchesField, switchesField}, switchesObject: {switchFields, switchFields},
}

// object reads an object into the values of its fields. Inner reads the value of one that is no plain one.
func (q *quick) object(kind int, fields []value, of func(name []byte) int, inner func(field int)) {
	q.pass('{')
	first, last := nested[kind][0], nested[kind][1]
	n := 0
	for more := true; more && !q.odd; more = q.more('}') {
		field := q.name(&q.names[kind], n, of)
		n++
		switch {
		case q.odd:
			return
		case field == unknown:
			q.value()
		case fields[field].kind != absent:
			q.odd = true // the tree takes the first of two
		case first <= field && field <= last:
			inner(field)
		default:
			fields[field] = q.value()
		}
	}
}

// name reads the n-th name of an object, and the colon behind it, and returns the field.
func (q *quick) name(usual *[]name, n int, of func(name []byte) int) int {
	if n < len(*usual) {
		if next := &(*usual)[n]; bytes.HasPrefix(q.body[q.at:], next.text) {
			q.at += len(next.text)
			return next.field
		}
	}
	begin := q.at
	q.pass('"')
	from, to := q.quoted()
	q.pass(':')
	if q.odd {
		return unknown
	}
	field := of(q.body[from:to])
	if field == unknown || from != begin+1 || q.at != to+2 || n > len(*usual) {
		return field
	}
	if n == len(*usual) {
		*usual = append(*usual, name{})
	}
	learnt := &(*usual)[n]
	learnt.text, learnt.field = append(learnt.text[:0], q.body[begin:q.at]...), field
	return field
}

// array reads an array that is not empty, of no more elements than a batch may have events.
func (q *quick) array(element func()) {
	q.pass('[')
	n := 0
	for more := true; more && !q.odd; more = q.more(']') {
		n++
		q.odd = q.odd || n > event.MaxEvents
		element()
	}
}

// quoted reads the rest of a text whose first quote was passed.
func (q *quick) quoted() (from, to int) {
	if q.odd {
		return 0, 0
	}
	from = q.at
	// Names are so short that calling IndexByte takes longer.
	near := q.body[from:min(from+shortText, len(q.body))]
	for i, c := range near {
		if c == '"' {
			q.at = from + i + 1
			return from, from + i
		}
	}
	n := bytes.IndexByte(q.body[from+len(near):], '"')
	if n < 0 {
		q.odd = true
		return 0, 0
	}
	to = from + len(near) + n
	q.at = to + 1
	return from, to
}

// shortText is up to how many bytes of a text are looked at one after the other.
const shortText = 16

// value reads a plain value.
func (q *quick) value() value {
	switch c := q.next(); {
	case isDigit(c), c == '-':
		return value{kind: number, number: q.number()}
	case c == '"':
		q.at++
		from, to := q.quoted()
		return value{kind: text, from: int32(from), to: int32(to)}
	case q.word("true"):
		return value{kind: yes}
	case q.word("false"):
		return value{kind: no}
	case q.word("null"):
		return value{kind: null}
	}
	q.odd = true
	return value{}
}

func (q *quick) word(w string) bool {
	if !bytes.HasPrefix(q.body[q.at:], []byte(w)) {
		return false
	}
	q.at += len(w)
	return true
}

func isDigit(c byte) bool { return c-'0' < 10 }

// maxDigits is how many a number may have, so that the digits and the power of ten are exact and their quotient is the nearest number.
const maxDigits = 15

// powers are those of ten by which as many digits behind a point are divided.
var powers = [maxDigits]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14}

// number reads a number of 0 or more without an exponent; others are odd.
func (q *quick) number() float64 {
	rest := q.body[q.at:]
	digits := uint64(0) // anything if there are too many
	point := 0
	for ; point < len(rest) && isDigit(rest[point]); point++ {
		digits = digits*10 + uint64(rest[point]-'0')
	}
	end, behind := point, 0
	if end < len(rest) && rest[end] == '.' {
		for end++; end < len(rest) && isDigit(rest[end]); end++ {
			digits = digits*10 + uint64(rest[end]-'0')
			behind++
		}
		q.odd = q.odd || behind == 0
	}
	q.at += end
	if point == 0 || end > maxDigits || point > 1 && rest[0] == '0' || goesOn(rest[end:]) {
		q.odd = true
		return 0
	}
	if behind == 0 {
		return float64(digits)
	}
	return float64(digits) / powers[behind]
}

// goesOn reports whether what follows a number belongs to it, so that it is none or has an exponent.
func goesOn(rest []byte) bool {
	if len(rest) == 0 {
		return false
	}
	switch rest[0] {
	case 'e', 'E', '+', '-', '.':
		return true
	}
	return false
}
