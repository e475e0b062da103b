package oracle

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
)

// visit is a request for a file before a server writes it into its log.
type visit struct {
	at, bytes, status   int64 // ms since 1970, bytes, HTTP
	method              string
	path, cmcd          string // without escapes
	address             string
	referrer, userAgent string
}

// target is the target of the request.
func (v visit) target() string {
	path := (&url.URL{Path: v.path}).EscapedPath()
	if v.cmcd == "" {
		return path
	}
	return path + "?token=a%26b&CMCD=" + strings.ReplaceAll(url.QueryEscape(v.cmcd), "+", "%20")
}

// line writes the request as a server does.
func (v visit) line(g *Generator, format string) string {
	at := time.UnixMilli(v.at)
	var line any
	switch format {
	case "nginx-combined":
		orHyphen := func(s string) string { return cmp.Or(strings.ReplaceAll(s, `"`, `\x22`), "-") }
		zone := time.FixedZone("", pick(g, []int{0, 0, 5*3600 + 1800, -8 * 3600}))
		return fmt.Sprintf(`%s - - [%s] "%s %s HTTP/1.1" %03d %d "%s" "%s"`, orHyphen(v.address), at.In(zone).Format("02/Jan/2006:15:04:05 -0700"),
			v.method, v.target(), v.status, v.bytes, orHyphen(v.referrer), orHyphen(v.userAgent))
	case "nginx-json":
		line = map[string]any{"msec": fmt.Sprintf("%d.%03d", v.at/1000, v.at%1000), "remote_addr": v.address, "request_method": v.method,
			"request_uri": v.target(), "status": fmt.Sprint(v.status), "bytes_sent": fmt.Sprint(v.bytes), "http_referer": v.referrer,
			"http_user_agent": v.userAgent}
	default:
		end := pick(g, []any{at.UTC().Format("2006-01-02T15:04:05Z"), at.UnixNano(), at.Unix()})
		line = map[string]any{"EdgeEndTimestamp": end, "EdgeStartTimestamp": at.UnixNano() - 5_000_000_000, "ClientIP": v.address,
			"ClientRequestMethod": v.method, "ClientRequestURI": v.target(), "EdgeResponseStatus": v.status, "EdgeResponseBytes": v.bytes,
			"ClientRequestReferer": v.referrer, "ClientRequestUserAgent": v.userAgent}
	}
	text, err := json.Marshal(line)
	if err != nil {
		panic(err) // a map of strings and numbers
	}
	return string(text)
}

func logFormats() []string { return []string{"nginx-combined", "nginx-json", "cloudflare"} }

// fileNames are those streams whose names can stand before the number of a
// segment: of aBcDe-00001 all could be hexadecimal.
func fileNames() []string {
	return []string{"xYzZy-10001", "xYzZy-10002", "cam.1", "camX1", `café "1", {2}|.*`}
}

// file is the path of a segment of a stream, or of a list of them.
func (g *Generator) file(stream string, media bool) string {
	number := g.between(0, 99_999)
	protocol := pick(g, []string{"hls", "dash"})
	if !media {
		paths := []string{"/live/" + stream + "/index.m3u8", "/live/" + stream + "/720p/index.m3u8", "/dash/" + stream + "/manifest.mpd"}
		if slices.Contains(fileNames(), stream) {
			paths = append(paths, "/hls/"+stream+".m3u8")
		}
		return pick(g, paths)
	}
	paths := []string{
		fmt.Sprintf("/live/%s/720p/seg%d.ts", stream, number), fmt.Sprintf("/%s/%s/audio/seg%d.aac", protocol, stream, number),
		fmt.Sprintf("/live/%s/seg%d.ts", stream, number), fmt.Sprintf("/hls/%s/audio/segment_%05d.m4a", stream, number),
		"/hls/" + stream + "/init.mp4", fmt.Sprintf("/dash/%s/chunk-stream0-%05d.m4s", stream, number),
	}
	if slices.Contains(fileNames(), stream) {
		paths = append(paths, fmt.Sprintf("/hls/%s-%d.ts", stream, number))
	}
	return pick(g, paths)
}

// loggedAddress is an address that no player has.
func (g *Generator) loggedAddress() netip.Addr {
	if g.chance(0.05) {
		return netip.AddrFrom4([4]byte{8, 8, 8, byte(g.between(1, 254))})
	}
	network := pick(g, networks()).prefix
	if bytes := network.Addr().As16(); network.Addr().Is6() {
		for i := 8; i < 15; i++ {
			bytes[i] = byte(g.between(1, 255))
		}
		return netip.AddrFrom16(bytes)
	}
	bytes := network.Addr().As4()
	bytes[3] = 255 // the others end with less
	return netip.AddrFrom4(bytes)
}

// visits makes up the requests of some viewers who watch a stream for some
// minutes at one address with one browser.
func (g *Generator) visits(organization string) []visit {
	age := g.between(0, 130*3600_000)
	switch x := g.random.Float64(); {
	case x < 0.15:
		age = g.between(0, 300*24*3600_000)
	case x < 0.6:
		age = g.between(-5000, 90*60_000)
	}
	at := g.base.UnixMilli() - age
	from := visit{
		method: http.MethodGet, referrer: pick(g, append(referrers(), "")), userAgent: fmt.Sprintf("%s n%d", pick(g, userAgents()).header, g.random.Uint32()),
	}
	if g.chance(0.95) {
		from.address = g.loggedAddress().String()
	}
	stream := pick(g, streams())
	kind := pick(g, []string{"silent", "silent", "version 1", "two of version 1", "version 2"})
	var sids []string
	switch kind {
	case "version 1":
		sids = []string{g.sessionID(organization)}
	case "two of version 1":
		sids = []string{g.sessionID(organization), g.sessionID(organization)}
	case "version 2":
		// Its operating system and browser count.
		sids, from.userAgent = []string{g.sessionID(organization)}, pick(g, userAgents()).header
		for from.address = ""; !strings.Contains(from.address, ":"); {
			from.address = g.loggedAddress().String()
		}
	}
	var visits []visit
	state, description := "", map[string]string{}
	if g.chance(0.3) {
		description["com.streamlens-event"] = quotedText(pick(g, []string{"summit", "cup.final"}))
	}
	if g.chance(0.3) {
		description["com.streamlens-client"] = quotedText("hlsjs 1.7.4")
	}
	if g.chance(0.3) {
		description["h"] = quotedText(pick(g, hosts()))
	}
	for range 1 + g.random.IntN(20) {
		v := from
		if g.chance(0.04) {
			v.method = pick(g, []string{http.MethodHead, http.MethodPut, http.MethodPost, http.MethodOptions})
		}
		v.at, v.bytes, v.status = at, g.between(0, 5_000_000), pick(g, []int64{200, 200, 200, 200, 206, 304, 404, 403, 499, 503})
		media := g.chance(0.7)
		v.path = g.file(stream, media)
		switch x := g.random.Float64(); {
		case x < 0.03:
			v.path = pick(g, []string{"/", "/index.html", "/live/" + stream + "/poster.jpg", "/live/" + stream, "/favicon.ico"})
		case x < 0.05:
			v.path, v.bytes = "/dash/"+stream+"/manifest.mpd", 0
		}
		if len(sids) > 0 {
			said := map[string]string{"sid": quotedText(pick(g, sids)), "br": "3000"}
			for name, value := range description {
				said[name] = value
			}
			if g.chance(0.6) {
				said["bl"] = fmt.Sprint(g.between(0, 9000))
			}
			if kind == "version 2" {
				state = g.nextLoggedState(state)
				said["v"], said["sta"], said["sf"] = "2", state, "h"
				if g.chance(0.3) {
					said["ltc"] = fmt.Sprint(g.between(300, 9000))
				}
				if g.chance(0.3) {
					said["cid"] = quotedText(stream)
				}
			} else if g.chance(0.05) { // nobody knows what that will mean
				said["v"] = "3"
			}
			text := saying{said, 0}.line().Text
			v.cmcd = strings.Replace(text, ","+timeMark, "", 1)
		}
		visits = append(visits, v)
		at += g.between(100, 12_000)
		if g.chance(0.05) {
			at += g.between(31_000, 600_000)
		}
	}
	return visits
}

// nextLoggedState is the state that follows one, in a log.
func (g *Generator) nextLoggedState(state string) string {
	switch {
	case state == "":
		return pick(g, []string{"s", "s", "p"})
	case g.chance(0.5):
		return state
	}
	return pick(g, []string{"p", "p", "p", "r", "a", "k"})
}

// brokenLine is a line that must be refused.
func (g *Generator) brokenLine(format string) string {
	good := visit{at: g.base.UnixMilli() - g.between(0, 1000_000), bytes: 7, status: 200, method: http.MethodGet, path: "/live/cam.1/seg1.ts", address: "81.2.0.7"}
	text := good.line(g, format)
	size := map[string]string{"nginx-combined": " 200 7 ", "nginx-json": `"bytes_sent":"7"`, "cloudflare": `"EdgeResponseBytes":7`}[format]
	return pick(g, []func() string{
		func() string { return "no line of a log" },
		func() string { return text[:len(text)/2] },
		func() string { return strings.Replace(text, size, strings.Replace(size, "7", "-7", 1), 1) },
		func() string { good.at = g.base.UnixMilli() + 3600_000; return good.line(g, format) },
		func() string {
			good.at = g.base.Add(-retention).UnixMilli() - 24*60*minute
			return good.line(g, format)
		},
	})()
}

// logLane makes up the log of a server: its lines in about the order of their
// times, in requests some of which are sent again.
func (g *Generator) logLane(delivery *Delivery, organization Organization, lines int) []*Request {
	var visits []visit
	for len(visits) < lines {
		visits = append(visits, g.visits(organization.ID)...)
	}
	slices.SortStableFunc(visits, func(a, b visit) int { return cmp.Compare(a.at, b.at) })
	var requests []*Request
	for rest := visits; len(rest) > 0; {
		n, long := min(len(rest), 1+g.random.IntN(80)), g.chance(0.1)
		if long {
			n = min(len(rest), 200+g.random.IntN(400))
		}
		batch := slices.Clone(rest[:n])
		rest = rest[n:]
		for i := range batch {
			if long && batch[i].referrer != "" { // the collector divides long ones
				batch[i].referrer += "?" + strings.Repeat("q", int(g.between(2000, 5000)))
			}
		}
		for range n / 5 {
			if long {
				break
			}
			if i := g.random.IntN(n); i > 0 {
				batch[i], batch[i-1] = batch[i-1], batch[i]
			}
		}
		request := g.logRequest(organization, batch)
		delivery.EventCount += len(request.Log.Lines)
		if g.chance(0.4) {
			g.logKeys++
			key := fmt.Sprintf("line-%d", g.logKeys) // as lines of usage have it
			if g.chance(0.2) {                       // what is refused leaves the key free
				refused := g.logRequest(organization, nil)
				refused.Log.Lines = []string{g.brokenLine(refused.Log.Format)}
				refused.Header.Set("Idempotency-Key", key)
				requests = append(requests, refused)
			}
			request.Header.Set("Idempotency-Key", key)
			if g.chance(0.3) {
				requests = append(requests, request)
			}
		}
		requests = append(requests, request)
	}
	wrong := g.logRequest(organization, visits[:1])
	wrong.Header.Set("Authorization", "Bearer sk_wrong")
	wrong.Header.Set("X-Forwarded-For", g.forwardedFor())
	return append(requests, wrong)
}

// logRequest makes up a request with lines of a log, and others among them.
func (g *Generator) logRequest(organization Organization, visits []visit) *Request {
	log := &AccessLog{Format: pick(g, logFormats())}
	for _, v := range visits {
		if g.chance(0.02) {
			log.Lines = append(log.Lines, g.brokenLine(log.Format))
		}
		if g.chance(0.01) {
			log.Lines = append(log.Lines, "")
		}
		log.Lines = append(log.Lines, v.line(g, log.Format))
	}
	request := &Request{Header: http.Header{}, Log: log, Gzip: g.chance(0.3)}
	request.Header.Set("Authorization", "Bearer "+organization.SecretKey)
	request.Header.Set("Content-Type", pick(g, []string{"text/plain", "application/x-ndjson", "application/octet-stream"}))
	return request
}

// lateLog makes up lines of viewers whose players may have reported: some by
// address and browser, some by the id of their session, of which there are
// those of the silent ones.
func (g *Generator) lateLog(delivery *Delivery, known, silent []*Request) [][]*Request {
	visits := map[string][]visit{}
	for range len(known) / 10 {
		request, byID := pick(g, known), g.chance(0.3)
		if byID {
			request = pick(g, silent)
		}
		if request.Log != nil {
			continue
		}
		v := visit{
			at: g.base.UnixMilli() - g.between(0, 90*60_000), bytes: g.between(0, 5_000_000), status: 200, method: http.MethodGet,
			address: clientAddress(request.Header).String(), userAgent: request.Header.Get("User-Agent"),
		}
		var organization, stream string
		if envelope := request.Envelope; envelope != nil {
			organization, stream = g.organizationOf(envelope.AccountID), envelope.Stream
		} else {
			k, _ := readKeys(request.Reports.Lines[0].Text)
			organization, stream = g.organizationOf(request.Reports.Account), cmp.Or(k.text("cid"), request.Reports.Parameters.Get("stream"))
			if v.cmcd = "br=3000,sid=" + k["sid"]; byID && g.chance(0.5) {
				// Its player tells the same itself.
				v.cmcd += ",sta=" + pick(g, []string{"p", "r", "a"}) + ",v=2"
			}
		}
		if stream == "" {
			continue
		}
		if !byID {
			v.cmcd = ""
		}
		switch x := g.random.Float64(); {
		case byID || x < 0.2:
			v.address = g.loggedAddress().String()
		case x < 0.3:
			v.userAgent += " n"
		case x < 0.4:
			stream = pick(g, streams())
		}
		v.path = g.file(stream, g.chance(0.9))
		visits[organization] = append(visits[organization], v)
	}
	var lanes [][]*Request
	for _, organization := range g.organizations {
		if batch := visits[organization.ID]; len(batch) > 0 {
			request := g.logRequest(organization, batch)
			delivery.EventCount += len(request.Log.Lines)
			lanes = append(lanes, []*Request{request})
		}
	}
	return lanes
}

func (g *Generator) organizationOf(account string) string {
	for _, organization := range g.organizations {
		for _, a := range organization.Accounts {
			if a.ID == account {
				return organization.ID
			}
		}
	}
	return ""
}
