// Package doctor looks at an installation of Streamlens from outside, and says in words what is wrong with it and what to do.
package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/streamlens/streamlens/pkg/collector"
	"github.com/streamlens/streamlens/pkg/config"
	"github.com/streamlens/streamlens/pkg/tenant"
	"github.com/streamlens/streamlens/pkg/vm"
)

// State is how a finding is to be taken.
type State int

// States, from good to bad.
const (
	Fine     State = iota
	Doubtful       // it may be meant so
	Wrong
)

// Finding is what was seen of one thing.
type Finding struct {
	State  State
	About  string
	Says   string
	Advice string // "" where Says says what to do
}

// Installation is what is looked at.
type Installation struct {
	Config config.Config
	// Collector is the base URL at which the collector says whether it is ready, and Client reaches it.
	Collector string
	Client    *http.Client
	// Grafana is its base URL, "" if it is not to be looked at; Token is one of a service account that may read data sources.
	Grafana    string
	Token      string
	DataSource string // its uid
}

const (
	// patience is how long an answer may take.
	patience = 10 * time.Second
	// maxAnswer is how much of an answer is read, in bytes.
	maxAnswer = 1 << 20
	// clockDoubtful and clockWrong are differences of clocks: from the second on, times of events are moved (docs/rules.md, 1).
	clockDoubtful = 5 * time.Second
	clockWrong    = 30 * time.Second
)

// Examine looks at everything, the first cause first: what comes later may be wrong because of it.
func Examine(ctx context.Context, in Installation) []Finding {
	findings := in.collector(ctx)
	database := VictoriaMetrics(ctx, in.Config.VictoriaMetrics.URL)
	findings = append(findings, database...)
	if database[0].State != Wrong {
		for _, o := range in.Config.Organizations {
			findings = append(findings, in.organization(ctx, o)...)
		}
	}
	if in.Grafana != "" {
		findings = append(findings, in.dataSource(ctx))
	}
	return findings
}

// collector asks the collector whether it is ready, and passes on what it warns of.
func (in Installation) collector(ctx context.Context) []Finding {
	about := "collector at " + in.Collector
	status, at, body, err := get(ctx, in.Client, in.Collector+"/readyz", nil)
	if err != nil {
		return []Finding{{Wrong, about, "it does not answer: " + err.Error(), "Start it: streamlens collect --config FILE. Its log says why if it ends again."}}
	}
	var said struct {
		Status   string
		Error    string
		Warnings []string
		Servers  []struct {
			Name, Type, Reason string
			Since              time.Time
		} `json:"failingServers"`
	}
	if err := json.Unmarshal(body, &said); err != nil {
		return []Finding{{Wrong, about, fmt.Sprintf("what answers there is no collector (%d)", status), "See which program has this port, or change listen and privateListen."}}
	}
	findings := []Finding{{Fine, about, "it is ready", ""}}
	if status != http.StatusOK {
		findings[0] = Finding{Wrong, about, said.Error, ""}
	}
	for _, warning := range said.Warnings {
		findings = append(findings, Finding{Doubtful, "collector", warning, ""})
	}
	for _, server := range said.Servers {
		findings = append(findings, Finding{Wrong, "media server " + server.Name,
			fmt.Sprintf("it cannot be polled as %s since %s: %s", server.Type, server.Since.UTC().Format(moment), server.Reason),
			"The collector's log says more; docs/sources/media-servers.md has what each reason means."})
	}
	return append(findings, clock("clock of the collector's machine", at))
}

// VictoriaMetrics looks at the database: whether it answers, its flags and its clock.
func VictoriaMetrics(ctx context.Context, base string) []Finding {
	about := "VictoriaMetrics at " + redacted(base)
	client := &http.Client{Timeout: patience}
	if _, err := vm.CheckFlags(ctx, client, base); err != nil {
		advice := ""
		if unreachable := new(vm.UnreachableError); errors.As(err, &unreachable) {
			advice = "Start it with -retentionPeriod=2y -dedup.minScrapeInterval=1ms, or correct victoriametrics.url."
		}
		return []Finding{{Wrong, about, err.Error(), advice}}
	}
	health, err := url.JoinPath(base, "api/v1/query")
	if err != nil {
		return []Finding{{Wrong, about, err.Error(), ""}}
	}
	status, at, _, err := get(ctx, client, health+"?query=1", nil)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("it answers a query with %d", status)
	}
	if err != nil {
		return []Finding{{Wrong, about, err.Error(), "Correct victoriametrics.url: for one server it is like http://victoriametrics:8428, " +
			"for a cluster like http://vmselect:8481/select/0/prometheus."}}
	}
	return []Finding{{Fine, about, "it answers, and its flags are right", ""}, clock("clock of VictoriaMetrics' machine", at)}
}

// clock compares the clock of a machine with that of this one.
func clock(about string, at time.Time) Finding {
	if at.IsZero() {
		return Finding{Doubtful, about, "its answer does not tell its time", ""}
	}
	// Answers tell whole seconds.
	off := time.Since(at).Round(time.Second)
	switch {
	case off.Abs() < clockDoubtful:
		return Finding{Fine, about, "it agrees with that of this machine", ""}
	case off.Abs() < clockWrong:
		return Finding{Doubtful, about, fmt.Sprintf("it is %s away from that of this machine", off.Abs()), "Let both machines take their time from the network (NTP)."}
	}
	return Finding{Wrong, about, fmt.Sprintf("it is %s away from that of this machine, so that minutes are wrong", off.Abs()),
		"Let both machines take their time from the network (NTP)."}
}

// organization looks at what is stored of an organisation.
func (in Installation) organization(ctx context.Context, o tenant.Organization) []Finding {
	about := "organisation " + o.ID
	client, err := collector.Reader(in.Config, o.ID)
	if err != nil {
		return []Finding{{Wrong, about, err.Error(), ""}}
	}
	if err := vm.CheckCanary(ctx, client, time.Now()); err != nil {
		advice := ""
		if errors.Is(err, vm.ErrUnknownOrganization) {
			advice = "See whether the collector runs with this configuration and writes to this VictoriaMetrics; after its start it takes up to 30 s."
		}
		return []Finding{{Wrong, about, err.Error(), advice}}
	}
	return append([]Finding{{Fine, about, "what the collector writes for it comes back as it was written", ""}}, arrivals(ctx, client, o, time.Now())...)
}

// dataSource asks Grafana for the health of the data source.
func (in Installation) dataSource(ctx context.Context) Finding {
	about := fmt.Sprintf("data source %s of Grafana at %s", in.DataSource, redacted(in.Grafana))
	address, err := url.JoinPath(in.Grafana, "api/datasources/uid", in.DataSource, "health")
	if err != nil {
		return Finding{Wrong, about, err.Error(), ""}
	}
	header := http.Header{}
	if in.Token != "" {
		header.Set("Authorization", "Bearer "+in.Token)
	}
	status, _, body, err := get(ctx, &http.Client{Timeout: patience}, address, header)
	if err != nil {
		return Finding{Wrong, about, "Grafana does not answer: " + err.Error(), ""}
	}
	var said struct {
		Message string
		Details struct {
			VerboseMessage string
		}
	}
	if err := json.Unmarshal(body, &said); err != nil {
		return Finding{Wrong, about, fmt.Sprintf("what answers there is no Grafana (%d)", status), ""}
	}
	switch status {
	case http.StatusOK:
		return Finding{Fine, about, said.Message, ""}
	case http.StatusUnauthorized, http.StatusForbidden:
		return Finding{Wrong, about, said.Message, "Set GRAFANA_TOKEN to a token of a service account that may read data sources."}
	case http.StatusNotFound:
		return Finding{Wrong, about, said.Message, "Provision the data source, or name its uid by --data-source. If it is there, the plugin is not loaded: Grafana's log says why."}
	}
	return Finding{Wrong, about, said.Message, said.Details.VerboseMessage}
}

// redacted returns an address without its password, since what is found may be shown to others.
func redacted(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "an address that cannot be read"
	}
	return u.Redacted()
}

// get asks and returns status, time of the answer by the server's clock (zero if it does not say) and body.
func get(ctx context.Context, client *http.Client, address string, header http.Header) (status int, at time.Time, body []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return 0, time.Time{}, nil, err
	}
	if header != nil {
		request.Header = header
	}
	response, err := client.Do(request)
	if err != nil {
		// The address, which the error begins with, may have a password.
		if wrapped := new(url.Error); errors.As(err, &wrapped) {
			err = wrapped.Err
		}
		return 0, time.Time{}, nil, err
	}
	defer response.Body.Close()
	if body, err = io.ReadAll(io.LimitReader(response.Body, maxAnswer)); err != nil {
		return 0, time.Time{}, nil, err
	}
	if date := response.Header.Get("Date"); date != "" && response.Header.Get("Age") == "" {
		if at, err = http.ParseTime(date); err != nil {
			return 0, time.Time{}, nil, fmt.Errorf("the answer's date %q: %w", strings.ToValidUTF8(date, "?"), err)
		}
	}
	return response.StatusCode, at, body, nil
}
