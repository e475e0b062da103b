package main

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/streamlens/streamlens/pkg/config"
	"github.com/streamlens/streamlens/pkg/enrich"
	"github.com/streamlens/streamlens/pkg/erase"
	"github.com/streamlens/streamlens/pkg/tenant"
)

// errNotDeleted ends the command when the operator does not agree.
var errNotDeleted = errors.New("nothing is deleted")

func deleteCommand() *cobra.Command {
	var (
		path, organization, stream, address, url string
		yes                                      bool
	)
	command := &cobra.Command{
		Use:   "delete (--stream NAME | --ip ADDRESS)",
		Short: "Delete what is stored of one stream or one address",
		Long: "Delete what is stored of one stream, or of one address of viewers and publishers, for good. It says how much that is and asks " +
			"before. The totals of the organisation and of its countries keep the sums, from which nobody can be told.\n\n" +
			"A collector sends the sums of the open minute and hour again when more comes, and when it or VictoriaMetrics starts anew. Run " +
			"the command again when nothing has come for two hours in which the collector ran.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := config.Load(path)
			if err != nil {
				return err
			}
			o, err := findOrganization(c, organization)
			if err != nil {
				return err
			}
			subject := erase.Stream(stream)
			if address != "" {
				if subject, err = addressSubject(c, o, address); err != nil {
					return err
				}
			}
			eraser, err := erase.New(c.VictoriaMetrics.URL, cmp.Or(url, c.VictoriaMetrics.URL), o.ID)
			if err != nil {
				return err
			}
			return erased(cmd, eraser, subject, o, yes)
		},
	}
	addConfigFlag(command, &path)
	flags := command.Flags()
	flags.StringVar(&organization, "org", "", "organisation; may be left out if there is only one")
	flags.StringVar(&stream, "stream", "", "delete this stream: its sums, tags, events, addresses and referrers")
	flags.StringVar(&address, "ip", "", "delete this address of viewers and publishers")
	flags.StringVar(&url, "delete-url", "", "VictoriaMetrics for deletions, on a cluster http://vmselect:8481/delete/<tenant>/prometheus; by default that of the configuration")
	flags.BoolVar(&yes, "yes", false, "do not ask")
	command.MarkFlagsMutuallyExclusive("stream", "ip")
	command.MarkFlagsOneRequired("stream", "ip")
	return command
}

// addressSubject returns what is stored of an address, of which hashes are only known where the collector keeps its salt.
func addressSubject(c config.Config, o tenant.Organization, text string) (erase.Subject, error) {
	address, err := netip.ParseAddr(text)
	if err != nil {
		return erase.Subject{}, errors.New("--ip is no IP address")
	}
	salts, err := enrich.FindSalts(c.DataDir, time.Now)
	if err != nil {
		return erase.Subject{}, err
	}
	return erase.Address(address, o.Privacy.IP, salts, time.Now()), nil
}

// erased says what will be deleted, asks, and deletes it.
func erased(cmd *cobra.Command, eraser *erase.Eraser, subject erase.Subject, o tenant.Organization, yes bool) error {
	out := cmd.OutOrStdout()
	count, err := eraser.Count(cmd.Context(), subject)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%d series of the organisation %s carry %s.\n", count, o.ID, subject)
	if subject.Note != "" {
		fmt.Fprintln(out, subject.Note)
	}
	if count == 0 {
		return nil
	}
	fmt.Fprintln(out, "The totals of the organisation and of its countries keep the sums; they hold no personal data.")
	if !yes && !agreed(cmd.InOrStdin(), out) {
		return errNotDeleted
	}
	if err := eraser.Delete(cmd.Context(), subject); err != nil {
		return err
	}
	left, err := eraser.Count(cmd.Context(), subject)
	if err != nil {
		return err
	}
	if left > 0 {
		return fmt.Errorf("%d series are still there: something writes them just now; run the command again", left)
	}
	_, err = fmt.Fprintln(out, "Deleted. A collector sends the open minute and hour again when more comes or it starts anew: run this again in two hours.")
	return err
}

// agreed asks whether to delete.
func agreed(in io.Reader, out io.Writer) bool {
	fmt.Fprint(out, "Delete them for good? [y/N] ")
	answer, err := bufio.NewReader(in).ReadString('\n')
	if err != nil && answer == "" {
		fmt.Fprintln(out)
	}
	return strings.EqualFold(strings.TrimSpace(answer), "y")
}
