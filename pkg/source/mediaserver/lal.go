package mediaserver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/streamlens/streamlens/pkg/event"
)

// lal asks the HTTP API of lal (https://pengrl.com/lal/#/HTTPAPI). It counts bytes of sessions, and none of streams.
type lal struct{}

type lalInfo struct {
	ErrorCode int `json:"error_code"`
	Data      *struct {
		ServerID  text   `json:"server_id"`
		StartTime string `json:"start_time"`
	} `json:"data"`
}

type lalGroups struct {
	ErrorCode int `json:"error_code"`
	Data      *struct {
		Groups []lalGroup `json:"groups"`
	} `json:"data"`
}

type lalGroup struct {
	StreamName  string       `json:"stream_name"`
	AppName     string       `json:"app_name"`
	AudioCodec  string       `json:"audio_codec"`
	VideoCodec  string       `json:"video_codec"`
	VideoWidth  int          `json:"video_width"`
	VideoHeight int          `json:"video_height"`
	Pub         lalSession   `json:"pub"`
	Pull        lalSession   `json:"pull"` // what lal fetches from another server
	Subs        []lalSession `json:"subs"`
}

type lalSession struct {
	SessionID  string `json:"session_id"`
	Protocol   string `json:"protocol"`
	BaseType   string `json:"base_type"`
	RemoteAddr string `json:"remote_addr"`
	StartTime  string `json:"start_time"`
	ReadBytes  *int64 `json:"read_bytes_sum"`
	WroteBytes *int64 `json:"wrote_bytes_sum"`
}

// lalTime is how lal writes times.
const lalTime = "2006-01-02 15:04:05.999 Z0700 MST"

func decodeLalInfo(got answer) (lalInfo, error) {
	var info lalInfo
	if err := got.json(&info); err != nil {
		return info, err
	}
	if info.Data == nil || info.ErrorCode != 0 || info.Data.StartTime == "" {
		return info, got.unknown(notLal)
	}
	return info, nil
}

// notLal says that an answer is of another product, in the same words of both lists, which are asked at once.
const notLal = "the API of lal: it has no data"

func decodeLalGroups(got answer) ([]lalGroup, error) {
	var groups lalGroups
	if err := got.json(&groups); err != nil {
		return nil, err
	}
	if groups.Data == nil || groups.ErrorCode != 0 {
		return nil, got.unknown(notLal)
	}
	return groups.Data.Groups, nil
}

func (lal) snapshot(ctx context.Context, a *api) (Snapshot, error) {
	var info lalInfo
	var groups []lalGroup
	var clock time.Duration
	err := together(ctx, func(ctx context.Context) error {
		got, err := a.get(ctx, "api/stat/lal_info", nil)
		if err != nil {
			return err
		}
		info, err = decodeLalInfo(got)
		return err
	}, func(ctx context.Context) error {
		got, err := a.get(ctx, "api/stat/all_group", nil)
		if err != nil {
			return err
		}
		clock = got.clock
		groups, err = decodeLalGroups(got)
		return err
	})
	if err != nil {
		return Snapshot{}, err
	}
	return lalSnapshot(info, groups, clock), nil
}

func lalSnapshot(info lalInfo, groups []lalGroup, clock time.Duration) Snapshot {
	s := Snapshot{Start: lalStart(info.Data.ServerID) + info.Data.StartTime}
	for i := range groups {
		group := &groups[i]
		stream := streamName(group.AppName + "/" + group.StreamName)
		for _, publisher := range [...]*lalSession{&group.Pub, &group.Pull} {
			if publisher.SessionID == "" {
				continue
			}
			c := publisher.connection(stream, clock)
			c.Publisher = true
			c.Ingest = Ingest{
				VideoCodec: group.VideoCodec, AudioCodec: group.AudioCodec, Width: group.VideoWidth, Height: group.VideoHeight,
			}
			s.Connections = append(s.Connections, c)
		}
		for k := range group.Subs {
			if group.Subs[k].SessionID != "" {
				s.Connections = append(s.Connections, group.Subs[k].connection(stream, clock))
			}
		}
	}
	return s
}

// lalStart is how Start of the snapshots of a server begins.
func lalStart(serverID text) string { return string(serverID) + " " }

// id is that of no other session: lal numbers those of each run from 1.
func (s *lalSession) id() string { return s.SessionID + " " + s.RemoteAddr }

func (s *lalSession) connection(stream string, clock time.Duration) Connection {
	c := Connection{
		ID: s.id(), Stream: stream, Protocol: protocolName(s.Protocol), Address: address(s.RemoteAddr),
		Received: counter(s.ReadBytes), Sent: s.sent(),
	}
	if began, err := time.Parse(lalTime, s.StartTime); err == nil {
		c.Since = local(began, clock)
	}
	return c
}

// sent returns what the session was sent. lal 0.37 says 0 of all sessions by HTTP, to the end.
func (s *lalSession) sent() int64 {
	sent := counter(s.WroteBytes)
	if byHTTP := s.Protocol == "FLV" || s.Protocol == "TS"; byHTTP && sent == 0 {
		return event.Absent
	}
	return sent
}

// hook decodes a hook of lal (https://pengrl.com/lal/#/HTTPNotify). All hooks look alike: which it is, the argument event of its URL says.
func (lal) hook(r HookRequest) ([]Hook, HookAnswer, error) { //nolint:unparam // as hooked wants it
	var m struct {
		lalSession
		ServerID   text   `json:"server_id"`
		AppName    string `json:"app_name"`
		StreamName string `json:"stream_name"`
	}
	if err := json.Unmarshal(r.Body, &m); err != nil {
		return nil, HookAnswer{}, fmt.Errorf("decode a hook of lal: %w", err)
	}
	h := Hook{Run: lalStart(m.ServerID), Connection: m.connection(streamName(m.AppName+"/"+m.StreamName), 0)}
	switch event := r.Query.Get("event"); event {
	case "on_pub_start", "on_sub_start", "on_relay_pull_start":
		h.Action, h.Connection.Publisher = Opened, event != "on_sub_start"
	case "on_pub_stop", "on_sub_stop", "on_relay_pull_stop":
		h.Action, h.Connection.Publisher = Closed, event != "on_sub_stop"
	case "on_server_start":
		return []Hook{{Run: h.Run, Poll: true}}, HookAnswer{}, nil
	default:
		return nil, HookAnswer{}, errors.New("the URL of a hook of lal must end with ?event= and the hook's name, such as on_pub_start")
	}
	if m.SessionID == "" || m.StreamName == "" {
		return nil, HookAnswer{}, errors.New("a hook of lal must have session_id and stream_name")
	}
	return []Hook{h}, HookAnswer{}, nil
}
