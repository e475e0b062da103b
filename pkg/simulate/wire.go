package simulate

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
	Seq          int64   `json:"seq"`
	TS           int64   `json:"ts"` // ms since 1970
	Type         string  `json:"type"`
	StartTime    float64 `json:"startTime,omitempty"` // s
	*report              // of stats and stop
	BufferLength float64 `json:"bufferLength,omitempty"` // s
	Latency      float64 `json:"latency,omitempty"`      // s
	VideoBitrate int64   `json:"videoBitrate,omitempty"` // bit/s
	AudioBitrate int64   `json:"audioBitrate,omitempty"` // bit/s
	Code         any     `json:"code,omitempty"`         // number or text
	Fatal        bool    `json:"fatal,omitempty"`
	Reason       string  `json:"reason,omitempty"`
	Played       float64 `json:"played,omitempty"` // s
}

// report is what happened since the last one, in s.
type report struct {
	Playing   float64 `json:"playing"`
	Buffering float64 `json:"buffering"`
	Paused    float64 `json:"paused"`
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
