package plugin

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/grafana/grafana-plugin-sdk-go/backend"

	"github.com/streamlens/streamlens/pkg/tenant"
)

// Settings are what is configured for a data source.
type Settings struct {
	URL          string       `json:"url"`          // of VictoriaMetrics; on a cluster with the tenant's path
	Organization string       `json:"organization"` // id in streamlens.yaml
	Level        tenant.Level `json:"level"`        // tenant.Default if empty
	CollectorURL string       `json:"collectorUrl"`
	Token        string       `json:"-"` // bearer token for VictoriaMetrics; secret
}

// LoadSettings reads and checks the settings. Its errors are written for the user.
func LoadSettings(raw backend.DataSourceInstanceSettings) (Settings, error) {
	settings := Settings{Level: tenant.Default}
	if len(raw.JSONData) > 0 {
		if err := json.Unmarshal(raw.JSONData, &settings); err != nil {
			return Settings{}, fmt.Errorf("the data source's settings cannot be read: %w", err)
		}
	}
	settings.Token = raw.DecryptedSecureJSONData["token"]
	if settings.Level == "" {
		settings.Level = tenant.Default
	}
	switch {
	case settings.URL == "":
		return Settings{}, errors.New("the URL of VictoriaMetrics is missing in the data source's settings")
	case settings.Organization == "":
		return Settings{}, errors.New("the organisation is missing in the data source's settings")
	case !tenant.ValidID(settings.Organization):
		return Settings{}, fmt.Errorf("the organisation %q is no valid id: up to 64 of a-z, 0-9, _ and -", settings.Organization)
	case !settings.Level.Valid():
		return Settings{}, fmt.Errorf("the level %q is unknown: it is %s or %s", settings.Level, tenant.Default, tenant.Premium)
	}
	return settings, nil
}
