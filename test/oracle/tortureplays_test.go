package oracle

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/processtest"
	"github.com/streamlens/streamlens/pkg/vl/vltest"
)

// TestTorturePlays kills the collector, VictoriaLogs and VictoriaMetrics again and again while plays come and end, loses answers of VictoriaLogs and
// cuts what it is given off, fills its disk and takes it away. Then each play that was acknowledged must be stored once, with its own numbers, and the
// sums of both stores must be those of all plays.
//
// The short form takes under a minute. TORTURE=long has 100,000 plays, kills the collector 24 times and VictoriaLogs 24 times, and takes it away for five minutes;
// TORTURE=off leaves it out. TORTURE_PLAYS is another number of plays.
func TestTorturePlays(t *testing.T) {
	t.Parallel()
	plan := playsPlan{plays: 2_000, collectorKills: 3, storeKills: 3, databaseKills: 1, away: 5 * time.Second, full: 4 * time.Second, pause: 500 * time.Millisecond}
	switch os.Getenv("TORTURE") {
	case "off":
		t.Skip("TORTURE=off")
	case "long":
		plan = playsPlan{plays: 100_000, collectorKills: 24, storeKills: 24, databaseKills: 6, away: 5 * time.Minute, full: 20 * time.Second, pause: 2 * time.Second}
	}
	plan.plays = environment(t, "TORTURE_PLAYS", plan.plays)
	seed := environment(t, "ORACLE_SEED", int(time.Now().UnixNano()%1_000_000))
	t.Logf("ORACLE_SEED=%d %+v", seed, plan)

	folder := t.TempDir()
	disk := mountDisk(t, filepath.Join(folder, "plays"), "192m")
	store := vltest.StartServer(t, append(slices.Clone(vltest.Flags), "-storageDataPath="+filepath.Join(folder, "plays"))...)
	faulty := vltest.StartFaulty(t, store.URL)
	product := StartProduct(t, folder, testOrganizations(), faulty.URL)

	load := &playsLoad{product: product, seed: uint64(seed), plays: plan.plays}
	load.begin = floor(time.Now().Add(-2*time.Hour).UnixMilli(), hour)
	var sending sync.WaitGroup
	ended := make(chan struct{})
	for range lanesTogether {
		sending.Go(func() { load.send(t.Context(), ended, plan.duration()) })
	}
	begun := time.Now()
	torturePlays(t, product, store, disk, plan, rand.New(rand.NewPCG(uint64(seed), 5)))
	took := time.Since(begun)
	close(ended)
	sending.Wait()
	if err := load.err.Load(); err != nil {
		t.Fatal(*err)
	}
	t.Logf("%d plays, of which %d came while that went on for %v; %d attempts that were refused or not answered, %d lost answers and cut bodies", plan.plays,
		load.during.Load(), took.Round(time.Second), load.failed.Load(), faulty.Faults.Load())
	product.database.WaitReady(product.VictoriaMetrics + "/health")
	store.WaitReady(store.URL + "/health")
	waitUntilWritten(t, product)
	waitUntilKept(t, product, store.URL, plan.plays)
	checkKept(t, store.URL, load)
	checkSums(t, product, store.URL, load)
}

// playsPlan says what is done, and for how long.
type playsPlan struct {
	plays, collectorKills, storeKills, databaseKills int
	away, full, pause                                time.Duration
}

// duration is about how long it takes.
func (p playsPlan) duration() time.Duration {
	return p.away + p.full + time.Duration(p.collectorKills+p.storeKills+p.databaseKills)*(p.pause+time.Second)
}

// playsLoad is plays that come and end one after the other. Each has two requests: its stop comes alone.
type playsLoad struct {
	product *Product
	seed    uint64
	plays   int
	begin   int64 // ms since 1970

	next, during, failed atomic.Int64
	err                  atomic.Pointer[error]
}

// madeUp is the nth play of the load. Times are in ms.
type madeUp struct {
	session, stream, address, country                             string
	begin, startTime, playing, buffering, rest, played, end, code int64
}

func (l *playsLoad) play(n int) madeUp {
	random := rand.New(rand.NewPCG(l.seed, uint64(n)))
	all := networks()
	in := all[2*random.IntN(len(all)/2)] // those of IPv4
	address := in.prefix.Addr().As4()
	address[3] = byte(1 + random.IntN(250))
	p := madeUp{session: fmt.Sprintf("play-%d", n), stream: fmt.Sprintf("stream %d", random.IntN(7)), country: countryOf(netip.AddrFrom4(address)),
		address: fmt.Sprintf("%d.%d.%d.%d", address[0], address[1], address[2], address[3])}
	p.begin = l.begin + int64(n)*3_600_000/int64(l.plays)
	p.startTime, p.playing, p.buffering, p.rest = 1+random.Int64N(4000), random.Int64N(9000), random.Int64N(1000), 1+random.Int64N(5000)
	p.end = p.begin + p.startTime + p.playing + p.buffering + p.rest
	p.played = p.playing + p.buffering + p.rest
	p.code = 1000 + random.Int64N(9)
	return p
}

// requests are the two of a play.
func (p madeUp) requests() []*Request {
	seconds := func(ms int64) json.Number { return json.Number(fmt.Sprintf("%d.%03d", ms/1000, ms%1000)) }
	first := p.begin + p.startTime
	events := []map[string]any{
		{"seq": 1, "ts": p.begin, "type": "load"},
		{"seq": 2, "ts": first, "type": "start", "startTime": seconds(p.startTime)},
		{"seq": 3, "ts": first, "type": "status", "code": p.code},
		{"seq": 4, "ts": first + p.playing + p.buffering, "type": "stats", "playing": seconds(p.playing), "buffering": seconds(p.buffering)},
		{"seq": 5, "ts": p.end, "type": "stop", "reason": "destroy", "played": seconds(p.played)},
	}
	header := http.Header{"X-Forwarded-For": {p.address}, "Content-Type": {"application/json"}}
	envelope := Envelope{AccountID: "beta-one", AccountKey: "pk_beta_one", Client: Client{Kind: "h5live", Version: "4.22.0"}, SessionID: p.session,
		Stream: p.stream, Interval: tortureInterval}
	of := func(events []map[string]any) *Request {
		e := envelope
		e.Events = events
		return &Request{Header: header, Envelope: &e}
	}
	return []*Request{of(events[:4]), of(events[4:])}
}

// send sends plays until all are sent: by the time while the torture goes on, as fast as it can then.
func (l *playsLoad) send(ctx context.Context, ended <-chan struct{}, duration time.Duration) {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 10 * time.Second}
	pause := time.NewTicker(max(duration*lanesTogether/time.Duration(l.plays), time.Millisecond))
	defer pause.Stop()
	for {
		n := int(l.next.Add(1)) - 1
		if n >= l.plays {
			return
		}
		for _, request := range l.play(n).requests() {
			for {
				receipt, err := l.product.post(ctx, client, request)
				if err == nil && receipt.Status == http.StatusAccepted {
					break
				}
				if err == nil && !refusedForNow(receipt.Status) {
					err = fmt.Errorf("play %d was answered %d: %s", n, receipt.Status, receipt.Answer)
					l.err.Store(&err)
					return
				}
				if ctx.Err() != nil {
					return
				}
				l.failed.Add(1)
				time.Sleep(50 * time.Millisecond)
			}
		}
		select {
		case <-ended:
		default:
			l.during.Add(1)
			select {
			case <-ended:
			case <-pause.C:
			}
		}
	}
}

// torturePlays does what the plan says, in a random order.
func torturePlays(t *testing.T, product *Product, store *processtest.Database, disk *disk, plan playsPlan, random *rand.Rand) {
	t.Helper()
	restart := func() {
		product.collector.Kill()
		product.collector.Run()
		// A busy machine takes long to replay what came since the state was saved.
		for begin := time.Now(); processtest.GetOK(product.collector.URL+"/healthz") != nil; time.Sleep(50 * time.Millisecond) {
			if time.Since(begin) > 5*time.Minute {
				t.Fatal("the collector is not there five minutes after its start")
			}
		}
	}
	acts := slices.Repeat([]func(){restart}, plan.collectorKills)
	acts = append(acts, slices.Repeat([]func(){func() {
		store.Kill()
		store.Run()
	}}, plan.storeKills)...)
	acts = append(acts, slices.Repeat([]func(){func() {
		product.database.Kill()
		product.database.Run()
	}}, plan.databaseKills)...)
	acts = append(acts, func() {
		t.Logf("VictoriaLogs is away for %v", plan.away)
		store.Kill()
		for range 2 {
			time.Sleep(plan.away / 2)
			restart()
		}
		store.Run()
	})
	if disk != nil {
		acts = append(acts, func() {
			t.Logf("the disk of VictoriaLogs is full for %v", plan.full)
			if err := disk.fill(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(plan.full)
			if err := disk.empty(); err != nil {
				t.Fatal(err)
			}
			select {
			case <-store.Ended():
				t.Log("it has ended for that")
			default:
			}
			store.Kill() // it may be about to end
			store.Run()
		})
	}
	random.Shuffle(len(acts), func(i, j int) { acts[i], acts[j] = acts[j], acts[i] })
	for _, act := range acts {
		// VictoriaLogs tells when it started in whole seconds.
		time.Sleep(max(1100*time.Millisecond, time.Duration(random.Int64N(int64(2*plan.pause)))))
		act()
	}
}

var playsWait = regexp.MustCompile(`(?m)^streamlens_collector_plays_waiting (\d+)$`)

// waitUntilKept returns when no record of a play waits and the store has as many as there are, and some seconds later, in which the collector looks whether
// the store was killed.
func waitUntilKept(t *testing.T, product *Product, store string, plays int) {
	t.Helper()
	begin := time.Now()
	const looked = 7 * time.Second
	kept := time.Time{}
	for time.Since(begin) < 5*time.Minute {
		var text bytes.Buffer
		response, err := http.Get(product.Collector + "/metrics")
		if err == nil {
			_, err = io.Copy(&text, response.Body)
			response.Body.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
		waiting := playsWait.FindStringSubmatch(text.String())
		if waiting == nil {
			t.Fatal("the collector does not tell how many records of plays wait")
		}
		switch n := logsRow(t, store, "stats count() as n")["n"]; {
		case waiting[1] != "0" || n != strconv.Itoa(plays):
			kept = time.Time{}
		case kept.IsZero():
			kept = time.Now()
		case time.Since(kept) > looked:
			t.Logf("all records are there %v after the last play", time.Since(begin).Round(time.Second))
			return
		}
		time.Sleep(200 * time.Millisecond)
	}
	t.Errorf("the store has %v records of %d plays five minutes after the last", logsRow(t, store, "stats count() as n")["n"], plays)
}

// logsRow asks VictoriaLogs itself about all records, and returns the one row of the answer.
func logsRow(t *testing.T, store, pipes string) map[string]string {
	t.Helper()
	rows := logsRows(t, store, pipes)
	if len(rows) != 1 {
		t.Fatalf("%s: %d rows", pipes, len(rows))
	}
	return rows[0]
}

func logsRows(t *testing.T, store, pipes string) []map[string]string {
	t.Helper()
	response, err := http.PostForm(store+"/select/logsql/query", url.Values{"query": {`{kind="final"} kind:="final" | ` + pipes}})
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s: %s, %v", pipes, response.Status, body, err)
	}
	var rows []map[string]string
	for line := range bytes.Lines(body) {
		var row map[string]string
		if err := json.Unmarshal(line, &row); err != nil {
			t.Fatal(err)
		}
		rows = append(rows, row)
	}
	return rows
}

// checkKept checks that each play is stored once, with its numbers.
func checkKept(t *testing.T, store string, load *playsLoad) {
	t.Helper()
	stored := map[string][]map[string]string{}
	for _, row := range logsRows(t, store, "fields session, stream, country, begin, end, start_ms, play_ms, buf_ms, played_ms, stop, code, errors") {
		stored[row["session"]] = append(stored[row["session"]], row)
	}
	wrong := 0
	for n := range load.plays {
		p := load.play(n)
		text := func(n int64) string { return strconv.FormatInt(n, 10) }
		want := map[string]string{"session": p.session, "stream": p.stream, "country": p.country, "begin": text(p.begin), "end": text(p.end),
			"start_ms": text(p.startTime), "play_ms": text(p.playing + p.rest), "buf_ms": text(p.buffering), "played_ms": text(p.played),
			"stop": "destroy", "code": text(p.code), "errors": "1"}
		if got := stored[p.session]; len(got) != 1 || fmt.Sprint(got[0]) != fmt.Sprint(want) {
			if wrong++; wrong <= 5 {
				t.Errorf("stored is %v, want once %v", got, want)
			}
		}
	}
	if len(stored) != load.plays || wrong > 0 {
		t.Errorf("%d sessions are stored of %d plays, %d of which are wrong", len(stored), load.plays, wrong)
	}
}

// checkSums compares the sums of both stores with those of all plays, by stream and by country.
func checkSums(t *testing.T, product *Product, store string, load *playsLoad) {
	t.Helper()
	time.Sleep(freshness)
	var facts []Fact
	for n := range load.plays {
		p := load.play(n)
		at := &place{organization: "beta", stream: p.stream, country: p.country}
		for measure, value := range map[Measure]int64{Play: 1, Playing: p.playing + p.rest, Buffering: p.buffering, PlayedTime: p.played, StartTime: p.startTime} {
			facts = append(facts, Fact{Measure: measure, At: p.end, Value: value, place: at})
		}
		facts = append(facts, Fact{Measure: Outcome, At: p.end, Value: 1, place: at, label: "played"})
	}
	slices.SortFunc(facts, func(a, b Fact) int { return int(a.At - b.At) })
	asker := StartPlugin(t, product, testOrganizations())
	asker.Plays(store)
	asked := 0
	for _, by := range []string{"country", "stream"} {
		for _, widget := range []string{"bufferingRatio", "startTime", "playedTime", "playbackFailures"} {
			for _, where := range [][]string{nil, {"direction=playout"}} { // of the sums, and of the records
				q := Query{QueryType: widget, Organization: "beta", Breakdown: by, Where: where, From: load.begin - hour, To: load.begin + 2*hour}
				answer, err := asker.Ask(t.Context(), q)
				if err == nil {
					var of Widget
					if of, err = widgetOf(q); err == nil {
						_, err = compareAnswer(answer, facts, Tags{}, q, of)
					}
				}
				if err != nil {
					t.Errorf("%s\n%v", q, err)
				}
				asked++
			}
		}
	}
	t.Logf("%d questions to both stores are answered as by %d plays", asked, load.plays)
}
