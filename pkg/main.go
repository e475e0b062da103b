// Command gpx_streamlens is the backend of the Streamlens data source, which Grafana starts.
package main

import (
	"log/slog"
	"os"

	"github.com/grafana/grafana-plugin-sdk-go/backend/datasource"

	"github.com/streamlens/streamlens/pkg/plugin"
)

func main() {
	if err := datasource.Manage(plugin.ID, plugin.New, datasource.ManageOpts{}); err != nil {
		slog.Error("Data source ended", "error", err)
		os.Exit(1)
	}
}
