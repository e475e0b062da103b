package main

import (
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/streamlens/streamlens/pkg/collector"
	"github.com/streamlens/streamlens/pkg/config"
)

func collectCommand(logger *slog.Logger) *cobra.Command {
	var path string
	command := &cobra.Command{
		Use:   "collect",
		Short: "Take events and usage over HTTP and store them in VictoriaMetrics",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := config.Load(path)
			if err != nil {
				return err
			}
			return collector.Run(cmd.Context(), c, logger)
		},
	}
	addConfigFlag(command, &path)
	return command
}

// addConfigFlag adds the flag that names streamlens.yaml, which all subcommands read.
func addConfigFlag(command *cobra.Command, path *string) {
	command.Flags().StringVar(path, "config", "streamlens.yaml", "configuration file")
}
