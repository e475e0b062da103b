package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"github.com/streamlens/streamlens/pkg/config"
	"github.com/streamlens/streamlens/pkg/importer"
	"github.com/streamlens/streamlens/pkg/source/accesslog"
)

func importCommand() *cobra.Command {
	var (
		path, organization, timezone, state string
		quiet                               bool
		m                                   importer.Importer
		fields                              list
	)
	command := &cobra.Command{
		Use:   "import --format FORMAT FILE...",
		Short: "Count the access logs of web servers and CDNs",
		Long: "Count access logs, which may be compressed with gzip; the file - is the standard input. An import that was interrupted " +
			"goes on where it ended, a file that has grown is counted from where it ended, and what is counted is not counted again, " +
			"also when the file is renamed or compressed.\n\nFormats: " + strings.Join(accesslog.Formats(), ", "),
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
			if o.SecretKey == "" {
				return fmt.Errorf("the organisation %s has no secretKey, by which servers write", o.ID)
			}
			m.Organization, m.SecretKey, m.Format.Fields = o.ID, o.SecretKey, fields
			if m.URL == "" {
				m.URL = collectorURL(c)
			}
			if timezone != "" {
				if m.Format.Location, err = time.LoadLocation(timezone); err != nil {
					return fmt.Errorf("--timezone: %w", err)
				}
			}
			if state == "" {
				state = filepath.Join(c.DataDir, "imports.json")
			}
			if m.Book, err = importer.OpenBook(state); err != nil {
				return err
			}
			bar := newProgress(cmd.ErrOrStderr(), files, quiet)
			m.Progress = func(n int) { _ = bar.Add(n) } // of a terminal that is gone nobody wants to know
			if err := m.Sort(files); err != nil {
				return err
			}
			began := time.Now()
			var all importer.Summary
			for _, name := range files {
				bar.Describe(filepath.Base(name))
				s, err := m.File(cmd.Context(), name)
				all.Accepted += s.Accepted
				all.Ignored += s.Ignored
				all.Refused += s.Refused
				if clearErr := bar.Clear(); clearErr != nil {
					err = errors.Join(err, clearErr)
				}
				printSummary(cmd.OutOrStdout(), name, s)
				if err != nil {
					return err
				}
			}
			lines := all.Accepted + all.Ignored + all.Refused
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%d lines, %.0f a second: %d counted, %d are no delivery of a stream, %d cannot be read\n",
				lines, float64(lines)/time.Since(began).Seconds(), all.Accepted, all.Ignored, all.Refused)
			return err
		},
	}
	addConfigFlag(command, &path)
	flags := command.Flags()
	flags.StringVar(&organization, "org", "", "organisation; may be left out if there is only one")
	flags.StringVar(&m.Format.Name, "format", "", "format of the logs")
	flags.StringVar(&m.Format.Template, "template", "", "of the format template: the string of nginx's log_format")
	flags.Var(&fields, "fields", "of formats with columns: their names in their order, unless the log names them")
	flags.StringVar(&timezone, "timezone", "", "of times without an offset, such as Europe/Berlin; UTC by default")
	flags.StringVar(&m.URL, "url", "", "collector; by default that of the configuration on this machine")
	flags.StringVar(&state, "state", "", "file that keeps what was imported; by default imports.json in the data directory")
	flags.BoolVar(&quiet, "quiet", false, "show no progress bar")
	cobra.CheckErr(command.MarkFlagRequired("format"))
	return command
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
	lines := s.Accepted + s.Ignored + s.Refused
	switch {
	case lines == 0 && s.Before > 0:
		fmt.Fprintf(w, "%s: counted already, on %s\n", name, s.Imported.Format(time.RFC3339))
	case lines == 0:
		fmt.Fprintf(w, "%s: has no line\n", name)
	default:
		from := ""
		if s.Before > 0 {
			from = fmt.Sprintf("from byte %d, where the import of %s ended: ", s.Before, s.Imported.Format(time.RFC3339))
		}
		fmt.Fprintf(w, "%s: %s%d counted, %d ignored, %d refused\n", name, from, s.Accepted, s.Ignored, s.Refused)
	}
	for _, r := range s.Rejected {
		fmt.Fprintf(w, "  %s: %s\n", r.Field, r.Error)
	}
	if s.Open {
		fmt.Fprintln(w, "  The last line has no end yet; it counts with the next import.")
	}
}
