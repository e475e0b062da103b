package oracle

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/processtest"
	"github.com/streamlens/streamlens/pkg/vm/vmtest"
	"github.com/streamlens/streamlens/test/program"
)

// Product is a running collector in front of a running VictoriaMetrics.
type Product struct {
	VictoriaMetrics, Collector string // URLs
	Config                     string // path of streamlens.yaml
	database                   *processtest.Database
	collector                  *program.Collector
	settings                   map[string]any // of streamlens.yaml
}

// StartProduct starts both until the test ends, with the collector's files in
// dir, and waits until it is ready. Both must end without an error. plays is
// the URL of the store of plays, if there is one.
func StartProduct(t testing.TB, dir string, organizations []Organization, plays ...string) *Product {
	t.Helper()
	p := NewProduct(t, dir, organizations, plays...)
	p.Start()
	return p
}

// NewProduct is StartProduct without the start of the collector.
func NewProduct(t testing.TB, dir string, organizations []Organization, plays ...string) *Product {
	t.Helper()
	places := filepath.Join(dir, "places.mmdb")
	var database bytes.Buffer
	if err := errors.Join(WritePlaces(&database), os.WriteFile(places, database.Bytes(), 0o600)); err != nil {
		t.Fatal(err)
	}
	p := &Product{database: vmtest.StartServer(t, "-dedup.minScrapeInterval=1ms", fmt.Sprintf("-retentionPeriod=%dd", int(retention.Hours()/24)))}
	p.VictoriaMetrics = p.database.URL
	settings := map[string]any{
		"victoriametrics": map[string]any{"url": p.VictoriaMetrics},
		"geoip":           map[string]any{"database": places, "networks": settings(ownNetworks())},
		"trustedProxies":  []string{trustedProxy + "/32"},
		"organizations":   organizations,
	}
	if len(plays) > 0 {
		settings["plays"] = map[string]any{"url": plays[0], "users": true}
	}
	p.settings = settings
	p.use(program.NewCollector(t, dir, settings))
	return p
}

func (p *Product) use(c *program.Collector) {
	p.collector, p.Collector, p.Config = c, c.URL, c.Config
}

// KeepRunning lets the collector, which does not run yet, keep plays that run,
// too.
func (p *Product) KeepRunning() {
	p.settings["plays"].(map[string]any)["running"] = true
	p.collector.Configure(p.settings)
}

// StartBeside starts a second collector of the same settings until the test
// ends, with its files in dir.
func (p *Product) StartBeside(t testing.TB, dir string) *Product {
	t.Helper()
	beside := *p
	beside.use(program.NewCollector(t, dir, p.settings))
	beside.Start()
	return &beside
}

// Start starts the collector, by another program if that is given with its
// arguments.
func (p *Product) Start(by ...string) { p.collector.Start(by...) }

// Said is what the collector has said.
func (p *Product) Said() string { return p.collector.Output.String() }

// Tags asks the collector about the tags of a stream, or puts or deletes them,
// by method. The answer is the tags and the HTTP status.
func (p *Product) Tags(ctx context.Context, method, path, secretKey string, tags []string) ([]string, int, error) {
	body, err := json.Marshal(map[string]any{"tags": tags})
	if err != nil {
		return nil, 0, fmt.Errorf("encode tags: %w", err)
	}
	if method != http.MethodPut {
		body = nil
	}
	request, err := http.NewRequestWithContext(ctx, method, p.Collector+path, bytes.NewReader(body))
	if err != nil {
		return nil, 0, fmt.Errorf("tags: %w", err)
	}
	request.Header.Set("Authorization", "Bearer "+secretKey)
	if strings.HasPrefix(path, "/stream/") { // of the bintu API
		request.Header = http.Header{"X-Bintu-Apikey": {secretKey}}
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, 0, fmt.Errorf("tags: %w", err)
	}
	defer response.Body.Close()
	var answer struct{ Tags []string }
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return nil, response.StatusCode, fmt.Errorf("tags: %s: %w", response.Status, err)
	}
	return answer.Tags, response.StatusCode, nil
}

// tagsPath is the path of the tags of a stream.
func tagsPath(stream string) string { return "/v1/streams/" + url.PathEscape(stream) + "/tags" }

// errTooSlow means that the machine was too slow for the oracle to know what
// should come out. Nothing is wrong with the product then, but nothing proved.
var errTooSlow = errors.New("this machine is too slow to tell")

// Receipt is a request that was sent, and the collector's answer.
type Receipt struct {
	Request *Request
	Body    []byte
	SentAt  time.Time
	Took    time.Duration
	Status  int // HTTP
	Answer  []byte
}

// Send sends lanes, so many of them at the same time, and returns the receipts
// of each in the order of its requests.
func (p *Product) Send(ctx context.Context, lanes [][]*Request, together int) ([][]Receipt, error) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: together}}
	defer client.CloseIdleConnections()
	receipts := make([][]Receipt, len(lanes))
	errs := make([]error, together)
	next := make(chan int)
	var group sync.WaitGroup
	for worker := range together {
		group.Go(func() {
			for lane := range next {
				for _, request := range lanes[lane] {
					if errs[worker] != nil {
						break
					}
					var receipt Receipt
					receipt, errs[worker] = p.post(ctx, client, request)
					receipts[lane] = append(receipts[lane], receipt)
				}
			}
		})
	}
	for lane := range lanes {
		next <- lane
	}
	close(next)
	group.Wait()
	return receipts, errors.Join(errs...)
}

func (p *Product) post(ctx context.Context, client *http.Client, request *Request) (Receipt, error) {
	now := time.Now()
	body, err := request.Body(now)
	if err != nil {
		return Receipt{}, err
	}
	sent := body
	if request.Gzip {
		var packed bytes.Buffer
		writer := gzip.NewWriter(&packed)
		_, err := writer.Write(body)
		if err := errors.Join(err, writer.Close()); err != nil {
			return Receipt{}, fmt.Errorf("gzip: %w", err)
		}
		sent = packed.Bytes()
	}
	post, err := http.NewRequestWithContext(ctx, http.MethodPost, p.Collector+request.Path(), bytes.NewReader(sent))
	if err != nil {
		return Receipt{}, fmt.Errorf("post: %w", err)
	}
	post.Header = request.Header.Clone()
	if request.Gzip {
		post.Header.Set("Content-Encoding", "gzip")
	}
	response, err := client.Do(post)
	if err != nil {
		return Receipt{}, fmt.Errorf("post: %w", err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return Receipt{}, fmt.Errorf("read answer: %w", err)
	}
	took := time.Since(now)
	if request.clockIsCorrected() && took > sentAtSlack {
		return Receipt{}, fmt.Errorf("an answer took %v, so that the second of its receipt is unknown: %w", took, errTooSlow)
	}
	return Receipt{Request: request, Body: body, SentAt: now, Took: took, Status: response.StatusCode, Answer: answer}, nil
}
