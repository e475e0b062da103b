package oracle

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/vl/vltest"
	"github.com/streamlens/streamlens/test/program"
)

// TestProduct proves the exactness that the design promises: for random events
// and random queries, the collector, VictoriaMetrics and the plugin together
// answer what the brute force of this package answers.
func TestProduct(t *testing.T) {
	t.Parallel()
	events := environment(t, "ORACLE_EVENTS", 20_000)
	queries := environment(t, "ORACLE_QUERIES", 800)
	seed := environment(t, "ORACLE_SEED", int(time.Now().UnixNano()%1_000_000))
	var (
		base      time.Time
		generator *Generator
		delivery  Delivery
		product   *Product
		tags      Tags
		book      *Book
		store     string // of plays
	)
	for attempt := 1; ; attempt++ {
		base = time.Now()
		t.Logf("ORACLE_SEED=%d ORACLE_EVENTS=%d ORACLE_QUERIES=%d at %s", seed, events, queries, base.UTC().Format(time.RFC3339))
		generator = NewGenerator(uint64(seed), base)
		delivery = generator.Generate(events)
		store = vltest.Start(t)
		product = StartProduct(t, t.TempDir(), testOrganizations(), store)
		tags = Tags{}
		setTags(t, product, generator, tags, 60)
		checkTagRequests(t, product, tags)
		var err error
		book, err = sendAll(t, product, delivery)
		if err == nil {
			break
		}
		if attempt == 3 || !errors.Is(err, errTooSlow) {
			t.Fatal(err)
		}
		t.Logf("starting anew: %v", err)
	}
	facts := book.Facts()
	t.Logf("sent %d events in %d sessions and %d of CMCD, which make %d facts, in %v", delivery.EventCount,
		len(book.sessions), len(book.players), len(facts), time.Since(base).Round(time.Second))

	plugin := StartPlugin(t, product, delivery.Organizations)
	plugin.Plays(store)
	command := CommandAsker{Executable: program.Streamlens(t), Config: product.Config}
	has := learn(t, plugin, base)
	outcomes, filled := tally{}, tally{}
	ask := func(q Query, asker Asker) {
		checkQuery(t, asker, facts, tags, q, outcomes, filled)
		if outcomes["wrong"] >= 10 {
			t.Fatal("ten wrong answers, that is enough")
		}
	}
	askRandom := func(n int, tagged bool) {
		q, err := generator.Query(has.widgets, facts, tags, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if !tagged || !has.tags {
			if q.Tag = nil; q.QueryType == "usageByTag" || q.Breakdown == "tag" { // which do not show at once
				return
			}
		}
		if n%25 == 0 {
			ask(q, command)
			return
		}
		ask(q, plugin)
	}
	for n := range queries / 3 {
		askRandom(n, true)
	}
	kept := checkRecords(t, plugin, store, book.Records(), base)
	checkTimelines(t, plugin, generator, kept, queries/8)
	checkBreakdowns(t, plugin, generator, kept, queries/3)
	checkSegments(t, plugin, generator, kept, queries/10)
	checkViewers(t, plugin, generator, kept, queries/20)
	setTags(t, product, generator, tags, 20)
	changed := time.Now()
	for n := range queries / 3 {
		askRandom(n, false)
	}
	for _, q := range hardQueries(base) {
		if slices.Contains(has.widgets, q.QueryType) {
			ask(q, plugin)
		}
	}
	time.Sleep(time.Until(changed.Add(patience(t))))
	for n := range queries - 2*(queries/3) {
		askRandom(n, true)
	}
	checkReports(t, command, generator, facts, tags, queries/20)
	checkRefusals(t, plugin, has.widgets, base)
	checkLevels(t, product, base)
	checkNewestMinutes(t, plugin, facts)
	for _, widget := range has.widgets {
		if filled[widget] == 0 && queries >= 20*len(has.widgets) {
			t.Errorf("no answer of %s had anything in it", widget)
		}
	}
	t.Logf("answers with something in them: %v", filled)
	t.Logf("%d queries: %v, in all %v", queries, outcomes, time.Since(base).Round(time.Second))
}

// strict says whether what is missing is a failure.
func strict() bool { return os.Getenv("ORACLE_STRICT") == "1" }

// known is what the product has of the oracle's widgets and filters.
type known struct {
	widgets []string
	tags    bool
}

// learn asks the product what it has. It must have everything if the test is
// strict.
func learn(t *testing.T, asker Asker, base time.Time) known {
	t.Helper()
	to := floor(base.UnixMilli(), minute)
	lacks := func(q Query, words string) bool {
		q.Organization, q.From, q.To = "acme", to-60*minute, to
		_, err := asker.Ask(t.Context(), q)
		refusal, ok := errors.AsType[*QueryError](err)
		return ok && strings.Contains(refusal.Message, words)
	}
	var product known
	var missing []string
	for _, widget := range slices.Sorted(maps.Keys(Widgets())) {
		if lacks(Query{QueryType: widget}, "is unknown") {
			missing = append(missing, widget)
		} else {
			product.widgets = append(product.widgets, widget)
		}
	}
	if product.tags = !lacks(Query{QueryType: "usageOverview", Tag: []string{"a"}}, "tag filter"); !product.tags {
		missing = append(missing, "the filter tag")
	}
	switch {
	case len(missing) > 0 && strict():
		t.Errorf("the product does not have %v", missing)
	case len(missing) > 0:
		t.Logf("%d parts are left out, since the product does not have them: %v", len(missing), missing)
	}
	return product
}

// setTags changes the tags of random streams, so many times, in the product
// and in tags.
func setTags(t *testing.T, product *Product, generator *Generator, tags Tags, changes int) {
	t.Helper()
	changed := Tags{}
	for range changes {
		generator.changeTags(changed)
	}
	for stream, those := range changed {
		tags[stream] = those
		method := http.MethodPut
		if len(those) == 0 {
			method = http.MethodDelete
		}
		checkTags(t, product, method, tagsPath(stream[1]), secretKeyOf(stream[0]), those, http.StatusOK, those)
	}
}

// checkTags checks the answer to one request about tags.
func checkTags(t *testing.T, product *Product, method, path, secretKey string, tags []string, status int, want []string) {
	t.Helper()
	got, gotStatus, err := product.Tags(t.Context(), method, path, secretKey, tags)
	slices.Sort(got)
	want = slices.Sorted(slices.Values(want))
	if err != nil || gotStatus != status || !slices.Equal(got, want) {
		t.Errorf("%s %s %q: got %d %q %v, want %d %q", method, path, tags, gotStatus, got, err, status, want)
	}
}

// checkTagRequests checks what the collector says about tags (rules 23 and 26).
func checkTagRequests(t *testing.T, product *Product, tags Tags) {
	t.Helper()
	const key = "sk_beta_0123456789"
	for stream, those := range tags {
		checkTags(t, product, http.MethodGet, tagsPath(stream[1]), secretKeyOf(stream[0]), nil, http.StatusOK, those)
	}
	checkTags(t, product, http.MethodGet, tagsPath("never seen"), key, nil, http.StatusOK, nil)
	for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete} {
		checkTags(t, product, method, tagsPath("cam.1"), "sk_wrong", []string{"a"}, http.StatusUnauthorized, nil)
	}
	for _, tag := range []string{"a,b", strings.Repeat("t", 65), "a\nb", ""} {
		checkTags(t, product, http.MethodPut, tagsPath("never seen"), key, []string{"good", tag}, http.StatusBadRequest, nil)
	}
	checkTags(t, product, http.MethodPut, tagsPath("tagged"), key, []string{"a", "b"}, http.StatusOK, []string{"a", "b"})
	checkTags(t, product, http.MethodPut, tagsPath("tagged"), key, []string{"b", "c", "b"}, http.StatusOK, []string{"b", "c"})
	checkTags(t, product, http.MethodPut, "/stream/tagged/tag", key, []string{"d"}, http.StatusOK, []string{"d"})
	checkTags(t, product, http.MethodGet, tagsPath("tagged"), secretKeyOf("acme"), nil, http.StatusOK, nil)
	checkTags(t, product, http.MethodDelete, tagsPath("tagged"), key, nil, http.StatusOK, nil)
}

// hardQueries ask where lists are long and calendars are hard: months of
// different lengths, years that end, clocks that change.
func hardQueries(base time.Time) []Query {
	now := base.Truncate(time.Minute)
	day := Query{QueryType: "usageByIP", Organization: "acme", From: now.Add(-24 * time.Hour).UnixMilli(), To: now.UnixMilli()}
	byHours := day
	byHours.Form, byHours.Interval = "series", "6h"
	queries := []Query{day, byHours}
	for _, zone := range timezones() {
		location, err := time.LoadLocation(zone)
		if err != nil {
			panic(err) // the zones are constants
		}
		march := lastMarch(base, location)
		moments := []time.Time{now, now, march, march.AddDate(0, 0, -1), march.AddDate(0, 0, -3), march.Add(12 * time.Hour)}
		for months := range 11 {
			moments = append(moments, time.Date(base.Year(), base.Month()-time.Month(months), 1, 0, 0, 0, 0, location))
		}
		for i, to := range moments {
			q := Query{QueryType: "monthToDate", Organization: "acme", From: to.UnixMilli() - 5*minute, To: to.UnixMilli(), Timezone: zone}
			if i == 0 { // there are players of some days only
				q.Unit = "playtime"
			}
			queries = append(queries, q)
		}
		for _, interval := range []string{"1d", "1M"} {
			for _, widget := range []string{"usageOverview", "usageByCountry", "usagePlayout", "usageReport"} {
				queries = append(queries, Query{QueryType: widget, Organization: "acme", From: now.AddDate(-1, 0, 0).UnixMilli(),
					To: now.UnixMilli(), Timezone: zone, Form: "series", Interval: interval})
			}
		}
	}
	return queries
}

// tally counts answers by kind.
type tally map[string]int

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

// freshness is how soon everything that was received must be in the answers.
const freshness = 15 * time.Second

// patience is how long the test waits before it asks: ORACLE_PATIENCE seconds
// where many events meet a machine that has other work.
func patience(t *testing.T) time.Duration {
	return time.Duration(environment(t, "ORACLE_PATIENCE", int(freshness/time.Second))) * time.Second
}

// sendAll sends the delivery, checks every answer of the collector, and returns
// when all sessions have ended and can be seen.
func sendAll(t *testing.T, product *Product, delivery Delivery) (*Book, error) {
	t.Helper()
	early, err := product.Send(t.Context(), delivery.Early, 1)
	if err != nil {
		return nil, err
	}
	earlyEnd := time.Now()
	main, err := product.Send(t.Context(), delivery.Main, 8)
	if err != nil {
		return nil, err
	}
	const earlyTimeout = 3*2*time.Second + timeoutLatest
	time.Sleep(time.Until(earlyEnd.Add(earlyTimeout + time.Second)))
	late, err := product.Send(t.Context(), delivery.Late, 1)
	if err != nil {
		return nil, err
	}
	receipts := slices.Concat(early, main, late)

	book := NewBook(delivery.Organizations)
	ended, err := deliverAll(t, book, receipts)
	if err != nil {
		return nil, err
	}
	time.Sleep(time.Until(ended.Add(timeoutLatest + patience(t))))
	return book, nil
}

// deliverAll books what was sent, checks every answer of the collector, and
// returns when all sessions have ended.
func deliverAll(t *testing.T, book *Book, receipts [][]Receipt) (ended time.Time, err error) {
	t.Helper()
	wrong, slowest := 0, time.Duration(0)
	ended = time.Now()
	for _, receipt := range slices.Concat(receipts...) {
		verdict, err := book.Deliver(receipt.Request, receipt.Body, receipt.SentAt)
		if err != nil {
			return ended, err
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
	if end := book.waiting(); end.After(ended) {
		ended = end
	}
	t.Logf("the slowest answer of the collector took %v", slowest.Round(time.Millisecond))
	return ended, nil
}

// checkAnswer compares the collector's answer with the verdict.
func checkAnswer(verdict Verdict, receipt Receipt) error {
	if receipt.Status != verdict.Status {
		return fmt.Errorf("expected status %d, got %d", verdict.Status, receipt.Status)
	}
	if verdict.Status == http.StatusNoContent {
		if len(receipt.Answer) > 0 {
			return errors.New("an answer without content has some")
		}
		return nil
	}
	var answer struct {
		Accepted int    `json:"accepted"`
		Ignored  int    `json:"ignored"`
		Refused  int    `json:"refused"`
		Repeated bool   `json:"repeated"`
		Error    string `json:"error"`
		Rejected []struct {
			Error string `json:"error"`
			Field string `json:"field"`
		} `json:"rejected"`
	}
	if err := json.Unmarshal(receipt.Answer, &answer); err != nil {
		return fmt.Errorf("answer is no JSON: %w", err)
	}
	rejected := verdict.Rejected
	if log := receipt.Request.Log; log != nil && verdict.Status != http.StatusUnauthorized {
		const named = 20
		if answer.Refused != len(rejected) || answer.Ignored != verdict.Ignored || answer.Repeated != verdict.Repeated {
			return fmt.Errorf("expected %d refused, %d ignored, repeated %v", len(rejected), verdict.Ignored, verdict.Repeated)
		}
		rejected = rejected[:min(named, len(rejected))]
	} else if verdict.Status != http.StatusAccepted {
		if answer.Error == "" {
			return errors.New("refusal without an error in words")
		}
		return nil
	}
	if answer.Accepted != verdict.Accepted || len(answer.Rejected) != len(rejected) {
		return fmt.Errorf("expected %d accepted and %v rejected", verdict.Accepted, verdict.Rejected)
	}
	for n, index := range rejected {
		one := answer.Rejected[n]
		if one.Error == "" {
			return errors.New("rejection without an error in words")
		}
		field := ""
		switch {
		case receipt.Request.Envelope != nil:
			field = fmt.Sprintf("events[%d]", index)
		case receipt.Request.Log != nil:
			field = fmt.Sprintf("line[%d]", index+1)
		}
		if !strings.HasPrefix(one.Field, field) {
			return fmt.Errorf("expected %v rejected", verdict.Rejected)
		}
	}
	return nil
}

// checkQuery compares the product's answer with the brute force.
func checkQuery(t *testing.T, asker Asker, facts []Fact, tags Tags, q Query, outcomes, filled tally) {
	t.Helper()
	widget, err := widgetOf(q)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	answer, err := asker.Ask(ctx, q)
	if widget.Premium && levelOf(q.Organization) == "default" {
		outcomes["level refused"]++
		if err := checkRefused(err, http.StatusForbidden, "premium"); err != nil {
			outcomes["wrong"]++
			t.Errorf("%T: %s\n%v", asker, q, err)
		}
		return
	}
	if err == nil {
		var want Table
		if want, err = compareAnswer(answer, facts, tags, q, widget); isEmpty(want) {
			outcomes["empty"]++
		} else {
			filled[q.QueryType]++
		}
	}
	if err != nil {
		outcomes["wrong"]++
		t.Errorf("%T: %s\n%v", asker, q, err)
		explainWrong(t, asker, facts, tags, q, widget)
		return
	}
	outcomes["right"]++
}

// compareAnswer compares an answer of the product with the brute force, which
// it returns too.
func compareAnswer(answer []byte, facts []Fact, tags Tags, q Query, widget Widget) (Table, error) {
	want, err := Answer(facts, tags, q)
	if err != nil {
		return want, err
	}
	got, err := ReadFrames(answer, widget)
	if err == nil {
		err = Compare(want, got, widget)
	}
	switch {
	case err != nil || len(got.Notices) > 0:
		return want, err
	case isTraffic(q) && len(q.Event) > 0:
		return want, errors.New("no notice that traffic has no events")
	case q.byHours() && (q.From != q.widened().From || q.To != q.widened().To):
		return want, errors.New("no notice that the range is widened to whole hours")
	case q.playingTimeByHours() && q.Metric == "" && (q.From != floor(q.From, hour) || q.To != ceil(q.To, hour)):
		return want, errors.New("no notice that the playing time is of whole hours")
	case q.QueryType == "usageByIP" && q.Organization == "epsilon":
		return want, errors.New("no notice that the organisation keeps no addresses")
	}
	return want, nil
}

// explainWrong says whether a wrong answer was only too early.
func explainWrong(t *testing.T, asker Asker, facts []Fact, tags Tags, q Query, widget Widget) {
	t.Helper()
	time.Sleep(5 * time.Second)
	answer, err := asker.Ask(t.Context(), q)
	if err == nil {
		_, err = compareAnswer(answer, facts, tags, q, widget)
	}
	t.Logf("5 s later the same query has the error: %v", err)
}

// isTraffic says whether the query asks for bytes.
func isTraffic(q Query) bool {
	if q.QueryType == "worldMap" {
		return q.Metric == "usageSent" || q.Metric == "usageReceived"
	}
	return Widgets()[q.QueryType].Usage && q.Unit != "playtime"
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

func secretKeyOf(id string) string {
	for _, organization := range testOrganizations() {
		if organization.ID == id {
			return organization.SecretKey
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
func checkRefusals(t *testing.T, asker Asker, widgets []string, base time.Time) {
	t.Helper()
	to := floor(base.UnixMilli(), minute) - 10*minute
	check := func(q Query, status int, word string) {
		q.From, q.To = to-60*minute, to
		_, err := asker.Ask(t.Context(), q)
		if err := checkRefused(err, status, word); err != nil {
			t.Errorf("%s\n%v", q, err)
		}
	}
	check(Query{QueryType: "concurrentViewers", Organization: "acme", Mode: "delta"}, http.StatusBadRequest, "delta")
	check(Query{QueryType: "no-such-widget", Organization: "acme"}, http.StatusBadRequest, "unknown")
	for _, name := range widgets {
		if name != "usageByReferrer" {
			check(Query{QueryType: name, Organization: "acme", Referrer: []string{"site.example"}}, http.StatusBadRequest, "referrer")
		}
		for _, form := range []string{"total", "series"} {
			if Widgets()[name].Premium {
				check(Query{QueryType: name, Organization: "gamma_3", Form: form}, http.StatusForbidden, "premium")
			}
		}
	}
	if !slices.Contains(widgets, "worldMap") {
		return
	}
	for metric, premium := range mapMetrics() {
		if premium {
			check(Query{QueryType: "worldMap", Metric: metric, Organization: "gamma_3"}, http.StatusForbidden, "premium")
		}
	}
	check(Query{QueryType: "worldMap", Metric: "no-such-metric", Organization: "acme"}, http.StatusBadRequest, "metric")
}

// checkLevels checks that the lower level holds if the data source and
// streamlens.yaml differ (rule 28).
func checkLevels(t *testing.T, product *Product, base time.Time) {
	t.Helper()
	organizations := testOrganizations()
	for i := range organizations {
		organizations[i].Level = map[string]string{"default": "premium", "premium": "default"}[organizations[i].Level]
	}
	swapped := StartPlugin(t, product, organizations)
	to := floor(base.UnixMilli(), minute)
	for _, organization := range organizations {
		q := Query{QueryType: "bufferingRatio", Organization: organization.ID, From: to - 60*minute, To: to}
		_, err := swapped.Ask(t.Context(), q)
		if err := checkRefused(err, http.StatusForbidden, "premium"); err != nil {
			t.Errorf("data source of level %s: %s\n%v", organization.Level, q, err)
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
	want, err := Answer(facts, nil, q)
	if err != nil {
		t.Fatal(err)
	}
	if err := Compare(want, got, widget); err != nil {
		t.Errorf("%s\n%v", q, err)
	}
}
