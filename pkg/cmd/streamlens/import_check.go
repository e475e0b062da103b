package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/streamlens/streamlens/pkg/collector"
	"github.com/streamlens/streamlens/pkg/config"
	"github.com/streamlens/streamlens/pkg/enrich"
	"github.com/streamlens/streamlens/pkg/event"
	"github.com/streamlens/streamlens/pkg/geoip"
	"github.com/streamlens/streamlens/pkg/importer"
	"github.com/streamlens/streamlens/pkg/source/accesslog"
	"github.com/streamlens/streamlens/pkg/source/logreader"
	"github.com/streamlens/streamlens/pkg/tenant"
	"github.com/streamlens/streamlens/pkg/useragent"
)

// checkLogs shows how logs would be counted, and counts nothing.
func checkLogs(ctx context.Context, w io.Writer, c config.Config, o *tenant.Organization, format accesslog.Format, files []string) error {
	places, err := geoip.Open(c.GeoIP.Source(), "", slog.Default())
	if err != nil {
		return err
	}
	rules, err := collector.StreamRules(o)
	if err != nil {
		return err
	}
	organization := &logreader.Organization{
		ID: o.ID, Rules: rules, Place: places.Place,
		Stored:    func(a netip.Addr, _ int64) string { return enrich.StoredIP(a, o.Privacy.IP, enrich.Salt{}) },
		UserAgent: func(string) useragent.Agent { return useragent.Agent{} },
	}
	if err := importer.LearnFiles(ctx, files, format, rules); err != nil {
		return err
	}
	span := logreader.Span{Received: time.Now().UnixMilli()}
	var failed error
	for i, name := range files {
		if i > 0 {
			fmt.Fprintln(w)
		}
		check, err := importer.CheckFile(ctx, name, format, organization, span)
		if errors.As(err, new(*accesslog.DetectError)) || errors.Is(err, importer.ErrArchive) {
			fmt.Fprintln(w, err)
			failed = errNothingCounts
			continue
		}
		if errors.As(err, new(*importer.ReadError)) {
			fmt.Fprintln(w, err)
			failed = errUnreadable
			continue
		}
		if err != nil {
			return err
		}
		if err := printCheck(w, name, check); err != nil {
			return err
		}
	}
	return failed
}

// maxStreams is how many streams are shown.
const maxStreams = 50

func printCheck(w io.Writer, name string, c importer.Check) error {
	fmt.Fprintf(w, "%s: %d lines would count, %d be ignored, %d be refused. Nothing was counted.\n", name, c.Accepted, c.Ignored, c.Refused)
	if c.Found != "" {
		fmt.Fprintf(w, "Format: %s\n", c.Found)
	}
	if len(c.First) > 0 {
		fmt.Fprintln(w, "\nThe first lines, as they are read:")
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		fmt.Fprintln(t, "  time (UTC)\tstream\tprotocol\tdirection\taddress\tcountry\tbytes\tviewer")
		viewers := map[event.ViewerKey]int{}
		for _, l := range c.First {
			fmt.Fprintf(t, "  %s\t%s\t%s\t%s\t%s\t%s\t%d\t%s\n", time.UnixMilli(l.Time).UTC().Format("2006-01-02 15:04:05.000"), l.Stream,
				l.Protocol, l.Direction, orNone(l.Address), l.Country, l.Bytes, viewer(viewers, l.Viewer))
		}
		if err := t.Flush(); err != nil {
			return err
		}
	}
	if len(c.Streams) > 0 {
		fmt.Fprintf(w, "\n%d streams:\n", len(c.Streams))
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		fmt.Fprintln(t, "  stream\tprotocol\tdirection\trequests\tbytes\tviewers\taddresses")
		for _, s := range c.Streams[:min(len(c.Streams), maxStreams)] {
			fmt.Fprintf(t, "  %s\t%s\t%s\t%d\t%d\t%d\t%d\n", s.Stream, s.Protocol, s.Direction, s.Requests, s.Bytes, s.Viewers, s.Addresses)
		}
		if err := t.Flush(); err != nil {
			return err
		}
		if more := len(c.Streams) - maxStreams; more > 0 {
			fmt.Fprintf(w, "  … and %d more\n", more)
		}
	}
	if len(c.Remarks) > 0 {
		fmt.Fprintln(w, "\nWhat is left out or lacks something:")
		printRemarks(w, c.Remarks)
		for _, r := range c.Rejected {
			fmt.Fprintf(w, "  line %d: %s: %s\n", r.Line, r.Field, r.Message)
		}
	}
	return nil
}

func orNone(text string) string {
	if text == "" {
		return "–"
	}
	return text
}

// viewer returns a number of a viewer, as they come; a request for a playlist shows none.
func viewer(numbers map[event.ViewerKey]int, key event.ViewerKey) string {
	if key == 0 {
		return "–"
	}
	if numbers[key] == 0 {
		numbers[key] = len(numbers) + 1
	}
	return strconv.Itoa(numbers[key])
}
