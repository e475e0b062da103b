package mediaserver

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Hook is what SRS posts when something happens to a connection (https://ossrs.io/lts/en-us/docs/v6/doc/http-callback).
type Hook struct {
	Action  string // on_publish, on_unpublish, on_play, on_stop, on_close, or another one that changes nothing here
	Server  string // identifies the server, "" before SRS 4
	Service string // identifies the server's run, "" before SRS 5
	// Connection is the one that it happened to. Its counters are only known by on_close, which does not name the stream.
	Connection Connection
}

// The actions of hooks that count.
const (
	OnPublish   = "on_publish"
	OnUnpublish = "on_unpublish"
	OnPlay      = "on_play"
	OnStop      = "on_stop"
	OnClose     = "on_close"
)

// DecodeSRSHook decodes the body of a hook.
func DecodeSRSHook(body []byte) (Hook, error) {
	var m struct {
		Action        string `json:"action"`
		ServerID      text   `json:"server_id"`
		ServiceID     text   `json:"service_id"`
		ClientID      text   `json:"client_id"`
		IP            string `json:"ip"`
		App           string `json:"app"`
		Stream        string `json:"stream"`
		StreamURL     string `json:"stream_url"`
		StreamID      text   `json:"stream_id"`
		TCURL         string `json:"tcUrl"`
		PageURL       string `json:"pageUrl"`
		SendBytes     *int64 `json:"send_bytes"`
		ReceivedBytes *int64 `json:"recv_bytes"`
	}
	if err := json.Unmarshal(body, &m); err != nil {
		return Hook{}, fmt.Errorf("decode a hook of SRS: %w", err)
	}
	if m.Action == "" || m.ClientID == "" {
		return Hook{}, errors.New("a hook of SRS must have action and client_id")
	}
	h := Hook{Action: m.Action, Server: string(m.ServerID), Service: string(m.ServiceID), Connection: Connection{
		ID: string(m.ClientID), StreamID: string(m.StreamID), Publisher: m.Action == OnPublish || m.Action == OnUnpublish,
		Address: address(m.IP), Referrer: m.PageURL, Received: counter(m.ReceivedBytes), Sent: counter(m.SendBytes),
	}}
	if m.Stream != "" {
		h.Connection.Stream = srsStreamName(m.StreamURL, m.App, m.Stream)
	}
	scheme, _, _ := strings.Cut(m.TCURL, "://")
	switch scheme = strings.ToLower(scheme); scheme {
	case "webrtc", "srt":
		h.Connection.Protocol = scheme
	case "http", "https":
		h.Connection.Protocol = "flv"
	default:
		h.Connection.Protocol = "rtmp"
	}
	return h, nil
}

// last reports whether no on_close follows: SRS only posts it for RTMP and SRT.
func (h *Hook) last() bool {
	return h.Connection.Protocol == "webrtc" || h.Connection.Protocol == "flv"
}

// of reports whether the hook comes from the run of a server that a snapshot's Start names.
func (h *Hook) of(start string) bool {
	switch {
	case h.Server == "":
		return true
	case h.Service == "":
		return strings.HasPrefix(start, h.Server+"/")
	}
	return strings.HasPrefix(start, srsStart(h.Server, h.Service))
}
