package oracle

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestProduct proves the exactness that the design promises: for random events
// and random queries, the collector, VictoriaMetrics and the plugin together
// answer what the brute force of this package answers.
func TestProduct(t *testing.T) {
	victoriaMetrics := executable(t, "VICTORIAMETRICS", "bin/victoria-metrics")
	streamlens := executable(t, "STREAMLENS", "bin/streamlens")
	pluginExecutable := executable(t, "PLUGIN", "dist/gpx_streamlens_linux_amd64")
	events := environment(t, "ORACLE_EVENTS", 20_000)
	queries := environment(t, "ORACLE_QUERIES", 800)
	seed := environment(t, "ORACLE_SEED", int(time.Now().UnixNano()%1_000_000))
	base := time.Now()
	t.Logf("ORACLE_SEED=%d ORACLE_EVENTS=%d ORACLE_QUERIES=%d at %s", seed, events, queries, base.UTC().Format(time.RFC3339))

	generator := NewGenerator(uint64(seed), base)
	delivery := generator.Generate(events)
	dir := t.TempDir()
	product, err := StartProduct(t.Context(), victoriaMetrics, streamlens, dir, delivery.Organizations)
	if err != nil {
		showLogs(t, dir)
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := product.Stop(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			showLogs(t, dir)
		}
	})

	book := sendAll(t, product, delivery)
	facts := book.Facts()
	t.Logf("sent %d events in %d sessions, which make %d facts, in %v", delivery.EventCount, len(book.sessions), len(facts), time.Since(base).Round(time.Second))

	plugin := startPlugin(t, pluginExecutable, product, delivery.Organizations)
	command := CommandAsker{Executable: streamlens, Config: product.Config}
	outcomes := tally{}
	for n := range queries {
		q, err := generator.Query(facts, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		var asker Asker = plugin
		if n%25 == 0 {
			asker = command
		}
		checkQuery(t, asker, facts, q, outcomes)
		if outcomes["wrong"] >= 10 {
			t.Fatal("ten wrong answers, that is enough")
		}
	}
	checkRefusals(t, plugin, base)
	checkNewestMinutes(t, plugin, facts)
	t.Logf("%d queries: %v, in all %v", queries, outcomes, time.Since(base).Round(time.Second))
}

// tally counts answers by kind.
type tally map[string]int

// executable is the path of a program of the product, from the environment or
// from the repository. Without it the test cannot run.
func executable(t *testing.T, variable, path string) string {
	t.Helper()
	file := os.Getenv(variable)
	if file == "" {
		file = filepath.Join("..", "..", filepath.FromSlash(path))
	}
	absolute, err := filepath.Abs(file)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(absolute); errors.Is(err, os.ErrNotExist) {
		t.Skipf("%s does not exist: build it, or name it in %s", path, variable)
	}
	return absolute
}

func environment(t *testing.T, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		t.Fatalf("%s=%q is not a count", name, text)
	}
	return n
}

// showLogs shows what the product's processes said last, but for mere information.
func showLogs(t *testing.T, dir string) {
	t.Helper()
	logs, err := filepath.Glob(filepath.Join(dir, "*.log"))
	if err != nil {
		t.Fatal(err)
	}
	for _, log := range logs {
		text, err := os.ReadFile(log)
		if err != nil {
			t.Error(err)
		}
		var said []string
		for line := range strings.Lines(string(text)) {
			if !strings.Contains(strings.ToLower(line), "info") {
				said = append(said, line)
			}
		}
		t.Logf("%s:\n%s", filepath.Base(log), strings.Join(said[max(0, len(said)-5):], ""))
	}
}

func startPlugin(t *testing.T, executable string, product *Product, organizations []Organization) *PluginAsker {
	t.Helper()
	log, err := os.Create(filepath.Join(filepath.Dir(product.Config), "plugin.log"))
	if err != nil {
		t.Fatal(err)
	}
	plugin, err := StartPlugin(executable, product.VictoriaMetrics, product.Collector, organizations, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		plugin.Stop()
		if err := log.Close(); err != nil {
			t.Error(err)
		}
	})
	return plugin
}

// freshness is how soon everything that was received must be in the answers.
const freshness = 15 * time.Second

// sendAll sends the delivery, checks every answer of the collector, and returns
// when all sessions have ended and can be seen.
func sendAll(t *testing.T, product *Product, delivery Delivery) *Book {
	t.Helper()
	send := func(lanes [][]*Request, together int) [][]Receipt {
		receipts, err := product.Send(t.Context(), lanes, together)
		if err != nil {
			t.Fatal(err)
		}
		return receipts
	}
	early := send(delivery.Early, 1)
	earlyEnd := time.Now()
	receipts := append(early, send(delivery.Main, 8)...)
	const earlyTimeout = 3*2*time.Second + timeoutLatest
	time.Sleep(time.Until(earlyEnd.Add(earlyTimeout + time.Second)))
	receipts = append(receipts, send(delivery.Late, 1)...)

	book := NewBook(delivery.Organizations)
	wrong, ended, slowest := 0, time.Now(), time.Duration(0)
	for _, receipt := range slices.Concat(receipts...) {
		verdict, err := book.Deliver(receipt.Request, receipt.Body, receipt.SentAt)
		if err != nil {
			t.Fatal(err)
		}
		if err := checkAnswer(verdict, receipt); err != nil {
			t.Errorf("%s answered %s\nto %s\n%v", receipt.Request.Path(), receipt.Answer, receipt.Body, err)
			if wrong++; wrong == 10 {
				t.Fatal("ten wrong answers of the collector, that is enough")
			}
		}
		slowest = max(slowest, receipt.Took)
		if envelope := receipt.Request.Envelope; envelope != nil {
			if end := receipt.SentAt.Add(receipt.Took + envelope.timeout()); end.After(ended) {
				ended = end
			}
		}
	}
	t.Logf("the slowest answer of the collector took %v", slowest.Round(time.Millisecond))
	time.Sleep(time.Until(ended.Add(timeoutLatest + freshness)))
	return book
}

// checkAnswer compares the collector's answer with the verdict.
func checkAnswer(verdict Verdict, receipt Receipt) error {
	if receipt.Status != verdict.Status {
		return fmt.Errorf("expected status %d, got %d", verdict.Status, receipt.Status)
	}
	var answer struct {
		Accepted int    `json:"accepted"`
		Error    string `json:"error"`
		Rejected []struct {
			Error string `json:"error"`
			Field string `json:"field"`
		} `json:"rejected"`
	}
	if err := json.Unmarshal(receipt.Answer, &answer); err != nil {
		return fmt.Errorf("answer is no JSON: %w", err)
	}
	if verdict.Status != http.StatusAccepted {
		if answer.Error == "" {
			return errors.New("refusal without an error in words")
		}
		return nil
	}
	if answer.Accepted != verdict.Accepted || len(answer.Rejected) != len(verdict.Rejected) {
		return fmt.Errorf("expected %d accepted and %v rejected", verdict.Accepted, verdict.Rejected)
	}
	for n, index := range verdict.Rejected {
		rejected := answer.Rejected[n]
		if rejected.Error == "" {
			return errors.New("rejection without an error in words")
		}
		if receipt.Request.Envelope != nil && !strings.HasPrefix(rejected.Field, fmt.Sprintf("events[%d]", index)) {
			return fmt.Errorf("expected events %v rejected", verdict.Rejected)
		}
	}
	return nil
}

// checkQuery compares the product's answer with the brute force.
func checkQuery(t *testing.T, asker Asker, facts []Fact, q Query, outcomes tally) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	answer, err := asker.Ask(ctx, q)
	widget := Widgets()[q.QueryType]
	if widget.Premium && levelOf(q.Organization) == "default" {
		outcomes["level refused"]++
		if err := checkRefused(err, http.StatusForbidden, "premium"); err != nil {
			outcomes["wrong"]++
			t.Errorf("%T: %s\n%v", asker, q, err)
		}
		return
	}
	if err == nil {
		var want, got Table
		if want, err = Answer(facts, q); err != nil {
			t.Fatal(err)
		}
		if got, err = ReadFrames(answer, widget); err == nil {
			err = Compare(want, got, widget)
		}
		if err == nil && widget.Usage && q.Unit != "playtime" && len(q.Event) > 0 && len(got.Notices) == 0 {
			err = errors.New("no notice that traffic has no events")
		}
		if isEmpty(want) {
			outcomes["empty"]++
		}
	}
	if err != nil {
		outcomes["wrong"]++
		t.Errorf("%T: %s\n%v", asker, q, err)
		return
	}
	outcomes["right"]++
}

func isEmpty(table Table) bool {
	for _, x := range table.Cells {
		if !isNothing(x) {
			return false
		}
	}
	return true
}

func levelOf(id string) string {
	for _, organization := range testOrganizations() {
		if organization.ID == id {
			return organization.Level
		}
	}
	return ""
}

// checkRefused checks that err is a refusal of that status, in words that
// contain the given one. Refusals on the command line have no status.
func checkRefused(err error, status int, word string) error {
	refusal, ok := errors.AsType[*QueryError](err)
	switch {
	case !ok:
		return fmt.Errorf("expected a refusal with status %d, got %v", status, err)
	case refusal.Status != 0 && refusal.Status != status:
		return fmt.Errorf("expected a refusal with status %d, got %v", status, refusal)
	case !strings.Contains(refusal.Message, word):
		return fmt.Errorf("expected a refusal that says %q, got %v", word, refusal)
	}
	return nil
}

// checkRefusals asks what the rules call an error of the asker.
func checkRefusals(t *testing.T, asker Asker, base time.Time) {
	t.Helper()
	to := floor(base.UnixMilli(), minute) - 10*minute
	recent := Query{Organization: "acme", From: to - 60*minute, To: to}
	for name, change := range map[string]func(q *Query){
		"delta":    func(q *Query) { q.QueryType, q.Mode = "concurrentViewers", "delta" },
		"referrer": func(q *Query) { q.QueryType, q.Referrer = "usageByStream", []string{"site.example"} },
	} {
		q := recent
		change(&q)
		_, err := asker.Ask(t.Context(), q)
		if err := checkRefused(err, http.StatusBadRequest, name); err != nil {
			t.Errorf("%s\n%v", q, err)
		}
	}
}

// checkNewestMinutes checks that concurrentViewers ends before the minutes that
// are not complete yet, and says so (rule 14).
func checkNewestMinutes(t *testing.T, asker Asker, facts []Fact) {
	t.Helper()
	now := time.Now()
	q := Query{QueryType: "concurrentViewers", Organization: "acme", Form: "series", Interval: "1m"}
	q.From = floor(now.UnixMilli(), minute) - 30*minute
	q.To = q.From + 40*minute
	answer, err := asker.Ask(t.Context(), q)
	if err != nil {
		t.Fatalf("%s: %v", q, err)
	}
	widget := Widgets()[q.QueryType]
	got, err := ReadFrames(answer, widget)
	if err != nil {
		t.Fatalf("%s: %v", q, err)
	}
	if len(got.Times) == 0 || len(got.Notices) == 0 {
		t.Fatalf("%s: %d minutes and notices %q", q, len(got.Times), got.Notices)
	}
	q.To = slices.Max(got.Times) + minute
	if age := now.Sub(time.UnixMilli(q.To)); age < 15*time.Second || age > newestViewers {
		t.Errorf("viewers end %v ago", age)
	}
	want, err := Answer(facts, q)
	if err != nil {
		t.Fatal(err)
	}
	if err := Compare(want, got, widget); err != nil {
		t.Errorf("%s\n%v", q, err)
	}
}
