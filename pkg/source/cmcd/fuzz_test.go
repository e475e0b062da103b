package cmcd

import (
	"testing"

	"github.com/streamlens/streamlens/pkg/event"
)

func FuzzDecodeRequest(f *testing.F) {
	f.Add(`bl=2100,cid="a",sf=h,sid="6e2fb550-c457-11e9-bb97-0800200c9a66",st=l,com.streamlens-tags="a b"`, "", "", "", "")
	f.Add("", "br=3200,d=4004,ot=v,tb=6000", "bl=2100,mtp=25400", `cid="a",sf=d,sid="s",v=2`, "bs,rtp=15000")
	f.Add("v=3", `"`, "(", ",,=", "\xff")
	f.Fuzz(func(t *testing.T, query, object, request, session, status string) {
		r, err := DecodeRequest(Carrier{query, object, request, session, status})
		if err != nil {
			return
		}
		if !event.ValidText(r.Session, event.MaxNameBytes) || !event.ValidText(r.Stream, event.MaxNameBytes) ||
			!event.ValidText(r.EventID, event.MaxTextBytes) || !event.ValidText(r.Client, event.MaxTextBytes) ||
			r.Event.Time != 0 || r.Event.Seq != event.Unnumbered || r.Event.BufferLength > event.MaxDuration {
			t.Errorf("decoded %+v", r)
		}
		for _, tag := range r.Tags {
			if tag == "" || !event.ValidText(tag, event.MaxTextBytes) {
				t.Errorf("decoded the tag %q", tag)
			}
		}
	})
}
