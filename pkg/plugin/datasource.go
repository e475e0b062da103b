// Package plugin is all of Streamlens that knows Grafana's plugin SDK: it turns Grafana's requests into those of package
// widget, and errors into status and source.
package plugin

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/backend/httpclient"
	"github.com/grafana/grafana-plugin-sdk-go/backend/instancemgmt"

	"github.com/streamlens/streamlens/pkg/tenant"
	"github.com/streamlens/streamlens/pkg/vl"
	"github.com/streamlens/streamlens/pkg/vm"
	"github.com/streamlens/streamlens/pkg/widget"
)

// ID is the data source's plugin id.
const ID = "streamlens-analytics-datasource"

// Datasource is one configured data source: one organisation in one VictoriaMetrics. Grafana makes a new one whenever its
// settings change.
type Datasource struct {
	backend.CallResourceHandler // of resources

	settings Settings
	// settingsErr is what is wrong with the settings. The instance exists nevertheless, so that the health check and every
	// query can say it.
	settingsErr error
	plain       *http.Client // without organisation, for the server's own flags
	anonymous   *http.Client // without credentials, for the collector
	client      *vm.Client   // reads of the organisation as a whole, for the health check and its level
	shared      vm.Asker     // reads of what the fixed filters let through, for all that is shown; panels that ask the same share an answer
	plays       vl.Asker     // the store of plays of the organisation; nil if there is none
	playsServer *vl.Client   // the same, without an organisation; nil if there is none
	level       *levelCache
	now         func() time.Time
	pollEvery   time.Duration      // how often streams ask
	polls       chan struct{}      // one for each stream that asks at this moment
	inUse       context.Context    // ends the streams
	dispose     context.CancelFunc // ends inUse
	reports     chan struct{}      // one for each report that is made at this moment
}

var (
	_ backend.QueryDataHandler      = (*Datasource)(nil)
	_ backend.CheckHealthHandler    = (*Datasource)(nil)
	_ backend.CallResourceHandler   = (*Datasource)(nil)
	_ backend.StreamHandler         = (*Datasource)(nil)
	_ instancemgmt.InstanceDisposer = (*Datasource)(nil)
)

// New makes the instance for some settings.
func New(ctx context.Context, raw backend.DataSourceInstanceSettings) (instancemgmt.Instance, error) {
	d := &Datasource{now: time.Now, pollEvery: pollEvery, polls: make(chan struct{}, parallelPolls), reports: make(chan struct{}, parallelReports)}
	d.inUse, d.dispose = context.WithCancel(context.WithoutCancel(ctx))
	d.settingsErr = d.configure(ctx, raw)
	d.CallResourceHandler = d.resources()
	return d, nil
}

// configure makes all that depends on the settings.
func (d *Datasource) configure(ctx context.Context, raw backend.DataSourceInstanceSettings) (err error) {
	if d.settings, err = LoadSettings(raw); err != nil {
		return err
	}
	options, err := raw.HTTPClientOptions(ctx)
	if err != nil {
		return fmt.Errorf("HTTP options: %w", err)
	}
	if d.settings.Token != "" {
		if options.Header == nil {
			options.Header = http.Header{}
		}
		options.Header.Set("Authorization", "Bearer "+d.settings.Token)
	}
	if d.plain, err = httpclient.New(options); err != nil {
		return fmt.Errorf("HTTP client: %w", err)
	}
	// A redirect would take credentials elsewhere, and turns a POST into a GET.
	d.plain.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if d.anonymous, err = httpclient.New(); err != nil {
		return fmt.Errorf("HTTP client: %w", err)
	}
	d.anonymous.CheckRedirect = d.plain.CheckRedirect

	transport, err := tenant.NewTransport(d.settings.URL, d.settings.Organization, d.plain.Transport)
	if err != nil {
		return err
	}
	forced := *d.plain
	forced.Transport = transport
	if d.client, err = vm.NewClient(d.settings.URL, &forced); err != nil {
		return err
	}
	d.shared = widget.Confine(vm.NewShared(d.client), d.settings.FixedFilters)
	d.level = &levelCache{read: d.readLevel}
	return d.configurePlays()
}

// configurePlays makes the reader of the store of plays, if there is one. The token for VictoriaMetrics is not for it.
func (d *Datasource) configurePlays() error {
	if d.settings.PlaysURL == "" {
		return nil
	}
	transport, err := vl.NewTransport(d.settings.PlaysURL, d.settings.Organization, d.settings.PlaysToken, d.anonymous.Transport)
	if err != nil {
		return err
	}
	forced := *d.anonymous
	forced.Transport = transport
	if d.plays, err = vl.NewClient(d.settings.PlaysURL, &forced); err != nil {
		return err
	}
	options := httpclient.Options{}
	if d.settings.PlaysToken != "" {
		options.Header = http.Header{"Authorization": {"Bearer " + d.settings.PlaysToken}}
	}
	asking, err := httpclient.New(options)
	if err != nil {
		return fmt.Errorf("HTTP client: %w", err)
	}
	asking.CheckRedirect = d.plain.CheckRedirect
	d.playsServer, err = vl.NewClient(d.settings.PlaysURL, asking)
	return err
}

// Dispose ends streams and closes idle connections when the settings change.
func (d *Datasource) Dispose() {
	d.dispose()
	if d.plain != nil {
		d.plain.CloseIdleConnections()
		d.anonymous.CloseIdleConnections()
	}
}
