package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/streamlens/streamlens/pkg/collector"
	"github.com/streamlens/streamlens/pkg/config"
)

func collectCommand(logger *slog.Logger) *cobra.Command {
	var path string
	command := &cobra.Command{
		Use:   "collect",
		Short: "Take events and usage over HTTP and store them in VictoriaMetrics",
		Long: "Take events and usage over HTTP and store them in VictoriaMetrics. SIGHUP makes it read its configuration again, without " +
			"losing or refusing a request; what needs a restart is logged.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := config.Load(path)
			if err != nil {
				return err
			}
			limitGarbage(logger)
			hangups := make(chan os.Signal, 1)
			signal.Notify(hangups, syscall.SIGHUP)
			defer signal.Stop(hangups)
			changed := make(chan config.Config)
			go reload(cmd.Context(), path, hangups, changed, logger)
			return collector.Run(cmd.Context(), c, changed, logger)
		},
	}
	addConfigFlag(command, &path)
	return command
}

func reloadCommand() *cobra.Command {
	var path string
	command := &cobra.Command{
		Use:   "reload",
		Short: "Let the running collector read its configuration again",
		Long: "Let the collector that runs on this machine with this configuration's dataDir read its configuration again, without losing or " +
			"refusing a request. A configuration that is not valid is refused here, and nothing is sent.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := config.Load(path)
			if err != nil {
				return err
			}
			if err := collector.Reload(c.DataDir); err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), "The collector was told; its log says what it took over and what needs a restart.")
			return nil
		},
	}
	addConfigFlag(command, &path)
	return command
}

// reload sends the configuration each time that a signal comes, until ctx is done. One that is not valid is logged.
func reload(ctx context.Context, path string, signals <-chan os.Signal, changed chan<- config.Config, logger *slog.Logger) {
	for {
		select {
		case <-signals:
		case <-ctx.Done():
			return
		}
		c, err := config.Load(path)
		if err != nil {
			logger.Error("Reloading the configuration failed, nothing is changed", "error", err)
			continue
		}
		select {
		case changed <- c:
		case <-ctx.Done():
			return
		}
	}
}

// addConfigFlag adds the flag that names streamlens.yaml, which all subcommands read.
func addConfigFlag(command *cobra.Command, path *string) {
	command.Flags().StringVar(path, "config", "streamlens.yaml", "configuration file")
}
