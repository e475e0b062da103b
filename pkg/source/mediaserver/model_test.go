package mediaserver

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/streamlens/streamlens/pkg/event"
)

// simulation is a media server that lives a random life, and knows what really flowed.
type simulation struct {
	random *rand.Rand
	rules  rules

	run     int
	began   time.Time               // of the run
	inRun   int                     // number of the last connection of the run
	next    int                     // number of the next thing that needs one
	streams map[string]*modelStream // those that are there, by key
	open    map[int]*modelConnection
	all     []*modelConnection
	ended   []*modelConnection // that the server still knows, the last at the end
	hook    func(c *modelConnection, action string)
	lives   []*modelStream
	away    bool // does not answer
	// frozen are older readings that an answer has instead of those of now.
	frozen map[int]counters
	hidden map[int]int // for how many answers more something is left out, by number
	polls  uint64
}

// rules are what differs between media servers.
type rules struct {
	names          []string // of streams
	blocks         int      // server blocks, each with streams of its own
	needsPublisher bool     // without one, players are disconnected and the stream is gone
	control        bool     // players send something and publishers are sent something
	reusesIDs      bool     // another run begins with the same ids
	relays         bool     // some players are other servers
	idle           bool     // some connections wait before they use a stream
	hls            bool     // some players are sessions without a connection
	onePage        bool     // answers have all or nothing of a stream
	onePublisher   bool     // a stream has at most one
	cameras        bool     // publishers of a stream have one address and port
	seconds        bool     // begins are told to the second
	sameAddress    bool     // only a publisher of the same address goes on with the counters of the one before
	// lingers is for how long what has ended is known. A publisher that comes back meanwhile goes on with the begin and the counters of the one before.
	lingers time.Duration
	late    bool // counters of streams are renewed every 5 s
	rarely  bool // what is done wrong is done: readings of before, counters that begin anew or wrap, things left out for long
}

type modelStream struct {
	number  int
	block   int
	name    string
	began   time.Time
	run     int
	shown   counters // what the server's counters say of it
	arrived int64    // of publishers
	told    counters // shown when the counters were renewed last
	renewed time.Time
}

type modelConnection struct {
	number    int
	id        string
	publisher bool
	relay     bool
	session   bool // of HLS
	idle      bool
	address   netip.Addr
	stream    *modelStream
	began     time.Time
	bytes     counters         // that flowed
	shown     counters         // what the server's counters say of it
	told      counters         // bytes when the counters of its stream were renewed last
	passed    int64            // of what arrived at the stream, by a relay
	before    *modelConnection // which it goes on with
	until     time.Time        // when it has ended: when the server forgets it
	untold    bool             // no hook told of it
}

func newModel(seed uint64, r rules) *simulation {
	return &simulation{
		random: rand.New(rand.NewPCG(seed, 1)), rules: r, //nolint:gosec // a test that can be repeated
		began: time.Now(), streams: map[string]*modelStream{}, open: map[int]*modelConnection{},
		frozen: map[int]counters{}, hidden: map[int]int{},
	}
}

func (m *simulation) number() int {
	m.next++
	return m.next
}

func (m *simulation) chance(of int) bool { return m.random.IntN(of) == 0 }

// stream returns the stream of a name and a block that is there, and makes it if it is not.
func (m *simulation) stream(name string, block int) *modelStream {
	key := fmt.Sprint(block, " ", name)
	s := m.streams[key]
	if s == nil {
		s = &modelStream{number: m.number(), block: block, name: name, began: time.Now(), run: m.run}
		m.streams[key] = s
		m.lives = append(m.lives, s)
	}
	return s
}

func (m *simulation) connect() {
	name, block := m.rules.names[m.random.IntN(len(m.rules.names))], m.random.IntN(max(m.rules.blocks, 1))
	key := fmt.Sprint(block, " ", name)
	there := m.streams[key] != nil
	publisher := m.chance(3)
	if m.rules.needsPublisher {
		publisher = !there
	}
	if m.rules.onePublisher {
		for _, o := range m.open {
			publisher = publisher && (o.stream != m.streams[key] || !o.publisher)
		}
	}
	if m.rules.seconds { // two lives that begin in one second are one to who polls
		time.Sleep(time.Second)
	}
	c := &modelConnection{number: m.number(), publisher: publisher, began: time.Now(), stream: m.stream(name, block)}
	c.id = strconv.Itoa(c.number)
	if m.rules.reusesIDs {
		m.inRun++
		c.id = strconv.Itoa(m.inRun)
	}
	c.address = netip.AddrFrom4([4]byte{10, byte(c.number >> 16), byte(c.number >> 8), byte(c.number)})
	if m.rules.cameras && c.publisher {
		c.address = netip.AddrFrom4([4]byte{10, 255, 0, byte(slices.Index(m.rules.names, name))})
	}
	if m.rules.lingers > 0 && c.publisher {
		m.resume(c)
	}
	c.relay = there && !publisher && m.rules.relays && m.chance(4)
	c.passed = c.stream.arrived
	c.session = !publisher && m.rules.hls && m.chance(3)
	c.idle = m.rules.idle && m.chance(4)
	m.open[c.number] = c
	m.all = append(m.all, c)
	m.tell(c, "post")
}

// resume lets a publisher go on with the last one of its stream, if the server still knows that.
func (m *simulation) resume(c *modelConnection) {
	i := slices.IndexFunc(m.ended, func(o *modelConnection) bool { return o.publisher && o.stream.name == c.stream.name })
	if i < 0 {
		return
	}
	before := m.ended[i]
	m.ended = slices.Delete(m.ended, i, i+1)
	if m.rules.sameAddress && m.chance(3) {
		m.tell(before, "done")
		return
	}
	c.before, c.began, c.address, c.shown = before, before.began, before.address, before.shown
}

// close notes that a connection has ended.
func (m *simulation) close(c *modelConnection) {
	delete(m.open, c.number)
	if m.rules.lingers > 0 {
		c.until = time.Now().Add(m.rules.lingers)
		m.ended = append(m.ended, c)
	}
	if !c.publisher || m.rules.lingers == 0 {
		m.tell(c, "done")
	}
}

// expire forgets what ended long ago.
func (m *simulation) expire() {
	m.ended = slices.DeleteFunc(m.ended, func(c *modelConnection) bool {
		over := time.Now().After(c.until)
		if over && c.publisher {
			m.tell(c, "done")
		}
		return over
	})
}

// tell tells of a connection by a hook, if the server has some.
func (m *simulation) tell(c *modelConnection, action string) {
	if m.hook != nil {
		m.hook(c, action)
	}
}

// leave ends a connection, its stream with its last one, and its players with a publisher if the server needs one.
func (m *simulation) leave(c *modelConnection) {
	m.close(c)
	others := false
	for _, o := range m.open {
		if o.stream != c.stream {
			continue
		}
		if m.rules.needsPublisher && c.publisher {
			m.close(o)
			continue
		}
		others = others || !o.relay
	}
	if !others {
		maps.DeleteFunc(m.open, func(_ int, o *modelConnection) bool { return o.stream == c.stream })
		delete(m.streams, fmt.Sprint(c.stream.block, " ", c.stream.name))
	}
}

func (m *simulation) sorted() []*modelConnection {
	all := slices.Collect(maps.Values(m.open))
	slices.SortFunc(all, func(a, b *modelConnection) int { return a.number - b.number })
	return all
}

// disconnect ends a connection. Relays, which nobody sees that came and went between two polls, last as long as their stream.
func (m *simulation) disconnect() {
	if all := slices.DeleteFunc(m.sorted(), func(c *modelConnection) bool { return c.relay }); len(all) > 0 {
		m.leave(all[m.random.IntN(len(all))])
	}
}

func (m *simulation) restart() {
	m.run, m.inRun = m.run+1, 0
	m.began = time.Now()
	clear(m.open)
	m.ended = nil
	clear(m.streams)
	clear(m.frozen)
	clear(m.hidden)
}

// renewal is how old the counters of streams are at most, of a server that is late.
const renewal = 5 * time.Second

// renew renews the counters of streams.
func (m *simulation) renew() {
	for _, s := range m.streams {
		if time.Since(s.renewed) < renewal {
			continue
		}
		s.told, s.renewed = s.shown, time.Now()
		for _, c := range m.all { // also of those that have left
			if c.stream == s {
				c.told = c.bytes
			}
		}
	}
}

func (m *simulation) flow() {
	defer m.renew()
	all := m.sorted()
	// Relays are behind publishers by less than the time between two polls.
	slices.SortStableFunc(all, func(a, b *modelConnection) int {
		return map[bool]int{true: -1}[a.publisher] - map[bool]int{true: -1}[b.publisher]
	})
	for _, c := range all {
		if c.idle {
			c.idle = m.chance(2)
			continue
		}
		useful := sent
		if c.publisher {
			useful = received
		}
		bytes := m.random.Int64N(1000)
		if m.chance(30) {
			bytes += 1 << 31
		}
		if c.relay { // what publishers sent since it was passed on last
			bytes = c.stream.arrived - c.passed
			c.passed = c.stream.arrived
		} else if c.publisher {
			c.stream.arrived += bytes
		}
		c.bytes[useful] += bytes
		c.shown[useful] += bytes
		c.stream.shown[useful] += bytes
		if m.rules.control {
			c.bytes[1-useful] += m.random.Int64N(10)
			c.shown[1-useful] = c.bytes[1-useful]
		}
	}
}

// misbehave makes the server do what none should do.
func (m *simulation) misbehave() {
	all := m.sorted()
	if len(all) == 0 {
		return
	}
	c := all[m.random.IntN(len(all))]
	number, shown := c.number, &c.shown
	if m.rules.onePage || m.chance(2) {
		number, shown = c.stream.number, &c.stream.shown
	}
	switch m.random.IntN(4) {
	case 0: // an older reading
		m.frozen[number] = *shown
	case 1: // a counter that begins anew, as after an error
		*shown = counters{}
	case 2: // and of 32 bits
		for dir := range shown {
			shown[dir] &= 1<<32 - 1
		}
	case 3:
		m.hidden[number] = m.random.IntN(20)
	}
	if m.chance(2) {
		clear(m.frozen)
	}
}

// reading returns the counters of a connection as an answer has them.
func (m *simulation) reading(c *modelConnection) counters { return m.frozenOr(c.number, c.shown) }

// total returns the counters of a stream as an answer has them.
func (m *simulation) total(s *modelStream) counters {
	if m.rules.late {
		return m.frozenOr(s.number, s.told)
	}
	return m.frozenOr(s.number, s.shown)
}

func (m *simulation) frozenOr(number int, shown counters) counters {
	if old, ok := m.frozen[number]; ok {
		return old
	}
	return shown
}

// listed returns what an answer has of connections and streams, in any order.
func (m *simulation) listed(order *rand.Rand) ([]*modelConnection, []*modelStream) {
	var connections []*modelConnection
	m.expire()
	for _, c := range append(m.sorted(), m.ended...) {
		if m.hidden[c.number] == 0 {
			connections = append(connections, c)
		}
	}
	streams := slices.Collect(maps.Values(m.streams))
	slices.SortFunc(streams, func(a, b *modelStream) int { return a.number - b.number })
	streams = slices.DeleteFunc(streams, func(s *modelStream) bool { return m.hidden[s.number] > 0 })
	order.Shuffle(len(connections), func(i, j int) { connections[i], connections[j] = connections[j], connections[i] })
	order.Shuffle(len(streams), func(i, j int) { streams[i], streams[j] = streams[j], streams[i] })
	return connections, streams
}

// polled notes that an answer was given.
func (m *simulation) polled() {
	m.polls++
	for number := range m.hidden {
		if m.hidden[number]--; m.hidden[number] <= 0 {
			delete(m.hidden, number)
		}
	}
}

// speaker answers in the form of one product.
type speaker func(m *simulation, order *rand.Rand, w http.ResponseWriter, r *http.Request)

// RoundTrip lets an api ask the model without a network.
type modelTransport struct {
	server *simulation
	speak  speaker
	asked  sync.Mutex // lists are asked for at once
}

type modelWriter struct {
	status int
	header http.Header
	body   bytes.Buffer
}

func (w *modelWriter) Header() http.Header         { return w.header }
func (w *modelWriter) Write(p []byte) (int, error) { return w.body.Write(p) }
func (w *modelWriter) WriteHeader(status int)      { w.status = status }

func (t *modelTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	t.asked.Lock()
	defer t.asked.Unlock()
	if t.server.away {
		return nil, io.ErrUnexpectedEOF
	}
	w := &modelWriter{status: http.StatusOK, header: http.Header{}}
	w.header.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	order := fnv.New64()
	fmt.Fprint(order, r.URL)
	t.speak(t.server, rand.New(rand.NewPCG(t.server.polls, order.Sum64())), w, r) //nolint:gosec // a test that can be repeated
	return &http.Response{
		StatusCode: w.status, Status: strconv.Itoa(w.status), Header: w.header, Body: io.NopCloser(&w.body), Request: r, ProtoMajor: 1, ProtoMinor: 1,
	}, nil
}

func writeJSON(w http.ResponseWriter, v any) {
	if err := json.NewEncoder(w).Encode(v); err != nil {
		panic(err) // the test's own values
	}
}

type object = map[string]any

// speakMediaMTX answers as the API of MediaMTX of a version.
func speakMediaMTX(version string) speaker {
	return func(m *simulation, order *rand.Rand, w http.ResponseWriter, r *http.Request) {
		connections, streams := m.listed(order)
		items := []object{}
		switch strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, "/v3/"), "/list") {
		case "info":
			if version == "" {
				http.NotFound(w, r)
				return
			}
			writeJSON(w, object{"version": version, "started": m.began})
			return
		case "paths":
			for _, s := range streams {
				all := m.total(s)
				// Without the protocol, which is two thirds here so that much is hidden in it.
				items = append(items, object{"name": s.name, "confName": "all", "ready": true, "readyTime": s.began, "source": object{"type": "rtmpConn", "id": "x"},
					"inboundBytes": all[received] / 3, "outboundBytes": all[sent] / 3, "tracks2": []object{}})
			}
		case "hlsmuxers":
			for _, s := range streams {
				var all int64
				var created time.Time
				for _, c := range m.all {
					if !c.session || c.stream != s {
						continue
					}
					all += c.bytes[sent]
					if created.IsZero() {
						created = c.began
					}
				}
				if !created.IsZero() {
					items = append(items, object{"path": s.name, "created": created, "outboundBytes": all})
				}
			}
		case "rtmpconns", "hlssessions":
			for _, c := range connections {
				if c.session != strings.HasPrefix(r.URL.Path, "/v3/hls") {
					continue
				}
				shown := m.reading(c)
				item := object{"id": c.id + " " + strconv.Itoa(m.run), "created": c.began, "remoteAddr": netip.AddrPortFrom(c.address, 1).String(), "path": c.stream.name,
					"inboundBytes": shown[received], "outboundBytes": shown[sent]}
				if !c.session {
					item["state"] = map[bool]string{true: "publish", false: "read"}[c.publisher]
				}
				if c.idle {
					item["state"], item["path"] = "idle", ""
				}
				items = append(items, item)
			}
		case "config/paths":
			items = append(items, object{"name": "all", "forward": []any{}})
		default:
			http.NotFound(w, r)
			return
		}
		const size = 3
		page, _ := strconv.Atoi(r.URL.Query().Get("page"))
		if order.IntN(2) == 0 || r.URL.Query().Get("page") == "" { // usually lists are shorter than a page
			writeJSON(w, object{"itemCount": len(items), "pageCount": 1, "items": items})
			return
		}
		if page > 0 { // shuffled anew, so it has anything
			writeJSON(w, object{"itemCount": len(items), "pageCount": 2, "items": items})
			return
		}
		writeJSON(w, object{"itemCount": len(items), "pageCount": 2, "items": items[:min(size, len(items))]})
	}
}

// speakMediaMTXMetrics answers as the metrics of MediaMTX.
func speakMediaMTXMetrics(m *simulation, order *rand.Rand, w http.ResponseWriter, _ *http.Request) {
	connections, _ := m.listed(order)
	fmt.Fprintln(w, "paths 0")
	for _, c := range connections {
		state, path := map[bool]string{true: "publish", false: "read"}[c.publisher], c.stream.name
		if c.idle {
			state, path = "idle", ""
		}
		shown := m.reading(c)
		labels := fmt.Sprintf(`{id="%s %d",path=%q,remoteAddr="%s:1",state=%q}`, c.id, m.run, path, c.address, state)
		fmt.Fprintf(w, "rtmp_conns_inbound_bytes%s %d\nrtmp_conns_outbound_bytes%s %d\n", labels, shown[received], labels, shown[sent])
	}
}

// speakSRS answers as SRS.
func speakSRS(m *simulation, order *rand.Rand, w http.ResponseWriter, r *http.Request) {
	connections, streams := m.listed(order)
	list := []object{}
	body := object{"code": 0, "server": "s", "service": strconv.Itoa(m.run), "pid": "1"}
	switch r.URL.Path {
	case "/api/v1/streams/":
		for _, s := range streams {
			all := m.total(s)
			list = append(list, object{"id": fmt.Sprint("vid-", s.number), "url": "/" + s.name, "recv_bytes": all[received], "send_bytes": all[sent]})
		}
		body["streams"] = list
	case "/api/v1/clients/":
		for _, c := range connections {
			if c.idle {
				continue
			}
			shown := m.reading(c)
			list = append(list, object{"id": fmt.Sprint(m.run, "-", c.number), "stream": fmt.Sprint("vid-", c.stream.number), "ip": c.address.String(), "type": "rtmp-play",
				"publish": c.publisher, "alive": time.Since(c.began).Seconds(), "recv_bytes": shown[received], "send_bytes": shown[sent]})
		}
		body["clients"] = list
	}
	writeJSON(w, body)
}

// speakNginxRTMP answers as rtmp_stat.
func speakNginxRTMP(m *simulation, order *rand.Rand, w http.ResponseWriter, _ *http.Request) {
	connections, streams := m.listed(order)
	fmt.Fprintf(w, "<rtmp><pid>%d</pid><uptime>%d</uptime>", 100+m.run, int(time.Since(m.began).Seconds()))
	for block := range m.rules.blocks {
		fmt.Fprint(w, "<server><application><name>live</name><live>")
		for _, s := range streams {
			if s.block != block {
				continue
			}
			all := m.total(s)
			blank := strings.Map(func(r rune) rune {
				if r > 0x7f {
					return ' '
				}
				return r
			}, s.name)
			fmt.Fprintf(w, "<stream><name>%s</name><time>%d</time><bytes_in>%d</bytes_in><bytes_out>%d</bytes_out>",
				blank, time.Since(s.began).Milliseconds(), all[received], all[sent])
			for _, c := range connections {
				if c.stream != s {
					continue
				}
				fmt.Fprintf(w, "<client><id>%s</id><address>%s</address><time>%d</time>", c.id, c.address, time.Since(c.began).Milliseconds())
				if c.publisher {
					fmt.Fprint(w, "<publishing/>")
				}
				if c.relay {
					fmt.Fprint(w, "<flashver>ngx-local-relay</flashver>")
				}
				fmt.Fprint(w, "</client>")
			}
			fmt.Fprint(w, "</stream>")
		}
		fmt.Fprint(w, "</live></application></server>")
	}
	fmt.Fprint(w, "</rtmp>")
}

// speakIcecast answers as the admin interface of Icecast.
func speakIcecast(m *simulation, order *rand.Rand, w http.ResponseWriter, r *http.Request) {
	connections, streams := m.listed(order)
	const form = "2006-01-02T15:04:05-0700"
	players := func(s *modelStream) []*modelConnection {
		return slices.DeleteFunc(slices.Clone(connections), func(c *modelConnection) bool { return c.stream != s || c.publisher })
	}
	if mount := r.URL.Query().Get("mount"); mount != "" {
		i := slices.IndexFunc(streams, func(s *modelStream) bool { return "/"+s.name == mount })
		if i < 0 || m.rules.late && order.IntN(10) == 0 { // it has left since
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		fmt.Fprintf(w, `<icestats><source mount=%q>`, mount)
		for _, c := range players(streams[i]) {
			fmt.Fprintf(w, "<listener><IP>%s</IP><UserAgent>Radio</UserAgent><Connected>%d</Connected><ID>%s</ID></listener>",
				c.address, int(time.Since(c.began).Seconds()), c.id)
		}
		fmt.Fprint(w, "</source></icestats>")
		return
	}
	fmt.Fprintf(w, "<icestats><server_id>Icecast 2.4.4</server_id><server_start_iso8601>%s</server_start_iso8601>", m.began.Format(form))
	for _, s := range streams {
		all := m.total(s)
		fmt.Fprintf(w, "<source mount=%q><listeners>%d</listeners>", "/"+s.name, len(players(s)))
		for _, c := range connections {
			if c.stream == s && c.publisher {
				fmt.Fprintf(w, "<source_ip>%s</source_ip>", c.address)
			}
		}
		fmt.Fprintf(w, "<stream_start_iso8601>%s</stream_start_iso8601><total_bytes_read>%d</total_bytes_read><total_bytes_sent>%d</total_bytes_sent></source>",
			s.began.Format(form), all[received], all[sent])
	}
	fmt.Fprint(w, "</icestats>")
}

// speakLal answers as the HTTP API of lal.
func speakLal(m *simulation, order *rand.Rand, w http.ResponseWriter, r *http.Request) {
	if strings.HasSuffix(r.URL.Path, "lal_info") {
		writeJSON(w, object{"error_code": 0, "data": object{"server_id": "1", "start_time": m.began.UTC().Format(lalTime)}})
		return
	}
	connections, streams := m.listed(order)
	groups := []object{}
	for _, s := range streams {
		application, name, _ := strings.Cut(s.name, "/")
		group, players := object{"app_name": application, "stream_name": name}, []object{}
		for _, c := range connections {
			if c.stream != s {
				continue
			}
			shown := m.reading(c)
			session := object{"session_id": c.id, "protocol": "RTMP", "remote_addr": netip.AddrPortFrom(c.address, 1).String(),
				"start_time": c.began.UTC().Format(lalTime), "read_bytes_sum": shown[received], "wrote_bytes_sum": shown[sent]}
			if c.publisher {
				group["pub"] = session
			} else {
				players = append(players, session)
			}
		}
		group["subs"] = players
		groups = append(groups, group)
	}
	writeJSON(w, object{"error_code": 0, "data": object{"groups": groups}})
}

// speakGo2rtc answers as the API of go2rtc.
func speakGo2rtc(m *simulation, order *rand.Rand, w http.ResponseWriter, _ *http.Request) {
	connections, streams := m.listed(order)
	all := object{}
	for _, s := range streams {
		producers, consumers := []object{{"url": "rtsp://camera"}}, []object{}
		for _, c := range connections {
			if c.stream != s {
				continue
			}
			shown, id := m.reading(c), json.Number(c.id)
			item := object{"id": id, "format_name": "rtsp", "remote_addr": netip.AddrPortFrom(c.address, 1).String()}
			switch {
			case c.publisher:
				item["bytes_recv"] = shown[received]
				producers = append(producers, item)
			case c.number%2 == 0: // media alone
				item["senders"] = []object{{"bytes": shown[sent] / 3}, {"bytes": shown[sent] - shown[sent]/3}}
				consumers = append(consumers, item)
			default:
				item["bytes_send"] = shown[sent]
				consumers = append(consumers, item)
			}
		}
		all[s.name] = object{"producers": producers, "consumers": consumers}
	}
	writeJSON(w, all)
}

// speakAntMedia answers as an application of Ant Media.
func speakAntMedia(m *simulation, order *rand.Rand, w http.ResponseWriter, r *http.Request) {
	connections, streams := m.listed(order)
	all := []object{{"streamId": "old", "status": "finished", "receivedBytes": 1 << 40}}
	for _, s := range streams {
		players := 0
		for _, c := range connections {
			if c.stream == s && !c.publisher {
				players++
			}
		}
		began := s.began.UnixMilli()
		renewed := max(s.renewed.UnixMilli(), began+1) // the model may do both at once
		bytes := m.total(s)[received]
		if s.told == (counters{}) { // of the broadcast before
			renewed, bytes = began, 1<<40
		}
		all = append(all, object{"streamId": s.name, "status": "broadcasting", "startTime": began, "updateTime": renewed, "receivedBytes": bytes,
			"hlsViewerCount": players / 3, "webRTCViewerCount": players - players/3, "publishType": "RTMP"})
	}
	slices.SortStableFunc(all, func(a, b object) int { return strings.Compare(a["status"].(string), b["status"].(string)) })
	var offset, size int
	if _, err := fmt.Sscanf(r.URL.Path, "/live/rest/v2/broadcasts/list/%d/%d", &offset, &size); err != nil {
		panic(err) // what is tested asks otherwise than Ant Media is asked
	}
	writeJSON(w, all[min(offset, len(all)):min(offset+size, len(all))])
}

// speakOvenMediaEngine answers as the REST API of OvenMediaEngine.
func speakOvenMediaEngine(m *simulation, order *rand.Rand, w http.ResponseWriter, r *http.Request) {
	connections, streams := m.listed(order)
	_, path, _ := strings.Cut(r.URL.Path, "/v1/")
	list, one := strings.CutPrefix(path, "vhosts/default/apps/app/streams")
	stats, about := strings.CutPrefix(path, "stats/current/vhosts/default/apps/app/streams/")
	i := slices.IndexFunc(streams, func(s *modelStream) bool { return "/"+s.name == list || s.name == stats })
	switch {
	case path == "vhosts":
		writeJSON(w, object{"response": []string{"default"}})
	case path == "vhosts/default/apps":
		writeJSON(w, object{"response": []string{"app"}})
	case one && list == "":
		names := []string{}
		for _, s := range streams {
			names = append(names, s.name)
		}
		writeJSON(w, object{"response": names})
	case i < 0:
		http.NotFound(w, r)
	case about:
		players := 0
		for _, c := range connections {
			if c.stream == streams[i] && !c.publisher {
				players++
			}
		}
		all := m.total(streams[i])
		writeJSON(w, object{"response": object{"createdTime": streams[i].began.Format("2006-01-02T15:04:05.000-07:00"), "totalBytesIn": all[received], "totalBytesOut": all[sent],
			"connections": object{"webrtc": players / 2, "llhls": players - players/2, "push": 0}}})
	default:
		writeJSON(w, object{"response": object{"input": object{"sourceType": "Rtmp"}}})
	}
}

// speakLiveKit answers as the room service of LiveKit.
func speakLiveKit(m *simulation, order *rand.Rand, w http.ResponseWriter, r *http.Request) {
	connections, streams := m.listed(order)
	if strings.HasSuffix(r.URL.Path, "/ListRooms") {
		rooms := []object{}
		for _, s := range streams {
			rooms = append(rooms, object{"name": s.name})
		}
		writeJSON(w, object{"rooms": rooms})
		return
	}
	var question struct{ Room string }
	if err := json.NewDecoder(r.Body).Decode(&question); err != nil {
		panic(err) // what is tested asks otherwise than LiveKit is asked
	}
	participants := []object{}
	for _, c := range connections {
		if c.stream.name != question.Room {
			continue
		}
		tracks := []object{}
		if c.publisher {
			tracks = append(tracks, object{"type": "VIDEO", "mime_type": "video/VP8",
				"version": object{"unix_micro": strconv.FormatInt(c.began.UnixMicro(), 10)}})
		}
		participants = append(participants, object{"sid": "PA_" + c.id, "identity": c.address.String(), "kind": "STANDARD", "tracks": tracks,
			"state": map[bool]string{true: "JOINED", false: "ACTIVE"}[c.idle], "joined_at_ms": strconv.FormatInt(c.began.UnixMilli(), 10)})
	}
	writeJSON(w, object{"participants": participants})
}

// liveKitHook returns what LiveKit posts.
func (m *simulation) liveKitHook(c *modelConnection, action string) HookRequest {
	name := map[string]string{"post": "participant_joined", "done": "participant_left"}[action]
	if c.publisher && action == "post" {
		name = "track_published"
	}
	body, err := json.Marshal(object{"event": name, "room": object{"name": c.stream.name}, "track": object{"type": "VIDEO"},
		"participant": object{"sid": "PA_" + c.id, "identity": c.address.String()}})
	if err != nil {
		panic(err) // the test's own values
	}
	sum := sha256.Sum256(body)
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
		"iss": liveKitKey, "exp": time.Now().Add(time.Minute).Unix(), "sha256": base64.StdEncoding.EncodeToString(sum[:]),
	}).SignedString([]byte(liveKitSecret))
	if err != nil {
		panic(err) // the same
	}
	return HookRequest{Header: http.Header{"Authorization": {token}}, Body: body}
}

// seenPeople are those whom answers had, of a server that counts no bytes.
type seenPeople struct {
	looks      int          // how often a player was in an answer
	players    map[int]bool // those, by number
	publishers map[int]bool
	told       int           // players that were in none, but of which hooks told
	undecided  time.Duration // for how long who has come is no player yet
}

func newSeenPeople() seenPeople {
	return seenPeople{players: map[int]bool{}, publishers: map[int]bool{}}
}

// done notes one of whose begin and end hooks told.
func (s *seenPeople) done(c *modelConnection) {
	switch {
	case c.publisher:
		s.publishers[c.number] = true
	case !s.players[c.number]:
		s.told++
	}
}

// note adds whom an answer has.
func (s *seenPeople) note(connections []*modelConnection, streams []*modelStream) {
	for _, c := range connections {
		switch {
		case c.idle || !slices.Contains(streams, c.stream) || !c.publisher && time.Since(c.began.Truncate(time.Millisecond)) < s.undecided:
		case c.publisher:
			s.publishers[c.number] = true
		default:
			s.looks++
			s.players[c.number] = true
		}
	}
}

// speakDatarhei answers as the API of datarhei Core.
func speakDatarhei(m *simulation, order *rand.Rand, w http.ResponseWriter, _ *http.Request) {
	connections, _ := m.listed(order)
	lists := map[string][]object{"rtmp": {}, "srt": {}}
	for _, c := range connections {
		shown := m.reading(c)
		session := object{"reference": "/" + c.stream.name, "created_at": c.began.Unix(), "remote": netip.AddrPortFrom(c.address, 1).String(),
			"id": netip.AddrPortFrom(c.address, 1).String(), "local": "play:/" + c.stream.name, "bytes_rx": shown[received], "bytes_tx": shown[sent]}
		if c.publisher {
			session["id"], session["local"] = "/"+c.stream.name, "publish:/"+c.stream.name
		}
		protocol := "rtmp"
		if c.number%3 == 0 && c.before == nil && !c.publisher {
			protocol = "srt"
		}
		lists[protocol] = append(lists[protocol], session)
	}
	writeJSON(w, lists)
}

// speakNMS answers as the API of Node-Media-Server.
func speakNMS(m *simulation, order *rand.Rand, w http.ResponseWriter, r *http.Request) {
	connections, _ := m.listed(order)
	sessions, streams := []object{}, []object{}
	for _, c := range connections {
		session := m.nmsSession(c)
		if c.publisher {
			application, name, _ := strings.Cut(c.stream.name, "/")
			status := "publishing"
			if !c.until.IsZero() {
				status = "reconnecting"
			}
			streams = append(streams, object{"app": application, "name": name, "status": status, "publisher": session})
		}
		if c.until.IsZero() {
			sessions = append(sessions, session)
		}
	}
	data := object{"sessions": sessions}
	if strings.HasSuffix(r.URL.Path, "/streams") {
		data = object{"streams": streams}
	}
	writeJSON(w, object{"success": true, "data": data})
}

func (m *simulation) nmsSession(c *modelConnection) object {
	shown := m.reading(c)
	return object{"id": fmt.Sprint(m.run, "-", c.number), "ip": netip.AddrPortFrom(c.address, 1).String(), "isPublisher": c.publisher, "protocol": "rtmp",
		"createTime": c.began.UnixMilli(), "inBytes": shown[received], "outBytes": shown[sent]}
}

// nmsHook returns what Node-Media-Server posts.
func (m *simulation) nmsHook(c *modelConnection, action string) HookRequest {
	body := m.nmsSession(c)
	body["app"], body["name"], _ = strings.Cut(c.stream.name, "/")
	body["action"] = action + map[bool]string{true: "Publish", false: "Play"}[c.publisher]
	text, err := json.Marshal(body)
	if err != nil {
		panic(err) // the test's own values
	}
	return HookRequest{Body: text}
}

// noteStreams is the same where what is on air has a publisher.
func (s *seenPeople) noteStreams(connections []*modelConnection, streams []*modelStream) {
	s.note(slices.DeleteFunc(slices.Clone(connections), func(c *modelConnection) bool { return c.publisher }), streams)
	for _, stream := range streams {
		s.publishers[stream.number] = true
	}
}

// seenBytes are the readings that answers had: of connections, or of streams where those are what counts.
type seenBytes struct {
	first, last map[int]counters
}

// history lets a model live for a while, polls it, and compares what is counted with what flowed.
func history(t *testing.T, seed uint64, serverType string, l life) {
	m := newModel(seed, l.rules)
	exact := !l.rules.rarely && !l.approximate
	config := Config{Type: serverType, URL: l.url, Organization: "acme", Interval: 10 * time.Second}
	if serverType == TypeLiveKit {
		config.Username, config.Password = liveKitKey, liveKitSecret
	}
	sink := &memorySink{}
	var poller *Poller
	begin := func() {
		server, err := New(config)
		if err != nil {
			t.Fatal(err)
		}
		server.(*polled).client.Transport = &modelTransport{server: m, speak: l.speak}
		poller = NewPoller(config, server, sink.position, sink, slog.New(slog.DiscardHandler))
	}
	// Something is there before.
	for range m.random.IntN(6) {
		m.connect()
	}
	for _, c := range m.all {
		c.untold = l.hook != nil && !c.publisher
	}
	m.flow()
	time.Sleep(3 * time.Second)
	begin()
	before := map[int]counters{} // of connections, when the first poll was answered
	seen := seenBytes{map[int]counters{}, map[int]counters{}}
	people := newSeenPeople()
	if l.countless {
		people.undecided = liveKitUndecided
	}
	first := true
	m.hook = func(c *modelConnection, action string) {
		switch {
		case l.hook == nil:
			return
		case l.rules.rarely && m.chance(10): // it is lost
			c.untold = true
			return
		}
		if _, err := poller.Hook(l.hook(m, c, action)); err != nil {
			t.Fatal(err)
		}
		switch {
		case action != "done" || c.untold:
		case l.countless:
			people.done(c)
		default:
			seen.last[c.number] = c.bytes
		}
	}
	poll := func() {
		m.expire()
		if first {
			for _, c := range m.all {
				before[c.number] = c.bytes
				if l.rules.late {
					before[c.number] = c.told
				}
			}
		}
		connections, streams := m.listed(m.random)
		note := func(number int, began time.Time, now counters) {
			if _, ok := seen.last[number]; !ok && first {
				seen.first[number] = now
			}
			seen.last[number] = now
		}
		switch {
		case l.countless:
			people.note(connections, streams)
		case l.byStream:
			if l.numbers {
				people.noteStreams(connections, streams)
			}
			for _, s := range streams {
				note(s.number, s.began, m.total(s))
			}
		default:
			for _, c := range connections {
				for ; c != nil && !c.idle && !c.untold; c = c.before {
					note(c.number, c.began, c.bytes)
				}
			}
		}
		if !poller.poll(t.Context(), time.Second) {
			t.Fatal(poller.Status())
		}
		m.polled()
		first = false
	}
	poll()
	for range 12 {
		for range m.random.IntN(4) {
			time.Sleep(time.Duration(m.random.IntN(3000)) * time.Millisecond)
			switch n := m.random.IntN(20); {
			case n < 8:
				m.connect()
			case n < 12:
				m.disconnect()
			case n == 12 && m.chance(3):
				m.restart()
			case n == 13 && l.rules.rarely:
				m.misbehave()
			case n == 14:
				for _, c := range m.sorted() { // left out of some lists
					if m.chance(4) && !l.rules.onePage {
						m.hidden[c.number] = 1 + m.random.IntN(3)
					}
				}
			case n == 15: // the collector is killed
				if l.hook != nil && exact { // what hooks said since the last poll would be lost
					poll()
				}
				for number, c := range m.open { // the position does not say who they are
					c.untold = c.untold || l.countless && !c.publisher && !people.players[number]
				}
				time.Sleep(time.Duration(m.random.IntN(60)) * time.Second)
				begin()
			case n == 16: // the API is away
				m.away = true
				for range 1 + m.random.IntN(3) {
					time.Sleep(10 * time.Second)
					m.flow()
					if poller.poll(t.Context(), time.Second) {
						t.Fatal("a server that is away answers")
					}
				}
				m.away = false
			}
			m.flow()
		}
		time.Sleep(time.Second)
		poll()
		m.flow()
	}
	clear(m.hidden)
	clear(m.frozen)
	poll()
	poll()

	var flowed, could, got counters
	own := map[string]int64{}
	for _, c := range m.all {
		useful := sent
		if c.publisher {
			useful = received
		}
		if !c.relay {
			n := c.bytes[useful] - before[c.number][useful]
			flowed[useful] += n
			own[c.address.String()] += n
		}
	}
	for number, last := range seen.last {
		for dir := range could {
			could[dir] += last[dir] - seen.first[number][dir]
		}
	}
	if !l.byStream { // of connections, only one direction counts
		could = counters{}
		for _, c := range m.all {
			useful := sent
			if c.publisher {
				useful = received
			}
			could[useful] += seen.last[c.number][useful] - seen.first[c.number][useful]
		}
	}
	if l.unsent {
		could[sent] = 0
	}
	byAddress := map[string]int64{}
	looks := 0
	for _, u := range sink.usage {
		if u.Bytes < 0 || u.Protocol == ProtocolRelay {
			t.Fatalf("seed %d: %+v", seed, u)
		}
		byAddress[u.Address] += u.Bytes
		if u.Viewer != 0 {
			looks++
		}
		if u.Direction == "ingest" {
			got[received] += u.Bytes
		} else {
			got[sent] += u.Bytes
		}
	}
	for dir := range got {
		if got[dir] > flowed[dir] {
			t.Fatalf("seed %d: %d bytes of %s are counted, but only %d flowed", seed, got[dir], direction(dir), flowed[dir])
		}
		if exact && got[dir] != could[dir] {
			t.Fatalf("seed %d: %d bytes of %s are counted, but polls saw %d", seed, got[dir], direction(dir), could[dir])
		}
	}
	for address, n := range byAddress {
		// nginx-rtmp says nothing of connections: what one did that no poll saw may be taken for that of another.
		if address != "" && serverType != TypeNginxRTMP && n > own[address] {
			t.Fatalf("seed %d: %s has %d bytes, but its connection %d", seed, address, n, own[address])
		}
	}
	if l.countless || l.numbers {
		least := people.looks
		if exact {
			least += people.told
		}
		if looks < least || looks > people.looks+people.told || exact && len(sink.sessions()) != len(people.publishers) {
			t.Fatalf("seed %d: %d lines of viewers and %d broadcasts count, but polls saw %d and hooks told of %d, and there were %d",
				seed, looks, len(sink.sessions()), people.looks, people.told, len(people.publishers))
		}
	}
	// Events of a broadcast are in order, and its parts are what it played.
	for id, events := range sink.sessions() {
		var playing int64
		for i, e := range events {
			if e.Seq != int64(i+1) {
				t.Fatalf("seed %d: broadcast %s: event %d has seq %d", seed, id, i, e.Seq)
			}
			playing += max(e.Playing, 0)
			if e.Type == event.Stop && e.Played != playing {
				t.Fatalf("seed %d: broadcast %s: %d ms on air, %d at the end", seed, id, playing, e.Played)
			}
		}
	}
}

// life is one kind of life of a server.
type life struct {
	rules     rules
	url       string
	speak     speaker
	byStream  bool // a stream's counters are what counts
	numbers   bool // players are but numbers
	unsent    bool // what players were sent is not counted
	countless bool // nothing has counters: people count
	// hook returns what the server posts, nil if it has no hooks.
	hook func(m *simulation, c *modelConnection, action string) HookRequest
	// approximate says that some of what no poll saw counts, too, or not all that one saw.
	approximate bool
}

// TestHistories lets servers of each kind live random lives, 100 or as many as the environment variable HISTORIES says: publishers and players come, go and come again, servers and collectors
// restart, APIs are away, lists come in any order and lack something. What is counted is never more than what flowed, and all that
// polls could see. In every second life the server also does what none should do; then only the first holds.
func TestHistories(t *testing.T) {
	lives := uint64(100)
	if text := os.Getenv("HISTORIES"); text != "" {
		var err error
		if lives, err = strconv.ParseUint(text, 10, 32); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		kind  string
		name  string
		lives []life // in turn
	}{
		{TypeMediaMTX, "MediaMTX", []life{
			{rules: rules{names: []string{"live/a", "cam/1", "cam/2"}, needsPublisher: true, control: true, idle: true},
				url: "http://server:9997", speak: speakMediaMTX("v1.19.0")},
			{rules: rules{names: []string{"live/a", "cam/1"}, needsPublisher: true, hls: true},
				url: "http://server:9997", speak: speakMediaMTX("v1.20.1"), approximate: true},
			{rules: rules{names: []string{"live/a", "cam/1"}, control: true, idle: true},
				url: "http://server:9997", speak: speakMediaMTX("")}, // before 1.15
		}},
		{TypeMediaMTX, "metrics of MediaMTX", []life{
			{rules: rules{names: []string{"live/a", "cam/1"}, control: true, idle: true},
				url: "http://server:9998/metrics", speak: speakMediaMTXMetrics},
		}},
		{TypeSRS, "SRS", []life{
			{rules: rules{names: []string{"live/a", "live/b", "live/größe"}}, url: "http://server:1985", speak: speakSRS, byStream: true},
		}},
		{TypeNginxRTMP, "nginx-rtmp", []life{
			{rules: rules{names: []string{"a", "größe", "grüße"}, blocks: 2, reusesIDs: true, onePage: true},
				url: "http://server/stat", speak: speakNginxRTMP, byStream: true},
			{rules: rules{names: []string{"a", "b"}, blocks: 1, reusesIDs: true, onePage: true, relays: true},
				url: "http://server/stat", speak: speakNginxRTMP, byStream: true, approximate: true},
		}},
		{TypeIcecast, "Icecast", []life{
			{rules: rules{names: []string{"a.mp3", "b.ogg"}, needsPublisher: true, reusesIDs: true, onePage: true, late: true, seconds: true},
				url: "http://server:8000", speak: speakIcecast, byStream: true},
		}},
		{TypeLal, "lal", []life{
			{rules: rules{names: []string{"live/a", "live/b"}, control: true, reusesIDs: true, onePublisher: true},
				url: "http://server:8083", speak: speakLal},
		}},
		{TypeAntMedia, "Ant Media", []life{
			{rules: rules{names: []string{"arena", "lobby"}, needsPublisher: true, onePublisher: true, onePage: true, late: true},
				url: "http://server:5080/live", speak: speakAntMedia, byStream: true, numbers: true, unsent: true},
		}},
		{TypeOvenMediaEngine, "OvenMediaEngine", []life{
			{rules: rules{names: []string{"a", "b"}, needsPublisher: true, onePublisher: true, onePage: true},
				url: "http://server:8081", speak: speakOvenMediaEngine, byStream: true, numbers: true},
		}},
		{TypeLiveKit, "LiveKit", []life{
			{rules: rules{names: []string{"arena", "lobby/1"}, idle: true}, url: "http://server:7880", speak: speakLiveKit, countless: true},
			{rules: rules{names: []string{"arena", "lobby/1"}}, url: "http://server:7880", speak: speakLiveKit, countless: true, hook: (*simulation).liveKitHook},
		}},
		{TypeGo2rtc, "go2rtc", []life{
			{rules: rules{names: []string{"a", "cam/1"}, reusesIDs: true}, url: "http://server:1984", speak: speakGo2rtc},
			{rules: rules{names: []string{"a", "cam/1"}, reusesIDs: true, cameras: true}, url: "http://server:1984", speak: speakGo2rtc, approximate: true},
		}},
		{TypeDatarhei, "datarhei Core", []life{
			{rules: rules{names: []string{"live/a", "b"}, control: true, onePublisher: true, seconds: true, lingers: 30 * time.Second},
				url: "http://server:8080", speak: speakDatarhei},
		}},
		{TypeNodeMediaServer, "Node-Media-Server", []life{
			{rules: rules{names: []string{"live/a", "live/b"}, control: true, onePublisher: true, lingers: 30 * time.Second, sameAddress: true},
				url: "http://server:8000", speak: speakNMS, hook: (*simulation).nmsHook},
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for seed := range lives {
				l := test.lives[seed/2%uint64(len(test.lives))]
				l.rules.rarely = seed%2 == 1 && !l.rules.relays // what relays had is told by the counters
				synctest.Test(t, func(t *testing.T) { history(t, seed, test.kind, l) })
			}
		})
	}
}
