package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend/gtime"
	"github.com/spf13/cobra"

	"github.com/streamlens/streamlens/pkg/config"
	"github.com/streamlens/streamlens/pkg/simulate"
)

func simulateCommand(logger *slog.Logger) *cobra.Command {
	var (
		path, organization, history string
		length                      time.Duration
		options                     simulate.Options
	)
	command := &cobra.Command{
		Use:   "simulate",
		Short: "Send the events of simulated viewers and publishers to the collector",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := config.Load(path)
			if err != nil {
				return err
			}
			o, err := findOrganization(c, organization)
			if err != nil {
				return err
			}
			if len(o.Accounts) == 0 {
				return fmt.Errorf("the organisation %s has no account for players", o.ID)
			}
			options.Account, options.SecretKey, options.GeoIP = o.Accounts[0], o.SecretKey, c.GeoIP.Databases
			if options.URL == "" {
				options.URL = collectorURL(c)
			}
			if history != "" {
				past, err := gtime.ParseDuration(history)
				if err != nil {
					return fmt.Errorf("--history: %w", err)
				}
				now := time.Now()
				summary, err := simulate.History(cmd.Context(), options, now.Add(-past), now, logger, func(float64) {})
				if err != nil {
					return err
				}
				logger.Info("Sent the past", "sessions", summary.Sessions, "events", summary.Events, "lines", summary.Lines, "refused", summary.Refused)
			}
			ctx := cmd.Context()
			if length > 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, length)
				defer cancel()
			}
			options.Status = func(s simulate.Status) {
				fmt.Fprintf(cmd.OutOrStdout(), "live %d, batches/s %.0f, refused %d, repeated %d, late %d, answers: %s\n",
					s.Live, s.BatchesPerSecond, s.Refused, s.Repeated, s.Late, s.Latency)
			}
			summary, err := simulate.Live(ctx, options, logger)
			if err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
				return err
			}
			logger.Info("Ended", "sessions", summary.Sessions, "batches", summary.Batches, "events", summary.Events, "lines", summary.Lines,
				"refused", summary.Refused, "repeated", summary.Repeated, "late", summary.Late, "answers", summary.Latency)
			if summary.Refused > 0 {
				return fmt.Errorf("the collector refused %d events and lines", summary.Refused)
			}
			return nil
		},
	}
	addConfigFlag(command, &path)
	flags := command.Flags()
	flags.StringVar(&organization, "org", "", "organisation; may be left out if there is only one")
	flags.StringVar(&options.URL, "url", "", "collector; by default that of the configuration on this machine")
	flags.IntVar(&options.Viewers, "viewers", 100, "plays at a time")
	flags.IntVar(&options.Publishers, "publishers", 5, "broadcasts at a time")
	flags.IntVar(&options.Streams, "streams", 24, "streams")
	flags.DurationVar(&options.Interval, "interval", 10*time.Second, "time between reports, 1s to 60s")
	flags.Uint64Var(&options.Seed, "seed", 0, "makes a run repeatable; 0 draws another one each time")
	flags.StringVar(&history, "history", "", "send so much of the past first, such as 6d")
	flags.DurationVar(&length, "for", 0, "end after this time; by default on interrupt")
	return command
}

// collectorURL returns the address of the configuration's collector on this machine.
func collectorURL(c config.Config) string {
	if c.TLS.Enabled() {
		return addressOn(c.Listen, "https")
	}
	return addressOn(c.Listen, "http")
}

// addressOn returns the URL on this machine of what listens at an address of the configuration.
func addressOn(listen, scheme string) string {
	host, port, _ := net.SplitHostPort(listen) // the configuration is valid
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return scheme + "://" + net.JoinHostPort(host, port)
}
