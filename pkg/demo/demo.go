// Package demo runs the whole product on one machine: VictoriaMetrics, VictoriaLogs, a collector, simulated viewers and publishers, and
// Grafana with the plugin if there is one.
package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/streamlens/streamlens/pkg/collector"
	"github.com/streamlens/streamlens/pkg/config"
	"github.com/streamlens/streamlens/pkg/simulate"
	"github.com/streamlens/streamlens/pkg/tenant"
)

// Options say what the demo uses. Paths may be relative to the working directory.
type Options struct {
	// For is when the demo ends by itself, counted from its start but not before its data can be seen; 0 = when ctx is done.
	For time.Duration
	// Directory keeps the data, configuration and logs; default a temporary one that is removed at the end.
	Directory string
	// VictoriaMetrics is the path of its executable.
	VictoriaMetrics string
	// VictoriaLogs is the path of its executable; where there is none, no plays are kept.
	VictoriaLogs string
	// GeoIP is the path of a MaxMind database; empty = no countries.
	GeoIP string
	// Plugin is the folder of the built plugin; empty = no Grafana.
	Plugin string
	// Dashboards and Provisioning are folders that Grafana reads.
	Dashboards, Provisioning string
	// GrafanaHome is the folder of a Grafana, with bin and conf; default the environment's GRAFANA_HOME, then the Grafana on
	// the PATH.
	GrafanaHome string
	// Viewers is how many plays run at a time; default 10.
	Viewers int
	// Out is where the demo says what it does.
	Out io.Writer
	// Streamlens is the path of the program whose subcommand collect is the collector; default the running one.
	Streamlens string
	// Print prints every widget for an organisation and returns the names of those without data.
	Print func(ctx context.Context, configPath, organization string, w io.Writer) (empty []string, err error)
}

const (
	defaultViewers = 10
	// settle is how long the last events of the past may take until a query shows them.
	settle = 15 * time.Second
	// Shares of the second organisation, which shows that none sees the other's data.
	betaShare  = 4
	publishers = 6
	// silentViewers are in access logs alone.
	silentViewers = 5
	// streams are few enough for the past to be stored within a minute: each makes series in all countries.
	streams = 12

	startTimeout = 60 * time.Second
	day          = 24 * time.Hour
)

// customers are whose streams the first organisation has, as tags.
var customers = []string{"Northside Arena", "Harbour TV", "Open Auctions", "City Hall"}

// Ports that are taken if they are free, so that the addresses are the documented ones.
const (
	victoriaMetricsPort = 8428
	victoriaLogsPort    = 9428
	collectorPort       = 8095
	grafanaPort         = 3000
	operationsPort      = 8429
)

// Run runs the demo until ctx is done or Options.For has passed, and stops all that it started. With For it prints every
// widget at the end, and an error names those without data.
func Run(ctx context.Context, o Options) (err error) {
	o, cleanUp, err := o.prepare()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cleanUp()) }()
	d := &demo{Options: o, started: time.Now()}
	// Children outlive ctx, to be stopped in the right order: what feeds before what it feeds.
	defer func() { err = errors.Join(err, d.children.stop()) }()
	if err := d.run(ctx); err != nil && !(errors.Is(err, context.Canceled) && ctx.Err() != nil) {
		return err
	}
	return nil
}

func (o Options) prepare() (Options, func() error, error) {
	cleanUp := func() error { return nil }
	if o.Viewers == 0 {
		o.Viewers = defaultViewers
	}
	if _, err := os.Stat(o.VictoriaMetrics); err != nil {
		return o, nil, fmt.Errorf("demo: VictoriaMetrics: %w", err)
	}
	var err error
	if o.Streamlens == "" {
		if o.Streamlens, err = os.Executable(); err != nil {
			return o, nil, fmt.Errorf("demo: %w", err)
		}
	}
	if o.Directory == "" {
		if o.Directory, err = os.MkdirTemp("", "streamlens-demo-"); err != nil {
			return o, nil, fmt.Errorf("demo: %w", err)
		}
		directory := o.Directory
		cleanUp = func() error { return os.RemoveAll(directory) }
	}
	// Grafana runs in its own folder, so relative paths would lead elsewhere.
	for _, path := range []*string{&o.Directory, &o.VictoriaMetrics, &o.VictoriaLogs, &o.GeoIP, &o.Plugin, &o.Dashboards, &o.Provisioning, &o.GrafanaHome, &o.Streamlens} {
		if *path == "" {
			continue
		}
		if *path, err = filepath.Abs(*path); err != nil {
			return o, nil, errors.Join(fmt.Errorf("demo: %w", err), cleanUp())
		}
	}
	if err := os.MkdirAll(o.Directory, 0o700); err != nil {
		return o, nil, errors.Join(fmt.Errorf("demo: %w", err), cleanUp())
	}
	return o, cleanUp, nil
}

// demo is a running demo.
type demo struct {
	Options
	started  time.Time
	children children

	config             string // path of streamlens.yaml
	organizations      []tenant.Organization
	victoriaMetricsURL string
	playsURL           string // of VictoriaLogs; empty if there is none
	collectorURL       string
}

func (d *demo) run(ctx context.Context) error {
	if err := d.startVictoriaMetrics(ctx); err != nil {
		return err
	}
	if err := d.startVictoriaLogs(ctx); err != nil {
		return err
	}
	if err := d.startCollector(ctx); err != nil {
		return err
	}
	work, ctx := errgroup.WithContext(ctx)
	// ending is done when the demo ends, which is no failure of what still runs.
	ending, end := context.WithCancel(ctx)
	defer end()
	work.Go(func() error { return d.children.watch(ending) })
	past := make(chan struct{})
	work.Go(func() error { return d.sendPast(ending, past) })
	work.Go(func() error { return d.sendLive(ending) })
	work.Go(func() error {
		defer end()
		return d.show(ending, past)
	})
	return work.Wait()
}

// show starts Grafana or prints the widgets, and returns when the demo is over.
func (d *demo) show(ctx context.Context, past <-chan struct{}) error {
	url, missing, err := d.startGrafana(ctx)
	if err != nil {
		return err
	}
	if missing == "" {
		fmt.Fprintf(d.Out, "Grafana:         %s (user admin, password admin)\n", url)
	} else {
		fmt.Fprintf(d.Out, "No Grafana: %s\n", missing)
	}
	select {
	case <-past:
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := d.written(ctx); err != nil {
		return err
	}
	fmt.Fprintln(d.Out, "All data is in place.")
	if d.For == 0 && missing == "" {
		<-ctx.Done()
		return ctx.Err()
	}
	if d.For == 0 {
		if _, err := d.Print(ctx, d.config, d.organizations[0].ID, d.Out); err != nil {
			return err
		}
		fmt.Fprintln(d.Out, "The demo goes on until it is interrupted.")
		<-ctx.Done()
		return ctx.Err()
	}
	if err := sleep(ctx, time.Until(d.started.Add(d.For))); err != nil {
		return err
	}
	empty, err := d.Print(ctx, d.config, d.organizations[0].ID, d.Out)
	if err != nil {
		return err
	}
	if len(empty) > 0 {
		return fmt.Errorf("demo: widgets without data: %s", strings.Join(empty, ", "))
	}
	return nil
}

// written returns when all that was sent is written and can be seen.
func (d *demo) written(ctx context.Context) error {
	sent := time.Now().UnixMilli()
	for {
		if err := sleep(ctx, time.Second); err != nil {
			return err
		}
		metrics, err := get(ctx, d.collectorURL+"/metrics")
		if err != nil {
			return fmt.Errorf("demo: %w", err)
		}
		if metric(metrics, collector.HandedMetric) >= float64(sent) &&
			metric(metrics, collector.WaitingMetric) == 0 && metric(metrics, collector.PlaysWaitingMetric) <= 0 {
			return sleep(ctx, settle)
		}
	}
}

// metric returns the value of a metric without labels, and -1 if it is not there.
func metric(exposition, name string) float64 {
	for line := range strings.Lines(exposition) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			if n, err := strconv.ParseFloat(strings.TrimSpace(value), 64); err == nil {
				return n
			}
		}
	}
	return -1
}

func get(ctx context.Context, url string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return string(text), err
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// sendPast sends what has happened to all organisations before the demo, and then closes done.
func (d *demo) sendPast(ctx context.Context, done chan<- struct{}) error {
	work, ctx := errgroup.WithContext(ctx)
	for i := range d.organizations {
		work.Go(func() error {
			o := d.simulation(i)
			_, err := simulate.History(ctx, o, d.started.Add(-65*day), d.started, d.logger(), nil)
			if err != nil {
				return fmt.Errorf("send the past of %s: %w", d.organizations[i].ID, err)
			}
			return nil
		})
	}
	work.Go(func() error { return d.tag(ctx) })
	begun := time.Now()
	fmt.Fprintln(d.Out, "Sending the plays of the last 3 days and the traffic of the last 65 …")
	if err := work.Wait(); err != nil {
		return err
	}
	fmt.Fprintf(d.Out, "Sent in %s.\n", time.Since(begun).Round(100*time.Millisecond))
	close(done)
	return nil
}

func (d *demo) sendLive(ctx context.Context) error {
	work, ctx := errgroup.WithContext(ctx)
	for i := range d.organizations {
		work.Go(func() error {
			if _, err := simulate.Live(ctx, d.simulation(i), d.logger()); err != nil {
				return fmt.Errorf("simulate viewers of %s: %w", d.organizations[i].ID, err)
			}
			return nil
		})
	}
	return work.Wait()
}

// simulation returns what is simulated for an organisation: the first has most viewers.
func (d *demo) simulation(i int) simulate.Options {
	organization := d.organizations[i]
	o := simulate.Options{
		URL: d.collectorURL, Account: organization.Accounts[0], SecretKey: organization.SecretKey,
		Viewers: d.Viewers, Publishers: publishers, Streams: streams,
	}
	if i > 0 {
		o.Viewers, o.Publishers = max(o.Viewers/betaShare, 1), publishers/betaShare
	} else {
		o.SilentViewers = silentViewers
		o.Troubles, o.Outages = d.stories()
	}
	if d.GeoIP != "" {
		o.GeoIP = []string{d.GeoIP}
	}
	return o
}

// stories are what there is to be found in the first organisation: a player's version that stalls in one country all evening, and a
// stream that is lost for a while, later that evening and soon after the demo's start.
func (d *demo) stories() ([]simulate.Trouble, []simulate.Outage) {
	evening := d.started.UTC().Truncate(day).Add(19 * time.Hour)
	if evening.Add(4 * time.Hour).After(d.started) {
		evening = evening.Add(-day)
	}
	lost := simulate.StreamNames(1)[0]
	return []simulate.Trouble{{Country: "DE", Kind: "h5live", Version: "4.22.0", From: evening, To: evening.Add(3 * time.Hour)}},
		[]simulate.Outage{
			{Stream: lost, From: evening.Add(210 * time.Minute), To: evening.Add(230 * time.Minute)},
			{Stream: lost, From: d.started.Add(8 * time.Minute), To: d.started.Add(12 * time.Minute)},
		}
}

// tag gives each stream of the first organisation the name of a customer.
func (d *demo) tag(ctx context.Context) error {
	for i, stream := range simulate.StreamNames(streams) {
		body, err := json.Marshal(map[string][]string{"tags": {customers[i%len(customers)]}})
		if err != nil {
			return fmt.Errorf("demo: %w", err)
		}
		request, err := http.NewRequestWithContext(ctx, http.MethodPut, d.collectorURL+"/v1/streams/"+url.PathEscape(stream)+"/tags", bytes.NewReader(body))
		if err != nil {
			return fmt.Errorf("demo: %w", err)
		}
		request.Header.Set("Authorization", "Bearer "+d.organizations[0].SecretKey)
		request.Header.Set("Content-Type", "application/json")
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return fmt.Errorf("demo: tag the stream %s: %w", stream, err)
		}
		response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("demo: tag the stream %s: status %d", stream, response.StatusCode)
		}
	}
	return nil
}

func (d *demo) logger() *slog.Logger { return slog.New(slog.NewTextHandler(d.Out, nil)) }

func (d *demo) startVictoriaMetrics(ctx context.Context) error {
	port, err := freePort(ctx, victoriaMetricsPort)
	if err != nil {
		return err
	}
	address := fmt.Sprintf("127.0.0.1:%d", port)
	d.victoriaMetricsURL = "http://" + address
	err = d.children.start("victoriametrics", d.Directory, nil, d.VictoriaMetrics,
		"-storageDataPath="+filepath.Join(d.Directory, "victoriametrics"),
		"-httpListenAddr="+address,
		"-retentionPeriod=2y",
		"-search.disableCache", "-search.disableAutoCacheReset", "-dedup.minScrapeInterval=1ms")
	if err != nil {
		return err
	}
	if err := d.children.ready(ctx, "victoriametrics", d.victoriaMetricsURL+"/health"); err != nil {
		return err
	}
	fmt.Fprintf(d.Out, "VictoriaMetrics: %s\n", d.victoriaMetricsURL)
	return nil
}

// startVictoriaLogs starts the store of plays, or says that there is none.
func (d *demo) startVictoriaLogs(ctx context.Context) error {
	if !isFile(d.VictoriaLogs) {
		fmt.Fprintf(d.Out, "No plays are kept: there is no VictoriaLogs at %s; go tool mage victoriaLogs builds it.\n", d.VictoriaLogs)
		return nil
	}
	port, err := freePort(ctx, victoriaLogsPort)
	if err != nil {
		return err
	}
	address := fmt.Sprintf("127.0.0.1:%d", port)
	d.playsURL = "http://" + address
	err = d.children.start("victorialogs", d.Directory, nil, d.VictoriaLogs,
		"-storageDataPath="+filepath.Join(d.Directory, "victorialogs"),
		"-httpListenAddr="+address,
		"-retentionPeriod=30d", "-inmemoryDataFlushInterval=1s", "-delete.enable")
	if err != nil {
		return err
	}
	if err := d.children.ready(ctx, "victorialogs", d.playsURL+"/health"); err != nil {
		return err
	}
	fmt.Fprintf(d.Out, "VictoriaLogs:    %s\n", d.playsURL)
	return nil
}

func (d *demo) startCollector(ctx context.Context) error {
	port, err := freePort(ctx, collectorPort)
	if err != nil {
		return err
	}
	listen := fmt.Sprintf("127.0.0.1:%d", port)
	d.collectorURL = "http://" + listen
	d.config = filepath.Join(d.Directory, "streamlens.yaml")
	content, err := configuration(listen, filepath.Join(d.Directory, "collector"), d.victoriaMetricsURL, d.playsURL, d.GeoIP)
	if err != nil {
		return err
	}
	if err := os.WriteFile(d.config, content, 0o600); err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	c, err := config.Load(d.config)
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	d.organizations = c.Organizations
	if err := d.children.start("collector", d.Directory, nil, d.Streamlens, "collect", "--config", d.config); err != nil {
		return err
	}
	if err := d.children.ready(ctx, "collector", d.collectorURL+"/readyz"); err != nil {
		return err
	}
	fmt.Fprintf(d.Out, "Collector:       %s (configuration: %s)\n", d.collectorURL, d.config)
	return nil
}
