package mediaserver

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/streamlens/streamlens/pkg/event"
)

// datarhei asks the API of datarhei Core, which is in Restreamer, too (https://docs.datarhei.com/core). It lists a session for some time
// after its end.
type datarhei struct {
	token string // of the last login
}

type datarheiSession struct {
	ID        string `json:"id"` // of a publisher its path, which comes again
	Reference string `json:"reference"`
	CreatedAt int64  `json:"created_at"` // s since 1970
	Local     string `json:"local"`      // publish:PATH of a publisher
	Remote    string `json:"remote"`
	Received  *int64 `json:"bytes_rx"`
	Sent      *int64 `json:"bytes_tx"`
}

// datarheiCollectors are the lists that are asked for: their sessions are of streams.
const datarheiCollectors = "rtmp,srt"

// datarheiRun is the Start of all runs: with its begin, the id of a session is that of no other, whatever the run.
const datarheiRun = "datarhei"

func decodeDatarhei(got answer) (map[string][]datarheiSession, error) {
	var lists struct {
		RTMP []datarheiSession `json:"rtmp"`
		SRT  []datarheiSession `json:"srt"`
	}
	if err := got.json(&lists); err != nil {
		return nil, err
	}
	if lists.RTMP == nil || lists.SRT == nil {
		return nil, got.unknown("the API of datarhei Core: it has no sessions of rtmp and srt")
	}
	return map[string][]datarheiSession{"rtmp": lists.RTMP, "srt": lists.SRT}, nil
}

func (d *datarhei) snapshot(ctx context.Context, a *api) (Snapshot, error) {
	s, err := d.ask(ctx, a)
	if isStatus(err, http.StatusUnauthorized) && d.token != "" { // it has expired
		d.token = ""
		return d.ask(ctx, a)
	}
	return s, err
}

func (d *datarhei) ask(ctx context.Context, a *api) (Snapshot, error) {
	if err := d.logIn(ctx, a); err != nil {
		return Snapshot{}, err
	}
	var header http.Header
	if d.token != "" {
		header = http.Header{"Authorization": {"Bearer " + d.token}}
	}
	got, err := a.ask(ctx, http.MethodGet, "api/v3/session/active", url.Values{"collectors": {datarheiCollectors}}, nil, header)
	if err != nil {
		return Snapshot{}, err
	}
	lists, err := decodeDatarhei(got)
	if err != nil {
		return Snapshot{}, err
	}
	return datarheiSnapshot(lists, got.clock), nil
}

// logIn gets a token for the configured user, if there is none yet.
func (d *datarhei) logIn(ctx context.Context, a *api) error {
	if d.token != "" || a.config.Username == "" {
		return nil
	}
	body, err := json.Marshal(map[string]string{"username": a.config.Username, "password": a.config.Password})
	if err != nil {
		return fmt.Errorf("log in: %w", err)
	}
	got, err := a.ask(ctx, http.MethodPost, "api/login", nil, body, http.Header{})
	if err != nil {
		return err
	}
	var answered struct {
		Token string `json:"access_token"`
	}
	if err := got.json(&answered); err != nil {
		return err
	}
	if answered.Token == "" {
		return got.unknown("the login of datarhei Core: it has no access_token")
	}
	d.token = answered.Token
	return nil
}

func datarheiSnapshot(lists map[string][]datarheiSession, clock time.Duration) Snapshot {
	s := Snapshot{Start: datarheiRun}
	for protocol, sessions := range lists {
		for i := range sessions {
			session := &sessions[i]
			if session.ID == "" || session.CreatedAt <= 0 || session.CreatedAt > maxMilliseconds/1000 {
				continue
			}
			c := Connection{
				ID: protocol + " " + session.ID + " " + strconv.FormatInt(session.CreatedAt, 10), Stream: streamName(session.Reference),
				Protocol: protocolName(protocol), Address: address(session.Remote), Received: event.Absent, Sent: event.Absent,
				Since: local(time.Unix(session.CreatedAt, 0), clock),
			}
			if c.Publisher = strings.HasPrefix(session.Local, "publish:"); c.Publisher {
				c.Received = counter(session.Received)
			} else {
				c.Sent, c.Connectionless = counter(session.Sent), true
			}
			s.Connections = append(s.Connections, c)
		}
	}
	slices.SortFunc(s.Connections, func(a, b Connection) int { return cmp.Compare(a.ID, b.ID) })
	return s
}
