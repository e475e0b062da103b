package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"github.com/streamlens/streamlens/pkg/collector"
	"github.com/streamlens/streamlens/pkg/config"
	"github.com/streamlens/streamlens/pkg/importer"
	"github.com/streamlens/streamlens/pkg/source/accesslog"
	"github.com/streamlens/streamlens/pkg/source/logreader"
)

func importCommand() *cobra.Command {
	var (
		path, organization, timezone, state string
		quiet, check                        bool
		m                                   importer.Importer
		fields                              list
	)
	command := &cobra.Command{
		Use:   "import FILE...",
		Short: "Count the access logs of web servers and CDNs",
		Long: "Count access logs, which may be compressed (gzip, bzip2, xz, zstd); the file - is the standard input. The format is found out, " +
			"unless --format names it. An import that was interrupted goes on where it ended, a file that has grown is counted from where it " +
			"ended, and what counts is not counted again, also when the file is renamed or compressed. Lines that did not count are tried " +
			"again when the file is imported again. The standard input is not remembered.\n\nFormats:\n" + formatList(),
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, files []string) error {
			c, err := config.Load(path)
			if err != nil {
				return err
			}
			o, err := findOrganization(c, organization)
			if err != nil {
				return err
			}
			m.Organization, m.SecretKey, m.Format.Fields = o.ID, o.SecretKey, fields
			if timezone != "" {
				if m.Format.Location, err = time.LoadLocation(timezone); err != nil {
					return fmt.Errorf("--timezone: %w", err)
				}
			}
			if _, err := logreader.New(m.Format); err != nil {
				return err
			}
			if check {
				return checkLogs(cmd.Context(), cmd.OutOrStdout(), c, &o, m.Format, files)
			}
			if o.SecretKey == "" {
				return fmt.Errorf("the organisation %s has no secretKey, by which servers write", o.ID)
			}
			if m.Rules, err = collector.StreamRules(&o); err != nil {
				return err
			}
			for _, p := range o.StreamPaths {
				m.Paths += p.Path + "\n" + p.Protocol + "\n"
			}
			if m.URL == "" {
				m.URL = collectorURL(c)
			}
			if state == "" {
				state = filepath.Join(c.DataDir, "imports.json")
			}
			if m.Book, err = importer.OpenBook(state); err != nil {
				return err
			}
			return importFiles(cmd, &m, files, quiet)
		},
	}
	addConfigFlag(command, &path)
	flags := command.Flags()
	flags.StringVar(&organization, "org", "", "organisation; may be left out if there is only one")
	flags.StringVar(&m.Format.Name, "format", accesslog.Auto, "format of the logs; by default it is found out from the first lines of each")
	flags.StringVar(&m.Format.Template, "template", "", "of the format template: the string of nginx's log_format")
	flags.Var(&fields, "fields", "of formats with columns: their names in their order, unless the log names them")
	flags.StringVar(&timezone, "timezone", "", "of times without an offset, such as Europe/Berlin; UTC by default")
	flags.StringVar(&m.URL, "url", "", "collector; by default that of the configuration on this machine")
	flags.StringVar(&state, "state", "", "file that keeps what was imported, and folder beside it; by default imports.json in the data directory")
	flags.BoolVar(&quiet, "quiet", false, "show no progress bar")
	flags.BoolVar(&check, "check", false, "count nothing, but show how the lines are read, which streams they are of, and what would be left out and why")
	return command
}

// formatList returns the formats with what they are, one a line.
func formatList() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, name := range accesslog.Formats() {
		fmt.Fprintf(w, "  %s\t%s\n", name, accesslog.Describe(name))
	}
	w.Flush() // a strings.Builder takes everything
	return b.String()
}

// errNothingCounts is the end of an import of files of which some gave nothing.
var errNothingCounts = errors.New("of some files no line counts")

// errUnreadable is the end of an import of files of which some cannot be read to their end.
var errUnreadable = errors.New("some files cannot be read, or not to their end")

// importFiles imports files, one after the other. A file that cannot be read or whose format cannot be found out, or of which no line counts although it has
// lines of requests, does not keep the others from being imported, and makes the command fail.
func importFiles(cmd *cobra.Command, m *importer.Importer, files []string, quiet bool) error {
	bar := newProgress(cmd.ErrOrStderr(), files, quiet)
	m.Progress = func(n int) { _ = bar.Add(n) } // of a terminal that is gone nobody wants to know
	if err := m.Sort(files); err != nil {
		return err
	}
	began := time.Now()
	bar.Describe("reading ahead")
	if err := m.Learn(cmd.Context(), files); err != nil {
		return err
	}
	var all importer.Summary
	var failed error
	for _, name := range files {
		bar.Describe(filepath.Base(name))
		s, err := m.File(cmd.Context(), name)
		all.Accepted += s.Accepted
		all.Ignored += s.Ignored
		all.Refused += s.Refused
		all.Repeated += s.Repeated
		if clearErr := bar.Clear(); clearErr != nil {
			err = errors.Join(err, clearErr)
		}
		var undetected *accesslog.DetectError
		if errors.As(err, &undetected) || errors.Is(err, importer.ErrArchive) {
			fmt.Fprintln(cmd.OutOrStdout(), err)
			failed = errNothingCounts
			continue
		}
		unreadable := errors.As(err, new(*importer.ReadError))
		if !unreadable || s.Found != "" {
			printSummary(cmd.OutOrStdout(), name, s)
		}
		if unreadable {
			fmt.Fprintln(cmd.OutOrStdout(), err)
			failed = errUnreadable
			continue
		}
		if err != nil {
			return err
		}
		if s.Refused > 0 && !s.Counted {
			failed = errNothingCounts
		}
	}
	lines := all.Accepted + all.Ignored + all.Refused + all.Repeated
	_, err := fmt.Fprintf(cmd.OutOrStdout(), "%d lines, %.0f a second: %d counted, %d are no delivery of a stream, %d cannot be read%s\n",
		lines, float64(lines)/time.Since(began).Seconds(), all.Accepted, all.Ignored, all.Refused, repeated(all.Repeated))
	return errors.Join(err, failed)
}

// repeated tells of lines that were not counted again.
func repeated(lines int) string {
	if lines == 0 {
		return ""
	}
	return fmt.Sprintf(", %d counted before and not again", lines)
}

// newProgress returns a bar over the sizes of all files, one without an end if there is the standard input, and one that is
// not shown where nobody would see it.
func newProgress(w io.Writer, files []string, quiet bool) *progressbar.ProgressBar {
	var size int64
	for _, name := range files {
		info, err := os.Stat(name)
		if err != nil {
			size = -1 // the standard input, or what cannot be opened either
			break
		}
		size += info.Size()
	}
	terminal := false
	if f, ok := w.(*os.File); ok {
		info, err := f.Stat()
		terminal = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	return progressbar.NewOptions64(size, progressbar.OptionSetWriter(w), progressbar.OptionShowBytes(true),
		progressbar.OptionSetVisibility(terminal && !quiet), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionShowCount(),
		progressbar.OptionSetWidth(30))
}

func printSummary(w io.Writer, name string, s importer.Summary) {
	if s.Found != "" {
		fmt.Fprintf(w, "%s: %s\n", name, s.Found)
	}
	lines := s.Accepted + s.Ignored + s.Refused + s.Repeated
	switch {
	case lines == 0 && s.Shorter:
		fmt.Fprintf(w, "%s: begins like a log of which %d bytes were sent on %s, and is shorter: nothing of it was sent\n", name, s.Before, s.Imported.Format(time.RFC3339))
		fmt.Fprintln(w, "  It is an older copy of that. If it is another log, import it without the lines that both begin with.")
	case lines == 0 && s.Before > 0:
		fmt.Fprintf(w, "%s: counted already, on %s\n", name, s.Imported.Format(time.RFC3339))
	case lines == 0:
		fmt.Fprintf(w, "%s: has no line\n", name)
	default:
		from := ""
		switch {
		case s.Again == lines:
			from = fmt.Sprintf("imported on %s; tried again what did not count: ", s.Imported.Format(time.RFC3339))
		case s.Again > 0:
			from = fmt.Sprintf("goes on where the import of %s ended, and tried %d lines again that did not count: ", s.Imported.Format(time.RFC3339), s.Again)
		case s.Before > 0:
			from = fmt.Sprintf("from byte %d, where the import of %s ended: ", s.Before, s.Imported.Format(time.RFC3339))
		}
		fmt.Fprintf(w, "%s: %s%d counted, %d ignored, %d refused%s\n", name, from, s.Accepted, s.Ignored, s.Refused, repeated(s.Repeated))
	}
	printRemarks(w, s.Remarks)
	for _, r := range s.Rejected {
		fmt.Fprintf(w, "  line %d: %s: %s\n", r.Line, r.Field, r.Message)
	}
	if s.Refused > 0 && name != importer.Stdin {
		fmt.Fprintln(w, "  Refused lines do not count. Mend what is wrong and import the file again: then only what did not count is tried.")
	}
	if s.Open {
		fmt.Fprintln(w, "  The last line has no end yet; it counts with the next import.")
	}
	if name == importer.Stdin {
		fmt.Fprintln(w, "  The standard input is not remembered: the same lines count again if they are imported again.")
	}
}

// printRemarks prints why lines were left out, and what those lack that count.
func printRemarks(w io.Writer, remarks []logreader.Remark) {
	for _, r := range remarks {
		fmt.Fprintf(w, "  %d %s: %s", r.Lines, r.Fate, r.Words())
		if r.Example != "" {
			fmt.Fprintf(w, ", as in: %s", r.Example)
		}
		fmt.Fprintln(w)
	}
}
