package main

import (
	"compress/gzip"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/streamlens/streamlens/pkg/collector"
	"github.com/streamlens/streamlens/pkg/config"
	"github.com/streamlens/streamlens/pkg/play"
	"github.com/streamlens/streamlens/pkg/report"
	"github.com/streamlens/streamlens/pkg/vl"
	"github.com/streamlens/streamlens/pkg/widget"
)

// closedAfter is how long after its end an hour has all records of the plays that ended in it: what the collector could not write at once
// comes later.
const closedAfter = 10 * time.Minute

func exportCommand() *cobra.Command {
	command := &cobra.Command{Use: "export", Short: "Write what is stored, for other programs"}
	command.AddCommand(exportPlaysCommand())
	return command
}

func exportPlaysCommand() *cobra.Command {
	var path, organization, from, to, format, output string
	command := &cobra.Command{
		Use:   "plays",
		Short: "Write the records of plays, a row for each",
		Long: "Write the records of the plays and broadcasts that ended in whole hours, a row for each, in no order within an hour. Hours that are not closed yet are left out.\n\n" +
			"ndjson is a line of JSON for each, packed with gzip; csv has the same columns. docs/plays.md describes them; schema is their version.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := config.Load(path)
			if err != nil {
				return err
			}
			now := time.Now()
			begin, err := widget.ParseTime(from, now)
			if err != nil {
				return fmt.Errorf("--from: %w", err)
			}
			end, err := widget.ParseTime(to, now)
			if err != nil {
				return fmt.Errorf("--to: %w", err)
			}
			o, err := findOrganization(c, organization)
			if err != nil {
				return err
			}
			store, err := collector.PlaysReader(c, o.ID)
			if err != nil {
				return err
			}
			if store == nil {
				return errors.New("there is no store of plays: plays is not set in the configuration")
			}
			hours, err := closedHours(begin, end, now)
			if err != nil {
				return err
			}
			return toFile(output, 0o600, cmd.OutOrStdout(), func(w io.Writer) error {
				rows, err := newRowWriter(w, format)
				if err != nil {
					return err
				}
				count, err := exportPlays(cmd.Context(), store, hours, rows)
				if err != nil {
					return err
				}
				fmt.Fprintf(cmd.ErrOrStderr(), "%d plays of %d hours, %s to %s\n", count, len(hours), hours[0].Format(time.RFC3339), hours[len(hours)-1].Add(time.Hour).Format(time.RFC3339))
				return nil
			})
		},
	}
	addConfigFlag(command, &path)
	flags := command.Flags()
	flags.StringVar(&organization, "org", "", "organisation; may be left out if there is only one")
	flags.StringVar(&from, "from", "now-24h", "begin: now-24h or RFC 3339, the begin of its hour")
	flags.StringVar(&to, "to", "now", "end: now, now-1h or RFC 3339, the begin of its hour")
	flags.StringVar(&format, "format", "ndjson", "ndjson, packed with gzip, or csv")
	flags.StringVar(&output, "output", "", "file that is written, and is there only when it is whole; - is the standard output, the default")
	return command
}

// closedHours returns the begins of the hours of a range that are closed.
func closedHours(from, to, now time.Time) ([]time.Time, error) {
	if last := now.Add(-closedAfter); to.After(last) {
		to = last
	}
	var hours []time.Time
	for hour := from.UTC().Truncate(time.Hour); !hour.Add(time.Hour).After(to); hour = hour.Add(time.Hour) {
		hours = append(hours, hour)
	}
	if len(hours) == 0 {
		return nil, fmt.Errorf("the range has no closed hour: an hour is closed %s after its end", closedAfter)
	}
	return hours, nil
}

// exportPlays writes the plays that ended in some hours, and returns how many there are.
func exportPlays(ctx context.Context, store vl.Asker, hours []time.Time, rows rowWriter) (count int, err error) {
	for _, hour := range hours {
		n, err := exportSpan(ctx, store, hour, hour.Add(time.Hour), rows)
		count += n
		if err != nil {
			return count, fmt.Errorf("the hour from %s: %w", hour.Format(time.RFC3339), err)
		}
	}
	return count, rows.close()
}

// exportSpan asks for the plays of a span at once, or in two halves if they are too many for an answer.
func exportSpan(ctx context.Context, store vl.Asker, from, to time.Time, rows rowWriter) (int, error) {
	found, err := store.Ask(ctx, vl.Question{From: from, To: to})
	middle := from.Add(to.Sub(from) / 2).Truncate(time.Second)
	if (errors.Is(err, vl.ErrLimit) || errors.Is(err, vl.ErrCutOff)) && middle.After(from) {
		before, err := exportSpan(ctx, store, from, middle, rows)
		if err != nil {
			return before, err
		}
		after, err := exportSpan(ctx, store, middle, to, rows)
		return before + after, err
	}
	if err != nil {
		return 0, err
	}
	for _, row := range found {
		record, err := play.Read(row)
		if err != nil {
			return 0, err
		}
		if err := rows.write(&record); err != nil {
			return 0, err
		}
	}
	return len(found), nil
}

// rowWriter writes records.
type rowWriter interface {
	write(r *play.Record) error
	close() error
}

func newRowWriter(w io.Writer, format string) (rowWriter, error) {
	switch format {
	case "ndjson":
		return &ndjsonWriter{packed: gzip.NewWriter(w)}, nil
	case "csv":
		out := csv.NewWriter(w)
		return &csvWriter{out}, out.Write(play.Columns())
	}
	return nil, fmt.Errorf("--format %q is unknown: it is ndjson or csv", format)
}

type ndjsonWriter struct {
	packed *gzip.Writer
	line   []byte
}

func (w *ndjsonWriter) write(r *play.Record) error {
	w.line = r.Export(w.line[:0])
	_, err := w.packed.Write(w.line)
	return err
}

func (w *ndjsonWriter) close() error { return w.packed.Close() }

type csvWriter struct{ out *csv.Writer }

func (w *csvWriter) write(r *play.Record) error {
	row := r.Row()
	for i := range row {
		row[i] = report.NoFormula(row[i])
	}
	return w.out.Write(row)
}

func (w *csvWriter) close() error {
	w.out.Flush()
	return w.out.Error()
}
