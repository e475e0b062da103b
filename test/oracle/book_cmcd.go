package oracle

import (
	"cmp"
	"math"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// keys are the keys of one set of CMCD, with their values as they are written.
type keys map[string]string

// readKeys takes a set of CMCD apart. Without a single key it is none.
func readKeys(text string) (keys, bool) {
	k := keys{}
	start, inText, depth := 0, false, 0
	end := func(at int) {
		name, value, _ := strings.Cut(text[start:at], "=")
		if name != "" && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz.-") == "" {
			k[name] = value
		}
		start = at + 1
	}
	for at := 0; at < len(text); at++ {
		switch c := text[at]; {
		case inText && c == '\\':
			at++
		case c == '"':
			inText = !inText
		case inText:
		case c == '(':
			depth++
		case c == ')':
			depth--
		case c == ',' && depth == 0:
			end(at)
		}
	}
	end(len(text))
	return k, len(k) > 0
}

// text is the value of a key without quotation marks.
func (k keys) text(name string) string {
	value := k[name]
	if len(value) > 1 && value[0] == '"' {
		value = strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(value[1 : len(value)-1])
	}
	return value
}

// number is the least number of the list or the number that a key has, rounded,
// nil if it has none.
func (k keys) number(name string) *int64 {
	var least *int64
	for _, item := range strings.Fields(strings.Trim(k[name], "()")) {
		item, _, _ = strings.Cut(item, ";")
		x, err := strconv.ParseFloat(item, 64)
		if n := int64(math.Round(x)); err == nil && n >= 0 && (least == nil || n < *least) {
			least = &n
		}
	}
	return least
}

// bitrate is that of the video in bit/s, by the key pb or else br, which have
// numbers of kbit/s: that of the item with a v, else the greatest without an a.
func (k keys) bitrate() *int64 {
	if k.text("ot") == "a" {
		return nil
	}
	for _, name := range []string{"pb", "br"} {
		greatest := int64(0)
		for _, item := range strings.Fields(strings.Trim(k[name], "()")) {
			text, kind, _ := strings.Cut(item, ";")
			x, err := strconv.ParseFloat(text, 64)
			if err != nil || kind == "a" {
				continue
			}
			if kind == "v" {
				greatest = int64(math.Round(x))
				break
			}
			greatest = max(greatest, int64(math.Round(x)))
		}
		if greatest > 0 {
			return new(greatest * 1000)
		}
	}
	return nil
}

// moment is what a set of keys says, at the time at.
func (k keys) moment(at int64) moment {
	m := moment{at: at, state: k.text("sta"), startTime: k.number("msd"), bufferLength: k.number("bl"), latency: k.number("ltc"), bitrate: k.bitrate()}
	if k.text("e") == "e" {
		m.code = "unknown"
		if ec := strings.Trim(k["ec"], "()"); ec != "" {
			m.code = strings.ReplaceAll(ec, `"`, "")
		}
	}
	switch {
	case m.state == "f":
		m.reason = "playbackerror"
	case m.state == "e" && strings.HasPrefix(k.text("st"), "l"):
		m.reason = "sourcestreamstopped"
	case m.state == "e" || m.state == "q":
		m.reason = "normal"
	}
	return m
}

// cdn is which network delivers: as the page names it, else the host that the
// player fetches from.
func (k keys) cdn() string {
	return cmp.Or(k.text("com.streamlens-cdn"), strings.ToLower(k.text("h")))
}

// method is the method of delivery that the keys name, or the other one.
func (k keys) method(otherwise string) string {
	return cmp.Or(map[string]string{"h": "hls", "d": "dash"}[k.text("sf")], otherwise)
}

// deliverReports books a request of CMCD in event mode.
func (b *Book) deliverReports(reports *Reports, header http.Header, body []byte, at time.Time) (Verdict, error) {
	organization, status := b.account(reports.Account, reports.Key, header.Get("Origin"))
	if status != http.StatusAccepted {
		return Verdict{Status: http.StatusGone}, nil
	}
	var good []keys
	newest := int64(0)
	for line := range strings.Lines(string(body)) {
		k, ok := readKeys(strings.TrimSpace(line))
		version, ts := k.number("v"), k.number("ts")
		if !ok || k["e"] == "" || ts == nil || k["sid"] == "" || version != nil && *version > 2 {
			continue
		}
		good = append(good, k)
		newest = max(newest, *ts)
	}
	if len(good) == 0 {
		return Verdict{Status: http.StatusBadRequest}, nil
	}
	key := sessionKey{organization.ID, good[0].text("sid")}
	p, correction := b.players[key], clockCorrection(newest, at)
	if p != nil && !p.logged {
		correction = p.correction
	}
	var moments []moment
	for _, k := range good {
		m := k.moment(*k.number("ts") + correction)
		if sn := k.number("sn"); sn != nil {
			m.seq = *sn + 1
		}
		if now := at.UnixMilli(); m.at <= now+60_000 && m.at >= now-7*24*3600_000 {
			moments = append(moments, m)
		}
	}
	if len(moments) == 0 {
		return Verdict{Status: http.StatusBadRequest}, nil
	}
	cdn := ""
	for _, k := range good {
		cdn = cmp.Or(cdn, k.cdn())
	}
	if p == nil {
		p = newPlayer(good[0], reports.Parameters)
		p.describe(organization, clientAddress(header), header.Get("User-Agent"), header.Get("Referer"))
		p.logged, p.plays[0].cdn = true, cdn // for the moment
		b.players[key] = p
	}
	if p.logged { // now the player itself tells
		own := newPlayer(good[0], reports.Parameters)
		p.interval, p.timeoutAfter, p.correction = own.interval, own.timeoutAfter, correction
		p.logged = false
		first := p.plays[0]
		p.plays = []*statePlay{{logged: first.inOrder(), begin: first.begin, cdn: first.cdn, moments: map[int64]moment{}}}
		b.watching[p.by] = true
	}
	p.cdn = cdn
	return Verdict{Status: http.StatusNoContent, Accepted: len(moments)}, p.receive(moments, at)
}

// describe adds who watches.
func (p *player) describe(organization Organization, address netip.Addr, userAgent, referrer string) {
	ua := userAgentOf(userAgent)
	p.organization, p.os, p.browser, p.device = organization.ID, ua.os, ua.browser, ua.device
	p.judge = organization.judge()
	p.by = watcher{organization.ID, p.stream, address.Unmap().String(), userAgent}
	p.country, p.referrer = unknownCountry, hostOf(referrer)
	if address.IsValid() {
		network := networkOf(address)
		p.country, p.region, p.operator = network.country, network.region, network.operator
		p.ip = organization.storedAddress(address)
	}
}

// newPlayer is the session that a first line and the URL describe.
func newPlayer(k keys, parameters url.Values) *player {
	client := cmp.Or(k.text("com.streamlens-client"), parameters.Get("client"), "cmcd")
	interval, err := strconv.ParseInt(cmp.Or(parameters.Get("interval"), "30"), 10, 64)
	if err != nil {
		panic(err) // the generator writes numbers
	}
	return &player{
		place: place{
			stream:   cmp.Or(k.text("cid"), parameters.Get("stream")),
			event:    cmp.Or(k.text("com.streamlens-event"), parameters.Get("event")),
			version:  client,
			protocol: k.method(methodOf(strings.Fields(client)[0])),
		},
		interval:     interval * 1000,
		timeoutAfter: 3 * time.Duration(interval) * time.Second,
		plays:        []*statePlay{newStatePlay()},
	}
}

// waiting is until when sessions of players may change without a further
// request.
func (b *Book) waiting() time.Time {
	var until time.Time
	for _, p := range b.players {
		if end := p.lastReceipt.Add(p.timeoutAfter); !p.isComplete() && end.After(until) {
			until = end
		}
	}
	return until
}

// tells says whether the session of that id tells enough of itself.
func (b *Book) tells(organization, id string) bool {
	p := b.players[sessionKey{organization, id}]
	return p != nil && p.tells()
}

// loggedMoments adds what requests for media told of a player, in the order of
// their times.
func (p *player) loggedMoments(moments []moment, at time.Time) error {
	if !p.logged { // it reports itself
		return nil
	}
	slices.SortStableFunc(moments, func(a, b moment) int { return cmp.Compare(a.at, b.at) })
	return p.receive(moments, at)
}
