package mediaserver

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // OvenMediaEngine signs with it
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/streamlens/streamlens/pkg/codec"
	"github.com/streamlens/streamlens/pkg/event"
)

// ovenMediaEngine asks the REST API of OvenMediaEngine (https://docs.ovenmediaengine.com/rest-api). It counts bytes of streams, and of players only how many
// there are; who they are, its AdmissionWebhooks tell.
type ovenMediaEngine struct {
	mu sync.Mutex
	// mixed are the counters of streams, by their ID, in which there is what went to no player.
	mixed map[string]bool
	// publishers are the IDs of the publishers that the last snapshot had, by stream.
	publishers map[string]string
	// players are those of whom a webhook told that they opened a stream, in this order.
	players map[streamKey][]Connection
	open    int // how many they are
}

// omeAnswer is what every answer is in.
type omeAnswer[T any] struct {
	Response *T `json:"response"`
}

type omeStats struct {
	CreatedTime string           `json:"createdTime"`
	BytesIn     *int64           `json:"totalBytesIn"`
	BytesOut    *int64           `json:"totalBytesOut"`
	Connections map[string]int64 `json:"connections"` // by protocol
}

type omeStream struct {
	Input struct {
		SourceType string `json:"sourceType"`
		Tracks     []struct {
			Video struct {
				Codec     string  `json:"codec"`
				Width     int     `json:"width"`
				Height    int     `json:"height"`
				FrameRate float64 `json:"framerate"`
			} `json:"video"`
			Audio struct {
				Codec string `json:"codec"`
			} `json:"audio"`
		} `json:"tracks"`
	} `json:"input"`
}

// omeName tells where a stream is.
type omeName struct{ host, application, stream string }

// omeDefaultHost is the virtual host that the server has as it is installed.
const omeDefaultHost = "default"

// String is the stream's name among those of the server.
func (n omeName) String() string {
	name := n.application + "/" + n.stream
	if n.host != omeDefaultHost {
		name = n.host + "/" + name
	}
	return streamName(name)
}

// omeDefaultStream leaves out the application, but not another virtual host.
func omeDefaultStream(first, rest string) string {
	if _, stream, ok := strings.Cut(rest, "/"); ok {
		return first + "/" + stream
	}
	return rest
}

// askOME asks for a path of names. It returns no answer if there is no such thing any more.
func askOME[T any](ctx context.Context, a *api, names ...string) (*T, answer, error) {
	escaped := make([]string, len(names))
	for i, name := range names {
		escaped[i] = url.PathEscape(name)
	}
	var header http.Header
	if a.config.Username == "" && a.config.Token != "" { // its access token is what HTTP Basic encodes, with a colon or without
		header = http.Header{"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte(a.config.Token))}}
	}
	got, err := a.ask(ctx, http.MethodGet, "v1/"+strings.Join(escaped, "/"), nil, nil, header)
	if err != nil {
		return nil, got, err
	}
	into, err := decodeOME[T](got)
	return into, got, err
}

func decodeOME[T any](got answer) (*T, error) {
	var into omeAnswer[T]
	if err := got.json(&into); err != nil {
		return nil, err
	}
	if into.Response == nil {
		return nil, got.unknown("the API of OvenMediaEngine: it has no response")
	}
	return into.Response, nil
}

func (o *ovenMediaEngine) snapshot(ctx context.Context, a *api) (Snapshot, error) {
	hosts, _, err := askOME[[]string](ctx, a, "vhosts")
	if err != nil {
		return Snapshot{}, err
	}
	var mu sync.Mutex
	var names []omeName
	list := func(ctx context.Context, host, application string) error {
		streams, _, err := askOME[[]string](ctx, a, "vhosts", host, "apps", application, "streams")
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		for _, stream := range *streams {
			names = append(names, omeName{host, application, stream})
		}
		return nil
	}
	var questions []func(context.Context) error
	for _, host := range *hosts {
		applications, _, err := askOME[[]string](ctx, a, "vhosts", host, "apps")
		if err != nil {
			return Snapshot{}, err
		}
		for _, application := range *applications {
			questions = append(questions, func(ctx context.Context) error { return list(ctx, host, application) })
		}
	}
	if err := together(ctx, questions...); err != nil {
		return Snapshot{}, err
	}
	s := Snapshot{}
	questions = nil
	for _, name := range names {
		questions = append(questions, func(ctx context.Context) error {
			in := []string{"vhosts", name.host, "apps", name.application, "streams", name.stream}
			about, _, err := askOME[omeStream](ctx, a, in...)
			if isStatus(err, http.StatusNotFound) { // it has ended
				return nil
			}
			if err != nil {
				return err
			}
			stats, got, err := askOME[omeStats](ctx, a, append([]string{"stats", "current"}, in...)...)
			if err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			return o.add(&s, name, about, stats, got)
		})
	}
	if err := together(ctx, questions...); err != nil {
		return Snapshot{}, err
	}
	o.forget(&s)
	return s, nil
}

// omePlayout returns the protocol of players for what the server calls its connections, "" for what went to no player.
func omePlayout(name string) string {
	switch name {
	case "file", "push", "ovt": // recordings, and other servers
		return ""
	case "hlsv3":
		return "hls"
	}
	return protocolName(name)
}

// add adds a stream to a snapshot.
func (o *ovenMediaEngine) add(s *Snapshot, name omeName, about *omeStream, stats *omeStats, got answer) error {
	if stats.CreatedTime == "" || stats.Connections == nil {
		return got.unknown("the statistics of OvenMediaEngine: they have no createdTime and connections")
	}
	stream := name.String()
	id := stream + " " + stats.CreatedTime
	c := Connection{
		ID: id, Stream: stream, StreamID: id, Publisher: true, Protocol: protocolName(about.Input.SourceType), Received: event.Absent, Sent: event.Absent,
	}
	if began, err := time.Parse(time.RFC3339, stats.CreatedTime); err == nil {
		c.Since = local(began, got.clock)
	}
	for _, track := range about.Input.Tracks {
		if v := track.Video; v.Codec != "" {
			c.Ingest.VideoCodec, c.Ingest.Width, c.Ingest.Height, c.Ingest.FrameRate = v.Codec, v.Width, v.Height, v.FrameRate
		}
		c.Ingest.AudioCodec = cmp.Or(c.Ingest.AudioCodec, track.Audio.Codec)
	}
	s.Connections = append(s.Connections, c)
	o.mu.Lock()
	defer o.mu.Unlock()
	numbers := map[string]int64{}
	for called, number := range stats.Connections {
		if protocol := omePlayout(called); protocol != "" {
			numbers[protocol] += max(number, 0)
		} else if number > 0 {
			o.mixed = with(o.mixed, id, true)
		}
	}
	total := Stream{Name: stream, ID: id, Received: counter(stats.BytesIn), Sent: counter(stats.BytesOut), Since: c.Since}
	if o.mixed[id] {
		total.Sent = event.Absent
	}
	s.Streams = append(s.Streams, total)
	for protocol, number := range numbers {
		if protocol == "thumbnail" { // of a page that shows what is on
			continue
		}
		named := o.known(stream, protocol, number)
		s.Connections = append(s.Connections, named...)
		players, err := nameless(stream, id, protocol, number-int64(len(named)))
		if err != nil {
			return fmt.Errorf("the answer of %s: %w", got.about, err)
		}
		s.Connections = append(s.Connections, players...)
	}
	return nil
}

// with sets a value of a map that may not be there yet.
func with[K comparable, V any](m map[K]V, key K, value V) map[K]V {
	if m == nil {
		m = map[K]V{}
	}
	m[key] = value
	return m
}

// known returns the players of a stream of whom webhooks told, at most as many as there are: the last ones, if the end of one was not told.
func (o *ovenMediaEngine) known(stream, protocol string, number int64) []Connection {
	all := o.players[streamKey{stream, protocol}]
	return all[max(int64(len(all))-number, 0):]
}

// closed forgets a player, if it was known.
func (o *ovenMediaEngine) closed(c *Connection) {
	key := streamKey{c.Stream, c.Protocol}
	before := len(o.players[key])
	left := slices.DeleteFunc(o.players[key], func(p Connection) bool { return p.ID == c.ID })
	o.open -= before - len(left)
	if len(left) == 0 {
		delete(o.players, key)
	} else {
		o.players[key] = left
	}
}

// forget forgets what was known of streams that have ended.
func (o *ovenMediaEngine) forget(s *Snapshot) {
	o.mu.Lock()
	defer o.mu.Unlock()
	ids := map[string]bool{}
	o.publishers = map[string]string{}
	for i := range s.Streams {
		ids[s.Streams[i].ID] = true
		o.publishers[s.Streams[i].Name] = s.Streams[i].ID
	}
	maps.DeleteFunc(o.mixed, func(id string, _ bool) bool { return !ids[id] })
	maps.DeleteFunc(o.players, func(key streamKey, gone []Connection) bool {
		ended := o.publishers[key.stream] == ""
		if ended {
			o.open -= len(gone)
		}
		return ended
	})
}

func (o *ovenMediaEngine) code(c *codec.Coder) {
	o.mu.Lock()
	defer o.mu.Unlock()
	mixed := slices.Sorted(maps.Keys(o.mixed))
	codec.List(c, &mixed, c.Unique)
	if c.Reading() {
		for _, id := range mixed {
			o.mixed = with(o.mixed, id, true)
		}
	}
}

// verify implements signed.
func (o *ovenMediaEngine) verify(c Config, r HookRequest) error {
	if c.HookSecret == "" {
		return errors.New("an AdmissionWebhook of OvenMediaEngine can be verified only if hookSecret of the server is its SecretKey")
	}
	mac := hmac.New(sha1.New, []byte(c.HookSecret))
	_, _ = mac.Write(r.Body) // it never fails
	said := strings.TrimRight(r.Header.Get("X-OME-Signature"), "=")
	if !hmac.Equal([]byte(said), []byte(base64.RawURLEncoding.EncodeToString(mac.Sum(nil)))) {
		return errors.New("the X-OME-Signature of an AdmissionWebhook is another one")
	}
	return nil
}

// hook decodes an AdmissionWebhook (https://docs.ovenmediaengine.com/access-control/admission-webhooks). Everything is admitted. The argument vhost of its URL is
// the virtual host that sends it, if that is not the default one.
func (o *ovenMediaEngine) hook(r HookRequest) ([]Hook, HookAnswer, error) { //nolint:unparam // as hooked wants it
	var m struct {
		Client struct {
			Address   string `json:"address"`
			Port      int    `json:"port"`
			RealIP    string `json:"real_ip"`
			UserAgent string `json:"user_agent"`
		} `json:"client"`
		Request struct {
			Direction string `json:"direction"`
			Protocol  string `json:"protocol"`
			Status    string `json:"status"`
			URL       string `json:"url"`
		} `json:"request"`
	}
	if err := json.Unmarshal(r.Body, &m); err != nil {
		return nil, HookAnswer{}, fmt.Errorf("decode an AdmissionWebhook of OvenMediaEngine: %w", err)
	}
	opening := m.Request.Status == "opening"
	reply := HookAnswer{Header: map[string]string{"Content-Type": "application/json"}, Body: "{}"}
	if opening {
		reply.Body = `{"allowed":true}`
	} else if m.Request.Status != "closing" {
		return nil, HookAnswer{}, errors.New("an AdmissionWebhook of OvenMediaEngine must have request.status, opening or closing")
	}
	asked, err := url.Parse(m.Request.URL)
	if err != nil {
		return nil, HookAnswer{}, errors.New("an AdmissionWebhook of OvenMediaEngine must have request.url") // which may hold a key
	}
	parts := strings.Split(strings.Trim(asked.Path, "/"), "/")
	if len(parts) < 2 {
		return []Hook{{Poll: true}}, reply, nil // as of SRT, which has the stream elsewhere
	}
	stream := omeName{cmp.Or(r.Query.Get("vhost"), omeDefaultHost), parts[0], parts[1]}.String()
	o.mu.Lock()
	defer o.mu.Unlock()
	if m.Request.Direction == "incoming" {
		if id := o.publishers[stream]; id != "" && !opening {
			return []Hook{{Action: Ended, Connection: Connection{ID: id}, Poll: true}}, reply, nil
		}
		return []Hook{{Poll: true}}, reply, nil
	}
	protocol := omePlayout(strings.ToLower(m.Request.Protocol))
	if m.Request.Direction != "outgoing" || protocol == "" || protocol == "thumbnail" {
		return nil, reply, nil
	}
	c := Connection{
		ID: fmt.Sprintf("%s %s %d %s", protocol, m.Client.Address, m.Client.Port, stream), Stream: stream, Protocol: protocol,
		Address: address(cmp.Or(m.Client.RealIP, m.Client.Address)), UserAgent: m.Client.UserAgent, Received: event.Absent, Sent: event.Absent,
	}
	o.closed(&c) // its port may come again
	if !opening {
		return []Hook{{Action: Closed, Connection: c}}, reply, nil
	}
	if o.open < maxNameless { // the rest count as players without a name
		key := streamKey{stream, protocol}
		o.players = with(o.players, key, append(o.players[key], c))
		o.open++
	}
	return []Hook{{Action: Opened, Connection: c}}, reply, nil
}
