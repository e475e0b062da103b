package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"
	"github.com/spf13/cobra"

	"github.com/streamlens/streamlens/pkg/config"
	"github.com/streamlens/streamlens/pkg/demo"
	"github.com/streamlens/streamlens/pkg/widget"
)

// demoRange is the range of the widgets that the demo prints.
const demoRange = 24 * time.Hour

// maxPrintedRows bounds the rows of a widget in the demo.
const maxPrintedRows = 10

func demoCommand() *cobra.Command {
	options := demo.Options{Print: printWidgets}
	command := &cobra.Command{
		Use:   "demo",
		Short: "Run the whole product on this machine with simulated viewers",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			options.Out = cmd.OutOrStdout()
			return demo.Run(cmd.Context(), options)
		},
	}
	flags := command.Flags()
	flags.DurationVar(&options.For, "for", 0, "end after this time and fail if a widget has no data; by default on interrupt")
	flags.StringVar(&options.Directory, "dir", "", "keep data and logs in this folder; by default a temporary one")
	flags.StringVar(&options.VictoriaMetrics, "victoriametrics", "bin/victoria-metrics", "VictoriaMetrics")
	flags.StringVar(&options.VictoriaLogs, "victorialogs", "bin/victoria-logs", "VictoriaLogs, which keeps single plays; without it none are kept")
	flags.StringVar(&options.GeoIP, "geoip", "", "MaxMind database of countries")
	flags.StringVar(&options.Plugin, "plugin", "", "folder of the built plugin, for Grafana")
	flags.StringVar(&options.Dashboards, "dashboards", "dashboards", "folder of the dashboards, for Grafana")
	flags.StringVar(&options.Provisioning, "provisioning", "provisioning", "folder of the provisioning files, for Grafana")
	flags.StringVar(&options.GrafanaHome, "grafana", "", "folder of a Grafana; by default GRAFANA_HOME, or grafana on the path")
	flags.IntVar(&options.Viewers, "viewers", 0, "plays at a time")
	return command
}

// printWidgets prints every widget over the last day and returns those without data.
func printWidgets(ctx context.Context, path, organization string, w io.Writer) ([]string, error) {
	c, err := config.Load(path)
	if err != nil {
		return nil, err
	}
	o, err := findOrganization(c, organization)
	if err != nil {
		return nil, err
	}
	var empty []string
	now := time.Now()
	widgets := widget.All()
	if d, ok := widget.Find("plays"); ok && c.Plays.Enabled() {
		widgets = append(widgets, d)
	}
	for _, d := range widgets {
		variants := []widget.Query{{QueryType: d.Type}}
		if slices.Contains(d.Options, widget.OptionUnit) {
			variants = []widget.Query{{QueryType: d.Type, Unit: widget.UnitTraffic}, {QueryType: d.Type, Unit: widget.UnitPlaytime}}
		}
		for _, query := range variants {
			title := d.Title
			if query.Unit != "" {
				title += ", " + query.Unit
			}
			if _, err := fmt.Fprintf(w, "\n%s (%s)\n", title, d.Type); err != nil {
				return nil, err
			}
			frames, err := runQuery(ctx, c, o.ID, widget.Request{Query: query, From: now.Add(-demoRange), To: now, Now: now})
			if errors.Is(err, widget.ErrForbidden) {
				fmt.Fprintln(w, err)
				continue
			}
			if err != nil {
				return nil, fmt.Errorf("%s: %w", d.Type, err)
			}
			if !hasData(frames) {
				empty = append(empty, d.Type)
			}
			if err := printFrames(w, frames, maxPrintedRows); err != nil {
				return nil, err
			}
		}
	}
	return empty, nil
}

// hasData reports whether any number in the frames is neither absent nor zero.
func hasData(frames data.Frames) bool {
	for _, frame := range frames {
		for _, f := range frame.Fields {
			if !f.Type().Numeric() {
				continue
			}
			for i := range f.Len() {
				if v, err := f.NullableFloatAt(i); err == nil && v != nil && *v != 0 {
					return true
				}
			}
		}
	}
	return false
}
