package oracle

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Product is a running collector in front of a running VictoriaMetrics.
type Product struct {
	VictoriaMetrics, Collector string // URLs
	Config                     string // path of streamlens.yaml
	dir                        string
	processes                  []*exec.Cmd
	commands                   [][]string // of the processes
}

// StartProduct starts both, with all their files in dir, and waits until the
// collector says that it is ready.
func StartProduct(ctx context.Context, victoriaMetrics, streamlens, dir string, organizations []Organization, plays ...string) (*Product, error) {
	ports, err := freePorts(2)
	if err != nil {
		return nil, err
	}
	p := &Product{
		VictoriaMetrics: "http://" + ports[0],
		Collector:       "http://" + ports[1],
		Config:          filepath.Join(dir, "streamlens.yaml"),
		dir:             dir,
	}
	countries := filepath.Join(dir, "countries.mmdb")
	var database bytes.Buffer
	if err := WriteCountries(&database); err != nil {
		return nil, err
	}
	if err := os.WriteFile(countries, database.Bytes(), 0o600); err != nil {
		return nil, fmt.Errorf("write country database: %w", err)
	}
	// Every JSON document is a YAML document.
	settings := map[string]any{
		"listen":          ports[1],
		"dataDir":         filepath.Join(dir, "collector"),
		"victoriametrics": map[string]any{"url": p.VictoriaMetrics},
		"geoip":           map[string]any{"database": countries},
		"trustedProxies":  []string{trustedProxy + "/32"},
		"organizations":   organizations,
	}
	if len(plays) > 0 {
		settings["plays"] = map[string]any{"url": plays[0], "users": true}
	}
	config, err := json.MarshalIndent(settings, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode configuration: %w", err)
	}
	if err := os.WriteFile(p.Config, config, 0o600); err != nil {
		return nil, fmt.Errorf("write configuration: %w", err)
	}

	err = p.start(victoriaMetrics, "-storageDataPath="+filepath.Join(dir, "metrics"), "-httpListenAddr="+ports[0],
		"-dedup.minScrapeInterval=1ms", fmt.Sprintf("-retentionPeriod=%dd", int(retention.Hours()/24)))
	if err == nil {
		err = waitReady(ctx, p.VictoriaMetrics+"/health")
	}
	if err == nil {
		err = p.start(streamlens, "collect", "--config", p.Config)
	}
	if err == nil {
		err = waitReady(ctx, p.Collector+"/readyz")
	}
	if err != nil {
		return nil, errors.Join(err, p.Stop())
	}
	return p, nil
}

// start starts one more process.
func (p *Product) start(command ...string) error {
	p.processes = append(p.processes, nil)
	p.commands = append(p.commands, command)
	return p.startAgain(len(p.processes)-1, command)
}

// startAgain starts one of the processes by a command. Its output goes to a file.
func (p *Product) startAgain(process int, command []string) error {
	path := filepath.Join(p.dir, filepath.Base(p.commands[process][0])+".log")
	log, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("create log: %w", err)
	}
	defer log.Close() // the process has its own handle
	started := exec.Command(command[0], command[1:]...)
	started.Stdout, started.Stderr = log, log
	started.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := started.Start(); err != nil {
		return fmt.Errorf("start %s: %w", command[0], err)
	}
	p.processes[process] = started
	return nil
}

// Stop ends the collector, then VictoriaMetrics.
func (p *Product) Stop() error {
	var errs []error
	for i := len(p.processes) - 1; i >= 0; i-- {
		command := p.processes[i]
		if err := command.Process.Signal(os.Interrupt); err != nil {
			errs = append(errs, fmt.Errorf("stop %s: %w", command.Path, err))
		}
		deadline := time.AfterFunc(time.Minute, func() {
			// A process that is already gone cannot be killed, which is fine.
			_ = command.Process.Kill()
		})
		if err := command.Wait(); err != nil {
			errs = append(errs, fmt.Errorf("%s ended: %w", command.Path, err))
		}
		deadline.Stop()
	}
	return errors.Join(errs...)
}

func freePorts(count int) ([]string, error) {
	var addresses []string
	for range count {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("find a free port: %w", err)
		}
		defer listener.Close() // all stay open until each has its own
		addresses = append(addresses, listener.Addr().String())
	}
	return addresses, nil
}

func waitReady(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		last := getOK(ctx, url)
		if last == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("not ready in a minute: %w", last)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func getOK(ctx context.Context, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return fmt.Errorf("get %s: %w", url, err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("get %s: %w", url, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return fmt.Errorf("get %s: %w", url, err)
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("get %s: %s: %s", url, response.Status, body)
	}
	return nil
}

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
