package hostile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/streamlens/streamlens/test/oracle"
)

const (
	// maxLatency bounds the 95th percentile of the good client's answers, beyond twice that of a server that does nothing but write
	// to the disk: the machine may have other work, and an answer of the collector may wait for the write before it.
	maxLatency = 250 * time.Millisecond
	// tries is how often an attack is made at most: other work on the machine may stop the collector and not the plain server.
	tries = 3
	// maxFiles is how many files the collector may have open, so that it keeps fewer connections than attackers open.
	maxFiles = 8192
	// maxMemory bounds the collector's memory in MB.
	maxMemory = 600
	// usual is how long an attack lasts, long with HOSTILE=long.
	usual = 3 * time.Second
	long  = 20 * time.Second
)

// attack is one way to attack the collector. It must end soon after ctx is done, and returns an error if the collector answers
// as it must not, or if the attack could not be made.
type attack struct {
	name string
	run  func(ctx context.Context, t *target) error
	// counted is the metric, as it is written, that must grow by the attack.
	counted string
}

func refused(reason string) string { return fmt.Sprintf("refused_total{reason=%q}", reason) }

func readsRefused(reason string) string { return "reads_" + refused(reason) }

// attacks are in an order in which none suffers from what another leaves: those that use up a day's limits come last.
var attacks = []attack{
	{"slow headers on 2,000 connections", slowHeaders, refused("http")},
	{"slow bodies on 2,000 connections", slowBodies, refused("incomplete")},
	{"bodies that are held", heldBodies, refused("busy")},
	{"10,000 idle connections", idleConnections, refused("connections")},
	{"connections that break off", churn, refused("http")},
	{"answers that nobody reads", slowReaders, refused("not_found")},
	{"floods of headers", headerFloods, refused("http")},
	{"addresses of 2,500 proxies", forwarded, refused("type")},
	{"broken requests and paths", pathTricks, refused("not_found")},
	{"hidden requests", smuggling, refused("malformed")},
	{"gzip bombs of players", gzipBombs, refused("too_large")},
	{"gzip bombs of servers", serverBombs, refused("too_large")},
	{"JSON and CMCD that grow", shapes, refused("too_many")},
	{"events of one address", oneAddress, refused("rate_address")},
	{"guesses of keys", keys, refused("guesses")},
	{"questions of one key", readFlood, readsRefused("rate")},
	{"odd questions", oddQuestions, readsRefused("query")},
	{"guesses of keys of readers", readKeys, readsRefused("guesses")},
	{"100,000 sessions", sessions, "accepted_total"},
	{"random user agents", userAgents, "accepted_total"},
	{"random streams", streams, refused("streams")},
}

func TestAttacks(t *testing.T) {
	files := raiseFiles(t)
	dir := t.TempDir()
	product := oracle.NewProduct(t, dir, []oracle.Organization{{
		ID: "acme", Level: "premium", SecretKey: secretKey, Privacy: oracle.Privacy{IP: "full"},
		Accounts: []oracle.Account{{ID: account, Key: accountKey}},
		ReadKeys: []oracle.ReadKey{{Key: floodKey, Level: "premium"}, {Key: wallKey}}, ViewerTokens: []oracle.ViewerToken{{Token: viewerToken}},
		BlockListTokens: []oracle.ViewerToken{{Token: blockListToken}},
	}})
	product.Start("sh", "-c", fmt.Sprintf(`ulimit -n %d; exec "$@"`, maxFiles), "sh")
	t.Cleanup(func() { checkLog(t, product) })

	good, plain := newGoodClient(product.Collector), newGoodClient(newPlainServer(t, filepath.Join(dir, "plain")).URL)
	goodCtx, stopGood := context.WithCancel(t.Context())
	var goodDone sync.WaitGroup
	goodDone.Go(func() { good.run(goodCtx) })
	goodDone.Go(func() { plain.run(goodCtx) })
	defer goodDone.Wait()
	defer stopGood()

	attacked := newTarget(strings.TrimPrefix(product.Collector, "http://"), files)
	started := metric(t, product, "process_start_time_seconds")
	last := usual
	if os.Getenv("HOSTILE") == "long" {
		last = long
	}
	time.Sleep(usual)
	t.Logf("%-34s %s", "nothing", describe(good.take(), plain.take(), metric(t, product, "process_resident_memory_bytes")))
	for _, a := range attacks {
		t.Run(a.name, func(t *testing.T) {
			before := metric(t, product, "streamlens_collector_"+a.counted)
			for try := 1; ; try++ {
				good.take()
				plain.take()
				memory, err := during(t, last, product, func(ctx context.Context) error { return a.run(ctx, attacked) })
				attacked.client.CloseIdleConnections()
				answers, others := good.take(), plain.take()
				t.Logf("%-34s %s", a.name, describe(answers, others, memory))
				if err != nil {
					t.Error(err)
				}
				checkAnswers(t, answers)
				if memory > maxMemory<<20 {
					t.Errorf("the collector takes more than %d MB", maxMemory)
				}
				if t.Failed() || percentile(answers, 95) <= 2*percentile(others, 95)+maxLatency {
					break
				}
				if try == tries {
					t.Errorf("the good client waited too long, %d times", tries)
					break
				}
			}
			if metric(t, product, "process_start_time_seconds") != started {
				t.Error("the collector is another process than before")
			}
			if after := grown(t, product, "streamlens_collector_"+a.counted, before); after <= before {
				t.Errorf("%s is %.0f as before", a.counted, after)
			}
		})
	}
}

// during attacks for some time, and returns the most memory that the collector took meanwhile.
func during(t *testing.T, last time.Duration, product *oracle.Product, attack func(context.Context) error) (memory float64, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), last)
	defer cancel()
	var watching sync.WaitGroup
	watching.Go(func() { memory = watchMemory(ctx, t, product) })
	err = attack(ctx)
	cancel()
	watching.Wait()
	return memory, err
}

// checkAnswers checks that the good client was served all the time.
func checkAnswers(t *testing.T, answers []answered) {
	t.Helper()
	if len(answers) == 0 {
		t.Error("the good client got no answer at all")
	}
	for _, a := range answers {
		if a.status != http.StatusAccepted || a.err != nil {
			t.Errorf("the good client got %d, %v after %v", a.status, a.err, a.took)
			return
		}
	}
}

// newPlainServer starts a server that writes each body to the disk before it answers.
func newPlainServer(t *testing.T, path string) *httptest.Server {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, err := io.Copy(file, r.Body)
		if err := errors.Join(err, file.Sync()); err != nil {
			t.Error(err)
		}
		w.WriteHeader(http.StatusAccepted)
	}))
	t.Cleanup(func() {
		server.Close()
		if err := file.Close(); err != nil {
			t.Error(err)
		}
	})
	return server
}

func percentile(answers []answered, percent int) time.Duration {
	var took []time.Duration
	for _, a := range answers {
		took = append(took, a.took)
	}
	if took == nil {
		return 0
	}
	slices.Sort(took)
	return took[(len(took)-1)*percent/100]
}

func describe(answers, others []answered, memory float64) string {
	return fmt.Sprintf("%4d answers, median %5.1f ms, 95 %% in %5.1f ms (plain server %5.1f ms), all in %6.1f ms; %4.0f MB", len(answers),
		milliseconds(percentile(answers, 50)), milliseconds(percentile(answers, 95)), milliseconds(percentile(others, 95)),
		milliseconds(percentile(answers, 100)), memory/(1<<20))
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// watchMemory returns the most memory that the collector takes until ctx is done.
func watchMemory(ctx context.Context, t *testing.T, product *oracle.Product) float64 {
	most := 0.0
	for {
		most = max(most, metric(t, product, "process_resident_memory_bytes"))
		select {
		case <-ctx.Done():
			return most
		case <-time.After(300 * time.Millisecond):
		}
	}
}

// grown waits up to 5 s for a metric to exceed what it was, and returns it: a connection that is closed counts soon after.
func grown(t *testing.T, product *oracle.Product, name string, before float64) float64 {
	t.Helper()
	deadline := time.Now().Add(5 * time.Second)
	for {
		value := metric(t, product, name)
		if value > before || time.Now().After(deadline) {
			return value
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// metric returns a metric of the collector, 0 if it does not have it.
func metric(t *testing.T, product *oracle.Product, name string) float64 {
	t.Helper()
	response, err := http.Get(product.Collector + "/metrics")
	if err != nil {
		t.Error(err)
		return 0
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Error(err)
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if value, found := strings.CutPrefix(strings.TrimSpace(line), name+" "); found {
			x, err := strconv.ParseFloat(value, 64)
			if err != nil {
				t.Error(err)
			}
			return x
		}
	}
	return 0
}

// checkLog checks that nothing panicked.
func checkLog(t *testing.T, product *oracle.Product) {
	t.Helper()
	text := product.Said()
	if text == "" {
		t.Error("the collector says nothing")
	}
	if i := strings.Index(text, "panic"); i >= 0 {
		t.Errorf("the collector panicked: %s", text[i:min(i+4000, len(text))])
	}
}

// raiseFiles lets this process open as many files as it may, and returns how many.
func raiseFiles(t *testing.T) int {
	t.Helper()
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	limit.Cur = limit.Max
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	return int(min(limit.Cur, 1<<20))
}
