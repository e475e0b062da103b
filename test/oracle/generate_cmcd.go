package oracle

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// saying is one line of CMCD before it is written: its keys as they are
// written, without ts, and its time in ms since any moment.
type saying struct {
	keys map[string]string
	time int64
}

// line writes the keys in the order of their names, as players do.
func (s saying) line() ReportLine {
	s.keys["ts"] = strings.TrimPrefix(timeMark, "ts=")
	var members []string
	for _, name := range slices.Sorted(maps.Keys(s.keys)) {
		members = append(members, name+"="+s.keys[name])
	}
	return ReportLine{Text: strings.Join(members, ","), Time: s.time}
}

// with is the same line with other values of some keys.
func (s saying) with(changes map[string]string) saying {
	keys := maps.Clone(s.keys)
	maps.Copy(keys, changes)
	return saying{keys, s.time}
}

// quotedText writes a text as a value of CMCD.
func quotedText(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
}

// playerScript makes up what a player says of a play. It may name its states,
// as hls.js and dash.js do, or none, as Shaka does.
type playerScript struct {
	*Generator
	interval  int64             // s
	constant  map[string]string // keys of all lines
	clock, sn int64
	state     string // sta
	said      []saying
}

// say adds a line of an event at the present time of the script.
func (s *playerScript) say(kind string, keys map[string]string) {
	all := maps.Clone(s.constant)
	maps.Copy(all, keys)
	all["e"], all["sn"] = kind, fmt.Sprint(s.sn)
	if _, named := keys["sta"]; !named && s.state != "" && !s.chance(0.05) {
		all["sta"] = s.state
	}
	if s.chance(0.5) {
		all["bl"] = pick(s.Generator, []string{
			fmt.Sprint(s.between(0, 9000)), fmt.Sprintf("(%d)", s.between(0, 9000)), fmt.Sprintf("(%d;v %d;a)", s.between(0, 9000), s.between(0, 9000))})
	}
	if s.chance(0.4) {
		all["ltc"] = pick(s.Generator, []string{fmt.Sprint(s.between(300, 9000)), fmt.Sprintf("%d.2", s.between(300, 9000))})
	}
	if s.chance(0.3) {
		all["br"] = pick(s.Generator, []string{"2500", "(2500;v 128;a)", "(128;a 5000;v)", "900", "(700 64;a)", "0"})
		if s.chance(0.2) {
			all["pb"] = pick(s.Generator, []string{"900", "(2500;v 128;a)", "1200.4"})
		}
	}
	if _, named := all["h"]; named && s.chance(0.2) { // another edge, or no word of it
		delete(all, "h")
		if s.chance(0.5) {
			all["h"] = quotedText(pick(s.Generator, hosts()))
		}
	}
	at := s.clock
	if s.sn > 0 && s.chance(0.02) { // stamped with the begin of a request
		at -= s.between(0, 3000)
	}
	s.said = append(s.said, saying{all, at})
	s.sn++
}

// turn says that the state has changed.
func (s *playerScript) turn(state string) {
	s.state = state
	s.say("ps", map[string]string{"sta": state})
}

// wait lets time pass: mostly less than an interval, at times as much as three,
// and now and then more than that without a word.
func (s *playerScript) wait() {
	switch x := s.random.Float64(); {
	case x < 0.9:
		s.clock += s.between(100, s.interval*1000)
	case x < 0.97:
		s.clock += s.between(s.interval*1000, 3*s.interval*1000-100)
	default:
		s.clock += s.between(3*s.interval*1000+100, 100*s.interval*1000)
	}
}

func (s *playerScript) fail(fatal bool) {
	keys := map[string]string{}
	if code := pick(s.Generator, []string{"", "25", `("4001" "NET")`, `("manifestLoadError")`}); code != "" {
		keys["ec"] = code
	}
	if fatal {
		keys["sta"], s.state = "f", "f"
	}
	s.say("e", keys)
}

// play makes up the lines of a play.
func (s *playerScript) play() {
	if s.chance(0.12) {
		s.playWithoutStates()
		return
	}
	if s.chance(0.9) {
		s.say("t", map[string]string{})
	}
	measured := map[string]string{"msd": fmt.Sprint(s.between(1, 6000))}
	for _, step := range []struct {
		state  string
		chance float64
	}{{"d", 0.4}, {"s", 0.7}, {"r", 0.3}, {"w", 0.1}, {"a", 0.1}} {
		if s.chance(step.chance) {
			s.clock += s.between(5, 1500)
			s.turn(step.state)
		}
	}
	if s.state == "a" { // the browser wants a click
		s.clock += s.between(500, 20_000)
		s.turn("s")
	}
	if s.chance(0.1) {
		s.fail(false)
	}
	if s.chance(0.07) {
		if s.chance(0.5) {
			s.fail(true)
		}
		return
	}
	s.clock += s.between(5, 3000)
	s.turn("p")
	if s.chance(0.4) {
		maps.Copy(s.said[len(s.said)-1-s.random.IntN(min(2, len(s.said)))].keys, measured)
	}
	if s.chance(0.02) {
		for range s.between(50, 300) { // for long, and not much happens
			s.clock += s.between(s.interval*900, 3*s.interval*1000-100)
			s.say("t", map[string]string{})
		}
	}
	for range s.random.IntN(14) {
		s.wait()
		s.happen()
	}
}

// happen makes up what a viewer or the network does to a play that runs.
func (s *playerScript) happen() {
	switch x := s.random.Float64(); {
	case x < 0.4:
		s.say("t", map[string]string{})
	case x < 0.58:
		s.turn(pick(s.Generator, []string{"r", "r", "w"}))
	case x < 0.76:
		s.turn("p")
	case x < 0.85:
		s.turn("a")
	case x < 0.93:
		s.turn("k")
		s.clock += s.between(2, 12)
		s.turn(pick(s.Generator, []string{"r", "w", "p"}))
	case x < 0.98:
		s.fail(false)
	default:
		s.turn("r")
		for range s.between(2, 20) { // the stream is gone
			s.clock += s.between(s.interval*1000, 3*s.interval*1000-100)
			s.say("t", map[string]string{})
		}
	}
}

func (s *playerScript) playWithoutStates() {
	s.say("t", map[string]string{})
	if s.chance(0.1) {
		s.fail(false)
	}
	s.wait()
	measured := map[string]string{}
	if s.chance(0.9) {
		measured["msd"] = fmt.Sprint(s.between(1, 6000))
	}
	s.say("t", measured)
	for range s.random.IntN(20) {
		s.wait()
		s.say("t", map[string]string{})
	}
}

// stop makes up the end of a play, and what the page says after it.
func (s *playerScript) stop() {
	s.wait()
	switch x := s.random.Float64(); {
	case x < 0.5:
		s.turn("e")
		if s.chance(0.2) { // as Shaka does
			s.clock += 3
			s.turn("a")
			s.clock += 3
			s.turn("e")
		}
	case x < 0.85:
		s.fail(true)
		if s.chance(0.4) {
			s.clock += s.between(100, 900)
			s.turn("r")
			s.clock += s.between(2, 900)
			s.turn("f")
		}
	default:
		s.turn("q")
	}
	for s.chance(0.4) {
		s.wait()
		s.say("t", map[string]string{})
	}
	if s.chance(0.3) { // the page stays open
		s.clock += s.between(0, 60*3600_000)
		s.say("t", map[string]string{})
	}
}

// withoutNumbers takes the numbers away.
func (s *playerScript) withoutNumbers() {
	for _, one := range s.said {
		delete(one.keys, "sn")
	}
}

// playerSession is a player that posts CMCD.
type playerSession struct {
	organization Organization
	account      Account
	header       http.Header
	reports      Reports // without lines
	script       *playerScript
}

// newPlayerSession makes up who plays.
func (g *Generator) newPlayerSession(interval int64) *playerSession {
	organization := g.organizations[pick(g, []int{0, 0, 0, 1, 1, 2, 2, 3, 4})]
	p := &playerSession{organization: organization, account: pick(g, organization.Accounts), header: http.Header{}}
	p.header.Set("X-Forwarded-For", g.forwardedFor())
	p.header.Set("User-Agent", pick(g, userAgents()).header)
	p.header.Set("Content-Type", pick(g, []string{"application/cmcd", "text/cmcd"}))
	p.reports = Reports{Account: p.account.ID, Key: p.account.Key, Parameters: url.Values{}, clock: g.playerClock()}
	if interval != 30 || g.chance(0.5) {
		p.reports.Parameters.Set("interval", fmt.Sprint(interval))
	}
	constant := map[string]string{"sid": quotedText(g.sessionID(organization.ID)), "v": "2"}
	stream, eventID := pick(g, streams()), pick(g, eventIDs())
	if g.chance(0.2) {
		p.reports.Parameters.Set("stream", stream)
	} else {
		constant["cid"] = quotedText(stream)
	}
	switch {
	case eventID == "":
	case g.chance(0.5):
		p.reports.Parameters.Set("event", eventID)
	default:
		constant["com.streamlens-event"] = quotedText(eventID)
	}
	switch client := pick(g, []string{"hlsjs 1.7.4", "dashjs 5.2.1", "shaka 5.2.12", "videojs", "tv app"}); g.random.IntN(3) {
	case 0:
		p.reports.Parameters.Set("client", client)
	case 1:
		constant["com.streamlens-client"] = quotedText(client)
	}
	if g.chance(0.4) {
		constant["h"] = quotedText(pick(g, hosts()))
	}
	if g.chance(0.2) {
		constant["com.streamlens-cdn"] = quotedText(pick(g, cdns()))
	}
	if g.chance(0.8) {
		constant["sf"] = pick(g, []string{"h", "d", "h", "o"})
	}
	if g.chance(0.6) {
		constant["st"] = pick(g, []string{"v", "l", "ll"})
	}
	p.script = &playerScript{Generator: g, interval: interval, constant: constant}
	return p
}

// playerClock is right, a little wrong, or so wrong that it is corrected.
func (g *Generator) playerClock() *playerClock {
	switch x := g.random.Float64(); {
	case x < 0.1:
		return &playerClock{ahead: g.between(40, 100_000) * pick(g, []int64{1000, -1000})}
	case x < 0.3:
		return &playerClock{ahead: g.between(-22_000, 8000)}
	}
	return &playerClock{ahead: g.between(-400, 0)}
}

// request is one request of the session with the given lines.
func (p *playerSession) request(g *Generator, lines []ReportLine) *Request {
	reports := p.reports
	reports.Lines = lines
	header := p.header.Clone()
	if g.chance(0.03) { // what it says of itself is settled
		header.Set("X-Forwarded-For", g.forwardedFor())
		header.Set("User-Agent", pick(g, userAgents()).header)
	}
	if len(p.account.Origins) > 0 {
		header.Set("Origin", pick(g, p.account.Origins))
	}
	if g.chance(0.5) {
		header.Set("Referer", pick(g, referrers()))
	}
	return &Request{Header: header, Reports: &reports, Gzip: g.chance(0.1)}
}

// reportsAhead is the most by which later requests may be newer than the first, in ms:
// the first tells the player's clock, and nothing may come from the future.
const reportsAhead = 45_000

// playerRequests makes up a session of a player that posts CMCD, and the
// requests that deliver it: in batches, perhaps out of order, with duplicates
// and lines that are lost or cannot be read.
func (g *Generator) playerRequests(delivery *Delivery) []*Request {
	interval := g.between(4, 10)
	ends := g.chance(0.7)
	complete := ends && g.chance(0.3)
	if complete { // nothing has to be waited for
		interval = pick(g, []int64{30, 60})
	}
	p := g.newPlayerSession(interval)
	s := p.script
	s.play()
	started := slices.ContainsFunc(s.said, func(one saying) bool { return one.keys["sta"] == "p" })
	if ends && !started || complete && s.state == "" || len(s.said) == 0 {
		s.turn("p")
	}
	if ends {
		s.stop()
	}
	var requests []*Request
	if g.chance(0.1) {
		requests = append(requests, g.loggedFirst(p))
	}
	numbered := g.chance(0.9)
	inOneRequest := g.chance(0.3)
	switch {
	case !numbered:
		s.withoutNumbers()
	case !complete && g.chance(0.05): // the page's next play has the same id
		s.clock, s.sn, s.state = s.clock+g.between(1000, 9000), 0, ""
		s.play()
		return append(requests, g.inRequests(delivery, p, s.lines(), delivered{inOneRequest: g.chance(0.5)})...)
	}
	lines := s.said
	if numbered && !complete {
		for _, original := range slices.Clone(lines) {
			if g.chance(0.02) {
				other := original.with(map[string]string{"sta": pick(g, []string{"p", "r", "a"}), "bl": "7777"})
				lines = slices.Insert(lines, g.random.IntN(len(lines)+1), other)
			}
		}
		for g.chance(0.04) && len(lines) > 2 { // lost
			at := g.random.IntN(len(lines))
			lines = slices.Delete(slices.Clone(lines), at, at+1)
		}
	}
	s.said = lines
	return append(requests, g.inRequests(delivery, p, s.lines(), delivered{inOneRequest, numbered, numbered || len(lines) < 30})...)
}

// loggedFirst is a log with the player's first requests for media, which is
// there before the player itself has told anything.
func (g *Generator) loggedFirst(p *playerSession) *Request {
	k := keys(p.script.constant)
	stream := cmp.Or(k.text("cid"), p.reports.Parameters.Get("stream"))
	v := visit{at: g.base.UnixMilli() - 60_000, status: 200, method: http.MethodGet, bytes: 1000, path: g.file(stream, true),
		address: clientAddress(p.header).String(), userAgent: p.header.Get("User-Agent")}
	var visits []visit
	for _, state := range []string{"s", "p", pick(g, []string{"p", "r"})}[:g.between(1, 3)] {
		v.at += g.between(500, 9000)
		v.cmcd = "bl=900,sid=" + k["sid"] + ",sta=" + state + ",v=2"
		visits = append(visits, v)
	}
	return g.logRequest(p.organization, visits)
}

// delivered says how lines may be delivered. Those that are not numbered are
// known again for a while only.
type delivered struct{ inOneRequest, inAnyOrder, again bool }

func (s *playerScript) lines() []ReportLine {
	var lines []ReportLine
	for _, one := range s.said {
		lines = append(lines, one.line())
	}
	return lines
}

// inRequests divides lines into requests, with trouble.
func (g *Generator) inRequests(delivery *Delivery, p *playerSession, lines []ReportLine, how delivered) []*Request {
	newest := func(lines []ReportLine) int64 {
		return slices.MaxFunc(lines, func(a, b ReportLine) int { return cmp.Compare(a.Time, b.Time) }).Time
	}
	last := newest(lines)
	var batches [][]ReportLine
	for rest := lines; len(rest) > 0; {
		n := min(len(rest), 1+g.random.IntN(max(6, len(lines)/3)))
		if how.inOneRequest {
			n = len(rest)
		}
		batches = append(batches, slices.Clone(rest[:n]))
		rest = rest[n:]
	}
	if how.inAnyOrder && g.chance(0.2) {
		g.random.Shuffle(len(batches), func(i, j int) { batches[i], batches[j] = batches[j], batches[i] })
	}
	if last-newest(batches[0]) > reportsAhead {
		if !how.inAnyOrder {
			batches = [][]ReportLine{lines}
		}
		at := slices.IndexFunc(batches, func(batch []ReportLine) bool { return newest(batch) == last })
		batches[0], batches[at] = batches[at], batches[0]
	}
	if how.again && g.chance(0.1) && (how.inAnyOrder || len(batches) == 1) {
		batches = append(batches, slices.Clone(pick(g, batches)))
	}
	var requests []*Request
	for _, batch := range batches {
		good := batch[0]
		for g.chance(0.08) {
			batch = slices.Insert(batch, g.random.IntN(len(batch)+1), g.badReport(good))
		}
		requests = append(requests, p.request(g, batch))
		delivery.EventCount += len(batch)
	}
	if g.chance(0.05) {
		refused := p.request(g, batches[0])
		elsewhere := *p.reports.clock // the session's begins with what is taken
		refused.Reports.clock = &elsewhere
		switch {
		case g.chance(0.3):
			bad := g.badReport(batches[0][0])
			for bad.Time != batches[0][0].Time {
				bad = g.badReport(batches[0][0])
			}
			refused.Reports.Lines = []ReportLine{bad}
		case len(p.account.Origins) > 0 && g.chance(0.5):
			refused.Header.Set("Origin", "https://foreign.example")
		default:
			refused.Reports.Key = "pk_wrong"
		}
		requests = slices.Insert(requests, g.random.IntN(len(requests)+1), refused)
		delivery.EventCount += len(refused.Reports.Lines)
	}
	return requests
}

// badReport is a line that must be refused and leaves the number of the good
// one free.
func (g *Generator) badReport(good ReportLine) ReportLine {
	replace := func(old, to string) ReportLine {
		return ReportLine{Text: strings.Replace(good.Text, old, to, 1), Time: good.Time}
	}
	return pick(g, []func() ReportLine{
		func() ReportLine { return ReportLine{Text: "%%%", Time: good.Time} },
		func() ReportLine { return replace(timeMark+",", "") },
		func() ReportLine { return replace(timeMark, `ts="now"`) },
		func() ReportLine { return replace("v=2", "v=3") },
		func() ReportLine { return replace(`sid="`, `no-sid="`) },
		func() ReportLine { return ReportLine{Text: good.Text, Time: good.Time - 8*24*3600_000} },
	})()
}

// latePlayer makes up a player that falls silent, and what it still sends after
// its timeout.
func (g *Generator) latePlayer(delivery *Delivery) (early, late []*Request) {
	p := g.newPlayerSession(g.between(1, 2))
	s := p.script
	s.play()
	if !slices.ContainsFunc(s.said, func(one saying) bool { return one.keys["sta"] == "p" }) {
		s.turn("p")
	}
	numbered := g.chance(0.9)
	n := len(s.said)
	for range 1 + g.random.IntN(4) {
		s.clock += g.between(100, s.interval*1500)
		s.happen()
	}
	if g.chance(0.4) {
		s.turn("e")
	}
	if numbered && g.chance(0.3) {
		s.said = append(s.said, pick(g, s.said[:n]))
	}
	if !numbered {
		s.withoutNumbers()
	}
	lines := s.lines()
	delivery.EventCount += len(lines)
	return []*Request{p.request(g, lines[:n])}, []*Request{p.request(g, lines[n:])}
}
