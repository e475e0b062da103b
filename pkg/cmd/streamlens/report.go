package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/streamlens/streamlens/pkg/collector"
	"github.com/streamlens/streamlens/pkg/config"
	"github.com/streamlens/streamlens/pkg/report"
	"github.com/streamlens/streamlens/pkg/tenant"
	"github.com/streamlens/streamlens/pkg/widget"
)

// reportOptions are the flags of `streamlens report`.
type reportOptions struct {
	config, organization, from, to string
	output, format, paper          string
	title, name, logo, kind        string
	top                            int
	query                          widget.Query
	scheduled                      bool
}

func reportCommand() *cobra.Command {
	var o reportOptions
	command := &cobra.Command{
		Use:   "report",
		Short: "Write a report of the usage or of an event, as a PDF or as CSV",
		Long: "Write a report of the usage or of an event, as a PDF or as CSV.\n\nWith --scheduled, deliver the reports of the configuration that are due, by mail " +
			"and into folders, and end. A timer runs it every few minutes; what was missed is made up.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.scheduled {
				return deliverScheduled(cmd, o.config)
			}
			content, err := o.make(cmd, time.Now())
			if err != nil {
				return err
			}
			return toFile(o.output, 0o644, cmd.OutOrStdout(), func(w io.Writer) error {
				_, err := w.Write(content)
				return err
			})
		},
	}
	addConfigFlag(command, &o.config)
	flags := command.Flags()
	flags.StringVar(&o.organization, "org", "", "organisation; may be left out if there is only one")
	flags.StringVar(&o.from, "from", "now-30d", "begin of the range: now-24h or RFC 3339")
	flags.StringVar(&o.to, "to", "now", "end of the range: now, now-1h or RFC 3339")
	flags.StringVarP(&o.output, "output", "o", "report.pdf", "file that is written, and is there only when it is whole; - is the standard output")
	flags.StringVar(&o.kind, "kind", string(report.Usage), "usage: what was delivered and received, or event: what became of an event or a stream")
	flags.StringVar(&o.format, "format", "", "pdf or csv; by default csv if the file ends in .csv, else pdf")
	flags.StringVar(&o.paper, "paper", "a4", "size of the paper: a4 or letter")
	flags.StringVar(&o.title, "title", report.DefaultTitle, "title; of an event \""+report.DefaultEventTitle+"\"")
	flags.StringVar(&o.name, "name", "", "name of the organisation; that of the configuration by default")
	flags.StringVar(&o.logo, "logo", "", "PNG or JPEG file to show at the top; that of the configuration by default")
	flags.IntVar(&o.top, "top", report.DefaultTop, "how many protocols, countries and streams to list; the rest is added up")
	flags.Var((*list)(&o.query.Country), "country", "countries, ISO 3166-1 alpha-2")
	flags.Var((*list)(&o.query.Tag), "tag", "tags that streams must all have")
	flags.Var((*list)(&o.query.Stream), "stream", "streams")
	flags.Var((*list)(&o.query.Event), "event", "events")
	flags.StringVar(&o.query.Unit, "unit", "", "unit of usage: traffic or playtime")
	flags.StringVar(&o.query.Compare, "compare", "", "previous, day, week or month: puts the earlier range and the change beside")
	flags.StringVar(&o.query.Interval, "interval", "", "interval of the histograms, such as 1h, 1d or 1M; automatic by default")
	flags.StringVar(&o.query.Timezone, "timezone", "", "time zone of days and months, such as Europe/Berlin")
	flags.BoolVar(&o.scheduled, "scheduled", false, "deliver the reports of the configuration that are due; all options but --config are left out")
	return command
}

// make returns the report's file.
func (o reportOptions) make(cmd *cobra.Command, now time.Time) ([]byte, error) {
	kind, err := report.ParseKind(o.kind)
	if err != nil {
		return nil, fmt.Errorf("--kind: %w", err)
	}
	format, layout, err := o.form()
	if err != nil {
		return nil, err
	}
	if !cmd.Flags().Changed("title") {
		o.title = kind.Title()
	}
	c, err := config.Load(o.config)
	if err != nil {
		return nil, err
	}
	organization, err := findOrganization(c, o.organization)
	if err != nil {
		return nil, err
	}
	request := widget.Request{Query: o.query, Now: now}
	if request.From, err = widget.ParseTime(o.from, now); err != nil {
		return nil, fmt.Errorf("--from: %w", err)
	}
	if request.To, err = widget.ParseTime(o.to, now); err != nil {
		return nil, fmt.Errorf("--to: %w", err)
	}
	organization.Name, organization.Logo = cmp.Or(o.name, organization.Name), cmp.Or(o.logo, organization.Logo)
	r, err := makeReport(cmd.Context(), c, organization, kind, request, o.top)
	if err != nil {
		return nil, err
	}
	r.Title = o.title
	return writeReport(r, format, layout, organization)
}

// form checks the options of the report's form, and returns it.
func (o reportOptions) form() (report.Format, report.Layout, error) {
	var layout report.Layout
	if o.top < 1 {
		return "", layout, fmt.Errorf("--top is %d: it is at least 1", o.top)
	}
	if strings.TrimSpace(o.title) == "" {
		return "", layout, errors.New("--title is empty")
	}
	name := o.format
	if name == "" && strings.EqualFold(filepath.Ext(o.output), ".csv") {
		name = string(report.CSV)
	}
	format, err := report.ParseFormat(name)
	if err != nil {
		return "", layout, fmt.Errorf("--format: %w", err)
	}
	if layout.Paper, err = report.ParsePaper(o.paper); err != nil {
		return "", layout, fmt.Errorf("--paper: %w", err)
	}
	return format, layout, nil
}

// makeReport asks for the numbers of an organisation's report.
func makeReport(ctx context.Context, c config.Config, o tenant.Organization, kind report.Kind, request widget.Request, top int) (*report.Report, error) {
	client, err := collector.Reader(c, o.ID)
	if err != nil {
		return nil, err
	}
	request.Level = o.Level
	if request.Plays, err = collector.PlaysReader(c, o.ID); err != nil {
		return nil, err
	}
	r, err := kind.Make(ctx, client, request, top)
	if err != nil {
		return nil, err
	}
	r.Organization = cmp.Or(o.Name, o.ID)
	return r, nil
}

// writeReport returns the report's file, with the organisation's logo.
func writeReport(r *report.Report, format report.Format, layout report.Layout, o tenant.Organization) ([]byte, error) {
	if o.Logo != "" && format == report.PDF {
		var err error
		if layout.Logo, err = report.ReadLogo(o.Logo); err != nil {
			return nil, fmt.Errorf("logo: %w", err)
		}
	}
	var content bytes.Buffer
	if err := r.Write(&content, format, layout); err != nil {
		return nil, err
	}
	return content.Bytes(), nil
}
