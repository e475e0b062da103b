package vm

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"time"

	"github.com/streamlens/streamlens/pkg/measure"
)

const (
	// CanaryInterval is how often a collector writes canary and level of each organisation, beside once at its start.
	CanaryInterval = time.Hour
	// canaryWindow is how far back the canary is read, so that a missed write does not matter.
	canaryWindow = 2*CanaryInterval + 5*time.Minute
	// settingsWindow is how far back settings are read: they hold on while the collectors are down.
	settingsWindow = 40 * 24 * time.Hour
)

// The three samples of one canary. The first two share a timestamp, and the smaller is written last.
const (
	canaryGreater = 2
	canarySmaller = 1
	canaryNext    = 4
)

// ErrUnknownOrganization is returned when no collector has written anything about the organisation lately.
var ErrUnknownOrganization = errors.New(
	"no collector knows this organisation, or none is running: it must be listed under organizations in streamlens.yaml")

// ErrDeduplication is returned when the server does not keep exactly the greatest sample of each millisecond.
var ErrDeduplication = errors.New(
	"VictoriaMetrics does not keep the greatest sample of each millisecond: start it with -dedup.minScrapeInterval=1ms")

// Settings is what a collector knows of an organisation from streamlens.yaml, and readers must know too.
type Settings struct {
	Level     int  // 0 for default, 1 for premium
	Addresses bool // whether addresses of clients are stored
}

// WriteCanary writes canary and settings of an organisation, as a collector does at its start and every CanaryInterval.
// The base URL is the one that takes writes.
func WriteCanary(
	ctx context.Context, client *http.Client, baseURL, organization, collector string, settings Settings, now time.Time,
) error {
	labels := fmt.Sprintf("{%s=%q,%s=%q}", measure.LabelOrganization, organization, measure.LabelCollector, collector)
	// The first two milliseconds of a minute fall into one interval of any longer deduplication that divides a minute.
	first := now.Truncate(time.Minute).UnixMilli() + 1
	lines := func(value int, ms int64) string {
		return fmt.Sprintf("%s%s %d %d\n", measure.CanaryMetric, labels, value, ms)
	}
	addresses := 0
	if settings.Addresses {
		addresses = 1
	}
	requests := []string{
		lines(canaryGreater, first),
		lines(canarySmaller, first) + lines(canaryNext, first+1) +
			fmt.Sprintf("%s%s %d %d\n", measure.LevelMetric, labels, settings.Level, now.UnixMilli()) +
			fmt.Sprintf("%s%s %d %d\n", measure.AddressesMetric, labels, addresses, now.UnixMilli()),
	}
	for _, body := range requests {
		if err := Import(ctx, client, baseURL, []byte(body)); err != nil {
			return fmt.Errorf("write canary: %w", err)
		}
	}
	return nil
}

// CheckCanary reads the canaries of the client's organisation back and says what is wrong with the server's settings:
// nil, ErrUnknownOrganization, ErrDeduplication, or the error of the read.
func CheckCanary(ctx context.Context, c *Client, now time.Time) error {
	window := strconv.Itoa(int(canaryWindow.Seconds()))
	query := fmt.Sprintf(`union(`+
		`label_set(sum(sum_over_time(%[1]s[%[2]ss])),"part","sum"),`+
		`label_set(sum(count_over_time(%[1]s[%[2]ss])),"part","count"))`, measure.CanaryMetric, window)
	series, err := c.Query(ctx, query, now, nil)
	if err != nil {
		return err
	}
	found := map[string]int64{}
	for _, s := range series {
		found[s.Label("part")] = s.Points[0].Value
	}
	if found["count"] == 0 {
		return ErrUnknownOrganization
	}
	// Each canary must come back as two samples, which sum to 6; anything else has another sum for its count.
	if found["count"]%2 != 0 || found["sum"] != found["count"]/2*(canaryGreater+canaryNext) {
		return ErrDeduplication
	}
	return nil
}

// ReadLevel returns the lowest level that collectors have written for the client's organisation, 0 for default and 1 for
// premium, and false if there is none.
func ReadLevel(ctx context.Context, r Reader, now time.Time) (level int, known bool, err error) {
	return readSetting(ctx, r, measure.LevelMetric, now)
}

// ReadAddresses reports whether addresses of clients are stored for the reader's organisation, which is so unless a
// collector has written that they are not.
func ReadAddresses(ctx context.Context, r Reader, now time.Time) (bool, error) {
	stored, known, err := readSetting(ctx, r, measure.AddressesMetric, now)
	return stored > 0 || !known, err
}

// readSetting returns the lowest value that collectors have written last, and false if there is none.
func readSetting(ctx context.Context, r Reader, metric string, now time.Time) (value int, known bool, err error) {
	query := fmt.Sprintf("min(last_over_time(%s[%ds]))", metric, int(settingsWindow.Seconds()))
	series, err := r.Query(ctx, query, now, nil)
	if err != nil || len(series) == 0 {
		return 0, false, err
	}
	return int(series[0].Points[0].Value), true, nil
}

// MinRetention is the shortest retention with which months can be compared with the month before.
const MinRetention = 400 * 24 * time.Hour

// tenantPath is the end of the URL of vmselect, which shows its metrics at the root.
var tenantPath = regexp.MustCompile(`/select/[^/]+/prometheus/?$`)

var flagLine = regexp.MustCompile(`(?m)^flag\{name="([^"]+)", value="([^"]*)"`)

// CheckFlags reads the server's flags, where it shows them, and returns its retention, or an error that names the first
// flag that is wrong. A server that does not show them, as a proxy or one that protects the page, passes with MinRetention:
// the canary is what proves it.
//
// The flags are those of /metrics, because /flags leaves out the ones that have their default.
//
// On a cluster, baseURL has the tenant's path of vmselect. The flags are then those of vmselect, which tell the deduplication and
// not the retention, that vmstorage has.
func CheckFlags(ctx context.Context, client *http.Client, baseURL string) (retention time.Duration, err error) {
	retention = MinRetention
	status, body, err := serverMetrics(ctx, client, tenantPath.ReplaceAllString(baseURL, ""))
	if err != nil {
		return 0, err
	}
	if status != http.StatusOK {
		return retention, nil
	}
	flags := map[string]string{}
	for _, m := range flagLine.FindAllStringSubmatch(string(body), -1) {
		flags[m[1]] = m[2]
	}
	if v, ok := flags["dedup.minScrapeInterval"]; ok && v != "1ms" {
		return 0, fmt.Errorf("VictoriaMetrics runs with -dedup.minScrapeInterval=%s; Streamlens needs -dedup.minScrapeInterval=1ms", v)
	}
	if v, ok := flags["retentionPeriod"]; ok {
		if retention, err = parseRetention(v); err != nil {
			return 0, err
		}
		if retention < MinRetention {
			return 0, fmt.Errorf("VictoriaMetrics runs with -retentionPeriod=%s; Streamlens needs at least -retentionPeriod=400d", v)
		}
	}
	if v := flags["downsampling.period"]; v != "" {
		return 0, fmt.Errorf("VictoriaMetrics runs with -downsampling.period=%s; Streamlens needs every sample: take the flag away", v)
	}
	return retention, nil
}

// serverMetrics returns what VictoriaMetrics says of itself.
func serverMetrics(ctx context.Context, client *http.Client, baseURL string) (status int, body []byte, err error) {
	u, err := url.JoinPath(baseURL, "metrics")
	if err != nil {
		return 0, nil, fmt.Errorf("URL of the metrics: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u, nil)
	if err != nil {
		return 0, nil, fmt.Errorf("make request: %w", err)
	}
	return roundTrip(client, req)
}

// parseRetention reads the form of -retentionPeriod: a number of months of 31 days, or a number with a unit.
func parseRetention(s string) (time.Duration, error) {
	day := 24 * time.Hour
	unit := 31 * day
	if s != "" {
		if u, ok := map[byte]time.Duration{
			'h': time.Hour, 'd': day, 'w': 7 * day, 'M': 31 * day, 'y': 365 * day,
		}[s[len(s)-1]]; ok {
			s, unit = s[:len(s)-1], u
		}
	}
	n, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return 0, fmt.Errorf("retention %q: %w", s, err)
	}
	return time.Duration(n * float64(unit)), nil
}
