package collector

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/config"
	"github.com/streamlens/streamlens/pkg/event"
	"github.com/streamlens/streamlens/pkg/ingest"
	"github.com/streamlens/streamlens/pkg/play"
	"github.com/streamlens/streamlens/pkg/vl"
	"github.com/streamlens/streamlens/pkg/vl/vltest"
)

// TestPlay sends a play as a beacon does and reads its record from the store, number by number.
func TestPlay(t *testing.T) {
	for _, users := range []bool{true, false} {
		t.Run(fmt.Sprint("users ", users), func(t *testing.T) {
			url := vltest.Start(t)
			plays, err := newPlayStore(config.Config{Plays: config.Plays{URL: url}}, http.DefaultClient, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			c := startWith(t, nil, func(o *ingest.Options) { o.Plays, o.KeepPlays = plays.target(), plays.kept() })
			c.server.KeepUsers = users
			at := time.Now().Add(-50 * time.Second).UnixMilli()
			body := fmt.Sprintf(`{"accountId":"acme","accountKey":"pk_acme","sessionId":"s-1","stream":"live","eventId":"final","userId":"u 1","cdn":"north 1",
				"client":{"kind":"h5live","version":"4.22.0"},"referrer":"https://site.example/watch","events":[
				{"seq":1,"ts":%d,"type":"load"},{"seq":2,"ts":%d,"type":"start"},
				{"seq":3,"ts":%d,"type":"stats","playing":9.5,"buffering":0.5,"latency":1.2,"bufferLength":0.8,"videoBitrate":2000000},
				{"seq":4,"ts":%d,"type":"stats","playing":10,"latency":1.4,"videoBitrate":1000000},
				{"seq":5,"ts":%d,"type":"status","code":"4400"},
				{"seq":6,"ts":%d,"type":"stop","reason":"destroy","playing":5}]}`, at, at+600, at+10_600, at+20_600, at+21_000, at+25_600)
			request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.URL+"/v1/events", strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36")
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			answer, err := io.ReadAll(response.Body)
			response.Body.Close()
			if err != nil || response.StatusCode != http.StatusAccepted {
				t.Fatalf("status %d, %s, %v", response.StatusCode, answer, err)
			}
			c.stop()
			if err := plays.client.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			rows, err := plays.client.Ask(t.Context(), vl.Question{From: time.UnixMilli(at), To: time.Now()})
			if err != nil || len(rows) != 1 {
				t.Fatalf("%v, %v", rows, err)
			}
			got, err := play.Read(rows[0])
			if err != nil {
				t.Fatal(err)
			}
			timeline, err := play.ReadTimeline(got.Timeline)
			if err != nil {
				t.Fatal(err)
			}
			got.Timeline = nil
			want := play.NewRecord()
			want.Organization, want.Session, want.Direction, want.Stream, want.Event, want.User = "acme", "s-1", "playout", "live", "final", "u 1"
			if !users {
				want.User = ""
			}
			want.Address, want.Country, want.Referrer, want.Collector = "127.0.0.1", "ZZ", "site.example", "c"
			want.OS, want.Browser, want.Device, want.Player, want.Protocol = "Linux", "Chrome", "desktop", "h5live 4.22.0", "h5live"
			want.CDN = "north 1"
			want.Begin, want.Start, want.End, want.StartTime, want.Played = at, at+600, at+25_600, 600, 25_000
			want.Playing, want.Buffering, want.Paused, want.LongestStall = 24_500, 500, 0, 500
			want.BitrateMean, want.BitrateLeast, want.BitrateMost = (2_000_000*9_500+1_000_000*10_000)/19_500, 1_000_000, 2_000_000
			want.LatencyMean, want.LatencyMost, want.Errors, want.Fatal, want.Code, want.Stop = 1_300, 1_400, 1, 0, "4400", "destroy"
			want.Outcome, want.Quality = "played", "fair"
			if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
				t.Errorf("the record is %+v\nwant %+v", got, want)
			}
			if n := rows[0][string(play.BufferShare)]; n != "20000" {
				t.Errorf("buf_ppm is %s, want 20000", n)
			}
			const none = event.Absent
			entries := []play.Entry{
				{End: at + 10_600, Playing: 9_500, Buffering: 500, Bitrate: 2_000_000, Height: none, Latency: 1_200, BufferLength: 800},
				{End: at + 20_600, Playing: 10_000, Bitrate: 1_000_000, Height: none, Latency: 1_400, BufferLength: none},
				{End: at + 25_600, Playing: 5_000, Bitrate: none, Height: none, Latency: none, BufferLength: none},
			}
			moments := []play.Moment{{Time: at + 21_000, Kind: play.Status, Text: "4400"}}
			if !slices.Equal(timeline.Entries, entries) || !slices.Equal(timeline.Moments, moments) {
				t.Errorf("the timeline is %+v\nwant %+v %+v", timeline, entries, moments)
			}
		})
	}
}

func TestPlayStoreSaysWhatIsWrong(t *testing.T) {
	for name, tt := range map[string]struct {
		url  string
		want string
	}{
		"nothing answers": {"http://127.0.0.1:1", "VictoriaLogs cannot be reached"},
		"kept too short":  {vltest.StartServer(t, "-inmemoryDataFlushInterval=1s").URL, "-retentionPeriod=30d"},
		"as it should be": {vltest.Start(t), ""},
	} {
		store, err := newPlayStore(config.Config{Plays: config.Plays{URL: tt.url}}, http.DefaultClient, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		store.look(t.Context())
		if got := strings.Join(store.warnings(), " "); (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}
