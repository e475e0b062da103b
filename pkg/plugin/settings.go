package plugin

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/grafana/grafana-plugin-sdk-go/backend"

	"github.com/streamlens/streamlens/pkg/tenant"
	"github.com/streamlens/streamlens/pkg/widget"
)

// Settings are what is configured for a data source.
type Settings struct {
	URL          string       `json:"url"`          // of VictoriaMetrics; on a cluster with the tenant's path
	Organization string       `json:"organization"` // id in streamlens.yaml
	Level        tenant.Level `json:"level"`        // tenant.Default if empty
	CollectorURL string       `json:"collectorUrl"`
	PlaysURL     string       `json:"playsUrl"` // of VictoriaLogs, the store of plays; none if empty
	PlaysToken   string       `json:"-"`        // bearer token for it; secret
	// BlockListToken is the one by which the collector tells the organisation's block list; none if empty. It is secret.
	BlockListToken string `json:"-"`
	// FixedFilters hold for every query, so that whoever asks sees a part of the organisation alone.
	FixedFilters widget.Fixed `json:"fixedFilters,omitempty"`
	Token        string       `json:"-"` // bearer token for VictoriaMetrics; secret
	// OrganizationName is how reports name the organisation; its id if empty.
	OrganizationName string `json:"organizationName"`
	// Logo is that of reports, PNG or JPEG in base64. It is kept with the secrets, because those are not sent to every browser.
	Logo string `json:"-"`
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
	settings.PlaysToken = raw.DecryptedSecureJSONData["playsToken"]
	settings.BlockListToken = raw.DecryptedSecureJSONData["blockListToken"]
	settings.Logo = raw.DecryptedSecureJSONData["logo"]
	if settings.Level == "" {
		settings.Level = tenant.Default
	}
	switch {
	case raw.URL != "":
		// Grafana sends whatever a viewer asks under /api/datasources/proxy there, past the plugin, and so past the organisation.
		return Settings{}, errors.New("the data source has a URL of its own beside the one in jsonData: through it any viewer could read the " +
			"data of all organisations. Take it away, and leave the one in jsonData")
	case settings.URL == "":
		return Settings{}, errors.New("the URL of VictoriaMetrics is missing in the data source's settings")
	case settings.Organization == "":
		return Settings{}, errors.New("the organisation is missing in the data source's settings")
	case !tenant.ValidID(settings.Organization):
		return Settings{}, fmt.Errorf("the organisation %q is no valid id: up to 64 of a-z, 0-9, _ and -", settings.Organization)
	case !settings.Level.Valid():
		return Settings{}, fmt.Errorf("the level %q is unknown: it is %s or %s", settings.Level, tenant.Default, tenant.Premium)
	}
	if err := settings.FixedFilters.Check(); err != nil {
		return Settings{}, err
	}
	return settings, nil
}
