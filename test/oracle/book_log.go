package oracle

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// watcher is a player by the address and the browser of the first request of
// its session.
type watcher struct{ organization, stream, address, userAgent string }

// fetched is a request for a file, as a line of an access log tells of it.
type fetched struct {
	at, bytes, status   int64 // ms since 1970, bytes, HTTP
	method, target      string
	address             netip.Addr // the zero one if the line has none
	referrer, userAgent string
}

// errLine means that a line cannot be read.
var errLine = errors.New("not a line of the log")

// deliverLog books lines of an access log.
func (b *Book) deliverLog(log *AccessLog, header http.Header, body []byte, at time.Time) (Verdict, error) {
	i := slices.IndexFunc(b.organizations, func(o Organization) bool {
		return header.Get("Authorization") == "Bearer "+o.SecretKey
	})
	if i < 0 {
		return Verdict{Status: http.StatusUnauthorized}, nil
	}
	organization := b.organizations[i]

	var verdict Verdict
	var accepted []fetched
	for i, line := range strings.Split(strings.TrimSuffix(string(body), "\n"), "\n") {
		f, err := readLine(log.Format, line)
		_, _, _, isMedia := streamOf(f.path())
		switch {
		case line == "":
			verdict.Ignored += min(len(body), 1)
		case err != nil:
			verdict.Rejected = append(verdict.Rejected, i)
		case f.status >= 400 || !isMedia || f.method != http.MethodGet:
			verdict.Ignored++
		case f.at > at.UnixMilli()+60_000 || f.at < at.Add(-retention).UnixMilli():
			verdict.Rejected = append(verdict.Rejected, i)
		default:
			accepted = append(accepted, f)
		}
	}
	verdict.Accepted = len(accepted)
	verdict.Status = http.StatusAccepted
	if len(accepted) == 0 && len(verdict.Rejected) > 0 {
		verdict.Status = http.StatusBadRequest
		return verdict, nil
	}
	// What counts nothing leaves the key free.
	if key := header.Get("Idempotency-Key"); key != "" && len(accepted) > 0 {
		id := [2]string{organization.ID, key}
		if b.logKeys[id] {
			verdict.Repeated = true
			return verdict, nil
		}
		b.logKeys[id] = true
	}
	if err := b.tellLogged(organization, accepted, at); err != nil {
		return verdict, err
	}
	for _, f := range accepted {
		b.fetch(organization, f)
	}
	return verdict, nil
}

// fetch books the bytes of one request and its viewer.
func (b *Book) fetch(organization Organization, f fetched) {
	stream, protocol, media, _ := streamOf(f.path())
	fact := Fact{Measure: Sent, At: f.at, Value: f.bytes, place: &place{
		organization: organization.ID, stream: stream, country: unknownCountry, protocol: protocol, referrer: hostOf(f.referrer),
	}}
	if f.address.IsValid() {
		fact.country, fact.ip = countryOf(f.address), organization.storedAddress(f.address)
	}
	b.traffic = append(b.traffic, fact)

	address := f.address.Unmap().String()
	viewer := viewing{watcher{organization.ID, stream, address, f.userAgent}, "", floor(f.at, minute)}
	sid := f.keys().text("sid")
	if sid != "" {
		viewer.watcher = watcher{organization: organization.ID, stream: stream}
		viewer.sid = sid
	}
	switch {
	case !media, sid == "" && !f.address.IsValid(), b.viewers[viewer]:
	case b.tells(organization.ID, sid), b.watching[watcher{organization.ID, stream, address, f.userAgent}]:
	default:
		b.viewers[viewer] = true
		b.traffic = append(b.traffic, Fact{Measure: ServerViewer, At: f.at, Value: 1, place: fact.place})
	}
}

// viewing is a viewer in a minute: by the id of its session if it is known,
// else by address and browser.
type viewing struct {
	watcher
	sid    string
	minute int64 // ms since 1970
}

// tellLogged books what the requests tell of their players.
func (b *Book) tellLogged(organization Organization, accepted []fetched, at time.Time) error {
	moments := map[*player][]moment{}
	var players []*player
	for _, f := range accepted {
		k := f.keys()
		m := k.moment(f.at)
		if k["sid"] == "" || m.state == "" && m.bufferLength == nil && m.latency == nil {
			continue
		}
		key := sessionKey{organization.ID, k.text("sid")}
		p := b.players[key]
		if p == nil {
			p = newPlayer(k, url.Values{"interval": {"10"}})
			p.logged, p.plays[0].cdn = true, k.cdn()
			stream, protocol, _, _ := streamOf(f.path())
			if p.stream == "" {
				p.stream = stream
			}
			p.protocol = k.method(protocol)
			p.describe(organization, f.address, f.userAgent, f.referrer)
			p.by.stream = stream
			b.players[key] = p
		}
		if moments[p] == nil {
			players = append(players, p)
		}
		moments[p] = append(moments[p], m)
	}
	for _, p := range players {
		if err := p.loggedMoments(moments[p], at); err != nil {
			return err
		}
	}
	return nil
}

// path is the path without percent escapes.
func (f fetched) path() string {
	path, _, _ := strings.Cut(f.target, "?")
	path, err := url.PathUnescape(path)
	if err != nil {
		return ""
	}
	return path
}

// keys are the CMCD of the request.
func (f fetched) keys() keys {
	_, query, _ := strings.Cut(f.target, "?")
	for argument := range strings.SplitSeq(query, "&") {
		if escaped, ok := strings.CutPrefix(argument, "CMCD="); ok {
			text, err := url.PathUnescape(escaped)
			k, _ := readKeys(text)
			if version := k.number("v"); err != nil || version != nil && *version > 2 {
				return keys{}
			}
			return k
		}
	}
	return keys{}
}

// filePaths are the paths under which the generator's servers have media, and
// whether they are more than lists of it.
var filePaths = []struct {
	path     *regexp.Regexp
	protocol string
	media    bool
}{
	{regexp.MustCompile(`/([^/]+)/(?:720p/|audio/)?index\.m3u8$`), "hls", false},
	{regexp.MustCompile(`/([^/]+)/(?:720p/|audio/)?seg\d+\.(?:ts|aac)$`), "hls", true},
	{regexp.MustCompile(`/([^/]+)/audio/segment_\d+\.m4a$`), "hls", true},
	{regexp.MustCompile(`/([^/]+)/init\.mp4$`), "hls", true},
	{regexp.MustCompile(`^/hls/([^/]+)\.m3u8$`), "hls", false},
	{regexp.MustCompile(`^/hls/([^/]+)-\d+\.ts$`), "hls", true},
	{regexp.MustCompile(`/([^/]+)/manifest\.mpd$`), "dash", false},
	{regexp.MustCompile(`/([^/]+)/chunk-stream\d+-\d+\.m4s$`), "dash", true},
}

// streamOf is the stream that a path without escapes is of.
func streamOf(path string) (stream, protocol string, media, ok bool) {
	for _, f := range filePaths {
		if groups := f.path.FindStringSubmatch(path); groups != nil {
			return groups[1], f.protocol, f.media, true
		}
	}
	return "", "", false, false
}

// readLine reads a line of one of the formats.
func readLine(format, line string) (fetched, error) {
	if format == "nginx-combined" {
		return readCombined(line)
	}
	var raw map[string]json.RawMessage
	if json.Unmarshal([]byte(line), &raw) != nil {
		return fetched{}, errLine
	}
	var text []string
	for _, name := range map[string][]string{
		"nginx-json": {"status", "bytes_sent", "request_method", "request_uri", "remote_addr", "http_referer", "http_user_agent", "msec"},
		"cloudflare": {"EdgeResponseStatus", "EdgeResponseBytes", "ClientRequestMethod", "ClientRequestURI", "ClientIP",
			"ClientRequestReferer", "ClientRequestUserAgent", "EdgeEndTimestamp"},
	}[format] {
		var s string
		if json.Unmarshal(raw[name], &s) != nil {
			s = string(raw[name])
		}
		text = append(text, s)
	}
	at, err := readTime(text[7])
	if err != nil {
		return fetched{}, errLine
	}
	return newFetched(at, text)
}

// newFetched reads the texts of status, bytes, method, target, address,
// referrer and user agent.
func newFetched(at int64, text []string) (fetched, error) {
	f := fetched{at: at, method: text[2], target: text[3], referrer: text[5], userAgent: text[6]}
	var err error
	if f.status, err = strconv.ParseInt(text[0], 10, 64); err != nil {
		return f, errLine
	}
	if f.bytes, err = strconv.ParseInt(text[1], 10, 64); err != nil || f.bytes < 0 {
		return f, errLine
	}
	if a, err := netip.ParseAddr(text[4]); err == nil {
		f.address = a.Unmap()
	}
	return f, nil
}

// readTime reads seconds or nanoseconds since 1970, or RFC 3339, as ms.
func readTime(text string) (int64, error) {
	if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return t.UnixMilli(), nil
	}
	whole, fraction, _ := strings.Cut(text, ".")
	if len(whole) == 19 {
		whole, fraction = whole[:10], whole[10:]
	}
	n, err := strconv.ParseInt(whole+(fraction + "000")[:3], 10, 64)
	if err != nil || n <= 0 {
		return 0, errLine
	}
	return n, nil
}

var combinedLine = regexp.MustCompile(`^(\S+) - \S+ \[([^]]+)] "([^"]*)" (\d{3}) (\S+) "([^"]*)" "([^"]*)"$`)

func readCombined(line string) (fetched, error) {
	groups := combinedLine.FindStringSubmatch(line)
	if groups == nil {
		return fetched{}, errLine
	}
	at, err := time.Parse("02/Jan/2006:15:04:05 -0700", groups[2])
	if err != nil {
		return fetched{}, errLine
	}
	for i, value := range groups {
		if value == "-" {
			groups[i] = ""
		}
		groups[i] = strings.ReplaceAll(groups[i], `\x22`, `"`)
	}
	method, target, _ := strings.Cut(strings.TrimSuffix(groups[3], " HTTP/1.1"), " ")
	return newFetched(at.UnixMilli(), []string{groups[4], groups[5], method, target, groups[1], groups[6], groups[7]})
}
