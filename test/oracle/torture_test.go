package oracle

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// TestTorture kills the collector and VictoriaMetrics again and again while events come, takes VictoriaMetrics away, fills the
// disk and slows it down. What was acknowledged must count exactly once, by the same brute force as in TestProduct.
//
// The short form takes two minutes. TORTURE=long kills the collector 200 times, VictoriaMetrics 20 times and takes it away for
// five minutes, which takes twenty; TORTURE=middle is in between, and TORTURE=off leaves it out. TORTURE_CLOCK=step also steps the
// clock of the machine forth and back, which only root may do.
func TestTorture(t *testing.T) {
	if os.Getenv("TORTURE") == "off" {
		t.Skip("TORTURE=off")
	}
	plan := torturePlan{collectorKills: 12, databaseKills: 2, away: 12 * time.Second, full: 6 * time.Second, slow: 6 * time.Second, clockSteps: 1, events: 4_000, queries: 250}
	switch os.Getenv("TORTURE") {
	case "middle":
		plan = torturePlan{collectorKills: 40, databaseKills: 6, away: time.Minute, full: 10 * time.Second, slow: 10 * time.Second, clockSteps: 3, events: 6_000, queries: 800}
	case "long":
		plan = torturePlan{collectorKills: 200, databaseKills: 20, away: 5 * time.Minute, full: 12 * time.Second, slow: 20 * time.Second, clockSteps: 8, events: 6_000, queries: 2_000}
	}
	seed := environment(t, "ORACLE_SEED", int(time.Now().UnixNano()%1_000_000))
	t.Logf("ORACLE_SEED=%d %+v", seed, plan)

	dir := t.TempDir()
	disk := smallDisk(t, filepath.Join(dir, "collector"))
	product := StartProduct(t, dir, testOrganizations())
	book := NewBook(testOrganizations())
	load := &tortureLoad{t: t, product: product, book: book, seed: uint64(seed), events: plan.events}
	load.round(0) // how much it can take
	capacity := load.rate()
	load.pause = time.Duration(float64(time.Second) * lanesTogether * 2 / capacity)
	t.Logf("%.0f requests/s without trouble; goes on with half of that", capacity)

	ctx, stop := context.WithCancel(t.Context())
	var sending sync.WaitGroup
	sending.Go(func() {
		for n := 1; ctx.Err() == nil; n++ {
			load.round(n)
		}
	})
	torture(t, product, disk, plan, rand.New(rand.NewPCG(uint64(seed), 3)))
	stop()
	sending.Wait()
	longest := time.Duration(load.longest.Load()).Round(time.Second)
	if load.tooSlow.Load() && !t.Failed() {
		t.Skipf("%v: a request took %v until it was acknowledged", errTooSlow, longest)
	}
	if t.Failed() {
		return
	}
	t.Logf("%d rounds, %d requests, %d attempts that were not answered or refused for a while, %v the longest", load.rounds, load.sent.Load(),
		load.failed.Load(), longest)

	t.Parallel() // from here on it waits and asks
	end := book.waiting()
	if last := time.Now().Add(3 * tortureInterval * time.Second); end.Before(last) {
		end = last
	}
	time.Sleep(time.Until(end.Add(timeoutLatest)))
	waitUntilWritten(t, product)
	time.Sleep(freshness)
	facts := book.Facts()
	asker := StartPlugin(t, product, testOrganizations())
	outcomes, filled := tally{}, tally{}
	generator := NewGenerator(uint64(seed), time.Now())
	has := learn(t, asker, time.Now())
	t.Logf("%d facts", len(facts))
	factsOf := groupBy(facts, func(f Fact) string { return f.organization })
	for n := range plan.queries {
		if n > 0 && n%100 == 0 {
			t.Logf("%d queries: %v", n, outcomes)
		}
		q, err := generator.Query(has.widgets, facts, Tags{}, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		q.Tag = nil
		before := outcomes["wrong"]
		checkQuery(t, asker, factsOf[q.Organization], Tags{}, q, outcomes, filled)
		if outcomes["wrong"] > before {
			// Whether it is lost, or shown late.
			t.Run("asked again", func(t *testing.T) {
				time.Sleep(freshness)
				checkQuery(t, asker, factsOf[q.Organization], Tags{}, q, tally{}, tally{})
			})
		}
		if outcomes["wrong"] >= 10 {
			t.Fatal("ten wrong answers, that is enough")
		}
	}
	t.Logf("%d facts, %d queries: %v", len(facts), plan.queries, outcomes)
}

// waitUntilWritten returns when nothing waits for VictoriaMetrics, neither in memory nor on disk.
func waitUntilWritten(t *testing.T, product *Product) {
	t.Helper()
	begin := time.Now()
	for time.Since(begin) < 10*time.Minute {
		response, err := http.Get(product.Collector + "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(response.Body)
		if err := errors.Join(err, response.Body.Close()); err != nil {
			t.Fatal(err)
		}
		if done := nothingWaits.FindAllString(string(text), -1); len(done) == 2 {
			t.Logf("all is written %v after the last event", time.Since(begin).Round(time.Second))
			return
		}
		time.Sleep(time.Second)
	}
	t.Fatal("samples wait for ten minutes after the last event")
}

var nothingWaits = regexp.MustCompile(`(?m)^streamlens_collector_(waiting_samples|backlog_bytes) 0$`)

type torturePlan struct {
	collectorKills, databaseKills int
	away, full, slow              time.Duration
	clockSteps                    int // each forth and back
	events, queries               int
}

// tortureInterval is the interval of reports of all sessions, in s: so long that none times out while the load comes, as no request may take
// half of three of them.
const tortureInterval = 20

const lanesTogether = 8

// clockStep is how far the clock steps: with the time that a request may take it stays below the 30 s beyond which the collector takes
// a player's clock for wrong.
const clockStep = 12 * time.Second

// settling is how long nothing happens now and then, so that a large state can be saved between kills.
const settling = 10 * time.Second

// tortureLoad sends rounds of requests, each until it is acknowledged.
type tortureLoad struct {
	t            *testing.T
	product      *Product
	book         *Book
	seed         uint64
	events       int
	pause        time.Duration // after each request of a lane
	sent, failed atomic.Int64
	longest      atomic.Int64 // ns that a request took, with all its attempts
	tooSlow      atomic.Bool  // to know what should come out
	rounds       int
	took         time.Duration
}

// rate is how many requests a second the last round sent.
func (l *tortureLoad) rate() float64 { return float64(l.sent.Load()) / l.took.Seconds() }

func (l *tortureLoad) round(n int) {
	begin := time.Now()
	var lanes [][]*Request
	for _, lane := range NewGenerator(l.seed+uint64(n), begin).Generate(l.events).Main {
		lane = slices.DeleteFunc(lane, notRepeatable(lane))
		for i, r := range lane {
			prepare(r, fmt.Sprint(n, " ", len(lanes), " ", i))
		}
		lanes = append(lanes, lane)
	}
	receipts := make([][]Receipt, len(lanes))
	next := make(chan int)
	var all sync.WaitGroup
	for range lanesTogether {
		all.Go(func() {
			for lane := range next {
				for _, r := range lanes[lane] {
					receipts[lane] = append(receipts[lane], l.send(r))
					time.Sleep(l.pause)
				}
			}
		})
	}
	for lane := range lanes {
		next <- lane
	}
	close(next)
	all.Wait()
	for _, receipt := range slices.Concat(receipts...) {
		verdict, err := l.book.Deliver(receipt.Request, receipt.Body, receipt.SentAt)
		if errors.Is(err, errTooSlow) {
			l.tooSlow.Store(true)
			continue
		}
		if err != nil {
			l.t.Error(err)
			return
		}
		if receipt.Status != verdict.Status {
			l.t.Errorf("%s answered %d, want %d: %s\nto %s", receipt.Request.Path(), receipt.Status, verdict.Status, receipt.Answer, receipt.Body)
		}
	}
	l.rounds, l.took = n+1, time.Since(begin)
}

var reportNumber = regexp.MustCompile(`\bsn=(\d+)`)

// notRepeatable tells the requests of a lane apart that must not be sent again: of CMCD without numbers only the last reports are
// known again, and where the next play of a page has the same id, nothing tells the plays apart.
func notRepeatable(lane []*Request) func(*Request) bool {
	begins := map[*playerClock]map[int64]bool{}
	bad := map[*playerClock]bool{}
	for _, r := range lane {
		if r.Reports == nil {
			continue
		}
		clock := r.Reports.clock
		for _, line := range r.Reports.Lines {
			switch found := reportNumber.FindStringSubmatch(line.Text); {
			case found == nil:
				bad[clock] = true
			case found[1] == "0":
				if begins[clock] == nil {
					begins[clock] = map[int64]bool{}
				}
				begins[clock][line.Time] = true
			}
		}
		bad[clock] = bad[clock] || len(begins[clock]) > 1
	}
	return func(r *Request) bool { return r.Reports != nil && bad[r.Reports.clock] }
}

// prepare makes a request one that may be sent again: what has no number of its own gets a key, and no clock is corrected.
func prepare(r *Request, key string) {
	switch {
	case r.Envelope != nil:
		r.Envelope.Interval = tortureInterval
	case r.Reports != nil:
		r.Reports.Parameters.Set("interval", fmt.Sprint(tortureInterval))
		r.Reports.clock.ahead = 0
	case r.Header.Get("Idempotency-Key") == "":
		r.Header = r.Header.Clone()
		r.Header.Set("Idempotency-Key", key)
	}
}

// send sends a request until it is answered with something else than that it should be sent again.
func (l *tortureLoad) send(r *Request) Receipt {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 10 * time.Second}
	refusal := ""
	defer func(begin time.Time) {
		took := time.Since(begin)
		for longest := l.longest.Load(); int64(took) > longest && !l.longest.CompareAndSwap(longest, int64(took)); {
			longest = l.longest.Load()
		}
		if took <= skewKept-5*time.Second {
			return
		}
		l.t.Logf("%s took %v from %s on; last of all: %s", r.Path(), took.Round(time.Second), begin.Format(time.TimeOnly), refusal)
		// After 30 s the collector takes a player's clock for wrong, and nobody knows which attempt it took first.
		if r.Envelope != nil || r.Reports != nil {
			l.tooSlow.Store(true)
		}
	}(time.Now())
	for {
		receipt, err := l.product.post(l.t.Context(), client, r)
		if err == nil && !refusedForNow(receipt.Status) {
			l.sent.Add(1)
			return receipt
		}
		l.failed.Add(1)
		refusal = fmt.Sprintf("%d %s %v", receipt.Status, receipt.Answer, err)
		if l.t.Context().Err() != nil {
			return receipt
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// refusedForNow reports whether a status says that a request should be sent again: a long one that is sent again and again is also more than the
// limit of one address.
func refusedForNow(status int) bool {
	return status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests
}

// torture does what the plan says, in a random order.
func torture(t *testing.T, product *Product, disk *disk, plan torturePlan, random *rand.Rand) {
	t.Helper()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	database, collector := product.database, product.collector
	comesUp := func() { collector.WaitReady(collector.URL + "/healthz") }
	restart := func() {
		collector.Kill()
		collector.Run()
		if random.IntN(4) == 0 { // also while it starts
			time.Sleep(time.Duration(random.IntN(500)) * time.Millisecond)
			collector.Kill()
			collector.Run()
		}
		// Who is killed sooner than it starts never comes up, and then it is right that nothing is taken.
		comesUp()
	}
	acts := slices.Repeat([]func(){restart}, plan.collectorKills)
	acts = append(acts, slices.Repeat([]func(){func() {
		database.Kill()
		database.Run()
	}}, plan.databaseKills)...)
	acts = append(acts, func() {
		t.Logf("VictoriaMetrics is away for %v", plan.away)
		database.Kill()
		for begin := time.Now(); time.Since(begin) < plan.away; {
			time.Sleep(plan.away / 3)
			restart()
			if disk != nil {
				t.Logf("%d MB are on the disk", disk.used(t)>>20)
			}
		}
		database.Run()
		time.Sleep(settling)
	}, func() {
		t.Logf("the disk is slow for %v", plan.slow)
		collector.Kill()
		collector.Run(slowly(300 * time.Millisecond)...)
		time.Sleep(plan.slow)
		collector.Kill()
		time.Sleep(time.Second) // only the tracer was waited for
		collector.Run()
	})
	if disk != nil {
		acts = append(acts, func() {
			t.Logf("the disk is full for %v", plan.full)
			check(disk.fill())
			time.Sleep(plan.full / 2)
			collector.Kill()
			check(disk.empty()) // a collector does not start on a full disk
			collector.Run()
			comesUp()
			check(disk.fill())
			time.Sleep(plan.full / 2)
			check(disk.empty())
		})
	}
	if os.Getenv("TORTURE_CLOCK") == "step" {
		acts = append(acts, slices.Repeat([]func(){func() {
			step := clockStep
			if random.IntN(2) == 0 {
				step = -step
			}
			check(stepClock(step))
			time.Sleep(3 * time.Second)
			restart()
			time.Sleep(3 * time.Second)
			check(stepClock(-step))
		}}, plan.clockSteps)...)
	} else {
		t.Log("steps of the clock are left out without TORTURE_CLOCK=step")
	}
	random.Shuffle(len(acts), func(i, j int) { acts[i], acts[j] = acts[j], acts[i] })
	for _, act := range acts {
		pause := time.Duration(500+random.IntN(3000)) * time.Millisecond
		if random.IntN(20) == 0 {
			pause = settling
		}
		time.Sleep(pause)
		act()
	}
}

// stepClock steps the clock of the machine.
func stepClock(step time.Duration) error {
	now := syscall.NsecToTimeval(time.Now().Add(step).UnixNano())
	if err := syscall.Settimeofday(&now); err != nil {
		return fmt.Errorf("step the clock by %v: %w", step, err)
	}
	return nil
}

// slowly is a program, with its arguments, that runs another so that each of its fsyncs takes longer; nothing if it is not installed.
func slowly(delay time.Duration) []string {
	tracer, err := exec.LookPath("strace")
	if err != nil {
		return nil
	}
	return []string{tracer, "-f", "--seccomp-bpf", "-o", os.DevNull, "-e", "trace=fsync", "-e", fmt.Sprintf("inject=fsync:delay_exit=%d", delay.Microseconds())}
}

// disk is a file system of its own.
type disk struct{ path string }

// smallDisk mounts the file system of the collector.
func smallDisk(t *testing.T, path string) *disk {
	t.Helper()
	return mountDisk(t, path, "2g")
}

// mountDisk mounts a file system of a size for the test, or returns nil where that is not allowed.
func mountDisk(t *testing.T, path, size string) *disk {
	t.Helper()
	if err := os.MkdirAll(path, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", path, "tmpfs", 0, "size="+size); err != nil {
		t.Logf("a full disk is left out, because no file system can be mounted: %v", err)
		return nil
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(path, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return &disk{path}
}

// used returns how many bytes are on the disk.
func (d *disk) used(t *testing.T) int64 {
	var now syscall.Statfs_t
	if err := syscall.Statfs(d.path, &now); err != nil {
		t.Error(err)
	}
	return int64(now.Blocks-now.Bfree) * now.Bsize
}

// fill leaves no room.
func (d *disk) fill() error {
	file, err := os.Create(filepath.Join(d.path, "filled"))
	if err != nil {
		return fmt.Errorf("fill the disk: %w", err)
	}
	defer file.Close()
	if _, err := io.Copy(file, zeros{}); !errors.Is(err, syscall.ENOSPC) {
		return fmt.Errorf("fill the disk: %w", err)
	}
	return nil
}

func (d *disk) empty() error { return os.Remove(filepath.Join(d.path, "filled")) }

type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}
