package mediaserver

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/streamlens/streamlens/pkg/event"
)

// liveKit asks the room service of LiveKit (https://docs.livekit.io/reference/other/roomservice-api/). It tells who is in which room, and
// neither addresses nor bytes. User and password of the configuration are its API key and secret.
//
// The ids of participants are random, so that no run of the server has those of another.
type liveKit struct{}

type liveKitRooms struct {
	Rooms []struct {
		Name string `json:"name"`
	} `json:"rooms"`
}

type liveKitParticipants struct {
	Participants []liveKitParticipant `json:"participants"`
}

type liveKitParticipant struct {
	SID        string         `json:"sid"`
	Identity   string         `json:"identity"`
	State      string         `json:"state"`
	Kind       string         `json:"kind"`
	JoinedAt   text           `json:"joined_at"`    // s since 1970
	JoinedAtMS text           `json:"joined_at_ms"` // "" of older versions
	Tracks     []liveKitTrack `json:"tracks"`
	Permission struct {
		Recorder bool `json:"recorder"`
	} `json:"permission"`
}

type liveKitTrack struct {
	Type     string `json:"type"`
	MimeType string `json:"mime_type"`
	Width    int    `json:"width"`
	Height   int    `json:"height"`
	Version  struct {
		UnixMicro text `json:"unix_micro"` // when it was published or changed last
	} `json:"version"`
}

const (
	// liveKitActive is the state of a participant who is connected.
	liveKitActive = "ACTIVE"
	// liveKitData is the type of a track that is neither sound nor picture.
	liveKitData = "DATA"
	// liveKitStandard is the kind of participants who use a client.
	liveKitStandard = "STANDARD"
	// liveKitTokenLife is how long a token holds that a question is asked with, in spite of clocks that differ by minutes.
	liveKitTokenLife = 10 * time.Minute
	// liveKitUndecided is for how long who has joined may be about to publish. A client does it at once.
	liveKitUndecided = 2 * time.Second
)

func (liveKit) snapshot(ctx context.Context, a *api) (Snapshot, error) {
	var rooms liveKitRooms
	if _, err := askLiveKit(ctx, a, "ListRooms", "", &rooms); err != nil {
		return Snapshot{}, err
	}
	var mu sync.Mutex
	var s Snapshot
	var questions []func(context.Context) error
	for _, room := range rooms.Rooms {
		questions = append(questions, func(ctx context.Context) error {
			var list liveKitParticipants
			got, err := askLiveKit(ctx, a, "ListParticipants", room.Name, &list)
			if err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			s.Connections = append(s.Connections, liveKitConnections(room.Name, list, time.Now(), got.clock)...)
			return nil
		})
	}
	err := together(ctx, questions...)
	return s, err
}

// askLiveKit calls a method of the room service, of one room or of all if its name is "". An answer has the list that it is named for, also
// if that is empty.
func askLiveKit(ctx context.Context, a *api, method, room string, into any) (answer, error) {
	grant, question := map[string]any{"roomList": true}, []byte("{}")
	if room != "" {
		var err error
		if question, err = json.Marshal(map[string]string{"room": room}); err != nil {
			return answer{}, fmt.Errorf("ask for a room: %w", err)
		}
		grant = map[string]any{"roomAdmin": true, "room": room}
	}
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
		"iss": a.config.Username, "exp": time.Now().Add(liveKitTokenLife).Unix(), "video": grant,
	}).SignedString([]byte(a.config.Password))
	if err != nil {
		return answer{}, fmt.Errorf("sign a token: %w", err)
	}
	got, err := a.ask(ctx, http.MethodPost, "twirp/livekit.RoomService/"+method, nil, question, http.Header{"Authorization": {"Bearer " + token}})
	if err != nil {
		return got, err
	}
	return got, decodeLiveKit(got, into)
}

func decodeLiveKit(got answer, into any) error {
	if err := got.json(into); err != nil {
		return err
	}
	switch list := into.(type) {
	case *liveKitRooms:
		if list.Rooms == nil {
			return got.unknown("the API of LiveKit: it has no rooms")
		}
	case *liveKitParticipants:
		if list.Participants == nil {
			return got.unknown("the API of LiveKit: it has no participants")
		}
	}
	return nil
}

// liveKitConnections returns the participants of a room who are connected, but not those of whom it is too early to say whether they watch.
func liveKitConnections(room string, list liveKitParticipants, now time.Time, clock time.Duration) []Connection {
	var all []Connection
	for i := range list.Participants {
		p := &list.Participants[i]
		if p.SID == "" || p.State != liveKitActive {
			continue
		}
		c := liveKitConnection(room, p.SID, p.Identity, p.Kind)
		c.Relay = c.Relay || p.Permission.Recorder
		c.Since = liveKitTime(p.JoinedAtMS, time.Millisecond)
		if c.Since.IsZero() {
			c.Since = liveKitTime(p.JoinedAt, time.Second)
		}
		c.Since = local(c.Since, clock)
		for k := range p.Tracks {
			track := &p.Tracks[k]
			if track.Type == liveKitData {
				continue
			}
			published := local(liveKitTime(track.Version.UnixMicro, time.Microsecond), clock)
			if !c.Publisher || published.Before(c.Since) { // it may have joined long before
				c.Publisher, c.Since = true, published
			}
			_, codec, _ := strings.Cut(track.MimeType, "/")
			if strings.HasPrefix(track.MimeType, "audio/") {
				c.Ingest.AudioCodec = codec
			} else {
				c.Ingest.VideoCodec, c.Ingest.Width, c.Ingest.Height = codec, track.Width, track.Height
			}
		}
		if c.Publisher || now.Sub(c.Since) >= liveKitUndecided {
			all = append(all, c)
		}
	}
	return all
}

// liveKitConnection returns what both polls and hooks tell of a participant.
func liveKitConnection(room, sid, identity, kind string) Connection {
	c := Connection{
		ID: sid, Stream: streamName(room), Identity: cmp.Or(identity, sid), Protocol: "webrtc", Received: event.Absent, Sent: event.Absent,
	}
	switch kind {
	case "", liveKitStandard:
	case "INGRESS", "EGRESS", "AGENT": // no person watches
		c.Client, c.Relay = strings.ToLower(kind), true
	default:
		c.Client = label(strings.ToLower(kind), event.MaxTextBytes)
	}
	return c
}

// liveKitTime decodes a time since 1970 in a unit, the zero time if it is none.
func liveKitTime(t text, unit time.Duration) time.Time {
	n, err := strconv.ParseInt(string(t), 10, 64)
	if err != nil || n <= 0 || n > math.MaxInt64/int64(unit) {
		return time.Time{}
	}
	return time.Unix(0, n*int64(unit))
}

// verify implements signed: the Authorization of a webhook is a token with the hash of its body.
func (liveKit) verify(c Config, r HookRequest) error {
	if c.Password == "" {
		return errors.New("a webhook of LiveKit can be verified only if the password of the server is LiveKit's API secret")
	}
	var claims struct {
		jwt.RegisteredClaims
		SHA256 string `json:"sha256"`
	}
	_, err := jwt.ParseWithClaims(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), &claims,
		func(*jwt.Token) (any, error) { return []byte(c.Password), nil },
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}), jwt.WithIssuer(c.Username), jwt.WithExpirationRequired(), jwt.WithLeeway(time.Minute))
	if err != nil {
		return fmt.Errorf("the token of a webhook of LiveKit: %w", err)
	}
	sum := sha256.Sum256(r.Body)
	if subtle.ConstantTimeCompare([]byte(claims.SHA256), []byte(base64.StdEncoding.EncodeToString(sum[:]))) != 1 {
		return errors.New("the token of a webhook of LiveKit is that of another one")
	}
	return nil
}

// hook decodes a webhook of LiveKit (https://docs.livekit.io/home/server/webhooks/). A participant who joins has no tracks yet.
func (liveKit) hook(r HookRequest) ([]Hook, HookAnswer, error) { //nolint:unparam // as hooked wants it
	var m struct {
		Event string `json:"event"`
		Room  struct {
			Name string `json:"name"`
		} `json:"room"`
		Participant struct {
			SID        string `json:"sid"`
			Identity   string `json:"identity"`
			Kind       string `json:"kind"`
			Permission struct {
				Recorder bool `json:"recorder"`
			} `json:"permission"`
		} `json:"participant"`
		Track liveKitTrack `json:"track"`
	}
	if err := json.Unmarshal(r.Body, &m); err != nil {
		return nil, HookAnswer{}, fmt.Errorf("decode a webhook of LiveKit: %w", err)
	}
	if m.Event == "" {
		return nil, HookAnswer{}, errors.New("a webhook of LiveKit must have event")
	}
	var h Hook
	switch m.Event {
	case "participant_joined":
		h.Action = Opened
	case "track_published":
		if m.Track.Type == liveKitData {
			return nil, HookAnswer{}, nil
		}
		h.Action = Opened
	case "participant_left", "participant_connection_aborted":
		h.Action = Closed
	default:
		return nil, HookAnswer{}, nil
	}
	if m.Participant.SID == "" || m.Room.Name == "" {
		return nil, HookAnswer{}, errors.New("a webhook of LiveKit about a participant must have room.name and participant.sid")
	}
	h.Connection = liveKitConnection(m.Room.Name, m.Participant.SID, m.Participant.Identity, m.Participant.Kind)
	h.Connection.Relay = h.Connection.Relay || m.Participant.Permission.Recorder
	h.Connection.Publisher = m.Event == "track_published"
	return []Hook{h}, HookAnswer{}, nil
}
