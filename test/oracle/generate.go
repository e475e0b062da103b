package oracle

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Generator makes up random input.
type Generator struct {
	random        *rand.Rand
	base          time.Time   // the present
	moments       []time.Time // of the calendar, before base
	organizations []Organization
	sessionIDs    []string // of all organisations so far, to be used again by others
	usedIDs       map[sessionKey]bool
	logKeys       int  // idempotency keys so far
	smooth        bool // the present session does not stall
}

// NewGenerator returns a generator whose input lies before base (some of it a
// few seconds after), the same for the same seed.
func NewGenerator(seed uint64, base time.Time) *Generator {
	return &Generator{
		random:        rand.New(rand.NewPCG(seed, seed)),
		base:          base,
		moments:       calendarMoments(base),
		organizations: testOrganizations(),
		usedIDs:       map[sessionKey]bool{},
	}
}

func testOrganizations() []Organization {
	return []Organization{
		{ID: "acme", Level: "premium", Privacy: Privacy{IP: "full"}, SecretKey: "sk_acme_0123456789", Accounts: []Account{
			{ID: "acme", Key: "pk_acme_web", Origins: []string{"https://site.example", "https://tv.example"}},
			{ID: "acme-native", Key: "pk_acme_native"},
		}},
		{ID: "beta", Level: "premium", Privacy: Privacy{IP: "full"}, SecretKey: "sk_beta_0123456789", Accounts: []Account{
			{ID: "beta-one", Key: "pk_beta_one"},
			{ID: "beta-two", Key: "pk_beta_two"},
		}, BusinessCodes: []string{"2003", "4001 NET"}, Quality: &Quality{3, 0.05, 5, 0.3}},
		{ID: "gamma_3", Level: "default", Privacy: Privacy{IP: "full"}, SecretKey: "sk_gamma_0123456789", Accounts: []Account{
			{ID: "gamma", Key: "pk_gamma"},
		}},
		{ID: "delta", Level: "premium", Privacy: Privacy{IP: "truncated"}, SecretKey: "sk_delta_0123456789", Accounts: []Account{
			{ID: "delta", Key: "pk_delta"},
		}},
		{ID: "epsilon", Level: "premium", Privacy: Privacy{IP: "off"}, SecretKey: "sk_epsilon_0123456789", Accounts: []Account{
			{ID: "epsilon", Key: "pk_epsilon"},
		}},
	}
}

// streams are the same in every organisation. Two of them differ only where a
// regular expression that is not quoted sees no difference, others are hard to
// write in a URL, a list or a query language.
func streams() []string {
	return []string{"aBcDe-00001", "aBcDe-00002", "aBcDe-00003", "xYzZy-10001", "xYzZy-10002", "cam.1", "camX1", "live/studio", `café "1", {2}|.*`}
}

func eventIDs() []string {
	return []string{"", "", "launch-2026", "summit", "cup.final", "cupXfinal", `town "hall" (A|B)`}
}

func referrers() []string {
	return []string{"https://site.example/watch?v=1", "https://WWW.TV.example:8443/live", "http://blog.example", "no url"}
}

func stopReasonNames() []string {
	return []string{"normal", "buffer", "destroy", "playbackerror", "connectionclose"}
}

func playerKinds() []string {
	return []string{"h5live", "h5live", "h5live", "hlsjs", "hlsjs", "html5", "dashjs", "shaka", "videojs"}
}

func protocols() []string {
	return []string{"h5live", "rtmp", "hls", "h5live_token", "webrtc", "srt", "dash"}
}

func cdns() []string { return []string{"alpha", "alpha", "beta|cdn", `"gamma", {x="y"}`} }

func hosts() []string { return []string{"Edge-1.CDN.example", "edge-2.cdn.example"} }

func tagNames() []string {
	return []string{"news", "News", "sport", `a "b" (c|d).*`, "Zürich ✓", strings.Repeat("t", 64)}
}

func pick[T any](g *Generator, from []T) T { return from[g.random.IntN(len(from))] }

func (g *Generator) chance(probability float64) bool { return g.random.Float64() < probability }

func (g *Generator) between(low, high int64) int64 { return low + g.random.Int64N(high-low+1) }

// Generate makes up at least the given number of events: a fifth of them lines
// of CMCD, a fifth lines of access logs, the others player and webcaster events.
// An eighth as many usage lines come on top.
func (g *Generator) Generate(events int) Delivery {
	delivery := Delivery{Organizations: g.organizations}
	var silent []*Request
	for n := range 190 {
		makeUp := g.lateSession
		if n >= 150 {
			makeUp = g.latePlayer
		}
		early, late := makeUp(&delivery)
		delivery.Early = append(delivery.Early, early)
		delivery.Late = append(delivery.Late, late)
		if n >= 150 {
			silent = append(silent, early...)
		}
	}
	for _, organization := range g.organizations {
		const lanes = 2
		for range lanes {
			delivery.Main = append(delivery.Main, g.logLane(&delivery, organization, events/5/lanes/len(g.organizations)))
		}
	}
	var corrected, sessions [][]*Request
	reports := 0
	for delivery.EventCount < events || reports < events/5 {
		var requests []*Request
		if reports*5 < delivery.EventCount {
			before := delivery.EventCount
			requests = g.playerRequests(&delivery)
			reports += delivery.EventCount - before
		} else {
			requests = g.sessionRequests(&delivery)
		}
		if slices.ContainsFunc(requests, (*Request).clockIsCorrected) {
			corrected = append(corrected, requests)
		} else {
			sessions = append(sessions, requests)
		}
	}
	// Sessions that take long to time out go first, which shortens the wait.
	slices.SortStableFunc(sessions, func(a, b []*Request) int {
		return cmp.Compare(b[len(b)-1].timeout(), a[len(a)-1].timeout())
	})
	const together = 8
	for group := range slices.Chunk(corrected, together) {
		delivery.Early = append(delivery.Early, g.interleave(group))
	}
	for group := range slices.Chunk(sessions, together) {
		delivery.Main = append(delivery.Main, g.interleave(group))
	}
	delivery.Late = append(g.lateLog(&delivery, slices.Concat(slices.Concat(corrected, sessions)...), silent), delivery.Late...)
	for _, organization := range g.organizations {
		delivery.Main = slices.Insert(delivery.Main, g.random.IntN(len(delivery.Main)/2+1),
			g.usageRequests(organization, events/8/len(g.organizations)))
	}
	for lines := range slices.Chunk(g.steadyLines(), 300) {
		request := &Request{Header: http.Header{}, Lines: lines}
		request.Header.Set("Authorization", "Bearer "+g.organizations[0].SecretKey)
		delivery.Main = append(delivery.Main, []*Request{request})
	}
	return delivery
}

// interleave mixes lanes and keeps the order inside each.
func (g *Generator) interleave(lanes [][]*Request) []*Request {
	var order []int
	for lane, requests := range lanes {
		for range requests {
			order = append(order, lane)
		}
	}
	g.random.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	next := make([]int, len(lanes))
	var mixed []*Request
	for _, lane := range order {
		mixed = append(mixed, lanes[lane][next[lane]])
		next[lane]++
	}
	return mixed
}

// script is a session as it happened.
type script struct {
	webcaster bool
	interval  int64 // s
	events    []map[string]any
}

// sessionScript makes up a session. Its times are ms since its beginning.
func (g *Generator) sessionScript() script {
	// Less than 4 s could time out between two requests on a slow machine.
	s := script{webcaster: g.chance(0.15), interval: g.between(4, 10)}
	g.smooth = g.chance(0.65)
	seq, clock := int64(0), int64(0)
	add := func(kind string, fields map[string]any) {
		seq++
		if g.chance(0.02) {
			seq++
		}
		e := map[string]any{"seq": seq, "ts": clock, "type": kind}
		for name, value := range fields {
			e[name] = value
		}
		s.events = append(s.events, e)
	}
	if g.chance(0.9) {
		add("load", nil)
	}
	clock += g.between(0, 4000)
	if g.chance(0.05) {
		add("stats", g.report(clock))
	}
	if g.chance(0.02) {
		add("stop", map[string]any{"reason": "normal", "played": g.seconds(500)})
	}
	if g.chance(0.1) {
		add("status", map[string]any{"code": 1000 + g.between(0, 20)})
	}
	if g.chance(0.08) {
		add("status", map[string]any{"code": pick(g, []int{1005, 2001, 2003, 4403, 4904}), "fatal": g.chance(0.7), "business": g.chance(0.2)})
	}
	if g.chance(0.03) {
		add("stop", map[string]any{"reason": pick(g, []string{"interactionrequired", "destroy", "playbackerror"})})
	}
	if g.chance(0.9) {
		fields := map[string]any{}
		if g.chance(0.8) {
			fields["startTime"] = g.seconds(g.between(0, 8000) * g.between(0, 1))
			if g.chance(0.8) {
				fields["startTime"] = g.seconds(g.between(1, 8000))
			}
		}
		add("start", fields)
	}
	const longest = 10 * 3600_000
	reported := int64(0)
	for range g.random.IntN(12) {
		if clock > longest {
			break
		}
		length := s.interval*1000 + g.between(-200, 200)
		if g.chance(0.06) {
			length = g.between(20_000, 7_000_000)
		}
		clock += length
		switch {
		case g.chance(0.04):
			add(pick(g, []string{"load", "start"}), nil)
		case g.chance(0.01):
			add("stop", map[string]any{"reason": pick(g, stopReasonNames())})
		case g.chance(0.08):
			add("status", map[string]any{"code": 2000 + g.between(0, 20), "fatal": g.chance(0.2)})
		default:
			add("stats", g.report(length))
			reported += length
		}
	}
	if g.chance(0.7) {
		rest := g.between(0, 9000)
		clock += rest
		fields := map[string]any{"reason": pick(g, stopReasonNames())}
		if g.chance(0.6) {
			fields["played"] = g.seconds(max(0, reported+rest+g.between(-4000, 4000)))
		}
		if g.chance(0.4) {
			for name, value := range g.report(rest) {
				fields[name] = value
			}
		}
		add("stop", fields)
		if g.chance(0.05) {
			clock += g.between(0, 5000)
			add("stats", g.report(g.between(0, 5000)))
		}
		if g.chance(0.05) {
			clock += g.between(0, 5000)
			add("stop", map[string]any{"reason": pick(g, stopReasonNames()), "playing": g.seconds(3000)})
		}
	}
	return s
}

// trouble makes plays worse that have something in common, so that it can be
// found: of a network's desktops most fail, those of a delivery network stall,
// and with a system most leave.
func (g *Generator) trouble(s *sender, events []map[string]any) {
	ua := userAgentOf(s.header.Get("User-Agent"))
	stalls := s.envelope.CDN == "beta|cdn"
	fails := networkOf(clientAddress(s.header)).operator == "Telia One" && ua.device == "desktop" && g.chance(0.8)
	leaves := ua.os == "Android" && g.chance(0.8)
	for _, e := range events {
		switch begins := e["type"] == "start" && s.envelope.Client.Kind != "webcaster"; {
		case begins && fails:
			e["type"], e["code"], e["fatal"] = "status", 4500, true
			delete(e, "startTime")
		case begins && leaves:
			e["type"], e["reason"] = "stop", "destroy"
			delete(e, "startTime")
		case stalls && e["type"] == "stats":
			playing, buffering := e["playing"], e["buffering"]
			e["playing"], e["buffering"] = cmp.Or(buffering, any(0)), cmp.Or(playing, any(0))
		}
	}
}

// report makes up the fields of a stats report over a span of length ms.
func (g *Generator) report(length int64) map[string]any {
	paused, buffering := int64(0), int64(0)
	if g.chance(0.15) {
		paused = g.between(0, length)
	}
	if !g.smooth && g.chance(0.6) {
		buffering = g.between(0, length-paused)
	}
	fields := map[string]any{"playing": g.seconds(length - paused - buffering)}
	if g.chance(0.05) {
		delete(fields, "playing")
	}
	if buffering > 0 || g.chance(0.5) {
		fields["buffering"] = g.seconds(buffering)
	}
	if paused > 0 || g.chance(0.5) {
		fields["paused"] = g.seconds(paused)
	}
	if g.chance(0.6) {
		fields["bufferLength"] = g.seconds(g.between(0, 5000))
		fields["latency"] = g.seconds(g.between(300, 9000))
		fields["videoBitrate"] = g.between(100_000, 8_000_000)
		fields["audioBitrate"] = g.between(32_000, 320_000)
	}
	if g.chance(0.5) {
		fields["height"] = pick(g, []int{0, 180, 240, 241, 360, 480, 540, 720, 1080, 1440, 2160, 2161, 4320})
		fields["frames"] = g.between(0, 600)
		fields["droppedFrames"] = g.between(0, 700)
		fields["stalls"] = g.between(0, 3)
		fields["switches"] = map[string]any{"up": g.between(0, 2), "down": g.between(0, 2), "failed": g.between(0, 1)}
		fields["roundTripTime"] = g.seconds(g.between(1, 900))
		fields["packetLoss"] = json.Number(fmt.Sprintf("0.%06d", g.between(0, 200_000)))
		for _, name := range slices.Sorted(maps.Keys(fields)) { // in an order that is the same for the same seed
			if name != "playing" && name != "buffering" && name != "paused" && g.chance(0.15) {
				delete(fields, name)
			}
		}
	}
	return fields
}

// seconds writes milliseconds as seconds, sometimes with a fraction of a
// millisecond that rounds back to it.
func (g *Generator) seconds(milliseconds int64) json.Number {
	fraction := ""
	if g.chance(0.2) {
		fraction = pick(g, []string{"0", "2", "4"})
	}
	return json.Number(fmt.Sprintf("%d.%03d%s", milliseconds/1000, milliseconds%1000, fraction))
}

// place moves the script's times to somewhere in the past days, the past
// minutes, or up to 20 s into the future.
func (g *Generator) place(s script) {
	end := g.base
	switch x := g.random.Float64(); {
	case x < 0.6:
		end = end.Add(-time.Duration(g.between(0, 130*3600_000)) * time.Millisecond)
	case x < 0.9:
		end = end.Add(-time.Duration(g.between(0, 90*60_000)) * time.Millisecond)
	default:
		end = end.Add(time.Duration(g.between(-60_000, 20_000)) * time.Millisecond)
	}
	last := s.events[len(s.events)-1]["ts"].(int64)
	for _, e := range s.events {
		e["ts"] = e["ts"].(int64) + end.UnixMilli() - last
		// Somebody sets the clock back for a moment.
		if report := e["type"] == "stats" || e["type"] == "status"; report && g.chance(0.03) {
			e["ts"] = e["ts"].(int64) - g.between(0, 600_000)
		}
	}
}

// sessionRequests makes up a session and the requests that deliver it: in
// batches, perhaps out of order, with duplicates and with bad events.
func (g *Generator) sessionRequests(delivery *Delivery) []*Request {
	s := g.sessionScript()
	for len(s.events) == 0 {
		s = g.sessionScript()
	}
	g.place(s)
	session := g.newSession(s)
	g.trouble(session, s.events)
	if g.chance(0.1) {
		session.envelope.Started, s.events = g.moved(s.events)
	}

	for _, original := range slices.Clone(s.events) {
		if g.chance(0.02) {
			at := g.random.IntN(len(s.events) + 1)
			s.events = slices.Insert(s.events, at, g.otherContent(original))
		}
	}
	if g.chance(0.08) {
		g.random.Shuffle(len(s.events), func(i, j int) { s.events[i], s.events[j] = s.events[j], s.events[i] })
	}
	var batches [][]map[string]any
	for rest := s.events; len(rest) > 0; {
		n := min(len(rest), 1+g.random.IntN(6))
		batches = append(batches, slices.Clone(rest[:n]))
		rest = rest[n:]
	}
	if g.chance(0.2) {
		g.random.Shuffle(len(batches), func(i, j int) { batches[i], batches[j] = batches[j], batches[i] })
	}
	if g.chance(0.1) {
		batches = append(batches, slices.Clone(pick(g, batches)))
	}
	if len(batches) == 1 {
		session.envelope.Interval = g.between(1, 10)
	}
	var requests []*Request
	for _, batch := range batches {
		for g.chance(0.1) {
			batch = slices.Insert(batch, g.random.IntN(len(batch)+1), g.badEvent(pick(g, s.events)))
		}
		requests = append(requests, session.request(g, batch))
		delivery.EventCount += len(batch)
	}
	if g.chance(0.02) {
		refused := session.request(g, []map[string]any{g.badEvent(pick(g, s.events))})
		requests = slices.Insert(requests, g.random.IntN(len(requests)+1), refused)
		delivery.EventCount++
	}
	if g.chance(0.05) {
		forbidden := session.request(g, batches[0])
		if len(session.account.Origins) > 0 && g.chance(0.5) {
			forbidden.Header.Set("Origin", "https://foreign.example")
		} else {
			forbidden.Envelope.AccountKey = "pk_wrong"
		}
		requests = slices.Insert(requests, g.random.IntN(len(requests)+1), forbidden)
		delivery.EventCount += len(batches[0])
	}
	return requests
}

// moved leaves out what went to another collector, if the session started there, and returns the rest.
func (g *Generator) moved(events []map[string]any) (*Started, []map[string]any) {
	start := slices.IndexFunc(events, func(e map[string]any) bool { return e["type"] == "start" })
	if start < 0 || start == len(events)-1 {
		return nil, events
	}
	rest := events[start+1+g.random.IntN(len(events)-start-1):]
	return &Started{events[start]["seq"].(int64), events[start]["ts"].(int64)}, rest
}

// lateSession makes up a session that falls silent, and what it still sends
// after its timeout.
func (g *Generator) lateSession(delivery *Delivery) (early, late []*Request) {
	s := g.sessionScript()
	for len(s.events) < 3 {
		s = g.sessionScript()
	}
	s.interval = g.between(1, 2)
	g.place(s)
	session := g.newSession(s)
	early = append(early, session.request(g, s.events))

	last := s.events[len(s.events)-1]
	seq, ts := last["seq"].(int64), last["ts"].(int64)
	batch := []map[string]any{g.otherContent(pick(g, s.events))}
	for range 1 + g.random.IntN(2) {
		seq, ts = seq+1, ts+1000
		report := g.report(1000)
		report["seq"], report["ts"], report["type"] = seq, ts, "stats"
		batch = append(batch, report)
	}
	if g.chance(0.5) {
		batch = append(batch, map[string]any{"seq": seq + 1, "ts": ts + 500, "type": "stop", "reason": "normal", "playing": g.seconds(500)})
	}
	late = append(late, session.request(g, batch))
	delivery.EventCount += len(s.events) + len(batch)
	return early, late
}

// sender is what the requests of one session have in common.
type sender struct {
	organization Organization
	account      Account
	envelope     Envelope
	header       http.Header
	clockAhead   *int64
}

// newSession makes up who sends the script. If the sender's clock is wrong,
// the script's times become wrong with it.
func (g *Generator) newSession(s script) *sender {
	organization := g.organizations[pick(g, []int{0, 0, 0, 1, 1, 2, 2, 3, 4})]
	session := &sender{organization: organization, account: pick(g, organization.Accounts), header: http.Header{}}
	session.envelope = Envelope{
		AccountID:  session.account.ID,
		AccountKey: session.account.Key,
		Client:     Client{Kind: pick(g, playerKinds()), Version: pick(g, []string{"4.22.0", "4.21.3", "1.6.2"})},
		SessionID:  g.sessionID(organization.ID),
		Stream:     pick(g, streams()),
		EventID:    pick(g, eventIDs()),
		Interval:   s.interval,
	}
	if s.webcaster {
		session.envelope.Client.Kind = "webcaster"
	}
	if g.chance(0.3) {
		session.envelope.UserID = fmt.Sprintf("viewer%d", g.between(1, 500))
	}
	if g.chance(0.3) {
		session.envelope.Referrer = pick(g, referrers())
	}
	if g.chance(0.15) {
		session.envelope.Protocol = pick(g, protocols())
	}
	if g.chance(0.7) {
		session.envelope.CDN = pick(g, cdns())
	}
	if s.interval == 10 && g.chance(0.5) {
		session.envelope.Interval = 0
	}
	session.header.Set("X-Forwarded-For", g.forwardedFor())
	session.header.Set("User-Agent", pick(g, userAgents()).header)

	switch x := g.random.Float64(); {
	case x < 0.1: // corrected
		ahead := g.between(40, 100_000) * pick(g, []int64{1, -1})
		session.clockAhead = &ahead
		for _, e := range s.events {
			e["ts"] = e["ts"].(int64) + ahead*1000
		}
	case x < 0.2: // too little to be corrected
		ahead := g.between(-25, 25)
		session.clockAhead = &ahead
	case x < 0.5:
		session.clockAhead = new(int64)
	}
	return session
}

// sessionID is new in the organisation, and sometimes known in another.
func (g *Generator) sessionID(organization string) string {
	id := fmt.Sprintf("%08x-%08x", g.random.Uint32(), g.random.Uint32())
	if len(g.sessionIDs) > 0 && g.chance(0.1) {
		if known := pick(g, g.sessionIDs); !g.usedIDs[sessionKey{organization, known}] {
			id = known
		}
	}
	g.usedIDs[sessionKey{organization, id}] = true
	g.sessionIDs = append(g.sessionIDs, id)
	return id
}

// request makes up one request of the session with the given events. Now and
// then the sender has moved to another place, stream or event, which must
// change nothing after the session's first request.
func (s *sender) request(g *Generator, events []map[string]any) *Request {
	envelope := s.envelope
	envelope.Events = events
	header := s.header.Clone()
	if g.chance(0.05) {
		header.Set("X-Forwarded-For", g.forwardedFor())
		header.Set("User-Agent", pick(g, userAgents()).header)
		envelope.Stream, envelope.EventID = pick(g, streams()), pick(g, eventIDs())
		envelope.Client.Version, envelope.Protocol, envelope.Referrer = "9.9.9", "moved", "https://moved.example"
		envelope.CDN = "moved"
	}
	if len(s.account.Origins) > 0 {
		header.Set("Origin", pick(g, s.account.Origins))
	}
	if g.chance(0.5) {
		header.Set("Referer", pick(g, referrers()))
	}
	header.Set("Content-Type", pick(g, []string{"application/json", "application/json", "text/plain;charset=UTF-8"}))
	return &Request{Header: header, Envelope: &envelope, ClockAhead: s.clockAhead, Gzip: g.chance(0.1)}
}

// address is a random address of the test's networks, or of none.
func (g *Generator) address() netip.Addr {
	if g.chance(0.05) {
		return pick(g, unplacedAddresses())
	}
	network := pick(g, networks())
	bytes := network.prefix.Addr().AsSlice()
	bytes[len(bytes)-1] = byte(g.between(1, 254))
	address, _ := netip.AddrFromSlice(bytes)
	if address.Is4() && g.chance(0.1) {
		return netip.AddrFrom16(address.As16()) // IPv4-mapped
	}
	return address
}

// forwardedFor is an X-Forwarded-For header. What stands left of the client's
// address was written by the client, what stands right by the trusted proxy.
func (g *Generator) forwardedFor() string {
	hops := []string{g.address().String()}
	if g.chance(0.2) {
		hops = slices.Insert(hops, 0, g.address().String())
	}
	if g.chance(0.2) {
		hops = append(hops, trustedProxy)
	}
	return strings.Join(hops, ", ")
}

// otherContent is a second event of the same seq.
func (g *Generator) otherContent(original map[string]any) map[string]any {
	other := g.report(g.between(1000, 20_000))
	other["seq"] = original["seq"]
	other["ts"] = original["ts"].(int64) + g.between(-3000, 3000)
	other["type"] = pick(g, []string{"stats", "stats", "status"})
	if original["type"] == "start" || original["type"] == "load" {
		other["type"] = original["type"]
	}
	other["code"] = 9999
	return other
}

// badEvent is an event that must be refused. It leaves the seq of the good one
// free, before and after.
func (g *Generator) badEvent(good map[string]any) map[string]any {
	bad := map[string]any{"seq": good["seq"], "ts": good["ts"], "type": "stats", "playing": 3}
	pick(g, []func(){
		func() { bad["type"] = "playing" },
		func() { delete(bad, "type") },
		func() { bad["ts"] = json.Number(fmt.Sprintf("%d.5", good["ts"])) },
		func() { bad["ts"] = fmt.Sprint(good["ts"]) },
		func() { delete(bad, "ts") },
		func() { bad["ts"] = int64(4102444800000) }, // 2100
		func() { bad["ts"] = int64(1000) },          // 1970
		func() { bad["ts"] = good["ts"].(int64) - 9*24*3600_000 },
		func() { bad["seq"] = 0 },
		func() { bad["seq"] = -3 },
		func() { bad["seq"] = 1.5 },
		func() { delete(bad, "seq") },
		func() { bad["playing"] = -0.5 },
		func() { bad["playing"] = "NaN" },
		func() { bad["buffering"] = "3" },
		func() { bad["paused"] = -1 },
		func() { bad["bufferLength"] = -1 },
		func() { bad["type"], bad["startTime"] = "start", "Infinity" },
		func() { bad["height"] = "720" },
		func() { bad["packetLoss"] = 1.5 },
		func() { bad["switches"] = 3 },
		func() { bad["switches"] = map[string]any{"up": -1} },
		func() { bad["type"] = "stop" },
		func() { bad["type"], bad["reason"], bad["played"] = "stop", "normal", -2 },
		func() { bad["type"] = "status" },
	})()
	return bad
}

// calendarMoments are moments in the year before base at which calendars and
// clocks do something: months begin, in several time zones, and clocks change.
func calendarMoments(base time.Time) []time.Time {
	var moments []time.Time
	for _, zone := range timezones() {
		location, err := time.LoadLocation(zone)
		if err != nil {
			panic(err) // the zones are constants
		}
		year, month, day := base.In(location).Date()
		for days := range 365 {
			morning := time.Date(year, month, day-days, 0, 0, 0, 0, location)
			evening := morning.AddDate(0, 0, 1)
			if morning.Day() == 1 || evening.Sub(morning) != 24*time.Hour {
				moments = append(moments, morning)
			}
		}
	}
	return moments
}

func timezones() []string {
	return []string{"UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Auckland"}
}

// changeTags gives a stream some tags, which may be none.
func (g *Generator) changeTags(tags Tags) {
	organization, stream := pick(g, g.organizations).ID, pick(g, streams())
	var chosen []string
	for _, tag := range tagNames() {
		if g.chance(0.5) {
			chosen = append(chosen, tag)
		}
	}
	tags[[2]string{organization, stream}] = chosen
}

// lastMarch is noon of the last 31 March before base.
func lastMarch(base time.Time, location *time.Location) time.Time {
	march := time.Date(base.Year(), time.March, 31, 12, 0, 0, 0, location)
	if march.After(base) {
		return march.AddDate(-1, 0, 0)
	}
	return march
}

// steadyLines are lines of the first three months of a year, every six hours,
// and of a day with more addresses than a list shows.
func (g *Generator) steadyLines() []string {
	line := func(at time.Time, ip netip.Addr) string {
		return fmt.Sprintf(`{"ts":%d,"stream":%q,"direction":"playout","protocol":"hls","bytes":%d,"ip":%q}`,
			at.UnixMilli(), pick(g, streams()), g.between(1, 5_000_000_000), ip)
	}
	var lines []string
	march := lastMarch(g.base, time.UTC)
	for at := march.AddDate(0, -2, -31); at.Before(march.AddDate(0, 0, 2)); at = at.Add(6 * time.Hour) {
		lines = append(lines, line(at, g.address()))
	}
	for i := range listed + 200 {
		ip := netip.AddrFrom4([4]byte{81, 2, byte(i % 10), byte(1 + i/10)})
		lines = append(lines, line(g.base.Add(-time.Duration(g.between(0, 24*60*minute))*time.Millisecond), ip))
	}
	return lines
}

// usageRequests makes up the lines of an organisation's servers.
func (g *Generator) usageRequests(organization Organization, lines int) []*Request {
	var requests []*Request
	var ids []string
	for lines > 0 {
		request := &Request{Header: http.Header{}, Gzip: g.chance(0.3)}
		request.Header.Set("Authorization", "Bearer "+organization.SecretKey)
		request.Header.Set("Content-Type", "application/x-ndjson")
		if g.chance(0.05) {
			request.Header.Set("Authorization", "Bearer sk_wrong")
			// Who sends many wrong keys is refused for a while, so they come from elsewhere.
			request.Header.Set("X-Forwarded-For", g.forwardedFor())
		}
		for range 1 + g.random.IntN(60) {
			request.Lines = append(request.Lines, g.usageLine(&ids))
			lines--
		}
		requests = append(requests, request)
	}
	return requests
}

func (g *Generator) usageLine(ids *[]string) string {
	age := g.between(0, 130*3600_000)
	switch x := g.random.Float64(); {
	case x < 0.25:
		age = g.between(0, 300*24*3600_000)
	case x < 0.5:
		age = g.between(-10_000, 3600_000)
	}
	if g.chance(0.15) {
		moment := pick(g, g.moments)
		age = g.base.UnixMilli() - moment.UnixMilli() + g.between(-30*60*minute, 30*60*minute)
	}
	line := map[string]any{
		"ts":        g.base.UnixMilli() - age,
		"stream":    pick(g, streams()),
		"direction": pick(g, []string{"playout", "playout", "ingest"}),
		"protocol":  pick(g, append(protocols(), "HLS", "webcaster")),
		"bytes":     g.between(0, 5_000_000_000),
	}
	if g.chance(0.85) {
		line["ip"] = g.address().String()
	}
	if g.chance(0.5) {
		line["referrer"] = pick(g, referrers())
	}
	if g.chance(0.4) {
		if len(*ids) == 0 || g.chance(0.8) {
			*ids = append(*ids, fmt.Sprintf("line-%d", len(*ids)))
			line["id"] = (*ids)[len(*ids)-1]
		} else {
			line["id"] = pick(g, *ids)
		}
	}
	if g.chance(0.03) {
		pick(g, []func(){
			func() { delete(line, "ts") },
			func() { line["ts"] = int64(4102444800000) },
			func() { line["ts"] = int64(1000) },
			func() { delete(line, "stream") },
			func() { line["direction"] = "sideways" },
			func() { delete(line, "protocol") },
			func() { delete(line, "bytes") },
			func() { line["bytes"] = -1 },
			func() { line["bytes"] = "12" },
		})()
	}
	text, err := json.Marshal(line)
	if err != nil {
		panic(err) // a map of strings and numbers
	}
	return string(text)
}
