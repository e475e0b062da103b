// Package decoders compares JSON decoders on what a player posts: a body of 20 reports, all of whose fields are read. It is a module
// of its own, so that the product does not depend on those it does not use.
package decoders

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/bytedance/sonic"
	goccy "github.com/goccy/go-json"
	jsoniter "github.com/json-iterator/go"
	"github.com/minio/simdjson-go"
	"github.com/valyala/fastjson"
)

const reports = 20

// envelope is what decoders that fill structures make of a body.
type envelope struct {
	AccountID  string `json:"accountId"`
	AccountKey string `json:"accountKey"`
	Client     struct {
		Kind    string `json:"kind"`
		Version string `json:"version"`
	} `json:"client"`
	SessionID string   `json:"sessionId"`
	Stream    string   `json:"stream"`
	UserID    string   `json:"userId"`
	Referrer  string   `json:"referrer"`
	Interval  float64  `json:"interval"`
	SentAt    int64    `json:"sentAt"`
	Events    []report `json:"events"`
}

type report struct {
	Seq          int64   `json:"seq"`
	Time         int64   `json:"ts"`
	Type         string  `json:"type"`
	Playing      float64 `json:"playing"`
	Buffering    float64 `json:"buffering"`
	Paused       float64 `json:"paused"`
	BufferLength float64 `json:"bufferLength"`
	Latency      float64 `json:"latency"`
	VideoBitrate float64 `json:"videoBitrate"`
	AudioBitrate float64 `json:"audioBitrate"`
}

func body() []byte {
	var b strings.Builder
	b.WriteString(`{"accountId":"acme","accountKey":"pk_benchmark","client":{"kind":"h5live","version":"4.22.0"},"sessionId":"6e2f0a1c",` +
		`"stream":"XXXXX-YYYYY","userId":"viewer1","referrer":"https://site.example/watch","interval":10,"sentAt":1763800016000,"events":[`)
	for i := range reports {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"seq":%d,"ts":%d,"type":"stats","playing":9.2,"buffering":0.8,"paused":0,"bufferLength":1.123,"latency":1.456,`+
			`"videoBitrate":2500000,"audioBitrate":128000}`, i+1, 1763800016000-10_000*(reports-i))
	}
	b.WriteString("]}")
	return []byte(b.String())
}

func BenchmarkDecoders(b *testing.B) {
	data := body()
	var tree fastjson.Parser
	var tape *simdjson.ParsedJson
	for _, decoder := range []struct {
		name   string
		decode func(*envelope) error
	}{
		{"fastjson", func(e *envelope) error {
			v, err := tree.ParseBytes(data)
			if err != nil {
				return err
			}
			readTree(v, e)
			return nil
		}},
		{"encoding/json", func(e *envelope) error { return json.Unmarshal(data, e) }},
		{"goccy/go-json", func(e *envelope) error { return goccy.Unmarshal(data, e) }},
		{"json-iterator", func(e *envelope) error { return jsoniter.ConfigFastest.Unmarshal(data, e) }},
		{"sonic", func(e *envelope) error { return sonic.ConfigDefault.Unmarshal(data, e) }},
		// Its tape is parsed and its numbers are not read: less than the others do.
		{"simdjson-go, the tape alone", func(e *envelope) (err error) {
			tape, err = simdjson.Parse(data, tape)
			return err
		}},
	} {
		b.Run(decoder.name, func(b *testing.B) {
			var e envelope
			b.ReportAllocs()
			for b.Loop() {
				events := e.Events[:0]
				e = envelope{Events: events}
				if err := decoder.decode(&e); err != nil {
					b.Fatal(err)
				}
			}
			if tape == nil && (len(e.Events) != reports || e.Events[reports-1].Latency != 1.456 || e.Client.Version != "4.22.0") {
				b.Fatalf("decoded as %+v", e)
			}
			b.ReportMetric(reports*float64(b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

// readTree reads every field, by name, as pkg/source/beacon does.
func readTree(v *fastjson.Value, e *envelope) {
	e.AccountID, e.AccountKey = text(v, "accountId"), text(v, "accountKey")
	e.Client.Kind, e.Client.Version = text(v.Get("client"), "kind"), text(v.Get("client"), "version")
	e.SessionID, e.Stream, e.UserID, e.Referrer = text(v, "sessionId"), text(v, "stream"), text(v, "userId"), text(v, "referrer")
	e.Interval, e.SentAt = v.GetFloat64("interval"), v.GetInt64("sentAt")
	for _, raw := range v.GetArray("events") {
		e.Events = append(e.Events, report{
			Seq: raw.GetInt64("seq"), Time: raw.GetInt64("ts"), Type: typeOf(raw.GetStringBytes("type")),
			Playing: raw.GetFloat64("playing"), Buffering: raw.GetFloat64("buffering"), Paused: raw.GetFloat64("paused"),
			BufferLength: raw.GetFloat64("bufferLength"), Latency: raw.GetFloat64("latency"),
			VideoBitrate: raw.GetFloat64("videoBitrate"), AudioBitrate: raw.GetFloat64("audioBitrate"),
		})
	}
}

func text(v *fastjson.Value, name string) string { return string(v.GetStringBytes(name)) }

// typeOf saves a copy of a text that is one of few.
func typeOf(name []byte) string {
	if string(name) == "stats" {
		return "stats"
	}
	return string(name)
}
