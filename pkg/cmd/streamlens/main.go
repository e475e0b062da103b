// Command streamlens collects events of players, publishers and servers, answers the widgets of the dashboards in the
// terminal, and shows the whole product with simulated viewers.
package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"
)

// version is set by the linker for a release.
var version string

// programVersion returns the version of a release, and otherwise the revision that was built.
func programVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(unknown)"
}

func main() {
	if err := run(); err != nil {
		os.Exit(1)
	}
}

// run runs the subcommand; cobra has printed its error.
func run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return rootCommand(slog.New(slog.NewTextHandler(os.Stderr, nil))).ExecuteContext(ctx)
}

// rootCommand returns the program with its subcommands, which log to logger.
func rootCommand(logger *slog.Logger) *cobra.Command {
	root := &cobra.Command{
		Use:          "streamlens",
		Short:        "Self-hosted analytics for live video inside Grafana",
		Version:      programVersion(),
		SilenceUsage: true,
	}
	root.AddCommand(initCommand(), doctorCommand(), collectCommand(logger), reloadCommand(), readyCommand(), importCommand(), queryCommand(), exportCommand(), reportCommand(),
		simulateCommand(logger), geoIPCommand(), deleteCommand(), blockCommand(), demoCommand())
	return root
}
