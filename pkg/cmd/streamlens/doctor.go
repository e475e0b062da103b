package main

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/streamlens/streamlens/pkg/config"
	"github.com/streamlens/streamlens/pkg/doctor"
)

func doctorCommand() *cobra.Command {
	var (
		path string
		in   doctor.Installation
	)
	command := &cobra.Command{
		Use:   "doctor",
		Short: "Say what is wrong with a running installation, and what to do",
		Long: "Look at a running installation: configuration, collector and what it warns of, VictoriaMetrics and its flags, clocks, media servers, " +
			"when each kind of source has brought something last, proxies that hide viewers, and, with --grafana, the data source. It ends with 1 if " +
			"something is wrong. GRAFANA_TOKEN is a token of a service account that may read data sources.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := config.Load(path)
			if err != nil {
				return err
			}
			in.Config, in.Token = c, os.Getenv("GRAFANA_TOKEN")
			if in.Client, in.Collector, err = reachCollector(c); err != nil {
				return err
			}
			wrong := printFindings(cmd.OutOrStdout(), doctor.Examine(cmd.Context(), in))
			if wrong > 0 {
				return fmt.Errorf("wrong: %d", wrong)
			}
			return nil
		},
	}
	addConfigFlag(command, &path)
	command.Flags().StringVar(&in.Grafana, "grafana", "", "base URL of a Grafana, whose data source is to be looked at")
	command.Flags().StringVar(&in.DataSource, "data-source", "streamlens", "uid of the data source")
	return command
}

// printFindings prints what was found, and returns how many things are wrong.
func printFindings(w io.Writer, findings []doctor.Finding) (wrong int) {
	for _, f := range findings {
		mark := "ok   "
		switch f.State {
		case doctor.Doubtful:
			mark = "doubt"
		case doctor.Wrong:
			mark = "WRONG"
			wrong++
		}
		fmt.Fprintf(w, "%s  %s: %s\n", mark, f.About, f.Says)
		if f.Advice != "" {
			fmt.Fprintf(w, "       %s\n", f.Advice)
		}
	}
	return wrong
}
