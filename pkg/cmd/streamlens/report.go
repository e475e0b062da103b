package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/streamlens/streamlens/pkg/collector"
	"github.com/streamlens/streamlens/pkg/config"
	"github.com/streamlens/streamlens/pkg/report"
	"github.com/streamlens/streamlens/pkg/widget"
)

// reportOptions are the flags of `streamlens report`.
type reportOptions struct {
	config, organization, from, to string
	output, format, paper          string
	title, name, logo              string
	top                            int
	query                          widget.Query
}

func reportCommand() *cobra.Command {
	var o reportOptions
	command := &cobra.Command{
		Use:   "report",
		Short: "Write a report of the usage, as a PDF or as CSV",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			content, err := o.make(cmd, time.Now())
			if err != nil {
				return err
			}
			if o.output == "-" {
				_, err = cmd.OutOrStdout().Write(content)
				return err
			}
			return os.WriteFile(o.output, content, 0o644)
		},
	}
	addConfigFlag(command, &o.config)
	flags := command.Flags()
	flags.StringVar(&o.organization, "org", "", "organisation; may be left out if there is only one")
	flags.StringVar(&o.from, "from", "now-30d", "begin of the range: now-24h or RFC 3339")
	flags.StringVar(&o.to, "to", "now", "end of the range: now, now-1h or RFC 3339")
	flags.StringVarP(&o.output, "output", "o", "report.pdf", "file to write; - is the standard output")
	flags.StringVar(&o.format, "format", "", "pdf or csv; by default csv if the file ends in .csv, else pdf")
	flags.StringVar(&o.paper, "paper", "a4", "size of the paper: a4 or letter")
	flags.StringVar(&o.title, "title", "Usage report", "title")
	flags.StringVar(&o.name, "name", "", "name of the organisation; its id by default")
	flags.StringVar(&o.logo, "logo", "", "PNG file to show at the top")
	flags.IntVar(&o.top, "top", 20, "how many protocols, countries and streams to list; the rest is added up")
	flags.Var((*list)(&o.query.Country), "country", "countries, ISO 3166-1 alpha-2")
	flags.Var((*list)(&o.query.Tag), "tag", "tags that streams must all have")
	flags.Var((*list)(&o.query.Stream), "stream", "streams")
	flags.Var((*list)(&o.query.Event), "event", "events")
	flags.StringVar(&o.query.Unit, "unit", "", "unit of usage: traffic or playtime")
	flags.StringVar(&o.query.Interval, "interval", "", "interval of the histograms, such as 1h, 1d or 1M; automatic by default")
	flags.StringVar(&o.query.Timezone, "timezone", "", "time zone of days and months, such as Europe/Berlin")
	return command
}

// make returns the report's file.
func (o reportOptions) make(cmd *cobra.Command, now time.Time) ([]byte, error) {
	write, err := o.writer()
	if err != nil {
		return nil, err
	}
	c, err := config.Load(o.config)
	if err != nil {
		return nil, err
	}
	organization, err := findOrganization(c, o.organization)
	if err != nil {
		return nil, err
	}
	request := widget.Request{Query: o.query, Now: now, Level: organization.Level}
	if request.From, err = parseTime(o.from, now); err != nil {
		return nil, fmt.Errorf("--from: %w", err)
	}
	if request.To, err = parseTime(o.to, now); err != nil {
		return nil, fmt.Errorf("--to: %w", err)
	}
	client, err := collector.Reader(c, organization.ID)
	if err != nil {
		return nil, err
	}
	r, err := report.Make(cmd.Context(), client, request, o.top)
	if err != nil {
		return nil, err
	}
	r.Title, r.Organization = o.title, o.name
	if r.Organization == "" {
		r.Organization = organization.ID
	}
	var content bytes.Buffer
	if err := write(r, &content); err != nil {
		return nil, err
	}
	return content.Bytes(), nil
}

// writer checks the options of the form, and returns what writes a report in it.
func (o reportOptions) writer() (func(*report.Report, io.Writer) error, error) {
	if o.top < 1 {
		return nil, fmt.Errorf("--top is %d: it is at least 1", o.top)
	}
	if strings.TrimSpace(o.title) == "" {
		return nil, errors.New("--title is empty")
	}
	format := o.format
	if format == "" && strings.EqualFold(filepath.Ext(o.output), ".csv") {
		format = "csv"
	}
	switch format {
	case "csv":
		return (*report.Report).WriteCSV, nil
	case "", "pdf":
	default:
		return nil, fmt.Errorf("--format %q is unknown: it is pdf or csv", o.format)
	}
	var layout report.Layout
	switch strings.ToLower(o.paper) {
	case "a4":
		layout.Paper = report.A4
	case "letter":
		layout.Paper = report.Letter
	default:
		return nil, fmt.Errorf("--paper %q is unknown: it is a4 or letter", o.paper)
	}
	if o.logo != "" {
		var err error
		if layout.Logo, err = os.ReadFile(o.logo); err != nil {
			return nil, fmt.Errorf("--logo: %w", err)
		}
	}
	return func(r *report.Report, w io.Writer) error { return r.WritePDF(w, layout) }, nil
}
