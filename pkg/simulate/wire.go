package simulate

import (
	"encoding/json"
	"strconv"
)

// The types of this file are what a collector is sent, field by field. They are written by hand, because a simulation must
// cost far less than the collector that it loads.

// envelope is the body of POST /v1/events.
type envelope struct {
	AccountID  string `json:"accountId"`
	AccountKey string `json:"accountKey"`
	Client     struct {
		Kind    string `json:"kind"`
		Version string `json:"version,omitempty"`
	} `json:"client"`
	SessionID string      `json:"sessionId"`
	Stream    string      `json:"stream"`
	EventID   string      `json:"eventId,omitempty"`
	UserID    string      `json:"userId,omitempty"`
	Referrer  string      `json:"referrer,omitempty"`
	Interval  float64     `json:"interval"` // s
	SentAt    int64       `json:"sentAt"`
	Events    []wireEvent `json:"events"`
}

// wireEvent is an event of an envelope.
type wireEvent struct {
	Seq          int64     `json:"seq"`
	TS           int64     `json:"ts"` // ms since 1970
	Type         string    `json:"type"`
	StartTime    float64   `json:"startTime,omitempty"` // s
	*report                // of stats and stop
	BufferLength float64   `json:"bufferLength,omitempty"` // s
	Latency      float64   `json:"latency,omitempty"`      // s
	VideoBitrate int64     `json:"videoBitrate,omitempty"` // bit/s
	AudioBitrate int64     `json:"audioBitrate,omitempty"` // bit/s
	Height       int64     `json:"height,omitempty"`       // lines
	Stalls       int64     `json:"stalls,omitempty"`
	Switches     *switches `json:"switches,omitempty"`
	Frames       int64     `json:"frames,omitempty"`
	Dropped      int64     `json:"droppedFrames,omitempty"`
	RoundTrip    float64   `json:"roundTripTime,omitempty"` // s
	Loss         float64   `json:"packetLoss,omitempty"`    // 0 to 1
	Code         any       `json:"code,omitempty"`          // int or string
	Fatal        bool      `json:"fatal,omitempty"`
	Reason       string    `json:"reason,omitempty"`
	Played       float64   `json:"played,omitempty"` // s
}

// report is what happened since the last one, in s.
type report struct {
	Playing   float64 `json:"playing"`
	Buffering float64 `json:"buffering"`
	Paused    float64 `json:"paused"`
}

// switches is how often the player changed its rendition since the last report, or failed to.
type switches struct {
	Up     int64 `json:"up"`
	Down   int64 `json:"down"`
	Failed int64 `json:"failed"`
}

// usageLine is a line of POST /v1/usage.
type usageLine struct {
	TS        int64  `json:"ts"` // ms since 1970
	Stream    string `json:"stream"`
	Direction string `json:"direction"`
	Protocol  string `json:"protocol"`
	Bytes     int64  `json:"bytes"`
	IP        string `json:"ip,omitempty"`
	Referrer  string `json:"referrer,omitempty"`
}

// append appends the envelope as JSON.
func (e *envelope) append(b []byte) []byte {
	b = appendText(append(b, `{"accountId":`...), e.AccountID)
	b = appendText(append(b, `,"accountKey":`...), e.AccountKey)
	b = appendText(append(b, `,"client":{"kind":`...), e.Client.Kind)
	b = append(appendOptional(b, `,"version":`, e.Client.Version), '}')
	b = appendText(append(b, `,"sessionId":`...), e.SessionID)
	b = appendText(append(b, `,"stream":`...), e.Stream)
	b = appendOptional(b, `,"eventId":`, e.EventID)
	b = appendOptional(b, `,"userId":`, e.UserID)
	b = appendOptional(b, `,"referrer":`, e.Referrer)
	b = appendNumber(append(b, `,"interval":`...), e.Interval)
	b = strconv.AppendInt(append(b, `,"sentAt":`...), e.SentAt, 10)
	b = append(b, `,"events":[`...)
	for i := range e.Events {
		if i > 0 {
			b = append(b, ',')
		}
		b = e.Events[i].append(b)
	}
	return append(b, "]}"...)
}

// append appends the event as JSON.
func (e *wireEvent) append(b []byte) []byte {
	b = strconv.AppendInt(append(b, `{"seq":`...), e.Seq, 10)
	b = strconv.AppendInt(append(b, `,"ts":`...), e.TS, 10)
	b = appendText(append(b, `,"type":`...), e.Type)
	if e.report != nil {
		b = appendNumber(append(b, `,"playing":`...), e.Playing)
		b = appendNumber(append(b, `,"buffering":`...), e.Buffering)
		b = appendNumber(append(b, `,"paused":`...), e.Paused)
	}
	for _, number := range []struct {
		name  string
		value float64
	}{
		{`,"startTime":`, e.StartTime}, {`,"bufferLength":`, e.BufferLength}, {`,"latency":`, e.Latency},
		{`,"videoBitrate":`, float64(e.VideoBitrate)}, {`,"audioBitrate":`, float64(e.AudioBitrate)}, {`,"height":`, float64(e.Height)},
		{`,"stalls":`, float64(e.Stalls)}, {`,"frames":`, float64(e.Frames)}, {`,"droppedFrames":`, float64(e.Dropped)},
		{`,"roundTripTime":`, e.RoundTrip}, {`,"packetLoss":`, e.Loss}, {`,"played":`, e.Played},
	} {
		if number.value != 0 {
			b = appendNumber(append(b, number.name...), number.value)
		}
	}
	if e.Switches != nil {
		b = strconv.AppendInt(append(b, `,"switches":{"up":`...), e.Switches.Up, 10)
		b = strconv.AppendInt(append(b, `,"down":`...), e.Switches.Down, 10)
		b = append(strconv.AppendInt(append(b, `,"failed":`...), e.Switches.Failed, 10), '}')
	}
	switch code := e.Code.(type) {
	case int:
		b = strconv.AppendInt(append(b, `,"code":`...), int64(code), 10)
	case string:
		b = appendText(append(b, `,"code":`...), code)
	}
	if e.Fatal {
		b = append(b, `,"fatal":true`...)
	}
	return append(appendOptional(b, `,"reason":`, e.Reason), '}')
}

// append appends the line as JSON, with a line feed.
func (l *usageLine) append(b []byte) []byte {
	b = strconv.AppendInt(append(b, `{"ts":`...), l.TS, 10)
	b = appendText(append(b, `,"stream":`...), l.Stream)
	b = appendText(append(b, `,"direction":`...), l.Direction)
	b = appendText(append(b, `,"protocol":`...), l.Protocol)
	b = strconv.AppendInt(append(b, `,"bytes":`...), l.Bytes, 10)
	b = appendOptional(b, `,"ip":`, l.IP)
	b = appendOptional(b, `,"referrer":`, l.Referrer)
	return append(b, "}\n"...)
}

func appendOptional(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	return appendText(append(b, name...), value)
}

// appendText appends a text of letters, digits and the like as it is, and leaves others to encoding/json.
func appendText(b []byte, text string) []byte {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			quoted, _ := json.Marshal(text) // every string can be encoded
			return append(b, quoted...)
		}
	}
	return append(append(append(b, '"'), text...), '"')
}

func appendNumber(b []byte, n float64) []byte { return strconv.AppendFloat(b, n, 'f', -1, 64) }
