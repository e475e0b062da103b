package usage

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/event"
	"github.com/streamlens/streamlens/pkg/measure"
)

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"ts":1763800000000,"stream":"XXXXX-YYYYY","direction":"playout","protocol":"HLS","bytes":812345,"ip":"81.2.69.142",
"referrer":"https://site.example/watch","id":"k"}`))
	f.Add([]byte("{\"ts\":1763800000000,\"stream\":\"s\",\"direction\":\"ingest\",\"protocol\":\"rtmp\",\"bytes\":0,\"ip\":\"fe80::1%eth0\"}\n\n[]\n{}\nx"))
	const received, maxAge = 1_763_800_016_000, 400 * 24 * time.Hour
	f.Fuzz(func(t *testing.T, body []byte) {
		lines, refused := new(Decoder).Decode(body, received, maxAge)
		if most := bytes.Count(body, []byte("\n")) + 1; len(lines)+len(refused) > most {
			t.Errorf("%d lines and %d refusals of %d lines", len(lines), len(refused), most)
		}
		for _, refusal := range refused {
			if refusal.Reason == "" || refusal.Error == "" || !strings.HasPrefix(refusal.Field, "line[") {
				t.Errorf("a line is refused as %+v", refusal)
			}
		}
		for _, u := range lines {
			if u.Bytes < 0 || u.Bytes > event.MaxBytes || u.Time > received+event.MaxFuture || u.Time < received-maxAge.Milliseconds() ||
				u.Direction != measure.Playout && u.Direction != measure.Ingest || u.Stream == "" || u.Protocol != strings.ToLower(u.Protocol) {
				t.Errorf("decoded %+v", u)
			}
			for _, text := range []string{u.Stream, u.Protocol, u.ID} {
				if !event.ValidText(text, event.MaxNameBytes) {
					t.Errorf("decoded the text %q", text)
				}
			}
			if _, err := netip.ParseAddr(u.Address); err != nil && u.Address != "" {
				t.Errorf("decoded the address %q", u.Address)
			}
		}
	})
}
