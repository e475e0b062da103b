package mediaserver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/streamlens/streamlens/pkg/codec"
	"github.com/streamlens/streamlens/pkg/event"
)

// nodeMediaServer asks the API of Node-Media-Server 4 (https://www.npmjs.com/package/node-media-server). It lists sessions without their
// streams: those of publishers are in the list of streams, those of players only hooks tell.
//
// A publisher that comes back from the same address within 30 s goes on with the counters of its session before, as another session.
type nodeMediaServer struct {
	token string // of the last login

	mu        sync.Mutex
	publishes map[nmsPublishKey]*nmsPublish
}

// nmsPublishKey is what sessions have in common of which one goes on with the counters of the other.
type nmsPublishKey struct {
	stream string
	since  int64 // ms since 1970
}

type nmsPublish struct {
	session string // the last one
	before  int64  // bytes of the sessions before
	last    int64  // bytes of all
	missing int    // polls since it was listed
}

// own returns what of the bytes of all sessions of a publish is of the current one, and whether there was one before.
func (n *nodeMediaServer) own(key nmsPublishKey, session string, all int64) (own int64, resumed bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	p := n.publishes[key]
	if p == nil {
		p = &nmsPublish{session: session}
		if n.publishes == nil {
			n.publishes = map[nmsPublishKey]*nmsPublish{}
		}
		n.publishes[key] = p
	}
	if p.session != session {
		p.session, p.before = session, p.last
	}
	p.last, p.missing = max(p.last, all), 0
	return max(all-p.before, 0), p.before > 0
}

// forget forgets publishes that have not been listed for long.
func (n *nodeMediaServer) forget() {
	n.mu.Lock()
	defer n.mu.Unlock()
	maps.DeleteFunc(n.publishes, func(_ nmsPublishKey, p *nmsPublish) bool {
		p.missing++
		return p.missing > rememberedUndated
	})
}

func (n *nodeMediaServer) code(c *codec.Coder) {
	n.mu.Lock()
	defer n.mu.Unlock()
	codec.Map(c, &n.publishes, func(key *nmsPublishKey, of **nmsPublish) {
		if c.Reading() {
			*of = &nmsPublish{}
		}
		p := *of
		codec.Text(c, &key.stream)
		codec.Number(c, &key.since)
		c.Unique(&p.session)
		codec.Number(c, &p.before)
		codec.Number(c, &p.last)
		codec.Number(c, &p.missing)
	})
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
	App       string `json:"app"`
	Name      string `json:"name"`
	Status    string `json:"status"` // a publisher that has left is listed until it cannot come back any more
	Publisher *struct {
		nmsSession
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
	return n.read(sessions, streams, clock), nil
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

// read returns what the lists say. Publishers are those of streams, and players all other sessions.
func (n *nodeMediaServer) read(sessions, streams nmsAnswer, clock time.Duration) Snapshot {
	s := Snapshot{Start: nmsRun}
	n.forget()
	for i := range streams.Data.Streams {
		stream := &streams.Data.Streams[i]
		p := stream.Publisher
		if p == nil || p.ID == "" {
			continue
		}
		c := p.connection(clock)
		c.Stream, c.Publisher = streamName(stream.App+"/"+stream.Name), true
		c.Ingest = Ingest{Width: p.Width, Height: p.Height, FrameRate: p.FrameRate}
		key := nmsPublishKey{c.Stream, p.CreateTime}
		grown := n.grown(key, counter(p.InBytes))
		var resumed bool
		if c.Received, resumed = n.own(key, p.ID, max(counter(p.InBytes), 0)); resumed {
			c.Since = time.Time{}
		}
		if stream.Status == nmsPublishing || grown { // what it did last is seen once
			s.Connections = append(s.Connections, c)
		}
	}
	for i := range sessions.Data.Sessions {
		if session := &sessions.Data.Sessions[i]; !session.IsPublisher {
			c := session.connection(clock)
			c.Unnamed, c.Received, c.Sent = true, counter(session.InBytes), counter(session.OutBytes)
			s.Connections = append(s.Connections, c)
		}
	}
	return s
}

// nmsPublishing is the status of a stream whose publisher is there.
const nmsPublishing = "publishing"

// grown reports whether more bytes of a publish are there than were seen.
func (n *nodeMediaServer) grown(key nmsPublishKey, all int64) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	p := n.publishes[key]
	return p == nil || all > p.last
}

// connection returns what is common to publishers and players, without bytes.
func (s *nmsSession) connection(clock time.Duration) Connection {
	c := Connection{
		ID: s.ID, Protocol: protocolName(s.Protocol), Address: nmsAddress(s.IP), Received: event.Absent, Sent: event.Absent,
	}
	if ms := s.CreateTime; ms > 0 && ms < maxMilliseconds {
		c.Since = local(time.UnixMilli(ms), clock)
	}
	return c
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
	h := Hook{Run: nmsRun, Connection: m.connection(0)}
	c := &h.Connection
	c.Stream, c.Since, c.Received, c.Sent = streamName(m.App+"/"+m.Name), time.Time{}, counter(m.InBytes), counter(m.OutBytes)
	switch m.Action {
	case "postPublish", "postPlay":
		h.Action, c.Publisher = Opened, m.Action == "postPublish"
	case "donePlay":
		h.Action = Closed
	case "donePublish":
		h.Action, c.Publisher = Closed, true
		c.Received, _ = n.own(nmsPublishKey{c.Stream, m.CreateTime}, m.ID, max(c.Received, 0))
	}
	return []Hook{h}, HookAnswer{}, nil
}
