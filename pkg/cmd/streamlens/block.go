package main

import (
	"cmp"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/user"
	"slices"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/streamlens/streamlens/pkg/blocklist"
	"github.com/streamlens/streamlens/pkg/collector"
	"github.com/streamlens/streamlens/pkg/config"
	"github.com/streamlens/streamlens/pkg/enrich"
	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/play"
	"github.com/streamlens/streamlens/pkg/tenant"
	"github.com/streamlens/streamlens/pkg/vl"
	"github.com/streamlens/streamlens/pkg/widget"
)

// hitRange is the range of plays by which it is told who would be blocked.
const hitRange = 24 * time.Hour

// blockTarget are the flags that say whose list is meant and what on it.
type blockTarget struct {
	path, organization    string
	ips, users, referrers []string
}

func (b *blockTarget) addFlags(command *cobra.Command) {
	addConfigFlag(command, &b.path)
	command.Flags().StringVar(&b.organization, "org", "", "organisation; may be left out if there is only one")
}

// addValueFlags adds the flags that name what is blocked.
func (b *blockTarget) addValueFlags(command *cobra.Command) {
	flags := command.Flags()
	flags.StringArrayVar(&b.ips, "ip", nil, "an address, such as 203.0.113.7, or a network, such as 203.0.113.0/24; may be repeated")
	flags.StringArrayVar(&b.users, "user", nil, "a user; may be repeated")
	flags.StringArrayVar(&b.referrers, "referrer", nil, "the host of a page that embeds the player, such as site.example; may be repeated")
	command.MarkFlagsOneRequired("ip", "user", "referrer")
}

// open returns the configuration, the organisation and the lists of its data directory.
func (b *blockTarget) open() (config.Config, tenant.Organization, *blocklist.Store, error) {
	c, err := config.Load(b.path)
	if err != nil {
		return c, tenant.Organization{}, nil, err
	}
	o, err := findOrganization(c, b.organization)
	return c, o, blocklist.NewStore(c.DataDir), err
}

// entries returns what the flags name, in its canonical form and with nothing else.
func (b *blockTarget) entries() ([]blocklist.Entry, error) {
	var entries []blocklist.Entry
	for kind, values := range map[blocklist.Kind][]string{blocklist.IP: b.ips, blocklist.User: b.users, blocklist.Referrer: b.referrers} {
		for _, value := range values {
			value, err := blocklist.Canonical(kind, value)
			if err != nil {
				return nil, fmt.Errorf("--%s: %w", kind, err)
			}
			entries = append(entries, blocklist.Entry{Kind: kind, Value: value})
		}
	}
	slices.SortFunc(entries, func(a, b blocklist.Entry) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Value, b.Value))
	})
	return slices.Compact(entries), nil
}

func blockCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "block",
		Short: "Keep the list of those who may not watch",
		Long: "Keep an organisation's block list: addresses, networks, users and sites that embed the player, with who put them there, when, why and until when. " +
			"The list is in dataDir, so run the command where the collector runs and as its user. The collector publishes it for servers that deliver, which do the blocking.",
		Args: cobra.NoArgs,
	}
	command.AddCommand(blockAddCommand(), blockRemoveCommand(), blockListCommand())
	return command
}

func blockAddCommand() *cobra.Command {
	var (
		target            blockTarget
		reason, by, until string
		dryRun            bool
	)
	command := &cobra.Command{
		Use:   "add (--ip ADDRESS | --user ID | --referrer HOST)... --reason TEXT",
		Short: "Put somebody on the block list",
		Long: "Put addresses, networks, users or sites on the block list, in the place of entries for the same. It says how many of the plays that ended in the last 24 hours " +
			"they had, where there is a store of plays; with --dry-run nothing is changed.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, o, lists, err := target.open()
			if err != nil {
				return err
			}
			entries, err := target.entries()
			if err != nil {
				return err
			}
			now := time.Now().UTC().Truncate(time.Second)
			end := time.Time{}
			if until != "" {
				if end, err = widget.ParseTime(until, now); err != nil {
					return fmt.Errorf("--until: %w", err)
				}
				if end = end.UTC(); !end.After(now) {
					return errors.New("--until is over already")
				}
			}
			for i := range entries {
				entries[i].Reason, entries[i].By, entries[i].Added, entries[i].Until = reason, by, now, end
			}
			printHits(cmd.Context(), cmd.OutOrStdout(), c, o, entries, now)
			if dryRun {
				_, err := fmt.Fprintln(cmd.OutOrStdout(), "Nothing is changed.")
				return err
			}
			if err := lists.Add(o.ID, now, entries...); err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%d on the block list of %s. Servers block them when they have read it again.\n", len(entries), o.ID)
			return err
		},
	}
	target.addFlags(command)
	target.addValueFlags(command)
	flags := command.Flags()
	flags.StringVar(&reason, "reason", "", "why")
	flags.StringVar(&by, "by", userName(), "who blocks")
	flags.StringVar(&until, "until", "", "when it ends: now+7d or RFC 3339; never by default")
	flags.BoolVar(&dryRun, "dry-run", false, "only say what it would hit")
	if err := command.MarkFlagRequired("reason"); err != nil {
		panic(err) // the flag is above
	}
	return command
}

func blockRemoveCommand() *cobra.Command {
	var target blockTarget
	command := &cobra.Command{
		Use:   "remove (--ip ADDRESS | --user ID | --referrer HOST)...",
		Short: "Take somebody from the block list",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, o, lists, err := target.open()
			if err != nil {
				return err
			}
			entries, err := target.entries()
			if err != nil {
				return err
			}
			for _, e := range entries {
				if err := lists.Remove(o.ID, e.Kind, e.Value); err != nil {
					return err
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s %s is not on the block list of %s any more.\n", e.Kind, e.Value, o.ID)
			}
			return nil
		},
	}
	target.addFlags(command)
	target.addValueFlags(command)
	return command
}

func blockListCommand() *cobra.Command {
	var (
		target blockTarget
		format string
	)
	command := &cobra.Command{
		Use:   "list",
		Short: "Print the block list",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, o, lists, err := target.open()
			if err != nil {
				return err
			}
			list, err := lists.Active(o.ID, time.Now())
			if err != nil {
				return err
			}
			return printBlockList(cmd.OutOrStdout(), o.ID, list, format)
		},
	}
	target.addFlags(command)
	command.Flags().StringVar(&format, "format", "table", "form of what is printed: table, csv or json")
	return command
}

func printBlockList(w io.Writer, organization string, list blocklist.List, format string) error {
	rows := [][]string{{"kind", "value", "since", "until", "by", "reason"}}
	for _, e := range list {
		until := ""
		if !e.Until.IsZero() {
			until = e.Until.Format(time.RFC3339)
		}
		rows = append(rows, []string{string(e.Kind), e.Value, e.Added.Format(time.RFC3339), until, e.By, e.Reason})
	}
	switch format {
	case "json":
		text, err := list.JSON(organization)
		if err != nil {
			return err
		}
		_, err = w.Write(text)
		return err
	case "csv":
		return csv.NewWriter(w).WriteAll(rows)
	case "table":
		table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		for _, row := range rows {
			for i, cell := range row {
				if i > 0 {
					fmt.Fprint(table, "\t")
				}
				fmt.Fprint(table, cmp.Or(cell, "-"))
			}
			fmt.Fprintln(table)
		}
		return table.Flush()
	}
	return fmt.Errorf("--format %q is unknown: it is table, csv or json", format)
}

// userName returns who runs the command: who became another user with sudo is meant.
func userName() string {
	if name := os.Getenv("SUDO_USER"); name != "" {
		return name
	}
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "" // then --by must say it
}

// printHits says how many of the plays of the last hours entries would have blocked. Entries are put on the list also while that is unknown.
func printHits(ctx context.Context, w io.Writer, c config.Config, o tenant.Organization, entries []blocklist.Entry, now time.Time) {
	store, err := collector.PlaysReader(c, o.ID)
	if err != nil {
		fmt.Fprintf(w, "How many plays they had is not known: %v.\n", err)
		return
	}
	if store == nil {
		fmt.Fprintln(w, "How many plays they had is not known: there is no store of plays.")
		return
	}
	for _, e := range entries {
		h, err := hitsOf(ctx, store, o.Privacy.IP, e, now)
		switch {
		case err != nil:
			fmt.Fprintf(w, "%s %s: how many plays it had is not known: %v.\n", e.Kind, e.Value, err)
		default:
			fmt.Fprintf(w, "%s %s had %d of the %d plays that ended in the last 24 hours%s.\n", e.Kind, e.Value, h.plays, h.all, h.note)
		}
	}
}

// hits are the plays that an entry would have blocked, of all plays.
type hits struct {
	plays, all int64
	note       string // what the number does not say
}

func hitsOf(ctx context.Context, store vl.Asker, privacy tenant.IPPrivacy, e blocklist.Entry, now time.Time) (hits, error) {
	ofPlayers := vl.Filter{Field: play.Direction, Operator: vl.Is, Values: []string{measure.Playout}}
	q := vl.Question{From: now.Add(-hitRange), To: now, Filters: []vl.Filter{ofPlayers}, Sums: []vl.Sum{{Name: "all", Function: vl.Count}}}
	if e.Kind == blocklist.IP {
		return addressHits(ctx, store, privacy, e, q)
	}
	field := map[blocklist.Kind]play.Field{blocklist.User: play.User, blocklist.Referrer: play.Referrer}[e.Kind]
	q.Sums = append(q.Sums, vl.Sum{Name: "plays", Function: vl.Count, If: []vl.Filter{{Field: field, Operator: vl.Is, Values: []string{e.Value}}}})
	rows, err := store.Ask(ctx, q)
	h := hits{}
	for _, row := range rows {
		if h.all, err = strconv.ParseInt(row["all"], 10, 64); err == nil {
			h.plays, err = strconv.ParseInt(row["plays"], 10, 64)
		}
	}
	return h, err
}

// addressHits adds up the plays by address: the store knows no networks of IPv6.
func addressHits(ctx context.Context, store vl.Asker, privacy tenant.IPPrivacy, e blocklist.Entry, q vl.Question) (hits, error) {
	h := hits{}
	network, err := blocklist.ParseNetwork(e.Value)
	if err != nil {
		return h, err
	}
	switch privacy {
	case tenant.IPHashed, tenant.IPOff:
		return h, errors.New("the organisation stores no addresses")
	case tenant.IPTruncated:
		// The address that stands for the network of the first one may lie before it.
		if first, err := netip.ParseAddr(enrich.StoredIP(network.Addr(), privacy, enrich.Salt{})); err == nil && first != network.Addr() {
			network = netip.PrefixFrom(first, first.BitLen())
		}
		h.note = ", by the networks that are stored in place of addresses"
	}
	q.By = []play.Field{play.Address}
	rows, err := store.Ask(ctx, q)
	if err != nil {
		return h, err
	}
	for _, row := range rows {
		n, err := strconv.ParseInt(row["all"], 10, 64)
		if err != nil {
			return h, fmt.Errorf("read the answer of VictoriaLogs: %w", err)
		}
		h.all += n
		if a, err := netip.ParseAddr(row[string(play.Address)]); err == nil && network.Contains(a) {
			h.plays += n
		}
	}
	return h, nil
}
