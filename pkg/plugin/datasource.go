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
	"github.com/streamlens/streamlens/pkg/vm"
)

// ID is the data source's plugin id.
const ID = "streamlens-analytics-datasource"

// Datasource is one configured data source: one organisation in one VictoriaMetrics. Grafana makes a new one whenever its
// settings change.
type Datasource struct {
	settings Settings
	// settingsErr is what is wrong with the settings. The instance exists nevertheless, so that the health check and every
	// query can say it.
	settingsErr error
	plain       *http.Client // without organisation, for the server's own flags
	client      *vm.Client   // reads of the organisation
	level       *levelCache
	now         func() time.Time
}

var (
	_ backend.QueryDataHandler      = (*Datasource)(nil)
	_ backend.CheckHealthHandler    = (*Datasource)(nil)
	_ instancemgmt.InstanceDisposer = (*Datasource)(nil)
)

// New makes the instance for some settings.
func New(ctx context.Context, raw backend.DataSourceInstanceSettings) (instancemgmt.Instance, error) {
	settings, err := LoadSettings(raw)
	if err != nil {
		return &Datasource{settingsErr: err}, nil
	}
	options, err := raw.HTTPClientOptions(ctx)
	if err != nil {
		return nil, fmt.Errorf("HTTP options: %w", err)
	}
	if settings.Token != "" {
		if options.Header == nil {
			options.Header = http.Header{}
		}
		options.Header.Set("Authorization", "Bearer "+settings.Token)
	}
	plain, err := httpclient.New(options)
	if err != nil {
		return nil, fmt.Errorf("HTTP client: %w", err)
	}
	// A redirect would take credentials elsewhere, and turns a POST into a GET.
	plain.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

	transport, err := tenant.NewTransport(settings.URL, settings.Organization, plain.Transport)
	if err != nil {
		return &Datasource{settingsErr: err}, nil
	}
	forced := *plain
	forced.Transport = transport
	client, err := vm.NewClient(settings.URL, &forced)
	if err != nil {
		return &Datasource{settingsErr: err}, nil
	}
	d := &Datasource{settings: settings, plain: plain, client: client, now: time.Now}
	d.level = &levelCache{read: d.readLevel}
	return d, nil
}

// Dispose closes idle connections when the settings change.
func (d *Datasource) Dispose() {
	if d.plain != nil {
		d.plain.CloseIdleConnections()
	}
}
