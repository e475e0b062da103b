package main

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"
	"github.com/spf13/cobra"

	"github.com/streamlens/streamlens/pkg/blocklist"
	"github.com/streamlens/streamlens/pkg/collector"
	"github.com/streamlens/streamlens/pkg/config"
	"github.com/streamlens/streamlens/pkg/report"
	"github.com/streamlens/streamlens/pkg/tenant"
	"github.com/streamlens/streamlens/pkg/widget"
)

func queryCommand() *cobra.Command {
	var (
		path, organization, from, to, format string
		asJSON                               bool
		query                                widget.Query
	)
	var types []string
	for _, d := range append(widget.All(), widget.OfPlays()...) {
		types = append(types, d.Type)
	}
	command := &cobra.Command{
		Use:       "query WIDGET",
		Short:     "Print a widget's numbers",
		Long:      "Print a widget's numbers, as a table, CSV, JSON or Grafana's data frames.\n\nWidgets: " + strings.Join(types, ", "),
		Args:      cobra.ExactArgs(1),
		ValidArgs: types,
		RunE: func(cmd *cobra.Command, args []string) error {
			query.QueryType = args[0]
			if !slices.Contains([]string{"table", "csv", "json"}, format) {
				return fmt.Errorf("--format %q is unknown: it is table, csv or json", format)
			}
			c, err := config.Load(path)
			if err != nil {
				return err
			}
			now := time.Now()
			request := widget.Request{Query: query, Now: now}
			if request.From, err = widget.ParseTime(from, now); err != nil {
				return fmt.Errorf("--from: %w", err)
			}
			if request.To, err = widget.ParseTime(to, now); err != nil {
				return fmt.Errorf("--to: %w", err)
			}
			frames, err := runQuery(cmd.Context(), c, organization, request)
			if err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(map[string]any{"frames": frames})
			}
			if format != "table" {
				return exportFrame(cmd, frames[0], query.Timezone, format)
			}
			return printFrames(cmd.OutOrStdout(), frames, math.MaxInt)
		},
	}
	addConfigFlag(command, &path)
	flags := command.Flags()
	flags.StringVar(&organization, "org", "", "organisation; may be left out if there is only one")
	flags.StringVar(&from, "from", "now-24h", "begin of the range: now-24h or RFC 3339")
	flags.StringVar(&to, "to", "now", "end of the range: now, now-1h or RFC 3339")
	flags.Var((*list)(&query.Country), "country", "countries, ISO 3166-1 alpha-2")
	flags.Var((*list)(&query.Tag), "tag", "tags that streams must all have")
	flags.Var((*list)(&query.Stream), "stream", "streams")
	flags.Var((*list)(&query.Event), "event", "events")
	flags.Var((*list)(&query.Referrer), "referrer", "referrers")
	flags.StringVar(&query.Unit, "unit", "", "unit of usage: traffic or playtime")
	flags.StringVar(&query.Metric, "metric", "", "metric, of widgets that have several")
	flags.StringVar(&query.Breakdown, "breakdown", "", "country, stream, tag, a dimension, or operator, player, region, cdn, referrer, user, ip or event of plays: a row for each, of widgets that have one row")
	flags.StringVar(&query.Dimension, "dimension", "", "version, os, browser, device or protocol: what --values are, and the rows of playerHealth")
	flags.Var((*list)(&query.Values), "values", "values of the dimension")
	flags.StringVar(&query.Mode, "mode", "", "absolute, or delta to the interval before")
	flags.StringVar(&query.Form, "form", "", "total, series, parts: a field for each name, or trend: what was before, and what is now")
	flags.StringVar(&query.Interval, "interval", "", "interval of the series form, such as 10m; automatic by default")
	flags.StringVar(&query.Timezone, "timezone", "", "time zone of days and months, such as Europe/Berlin")
	flags.StringVar(&query.Compare, "compare", "", "previous, day, week or month: puts the earlier range beside")
	flags.IntVar(&query.Percentile, "percentile", 0, "1 to 99: gives a distribution, such as startTime, the column of this percentile")
	flags.IntVar(&query.Top, "top", 0, "how many names of a breakdown are told apart, the greatest; the rest is (other); 1,000 by default")
	flags.Var((*list)(&query.Where), "where", "conditions on the columns of plays, all of which must be met: user=alice, bufferingRatio>=0.05")
	flags.StringVar(&query.Sort, "sort", "", "column by which plays are listed, with - before it the greatest first")
	flags.IntVar(&query.Page, "page", 0, "page of the list of plays, from 1")
	flags.StringVar(&query.Session, "session", "", "session of the widget play")
	flags.StringVar(&format, "format", "table", "form of what is printed: table, csv or json")
	flags.BoolVar(&asJSON, "json", false, "print data frames in Grafana's JSON form")
	return command
}

// list is a flag that takes values separated by commas, and may be repeated. A value that has a comma or begins with a
// quotation mark stands in quotation marks: --event '"a,b"'.
type list []string

// Set adds the values.
func (l *list) Set(s string) error {
	r := csv.NewReader(strings.NewReader(s))
	r.LazyQuotes = true
	values, err := r.Read()
	if err != nil {
		return err
	}
	*l = append(*l, values...)
	return nil
}

// String returns the values as they are written.
func (l *list) String() string { return strings.Join(*l, ",") }

// Type names the flag's values in the help.
func (l *list) Type() string { return "list" }

// runQuery answers a request for one of the configuration's organisations.
func runQuery(ctx context.Context, c config.Config, organization string, r widget.Request) (data.Frames, error) {
	o, err := findOrganization(c, organization)
	if err != nil {
		return nil, err
	}
	client, err := collector.Reader(c, o.ID)
	if err != nil {
		return nil, err
	}
	r.Level, r.Organization = o.Level, o.ID
	r.BlockList = func(context.Context) (blocklist.List, error) {
		return blocklist.NewStore(c.DataDir).Active(o.ID, r.Now)
	}
	if r.Plays, err = collector.PlaysReader(c, o.ID); err != nil {
		return nil, err
	}
	return widget.Run(ctx, client, r)
}

func findOrganization(c config.Config, id string) (tenant.Organization, error) {
	if id == "" {
		if len(c.Organizations) == 1 {
			return c.Organizations[0], nil
		}
		return tenant.Organization{}, errors.New("--org is missing: the configuration has several organisations")
	}
	i := slices.IndexFunc(c.Organizations, func(o tenant.Organization) bool { return o.ID == id })
	if i < 0 {
		return tenant.Organization{}, fmt.Errorf("the configuration has no organisation %q", id)
	}
	return c.Organizations[i], nil
}

// exportFrame prints a frame as CSV, with its notices on the standard error, or as JSON.
func exportFrame(cmd *cobra.Command, frame *data.Frame, timezone, format string) error {
	zone, err := report.Zone(timezone)
	if err != nil {
		return err
	}
	export, err := report.NewExport(frame, zone)
	if err != nil {
		return err
	}
	if format == "json" {
		return export.WriteJSON(cmd.OutOrStdout())
	}
	for _, notice := range export.Notices {
		fmt.Fprintf(cmd.ErrOrStderr(), "Note: %s\n", notice)
	}
	return export.WriteCSV(cmd.OutOrStdout())
}

// printFrames prints the first rows of each frame as a table, and its notices under it.
func printFrames(w io.Writer, frames data.Frames, most int) error {
	for _, frame := range frames {
		table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		var heads []string
		for _, f := range frame.Fields {
			head := f.Name
			if len(f.Labels) > 0 {
				head += " " + f.Labels.String()
			}
			heads = append(heads, head)
		}
		fmt.Fprintln(table, strings.Join(heads, "\t"))
		for i := range min(frame.Rows(), most) {
			var values []string
			for _, f := range frame.Fields {
				values = append(values, formatValue(f, i))
			}
			fmt.Fprintln(table, strings.Join(values, "\t"))
		}
		if err := table.Flush(); err != nil {
			return err
		}
		if left := frame.Rows() - most; left > 0 {
			fmt.Fprintf(w, "… and %d more\n", left)
		}
		if frame.Meta == nil {
			continue
		}
		for _, notice := range frame.Meta.Notices {
			if _, err := fmt.Fprintf(w, "Note: %s\n", notice.Text); err != nil {
				return err
			}
		}
	}
	return nil
}

func formatValue(f *data.Field, row int) string {
	value, ok := f.ConcreteAt(row)
	if !ok {
		return "-"
	}
	switch v := value.(type) {
	case time.Time:
		return v.UTC().Format(time.RFC3339)
	case float64:
		return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.3f", v), "0"), ".")
	}
	return fmt.Sprint(value)
}
