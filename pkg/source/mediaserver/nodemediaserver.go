package mediaserver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/streamlens/streamlens/pkg/event"
)

// nodeMediaServer asks the API of Node-Media-Server 4 (https://www.npmjs.com/package/node-media-server). It lists sessions without their
// streams: those of publishers are in the list of streams, those of players only hooks tell.
type nodeMediaServer struct {
	token string // of the last login
}

type nmsAnswer struct {
	Success bool `json:"success"`
	Data    *struct {
		Token    string       `json:"token"`
		Sessions []nmsSession `json:"sessions"`
		Streams  []nmsStream  `json:"streams"`
	} `json:"data"`
}

type nmsSession struct {
	ID          string `json:"id"` // of the time and at random
	IP          string `json:"ip"` // with port
	IsPublisher bool   `json:"isPublisher"`
	Protocol    string `json:"protocol"`
	InBytes     *int64 `json:"inBytes"`
	OutBytes    *int64 `json:"outBytes"`
	CreateTime  int64  `json:"createTime"` // ms since 1970
}

type nmsStream struct {
	App         string `json:"app"`
	Name        string `json:"name"`
	Subscribers int    `json:"subscribers"`
	Publisher   *struct {
		ID        string  `json:"id"`
		Width     int     `json:"videoWidth"`
		Height    int     `json:"videoHeight"`
		FrameRate float64 `json:"videoFramerate"`
	} `json:"publisher"`
}

// maxMilliseconds is the end of the year 9999, in ms since 1970.
const maxMilliseconds = 253_402_300_799_999

// nmsRun is the Start of all runs: the ids of sessions are those of no others, whatever the run.
const nmsRun = "node-media-server"

func decodeNMS(got answer) (nmsAnswer, error) {
	var a nmsAnswer
	if err := got.json(&a); err != nil {
		return a, err
	}
	if !a.Success || a.Data == nil {
		return a, got.unknown("the API of Node-Media-Server: it has no data")
	}
	return a, nil
}

func (n *nodeMediaServer) snapshot(ctx context.Context, a *api) (Snapshot, error) {
	s, err := n.ask(ctx, a)
	if isStatus(err, http.StatusUnauthorized) && n.token != "" { // it has expired, or another run of the server signs otherwise
		n.token = ""
		return n.ask(ctx, a)
	}
	return s, err
}

func (n *nodeMediaServer) ask(ctx context.Context, a *api) (Snapshot, error) {
	if err := n.logIn(ctx, a); err != nil {
		return Snapshot{}, err
	}
	var sessions, streams nmsAnswer
	var clock time.Duration
	list := func(name string, into *nmsAnswer) func(context.Context) error {
		return func(ctx context.Context) error {
			var header http.Header
			if n.token != "" {
				header = http.Header{"Authorization": {"Bearer " + n.token}}
			}
			got, err := a.ask(ctx, http.MethodGet, "api/v1/"+name, nil, nil, header)
			if err != nil {
				return err
			}
			if name == "sessions" {
				clock = got.clock
			}
			*into, err = decodeNMS(got)
			return err
		}
	}
	if err := together(ctx, list("sessions", &sessions), list("streams", &streams)); err != nil {
		return Snapshot{}, err
	}
	return nmsSnapshot(sessions, streams, clock), nil
}

// logIn gets a token for the configured user, if there is none yet.
func (n *nodeMediaServer) logIn(ctx context.Context, a *api) error {
	if n.token != "" || a.config.Username == "" {
		return nil
	}
	body, err := json.Marshal(map[string]string{"username": a.config.Username, "password": a.config.Password})
	if err != nil {
		return fmt.Errorf("log in: %w", err)
	}
	got, err := a.ask(ctx, http.MethodPost, "api/v1/login", nil, body, http.Header{})
	if err != nil {
		return err
	}
	answered, err := decodeNMS(got)
	if err != nil {
		return err
	}
	n.token = answered.Data.Token
	return nil
}

func nmsSnapshot(sessions, streams nmsAnswer, clock time.Duration) Snapshot {
	s := Snapshot{Start: nmsRun}
	published := map[string]*nmsStream{}
	for i := range streams.Data.Streams {
		if stream := &streams.Data.Streams[i]; stream.Publisher != nil {
			published[stream.Publisher.ID] = stream
		}
	}
	for i := range sessions.Data.Sessions {
		session := &sessions.Data.Sessions[i]
		c := Connection{
			ID: session.ID, Publisher: session.IsPublisher, Protocol: label(session.Protocol, event.MaxTextBytes), Address: nmsAddress(session.IP),
			Received: counter(session.InBytes), Sent: counter(session.OutBytes), Unnamed: !session.IsPublisher,
		}
		if ms := session.CreateTime; ms > 0 && ms < maxMilliseconds {
			c.Since = local(time.UnixMilli(ms), clock)
		}
		if stream := published[session.ID]; stream != nil && c.Publisher {
			c.Stream = streamName(stream.App + "/" + stream.Name)
			c.Ingest = Ingest{Width: stream.Publisher.Width, Height: stream.Publisher.Height, FrameRate: stream.Publisher.FrameRate}
		}
		s.Connections = append(s.Connections, c)
	}
	return s
}

// nmsAddress decodes an address with a port behind it, which has no brackets if it is IPv6.
func nmsAddress(s string) netip.Addr {
	if colon := strings.LastIndexByte(s, ':'); colon >= 0 {
		return address(s[:colon])
	}
	return netip.Addr{}
}

// hook decodes what Node-Media-Server posts to notify.url. It closes the session if it is answered with another status than 200.
func (n *nodeMediaServer) hook(r HookRequest) ([]Hook, HookAnswer, error) { //nolint:unparam // as hooked wants it
	var m struct { // whose names are those of sessions in small letters, which are read alike
		nmsSession
		Action string `json:"action"`
		App    string `json:"app"`
		Name   string `json:"name"`
	}
	if err := json.Unmarshal(r.Body, &m); err != nil {
		return nil, HookAnswer{}, fmt.Errorf("decode a hook of Node-Media-Server: %w", err)
	}
	if m.ID == "" || m.Action == "" {
		return nil, HookAnswer{}, errors.New("a hook of Node-Media-Server must have action and id")
	}
	h := Hook{Run: nmsRun, Connection: Connection{
		ID: m.ID, Stream: streamName(m.App + "/" + m.Name), Protocol: label(m.Protocol, event.MaxTextBytes), Address: nmsAddress(m.IP),
		Received: counter(m.InBytes), Sent: counter(m.OutBytes),
	}}
	switch m.Action {
	case "postPublish", "postPlay":
		h.Action, h.Connection.Publisher = Opened, m.Action == "postPublish"
	case "donePublish", "donePlay":
		h.Action, h.Connection.Publisher = Closed, m.Action == "donePublish"
	}
	return []Hook{h}, HookAnswer{}, nil
}
