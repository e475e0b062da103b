package benchmark

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/streamlens/streamlens/pkg/collector"
	"github.com/streamlens/streamlens/pkg/config"
	"github.com/streamlens/streamlens/pkg/event"
	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/play"
	"github.com/streamlens/streamlens/pkg/tenant"
	"github.com/streamlens/streamlens/pkg/vl"
	"github.com/streamlens/streamlens/pkg/vl/vltest"
	"github.com/streamlens/streamlens/pkg/widget"
)

const (
	playsDays = 30
	// playsOf is the share of the organisation that is asked about; the others are of another one.
	playsOf = 0.9
	// playsSeed makes the records of two runs the same.
	playsSeed = 11
	// faultyOperator stalls on mobiles, so that there is something to find.
	faultyOperator = 2
	// playsRuns is how often each question is asked.
	playsRuns = 7
)

// TestPlays writes records of plays of 30 days into VictoriaLogs, as recorders make them, and prints what they take on disk and how long
// questions about them take; go tool mage benchmarkPlays runs it. With PLAYS_DIR the records stay there, and a second run only asks.
func TestPlays(t *testing.T) {
	count, err := strconv.Atoi(os.Getenv("PLAYS"))
	if err != nil || count < 1 {
		t.Skip("PLAYS must say how many plays: go tool mage benchmarkPlays does that")
	}
	folder := cmp.Or(os.Getenv("PLAYS_DIR"), t.TempDir())
	server := vltest.StartServer(t, append(slices.Clone(vltest.Flags), "-storageDataPath="+folder)...)
	// The days end at a fixed time, so that a second run asks about the same records.
	note := filepath.Join(folder, "ends")
	end := time.Now().UTC().Truncate(time.Hour)
	if text, err := os.ReadFile(note); err == nil {
		if end, err = time.Parse(time.RFC3339, string(text)); err != nil {
			t.Fatal(err)
		}
	} else {
		writePlays(t, server.URL, end, count)
		if err := os.WriteFile(note, []byte(end.Format(time.RFC3339)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	bytes := sizeOf(t, folder)
	fmt.Printf("%d plays: %.0f MB on disk, %.0f bytes a play\n", count, float64(bytes)/1e6, float64(bytes)/float64(count))
	askPlays(t, server.URL, end)
}

// writePlays writes the records, of each day in the order of their ends.
func writePlays(t *testing.T, url string, end time.Time, count int) {
	t.Helper()
	store, err := vl.NewClient(url, http.DefaultClient)
	if err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	group, ctx := errgroup.WithContext(t.Context())
	group.SetLimit(runtime.NumCPU())
	begin := end.Add(-playsDays * 24 * time.Hour)
	for first := 0; first < count; first += vl.MaxLines {
		group.Go(func() error {
			random := rand.New(rand.NewPCG(playsSeed, uint64(first)))
			maker := newPlayMaker(random)
			var lines [][]byte
			for i := first; i < min(first+vl.MaxLines, count); i++ {
				at := begin.Add(time.Duration(float64(end.Sub(begin)) * float64(i) / float64(count)))
				record := maker.play(i, at.UnixMilli())
				lines = append(lines, record.Line(nil))
			}
			return store.Insert(ctx, lines)
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	if err := store.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	took := time.Since(begun)
	fmt.Printf("%d plays written in %s, %.0f a second\n", count, took.Round(time.Second), float64(count)/took.Seconds())
}

// playMaker makes up plays: 2,000 streams, 300 operators in 40 countries with 2,400 regions, 300,000 users, 1 to 60 minutes. Few streams,
// operators and countries have most of them.
type playMaker struct {
	random                                *rand.Rand
	streams, operators, regions, versions *rand.Zipf
}

func newPlayMaker(random *rand.Rand) *playMaker {
	return &playMaker{
		random, rand.NewZipf(random, 1.1, 3, 1999), rand.NewZipf(random, 1.2, 4, 299), rand.NewZipf(random, 1.1, 2, 59), rand.NewZipf(random, 1.5, 1, 11),
	}
}

func (m *playMaker) play(number int, end int64) play.Record {
	length := min(max(int64(m.random.ExpFloat64()*8*60_000), 60_000), 60*60_000)
	user := m.random.IntN(300_000)
	begin := end - length - 2000
	recorder := play.NewRecorder(fmt.Sprintf("%08x-%08x", m.random.Uint32(), number), fmt.Sprint("user", user), "", begin)
	start := int64(200 + m.random.ExpFloat64()*600)
	recorder.Start(begin+start, start)
	operator, kind := m.operators.Uint64(), m.random.IntN(len(playDevices))
	stalls := 0.02
	if operator == faultyOperator && playDevices[kind][0] == "mobile" {
		stalls = 0.2
	}
	bitrate, height := int64(2_500_000), int64(720)
	for at := begin + start; at < end; {
		span := min(10_000, end-at)
		buffering := int64(0)
		if m.random.Float64() < stalls {
			buffering = min(int64(m.random.ExpFloat64()*1500), span)
		}
		if m.random.Float64() < 0.03 {
			bitrate, height = []int64{800_000, 1_600_000, 2_500_000, 4_500_000}[m.random.IntN(4)], []int64{360, 540, 720, 1080}[m.random.IntN(4)]
		}
		at += span
		count := event.New(0, at, event.Stats)
		count.Stalls, count.Height = min(buffering, 1), height
		recorder.Report(play.Entry{
			End: at, Playing: span - buffering, Buffering: buffering, Bitrate: bitrate, Height: height,
			Latency: 2000 + m.random.Int64N(500), BufferLength: 1000 + m.random.Int64N(1000),
		}, &count)
	}
	outcome, quality, reason := measure.OutcomePlayed, measure.QualityGood, "usershutdown"
	if m.random.Float64() < 0.02 {
		recorder.Status(end, "2002", true)
		outcome, quality, reason = measure.OutcomePlaybackFailure, measure.QualityBad, "error"
	}
	recorder.End(end, length, reason)
	r := recorder.Record(end)
	r.Organization, r.Direction, r.Outcome, r.Quality = "acme", measure.Playout, outcome, quality
	if m.random.Float64() > playsOf {
		r.Organization = "other"
	}
	region, country := m.regions.Uint64(), operator%40
	r.Stream, r.Operator, r.ASN = fmt.Sprint("stream", m.streams.Uint64()), fmt.Sprint("Operator ", operator), int64(64_512+operator)
	r.Country = string([]byte{'A' + byte(country%26), 'A' + byte(country/26)})
	r.Region = fmt.Sprintf("%s-%d", r.Country, region)
	r.Address = fmt.Sprintf("10.%d.%d.%d", user>>16, user>>8&255, user&255)
	d := playDevices[kind]
	r.Device, r.OS, r.Browser = d[0], d[1], d[2]
	r.Player, r.Protocol = fmt.Sprintf("h5live 4.%d.0", 30-m.versions.Uint64()), []string{"h5live", "hls"}[m.random.IntN(2)]
	r.Referrer, r.Collector = fmt.Sprintf("site%d.example", m.versions.Uint64()), "a"
	return r
}

// playDevices are kinds of devices with their systems and browsers.
var playDevices = [][3]string{
	{"mobile", "iOS", "Safari"}, {"mobile", "Android", "Chrome"}, {"mobile", "Android", "Samsung Internet"}, {"desktop", "Windows", "Chrome"},
	{"desktop", "Windows", "Edge"}, {"desktop", "macOS", "Safari"}, {"desktop", "macOS", "Chrome"}, {"desktop", "Linux", "Firefox"},
	{"tv", "Tizen", "Samsung Internet"}, {"tv", "webOS", "Chrome"}, {"tablet", "iOS", "Safari"}, {"console", "Other", "Edge"},
}

// sizeOf returns how many bytes the files of a folder have.
func sizeOf(t *testing.T, folder string) int64 {
	t.Helper()
	total := int64(0)
	err := filepath.WalkDir(folder, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			total += info.Size()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return total
}

// askPlays asks what people ask, some times each, and prints how long it took.
func askPlays(t *testing.T, url string, end time.Time) {
	t.Helper()
	store, err := collector.PlaysReader(config.Config{Plays: config.Plays{URL: url}}, "acme")
	if err != nil {
		t.Fatal(err)
	}
	ask := func(q widget.Query, length time.Duration) (int, string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		frames, err := widget.Run(ctx, nil, widget.Request{Query: q, From: end.Add(-length), To: end, Now: end, Level: tenant.Premium, Plays: store})
		if err != nil {
			t.Fatalf("%s: %v", q.QueryType, err)
		}
		session := ""
		if field, _ := frames[0].FieldByName("session"); field != nil && field.Len() > 0 {
			if value, ok := field.ConcreteAt(0); ok {
				session = fmt.Sprint(value)
			}
		}
		return frames[0].Rows(), session
	}
	const day = 24 * time.Hour
	_, session := ask(widget.Query{QueryType: "plays"}, time.Hour)
	if session == "" {
		t.Fatal("there is no play")
	}
	for _, question := range []struct {
		name   string
		query  widget.Query
		length time.Duration
		most   time.Duration // in which it should be answered
	}{
		{"one play", widget.Query{QueryType: "play", Session: session}, day, 50 * time.Millisecond},
		{"newest of a user in 30 days", widget.Query{QueryType: "plays", Where: []string{"user=user4711"}}, playsDays * day, 500 * time.Millisecond},
		{"worst segments of a day", widget.Query{QueryType: "worstSegments"}, day, 300 * time.Millisecond},
		{"the same by failures", widget.Query{QueryType: "worstSegments", Metric: "playbackFailures"}, day, 300 * time.Millisecond},
		{"plays of a day with the most buffering", widget.Query{QueryType: "plays", Sort: "-bufferingRatio"}, day, time.Second},
		{"unique viewers of 30 days", widget.Query{QueryType: "uniqueViewers"}, playsDays * day, 5 * time.Second},
	} {
		least, took := time.Duration(math.MaxInt64), []time.Duration{}
		rows := 0
		for range playsRuns {
			begun := time.Now()
			rows, _ = ask(question.query, question.length)
			took = append(took, time.Since(begun))
			least = min(least, took[len(took)-1])
		}
		slices.Sort(took)
		fmt.Printf("%s: %d rows, at least %s, median %s; it should be %s\n", question.name, rows, least.Round(100*time.Microsecond),
			took[len(took)/2].Round(100*time.Microsecond), question.most)
	}
}
