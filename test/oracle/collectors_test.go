package oracle

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/vl/vltest"
)

// TestPlaysOfTwoCollectors holds the lists of plays to what two collectors of
// one store were sent, which are started anew meanwhile: plays of hours, plays
// that move from one collector to the other, plays that run, and records that
// have been stored twice.
func TestPlaysOfTwoCollectors(t *testing.T) {
	t.Parallel()
	seed := environment(t, "ORACLE_SEED", int(time.Now().UnixNano()%1_000_000))
	for attempt := 1; ; attempt++ {
		c := &collectors{base: time.Now(), store: vltest.Start(t)}
		t.Logf("ORACLE_SEED=%d at %s", seed, c.base.UTC().Format(time.RFC3339))
		first := NewProduct(t, t.TempDir(), testOrganizations(), c.store)
		first.KeepRunning()
		first.Start()
		c.two = []*Product{first, first.StartBeside(t, t.TempDir())}
		c.plugin = StartPlugin(t, first, testOrganizations())
		c.plugin.Plays(c.store)
		c.makeUp(NewGenerator(uint64(seed), c.base))
		err := c.send(t)
		if err == nil {
			c.check(t)
			return
		}
		if attempt == 3 || !errors.Is(err, errTooSlow) {
			t.Fatal(err)
		}
		t.Logf("starting anew: %v", err)
	}
}

// collectors are two of one store, and what each is sent.
type collectors struct {
	base      time.Time
	store     string
	two       []*Product
	plugin    *PluginAsker
	generator *Generator
	lanes     [2][][]*Request // of plays that have ended
	running   [2][][]*Request // of plays that run
	ending    [2][][]*Request // the same, and then their stops
	books     [2]*Book
	runs      *Book
	ends      *Book // of those whose stop came later
}

// makeUp makes up what is sent.
func (c *collectors) makeUp(g *Generator) {
	c.generator = g
	var delivery Delivery
	for n := 0; delivery.EventCount < 2500; n++ {
		requests := g.sessionRequests(&delivery)
		if n%4 == 0 {
			requests = g.playerRequests(&delivery)
		}
		if !slices.ContainsFunc(requests, (*Request).clockIsCorrected) { // which must not wait
			c.lanes[n%2] = append(c.lanes[n%2], requests)
		}
	}
	for n := range 8 {
		c.lanes[n%2] = append(c.lanes[n%2], g.longSession())
	}
	for n := range 40 {
		before, after := g.movingSession()
		c.lanes[n%2] = append(c.lanes[n%2], before)
		c.lanes[(n+1)%2] = append(c.lanes[(n+1)%2], after)
	}
	for n := range 60 {
		running, stop := g.runningSession()
		if n%3 == 0 {
			c.ending[n%2] = append(c.ending[n%2], append(running, stop))
		} else {
			c.running[n%2] = append(c.running[n%2], running)
		}
	}
}

// requestsOf are requests with some events each.
func (s *sender) requestsOf(g *Generator, events []map[string]any, each int) []*Request {
	var requests []*Request
	for some := range slices.Chunk(events, each) {
		requests = append(requests, s.request(g, some))
	}
	return requests
}

// newOwnSession is newSession with a right clock.
func (g *Generator) newOwnSession(s script) *sender {
	for {
		if session := g.newSession(s); session.clockAhead == nil {
			return session
		}
	}
}

// longSession makes up a play of hours.
func (g *Generator) longSession() []*Request {
	s := script{interval: 10}
	clock, length := int64(0), g.between(2, 9)*3600_000
	add := func(fields map[string]any) {
		fields["seq"], fields["ts"] = int64(len(s.events)+1), clock
		s.events = append(s.events, fields)
	}
	add(map[string]any{"type": "load"})
	clock += g.between(100, 4000)
	add(map[string]any{"type": "start"})
	for clock < length {
		g.smooth = g.chance(0.9)
		span := g.between(9_000, 90_000)
		clock += span
		fields := g.report(span)
		fields["type"] = "stats"
		add(fields)
	}
	clock += 1000
	add(map[string]any{"type": "stop", "reason": pick(g, stopReasonNames())})
	g.place(s)
	return g.newOwnSession(s).requestsOf(g, s.events, 200)
}

// movingSession makes up a play that goes on at another collector.
func (g *Generator) movingSession() (before, after []*Request) {
	for {
		s := g.sessionScript()
		s.interval = 10
		start := slices.IndexFunc(s.events, func(e map[string]any) bool { return e["type"] == "start" })
		if start < 0 || start > len(s.events)-3 {
			continue
		}
		g.place(s)
		session := g.newOwnSession(s)
		cut := start + 1 + g.random.IntN(len(s.events)-start-1)
		before = session.requestsOf(g, s.events[:cut], 5)
		session.envelope.Started = &Started{s.events[start]["seq"].(int64), s.events[start]["ts"].(int64)}
		return before, session.requestsOf(g, s.events[cut:], 5)
	}
}

// runningSession makes up a play or broadcast of the last minutes, and its
// stop.
func (g *Generator) runningSession() (running []*Request, stop *Request) {
	s := script{interval: 60, webcaster: g.chance(0.2)}
	clock := int64(0)
	add := func(kind string, fields map[string]any) {
		fields["seq"], fields["ts"], fields["type"] = int64(len(s.events)+1), clock, kind
		s.events = append(s.events, fields)
	}
	add("load", map[string]any{})
	if s.webcaster || g.chance(0.9) { // a publisher's stop ahead of its start tells nothing
		clock += g.between(1, 3000)
		add("start", map[string]any{})
		for range g.random.IntN(9) {
			g.smooth = g.chance(0.5)
			span := g.between(1000, 60_000)
			clock += span
			if g.chance(0.2) {
				add("status", map[string]any{"code": 1000 + g.between(0, 20)})
			}
			add("stats", g.report(span))
		}
	}
	for _, e := range s.events {
		e["ts"] = e["ts"].(int64) + g.base.UnixMilli() - clock
	}
	clock = g.base.UnixMilli() + g.between(1, 5000)
	add("stop", map[string]any{"reason": pick(g, stopReasonNames())})
	session := g.newOwnSession(s)
	session.envelope.Interval = 60
	last := len(s.events) - 1
	return session.requestsOf(g, s.events[:last], 5), session.request(g, s.events[last:])
}

// send sends everything, and returns when what has ended is kept and the rest is
// known as plays that run. The collectors are started anew meanwhile.
func (c *collectors) send(t *testing.T) error {
	t.Helper()
	var receipts [2][][]Receipt
	toBoth := func(lanes [2][][]*Request) error {
		var errs [2]error
		var group sync.WaitGroup
		for i, product := range c.two {
			group.Go(func() { receipts[i], errs[i] = product.Send(t.Context(), lanes[i], 4) })
		}
		group.Wait()
		return errors.Join(errs[:]...)
	}
	book := func(into [2]*Book) error {
		for i := range c.two {
			if _, err := deliverAll(t, into[i], receipts[i]); err != nil {
				return err
			}
		}
		return nil
	}
	c.runs, c.ends = NewBook(testOrganizations()), NewBook(testOrganizations())
	c.books = [2]*Book{NewBook(testOrganizations()), NewBook(testOrganizations())}
	if err := errors.Join(toBoth(c.lanes), book(c.books)); err != nil {
		return err
	}
	if err := errors.Join(toBoth(c.running), book([2]*Book{c.runs, c.runs})); err != nil {
		return err
	}
	var beginnings, stops [2][][]*Request
	for i, lanes := range c.ending {
		for _, lane := range lanes {
			beginnings[i] = append(beginnings[i], lane[:len(lane)-1])
			stops[i] = append(stops[i], lane[len(lane)-1:])
		}
	}
	if err := errors.Join(toBoth(beginnings), book([2]*Book{c.ends, c.ends})); err != nil {
		return err
	}
	time.Sleep(settled)
	c.storeAgain(t)
	for _, product := range c.two {
		if err := product.collector.Stop(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		product.Start()
	}
	if err := errors.Join(toBoth(stops), book([2]*Book{c.ends, c.ends})); err != nil {
		return err
	}
	time.Sleep(told)
	return nil
}

const (
	// settled is until when most plays that have said that they ended are kept.
	settled = 5 * time.Second
	// told is until when all plays that run were written, which is done once a
	// minute, and what is silent has ended.
	told = time.Minute + 6*time.Second
)

// storeAgain stores some records of each collector again, all of one hour that
// is over, as a request does that was held back on its way.
func (c *collectors) storeAgain(t *testing.T) {
	t.Helper()
	over := floor(time.Now().Add(-10*time.Minute).UnixMilli(), hour)
	byHour := map[string][]map[string]string{}
	for _, row := range logsRows(t, c.store, "*") {
		at, err := time.Parse(time.RFC3339Nano, row["_time"])
		if err != nil {
			t.Fatal(err)
		}
		if at.UnixMilli() < over && at.UnixMilli() >= over-25*hour {
			name := fmt.Sprint(row["collector"], " ", floor(at.UnixMilli(), hour))
			byHour[name] = append(byHour[name], row)
		}
	}
	again := map[string][]map[string]string{} // by collector
	for _, name := range slices.Sorted(maps.Keys(byHour)) {
		collector, _, _ := strings.Cut(name, " ")
		if len(byHour[name]) > len(again[collector]) {
			again[collector] = byHour[name]
		}
	}
	if len(again) != 2 {
		t.Fatalf("records are of %d collectors, want 2", len(again))
	}
	var lines bytes.Buffer
	for _, rows := range again {
		for _, row := range rows[:min(len(rows), 6)] {
			delete(row, "_stream")
			delete(row, "_stream_id")
			if err := json.NewEncoder(&lines).Encode(row); err != nil {
				t.Fatal(err)
			}
		}
	}
	response, err := http.Post(c.store+"/insert/jsonline?_stream_fields=org,kind", "application/stream+json", &lines)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("store records again: %v, %v", response, err)
	}
	response.Body.Close()
	deadline := time.Now().Add(30 * time.Second)
	for c.stored(t, "count()") == c.stored(t, "count_uniq(org, session, begin)") {
		if time.Now().After(deadline) {
			t.Fatal("no record is stored twice")
		}
		time.Sleep(500 * time.Millisecond)
	}
}

func (c *collectors) stored(t *testing.T, number string) string {
	t.Helper()
	return logsRows(t, c.store, "stats "+number+" as n")[0]["n"]
}

// check compares what the widgets show with what was sent.
func (c *collectors) check(t *testing.T) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for c.stored(t, "count()") != c.stored(t, "count_uniq(org, session, begin)") {
		if time.Now().After(deadline) {
			t.Fatalf("%s records of %s plays are stored", c.stored(t, "count()"), c.stored(t, "count_uniq(org, session, begin)"))
		}
		time.Sleep(time.Second)
	}
	c.checkRunning(t)
	// Of what stopped before it had begun it is waited for what may follow.
	ended := slices.DeleteFunc(c.ends.Records(), func(of []record) bool { return of[0].start == nil })
	kept := checkRecords(t, c.plugin, c.store, slices.Concat(c.books[0].Records(), c.books[1].Records(), ended), c.base)
	checkTimelines(t, c.plugin, c.generator, kept, 40)

	// Each collector has written those that began at it.
	by := map[string]string{}
	for _, row := range logsRows(t, c.store, "fields org, session, collector") {
		by[row["org"]+" "+row["session"]] = row["collector"]
	}
	names := [2]map[string]bool{{}, {}}
	for i, book := range c.books {
		for _, of := range book.Records() {
			if name, ok := by[of[0].organization+" "+of[0].session]; ok {
				names[i][name] = true
			}
		}
	}
	if len(names[0]) != 1 || len(names[1]) != 1 || fmt.Sprint(names[0]) == fmt.Sprint(names[1]) {
		t.Errorf("the records of one collector were written by %v, those of the other by %v", names[0], names[1])
	}
}

// checkRunning compares the list of plays that run.
func (c *collectors) checkRunning(t *testing.T) {
	t.Helper()
	want := map[[2]string]record{}
	for _, of := range c.runs.Records() {
		r := of[len(of)-1]
		r.outcome, r.quality, r.stop = "running", "", ""
		want[[2]string{r.organization, r.session}] = r
	}
	rows := 0
	for _, organization := range testOrganizations() {
		if organization.Level != "premium" {
			continue
		}
		now := time.Now().UnixMilli()
		q := Query{QueryType: "plays", Organization: organization.ID, From: now - hour, To: now, Where: []string{"outcome=running"}}
		for _, row := range askRows(t, c.plugin, q) {
			rows++
			session, _ := row["session"].(string)
			r, ok := want[[2]string{organization.ID, session}]
			if begin, _ := row["start"].(float64); !ok && int64(begin) >= c.base.UnixMilli() {
				continue // of those that are placed in the past a player told something now, too, and runs until it is silent
			}
			if !ok {
				t.Errorf("%s\nruns, or is there twice: %v\nstored is %v", q, row, logsRows(t, c.store, "fields _time, kind, session, begin, end, outcome, collector | filter session:=\""+session+"\""))
				continue
			}
			delete(want, [2]string{organization.ID, session})
			if err := r.differences(row); err != nil {
				t.Errorf("%s\n%s of session %s: %v", q, organization.ID, session, err)
			}
		}
	}
	for key := range want {
		if levelOf(key[0]) == "premium" {
			t.Errorf("%v is not in the list of plays that run", key)
		}
	}
	t.Logf("%d plays and broadcasts run", rows)
}
