package main

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"slices"
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
		path, organization, stream, address, url, userFile string
		users                                              []string
		yes                                                bool
	)
	command := &cobra.Command{
		Use:   "delete (--stream NAME | --ip ADDRESS | --user ID | --users FILE)",
		Short: "Delete what is stored of one stream, one address or some users",
		Long: "Delete what is stored of one stream, of one address of viewers and publishers, or of users, for good. It says how much that is and asks " +
			"before. The totals of the organisation and of its countries keep the sums, from which nobody can be told.\n\n" +
			"A collector sends the sums of the open minute and hour again when more comes, and when it or VictoriaMetrics starts anew. Run " +
			"the command again when nothing has come for two hours in which the collector ran. A play that runs is written when it ends.\n\n" +
			"VictoriaLogs reads all plays to delete some: where many users want to be deleted, collect them in a file and delete them together at night.",
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
			switch {
			case address != "":
				if subject, err = addressSubject(c, o, address); err != nil {
					return err
				}
			case userFile != "":
				if users, err = usersOf(userFile); err != nil {
					return err
				}
				fallthrough
			case len(users) > 0:
				if slices.Contains(users, "") {
					return errors.New("a user's id is empty, which would be all plays without one")
				}
				subject = erase.Users(users...)
			}
			eraser, err := erase.New(c.VictoriaMetrics.URL, cmp.Or(url, c.VictoriaMetrics.URL), c.Plays.URL, o.ID)
			if err != nil {
				return err
			}
			return erased(cmd, eraser, subject, o, yes)
		},
	}
	addConfigFlag(command, &path)
	flags := command.Flags()
	flags.StringVar(&organization, "org", "", "organisation; may be left out if there is only one")
	flags.StringVar(&stream, "stream", "", "delete this stream: its sums, tags, events, addresses, referrers and plays")
	flags.StringVar(&address, "ip", "", "delete this address of viewers and publishers, and its plays")
	flags.StringArrayVar(&users, "user", nil, "delete the plays of this user; may be repeated")
	flags.StringVar(&userFile, "users", "", "delete the plays of the users of this file, which has an id on each line")
	flags.StringVar(&url, "delete-url", "", "VictoriaMetrics for deletions, on a cluster http://vmselect:8481/delete/<tenant>/prometheus; by default that of the configuration")
	flags.BoolVar(&yes, "yes", false, "do not ask")
	command.MarkFlagsMutuallyExclusive("stream", "ip", "user", "users")
	command.MarkFlagsOneRequired("stream", "ip", "user", "users")
	return command
}

// usersOf returns the ids of users in a file, one on each line.
func usersOf(path string) ([]string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("--users: %w", err)
	}
	var users []string
	for line := range strings.Lines(string(text)) {
		if user := strings.TrimRight(line, "\r\n"); user != "" {
			users = append(users, user)
		}
	}
	if len(users) == 0 {
		return nil, errors.New("the file of --users names nobody")
	}
	return users, nil
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
	plays, err := eraser.CountPlays(cmd.Context(), subject)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%d series and %d plays of the organisation %s carry %s.\n", count, plays, o.ID, subject)
	if subject.Note != "" {
		fmt.Fprintln(out, subject.Note)
	}
	if count+plays == 0 {
		return nil
	}
	fmt.Fprintln(out, "The totals of the organisation and of its countries keep the sums; they hold no personal data.")
	if !yes && !agreed(cmd.InOrStdin(), out) {
		return errNotDeleted
	}
	if err := eraser.Delete(cmd.Context(), subject); err != nil {
		return err
	}
	if plays > 0 {
		fmt.Fprintln(out, "VictoriaLogs deletes the plays, which takes a minute for each few millions that it has. If this command ends, it goes on.")
		if err := eraser.DeletePlays(cmd.Context(), subject); err != nil {
			return err
		}
	}
	left, err := eraser.Count(cmd.Context(), subject)
	if err != nil {
		return err
	}
	if plays, err = eraser.CountPlays(cmd.Context(), subject); err != nil {
		return err
	}
	if plays > 0 {
		return fmt.Errorf("%d plays are still there: they ended just now; run the command again", plays)
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
