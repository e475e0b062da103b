package mediaserver

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/streamlens/streamlens/pkg/event"
)

// The key and secret of the LiveKit whose answers are in testdata.
const liveKitKey, liveKitSecret = "APIdevkey", "secretsecretsecretsecretsecret12"

// liveKitWebhook is a webhook as LiveKit 1.9.11 posted it.
type liveKitWebhook struct {
	HookRequest
	at time.Time // when it was made, to the second
}

// liveKitWebhooks returns those of one run.
func liveKitWebhooks(t testing.TB) []liveKitWebhook {
	t.Helper()
	var all []liveKitWebhook
	for line := range bytes.Lines(told(t, "livekit", "webhooks.txt")) {
		token, body, _ := bytes.Cut(bytes.TrimSuffix(line, []byte("\n")), []byte(" "))
		var made struct {
			CreatedAt int64 `json:"createdAt,string"`
		}
		if err := json.Unmarshal(body, &made); err != nil {
			t.Fatal(err)
		}
		r := HookRequest{Header: http.Header{"Authorization": {string(token)}}, Body: body}
		all = append(all, liveKitWebhook{r, time.Unix(made.CreatedAt, 0)})
	}
	return all
}

// liveKitServer returns a server that is not asked anything.
func liveKitServer(t testing.TB, secret string) *polled {
	t.Helper()
	server, err := New(Config{Type: TypeLiveKit, URL: "http://server.invalid:7880", Username: liveKitKey, Password: secret})
	if err != nil {
		t.Fatal(err)
	}
	return server.(*polled)
}

// TestLiveKitSignature checks the signatures of a real LiveKit, when they hold and when they do not.
func TestLiveKitSignature(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		webhooks := liveKitWebhooks(t)
		good := webhooks[1] // a participant joins
		time.Sleep(time.Until(good.at))
		signed := func(method jwt.SigningMethod, key any, claims jwt.MapClaims) HookRequest {
			token, err := jwt.NewWithClaims(method, claims).SignedString(key)
			if err != nil {
				t.Fatal(err)
			}
			return HookRequest{Header: http.Header{"Authorization": {token}}, Body: good.Body}
		}
		sum := sha256.Sum256(good.Body)
		claims := jwt.MapClaims{"iss": liveKitKey, "exp": good.at.Unix() + 300, "sha256": base64.StdEncoding.EncodeToString(sum[:])}
		with := func(name string, value any) jwt.MapClaims {
			changed := jwt.MapClaims{name: value}
			for key, value := range claims {
				if _, ok := changed[key]; !ok {
					changed[key] = value
				}
			}
			return changed
		}
		secret := []byte(liveKitSecret)
		for _, test := range []struct {
			name   string
			secret string
			r      HookRequest
			taken  bool
		}{
			{"as it came", liveKitSecret, good.HookRequest, true},
			{"the same by this test", liveKitSecret, signed(jwt.SigningMethodHS256, secret, claims), true},
			{"another secret", "other", good.HookRequest, false},
			{"no secret is configured", "", good.HookRequest, false},
			{"no secret is configured, and none signs", "", signed(jwt.SigningMethodHS256, []byte{}, claims), false},
			{"no signature", liveKitSecret, HookRequest{Body: good.Body}, false},
			{"the signature of another", liveKitSecret, HookRequest{Header: webhooks[0].Header, Body: good.Body}, false},
			{"a changed body", liveKitSecret, HookRequest{Header: good.Header, Body: append(bytes.Clone(good.Body), ' ')}, false},
			{"a token without the hash", liveKitSecret, signed(jwt.SigningMethodHS256, secret, jwt.MapClaims{"iss": liveKitKey, "exp": good.at.Unix() + 300}), false},
			{"a token of another key", liveKitSecret, signed(jwt.SigningMethodHS256, secret, with("iss", "other")), false},
			{"a token that has expired", liveKitSecret, signed(jwt.SigningMethodHS256, secret, with("exp", good.at.Unix()-61)), false},
			{"a token for ever", liveKitSecret, signed(jwt.SigningMethodHS256, secret, with("exp", nil)), false},
			{"another algorithm", liveKitSecret, signed(jwt.SigningMethodHS512, secret, claims), false},
			{"no algorithm", liveKitSecret, signed(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, claims), false},
		} {
			hooks, _, err := liveKitServer(t, test.secret).hook(test.r)
			if test.taken && (err != nil || len(hooks) != 1) || !test.taken && (!errors.Is(err, ErrSignature) || hooks != nil) {
				t.Errorf("%s: %+v, %v", test.name, hooks, err)
			}
			if err != nil && test.secret != "" && strings.Contains(err.Error(), test.secret) {
				t.Errorf("%s: the error names the secret: %v", test.name, err)
			}
		}
	})
}

// TestLiveKitWebhooks gives the webhooks of one run to a Differ with snapshots between which everybody came and went: who watched and who
// published counts by them alone, with their times.
func TestLiveKitWebhooks(t *testing.T) {
	webhooks := liveKitWebhooks(t)
	begin := webhooks[0].at.Add(-time.Second)
	d := NewDiffer("acme", "server", 10*time.Second, begin)
	d.Next(Snapshot{Time: begin})
	p := &Poller{differ: d}
	for _, w := range webhooks {
		hooks, _, err := liveKit{}.hook(w.HookRequest)
		if err != nil {
			t.Fatalf("%v\n%s", err, w.Body)
		}
		for _, h := range hooks {
			h.At = w.at
			p.take(h)
		}
	}
	got := d.Next(Snapshot{Time: webhooks[len(webhooks)-1].at.Add(time.Second)})
	viewers := map[event.ViewerKey]bool{}
	for _, u := range got.Usage {
		if u.Bytes != 0 || u.Stream != "arena" || u.Protocol != "webrtc" || u.Viewer == 0 || u.Address != "" {
			t.Errorf("usage %+v", u)
		}
		viewers[u.Viewer] = true
	}
	if len(viewers) != 4 || len(got.Usage) != 5 {
		t.Errorf("%d viewers who came %d times, want 4 who came 5 times", len(viewers), len(got.Usage))
	}
	onAir := map[int64]int{} // broadcasts by their length in s
	for _, b := range got.Broadcasts {
		for _, e := range b.Events {
			if e.Type == event.Stop {
				onAir[e.Played/1000]++
			}
		}
	}
	// One more ended with the server, which did not say so.
	if want := map[int64]int{48: 1, 2: 1, 30: 1}; !maps.Equal(onAir, want) {
		t.Errorf("broadcasts by their length: %v, want %v", onAir, want)
	}
	if again := d.Next(Snapshot{Time: webhooks[len(webhooks)-1].at.Add(11 * time.Second)}); len(again.Usage)+len(again.Broadcasts) != 0 {
		t.Errorf("it counts again: %+v", again)
	}
}

func TestLiveKitHookRefuses(t *testing.T) {
	for _, body := range []string{`<`, `{}`, `{"event":"participant_joined"}`, `{"event":"participant_left","participant":{"sid":"PA_a"}}`} {
		if hooks, _, err := (liveKit{}).hook(HookRequest{Body: []byte(body)}); err == nil {
			t.Errorf("%s is taken: %+v", body, hooks)
		}
	}
	for _, body := range []string{
		`{"event":"room_started","room":{"name":"a"}}`, `{"event":"news"}`,
		`{"event":"track_published","room":{"name":"a"},"participant":{"sid":"PA_a"},"track":{"type":"DATA"}}`,
	} {
		if hooks, _, err := (liveKit{}).hook(HookRequest{Body: []byte(body)}); err != nil || hooks != nil {
			t.Errorf("%s: %+v, %v", body, hooks, err)
		}
	}
}

// TestLiveKitParticipants checks who counts as what.
func TestLiveKitParticipants(t *testing.T) {
	const joined, published = 1795944200, "1795944201000000"
	video := `{"type":"VIDEO","mime_type":"video/VP8","width":640,"height":360,"version":{"unix_micro":"` + published + `"}}`
	for _, test := range []struct {
		name, text string
		want       Connection
	}{
		{"one who watches", `{"sid":"PA_a","identity":"anna","state":"ACTIVE","kind":"STANDARD","joined_at":"1795944200"}`,
			Connection{Identity: "anna", Since: time.Unix(joined, 0)}},
		{"one who has just joined, and may be about to publish", `{"sid":"PA_a","identity":"anna","state":"ACTIVE","joined_at":"1795944200","joined_at_ms":"1795944200001"}`, Connection{}},
		{"one who publishes at once", `{"sid":"PA_a","identity":"anna","state":"ACTIVE","joined_at":"1795944202","tracks":[` + video + `]}`,
			Connection{Identity: "anna", Publisher: true, Since: time.Unix(joined+1, 0), Ingest: Ingest{VideoCodec: "VP8", Width: 640, Height: 360}}},
		{"one who is not connected yet", `{"sid":"PA_a","identity":"anna","state":"JOINED","kind":"STANDARD"}`, Connection{}},
		{"one who publishes", `{"sid":"PA_a","identity":"anna","state":"ACTIVE","kind":"STANDARD","joined_at":"1795944200","tracks":[` + video + `]}`,
			Connection{Identity: "anna", Publisher: true, Since: time.Unix(joined+1, 0), Ingest: Ingest{VideoCodec: "VP8", Width: 640, Height: 360}}},
		{"sound that came before a picture that was changed later", `{"sid":"PA_a","identity":"anna","state":"ACTIVE","tracks":[
			{"type":"VIDEO","mime_type":"video/H264","version":{"unix_micro":"1795944299000000"}},{"type":"AUDIO","mime_type":"audio/opus","version":{"unix_micro":"` + published + `"}}]}`,
			Connection{Identity: "anna", Publisher: true, Since: time.Unix(joined+1, 0), Ingest: Ingest{VideoCodec: "H264", AudioCodec: "opus"}}},
		{"data alone", `{"sid":"PA_a","identity":"anna","state":"ACTIVE","tracks":[{"type":"DATA"}]}`, Connection{Identity: "anna"}},
		{"an ingress", `{"sid":"PA_a","identity":"obs","state":"ACTIVE","kind":"INGRESS","tracks":[` + video + `]}`,
			Connection{Identity: "obs", Client: "ingress", Publisher: true, Relay: true, Since: time.Unix(joined+1, 0), Ingest: Ingest{VideoCodec: "VP8", Width: 640, Height: 360}}},
		{"an egress", `{"sid":"PA_a","identity":"EG_1","state":"ACTIVE","kind":"EGRESS"}`, Connection{Identity: "EG_1", Client: "egress", Relay: true}},
		{"a recorder of before there were kinds", `{"sid":"PA_a","identity":"EG_1","state":"ACTIVE","permission":{"recorder":true}}`, Connection{Identity: "EG_1", Relay: true}},
		{"an agent who only listens", `{"sid":"PA_a","identity":"bot","state":"ACTIVE","kind":"AGENT"}`, Connection{Identity: "bot", Client: "agent", Relay: true}},
		{"one on the telephone", `{"sid":"PA_a","identity":"+49","state":"ACTIVE","kind":"SIP"}`, Connection{Identity: "+49", Client: "sip"}},
		{"one without a name", `{"sid":"PA_a","state":"ACTIVE"}`, Connection{Identity: "PA_a"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var list liveKitParticipants
			if err := decodeLiveKit(answer{body: []byte(`{"participants":[` + test.text + `]}`)}, &list); err != nil {
				t.Fatal(err)
			}
			var want []Connection
			if test.want.Identity != "" {
				test.want.ID, test.want.Stream, test.want.Protocol, test.want.Received, test.want.Sent = "PA_a", "arena", "webrtc", event.Absent, event.Absent
				want = []Connection{test.want}
			}
			got := liveKitConnections("arena", list, time.Unix(joined+2, 0), 0)
			if len(got) != len(want) || len(got) == 1 && got[0] != want[0] {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
}

// TestLiveKitAsks checks the tokens by which LiveKit lets itself be asked: of the configured key, for the room that is asked for.
func TestLiveKitAsks(t *testing.T) {
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var claims struct {
			jwt.RegisteredClaims
			Video struct {
				RoomList, RoomAdmin bool
				Room                string
			} `json:"video"`
		}
		text, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		_, err := jwt.ParseWithClaims(text, &claims, func(*jwt.Token) (any, error) { return []byte(liveKitSecret), nil },
			jwt.WithValidMethods([]string{"HS256"}), jwt.WithIssuer(liveKitKey), jwt.WithExpirationRequired())
		var question struct{ Room string }
		if decodeErr := json.NewDecoder(r.Body).Decode(&question); decodeErr != nil {
			t.Error(decodeErr)
		}
		list := strings.HasSuffix(r.URL.Path, "/ListRooms")
		if err != nil || list != claims.Video.RoomList || list == claims.Video.RoomAdmin || question.Room != claims.Video.Room {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if list {
			_, _ = w.Write([]byte(`{"rooms":[{"name":"a"},{"name":"b/ü\""}]}`))
			return
		}
		writeJSON(w, object{"participants": []object{{"sid": "PA_" + question.Room, "state": "ACTIVE"}}})
	}))
	defer web.Close()
	c := Config{Type: TypeLiveKit, URL: web.URL, Username: liveKitKey, Password: liveKitSecret}
	s, err := poll(t, c)
	if err != nil || len(s.Connections) != 2 {
		t.Errorf("%+v, %v", s, err)
	}
	c.Password = "other"
	if _, err := poll(t, c); reasonOf(err) != ReasonAuth {
		t.Errorf("with another secret: %v", err)
	}
}

// TestDifferCountsPeople checks who counts of a server that counts no bytes.
func TestDifferCountsPeople(t *testing.T) {
	guest := func(id, identity string) Connection {
		return Connection{ID: id, Stream: "arena", Protocol: "webrtc", Identity: identity, Received: event.Absent, Sent: event.Absent}
	}
	host := guest("PA_3", "host")
	host.Publisher, host.Since = true, after(23)
	d := testDiffer()
	var first []event.ViewerKey
	for i, step := range []struct {
		name        string
		before      func()
		connections []Connection
		viewers     int // lines
		onAir       int64
	}{
		{name: "two watch", connections: []Connection{guest("PA_1", "anna"), guest("PA_2", "ben")}, viewers: 2},
		{name: "one of them by another connection", connections: []Connection{guest("PA_1", "anna"), guest("PA_4", "ben")}, viewers: 2},
		{name: "one who watched publishes and leaves before a snapshot sees that", before: func() {
			d.Opened(guest("PA_3", "host"))
			d.Next(Snapshot{Time: after(21), Connections: []Connection{guest("PA_3", "host")}})
			d.Opened(host)
			d.Closed("PA_3", event.Absent, event.Absent, after(28))
		}, onAir: 5000},
		{name: "one who came and went", before: func() {
			d.Opened(guest("PA_5", "chris"))
			d.Closed("PA_5", event.Absent, event.Absent, after(39))
		}, viewers: 1},
		{name: "and is not counted again"},
		{name: "one who was sent nothing, of a server that counts", before: func() {
			d.Opened(guest("PA_7", "eve"))
			d.Closed("PA_7", 0, 0, after(55))
		}},
		{name: "a hook comes late", before: func() {
			d.Opened(guest("PA_6", "dora"))
			d.Closed("PA_6", event.Absent, event.Absent, after(70.5))
		}},
		{name: "and counts with the next snapshot", viewers: 1},
		{name: "and no more"},
	} {
		if step.before != nil {
			step.before()
		}
		got := d.Next(Snapshot{Time: after(float64(10 * (i + 1))), Connections: step.connections})
		var viewers []event.ViewerKey
		for _, u := range got.Usage {
			viewers = append(viewers, u.Viewer)
		}
		var onAir int64
		for _, b := range got.Broadcasts {
			for _, e := range b.Events {
				if e.Type == event.Stop {
					onAir += e.Played
				}
			}
		}
		if len(viewers) != step.viewers || slices.Contains(viewers, 0) || onAir != step.onAir {
			t.Errorf("%s: viewers %v, %d ms on air, want %d and %d", step.name, viewers, onAir, step.viewers, step.onAir)
		}
		switch i {
		case 0:
			first = viewers
		case 1:
			if !slices.Equal(viewers, first) || first[0] == first[1] {
				t.Errorf("the same people are %v and then %v", first, viewers)
			}
		}
	}
}
