package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/streamlens/streamlens/pkg/config"
	"github.com/streamlens/streamlens/pkg/doctor"
	"github.com/streamlens/streamlens/pkg/geoip"
)

// usualDatabases are where GeoIP databases of countries are by their packages and by README, the better ones first.
var usualDatabases = []string{
	"/usr/share/GeoIP/GeoIP2-City.mmdb",
	"/usr/share/GeoIP/GeoLite2-City.mmdb",
	"/var/lib/GeoIP/GeoLite2-City.mmdb",
	"/usr/share/GeoIP/GeoLite2-Country.mmdb",
	"/var/lib/GeoIP/GeoLite2-Country.mmdb",
	"/usr/share/GeoIP/dbip-country.mmdb",
	"/usr/share/streamlens/dbip-country.mmdb",
}

// setting is something that init asks for, unless a flag says it.
type setting struct {
	flag, question, value string
	valid                 func(string) error // nil if config.Load says enough
}

func initCommand() *cobra.Command {
	var (
		path string
		yes  bool
	)
	settings := []*setting{
		{flag: "org", question: "Id of the organisation (a-z, 0-9, - and _)", value: "acme"},
		{flag: "level", question: "Its level: default or premium", value: "premium"},
		{flag: "victoriametrics", question: "VictoriaMetrics", value: "http://127.0.0.1:8428"},
		{flag: "geoip", question: "GeoIP database of countries, \"\" for none", value: firstFile(usualDatabases), valid: geoIPFile},
		{flag: "listen", question: "Where the collector takes events", value: ":8095"},
		{flag: "private-listen", question: "Where its metrics are, which nobody outside may reach", value: "127.0.0.1:8096"},
		{flag: "data-dir", question: "Folder of what must survive a restart", value: "/var/lib/streamlens"},
	}
	command := &cobra.Command{
		Use:   "init",
		Short: "Write a streamlens.yaml with fresh keys, and say whether what it names is there",
		Long: "Ask for what streamlens.yaml needs, each with a proposal, and write it with fresh keys. Flags answer questions; --yes takes the " +
			"proposals of all others. Then it says whether VictoriaMetrics, the GeoIP database and the ports can be used, and what to do next. " +
			"A file that is there already is left alone.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, err := os.Lstat(path); err == nil {
				return fmt.Errorf("%s is there already, and is left as it is", path)
			}
			answers := bufio.NewScanner(cmd.InOrStdin())
			for _, s := range settings {
				if yes || cmd.Flags().Changed(s.flag) {
					if err := s.check(); err != nil {
						return fmt.Errorf("--%s: %w", s.flag, err)
					}
					continue
				}
				if err := s.ask(answers, cmd.OutOrStdout()); err != nil {
					return err
				}
			}
			values := map[string]string{}
			for _, s := range settings {
				values[s.flag] = s.value
			}
			c, err := writeConfiguration(path, values)
			if err != nil {
				return err
			}
			printNext(cmd.Context(), cmd.OutOrStdout(), path, c)
			return nil
		},
	}
	addConfigFlag(command, &path)
	for _, s := range settings {
		command.Flags().StringVar(&s.value, s.flag, s.value, s.question)
	}
	command.Flags().BoolVar(&yes, "yes", false, "ask nothing")
	return command
}

func (s *setting) check() error {
	if s.valid == nil {
		return nil
	}
	return s.valid(s.value)
}

// ask asks until there is a valid answer. An empty one, and none, is the proposal.
func (s *setting) ask(answers *bufio.Scanner, w io.Writer) error {
	proposal := s.value
	for {
		fmt.Fprintf(w, "%s [%s]: ", s.question, proposal)
		if !answers.Scan() {
			fmt.Fprintln(w)
			return errors.Join(answers.Err(), s.check())
		}
		switch answer := strings.TrimSpace(answers.Text()); answer {
		case "":
			s.value = proposal
		case `""`:
			s.value = ""
		default:
			s.value = answer
		}
		err := s.check()
		if err == nil {
			return nil
		}
		fmt.Fprintln(w, err)
	}
}

func firstFile(names []string) string {
	for _, name := range names {
		if info, err := os.Stat(name); err == nil && info.Mode().IsRegular() {
			return name
		}
	}
	return ""
}

func geoIPFile(name string) error {
	if name == "" {
		return nil
	}
	_, err := geoip.NewExplainer(geoip.Source{Databases: []string{name}})
	return err
}

// writeConfiguration writes a new file that its owner and group alone can read, because it has keys, and returns what it says.
func writeConfiguration(path string, values map[string]string) (config.Config, error) {
	database := ""
	if values["geoip"] != "" {
		absolute, err := filepath.Abs(values["geoip"])
		if err != nil {
			return config.Config{}, err
		}
		database = fmt.Sprintf("geoip: {database: %s}\n", strconv.Quote(absolute))
	}
	text := "# Made by streamlens init; docs/configuration.md has all keys.\n" +
		fmt.Sprintf("listen: %q\nprivateListen: %q        # metrics\n", values["listen"], values["private-listen"]) +
		fmt.Sprintf("dataDir: %q\nvictoriametrics: {url: %q}\n", values["data-dir"], values["victoriametrics"]) +
		database +
		fmt.Sprintf("organizations:\n  - id: %q\n    level: %q\n", values["org"], values["level"]) +
		fmt.Sprintf("    secretKey: sk_%s        # for servers\n", key()) +
		fmt.Sprintf("    accounts: [{id: %q, key: pk_%s}]        # for players\n", values["org"], key()) +
		fmt.Sprintf("    blockListTokens: [{name: grafana, token: bt_%s}]        # by which Grafana shows who is blocked\n", key()) +
		fmt.Sprintf("    # readKeys: [{name: reader, key: rk_%s}]        # for a program that reads: take the # away, and see docs/api.md\n", key())
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o640)
	if err != nil {
		return config.Config{}, err
	}
	_, err = file.WriteString(text)
	if err = errors.Join(err, file.Close()); err == nil {
		var c config.Config
		if c, err = config.Load(path); err == nil {
			return c, nil
		}
	}
	return config.Config{}, errors.Join(err, os.Remove(path))
}

// key returns 128 random bits.
func key() string { return strings.ToLower(rand.Text()) }

// printNext says whether what the configuration names is there, and what to do next.
func printNext(ctx context.Context, w io.Writer, path string, c config.Config) {
	o := c.Organizations[0]
	fmt.Fprintf(w, "Wrote %s with fresh keys.\n", path)
	findings := append(doctor.VictoriaMetrics(ctx, c.VictoriaMetrics.URL), ports(ctx, c)...)
	if len(c.GeoIP.Databases) == 0 {
		findings = append(findings, doctor.Finding{State: doctor.Doubtful, About: "GeoIP", Says: "there is no database, so that every country is unknown",
			Advice: "docs/geoip.md says where to get one; it is named under geoip."})
	} else {
		findings = append(findings, doctor.Finding{About: "GeoIP", Says: strings.Join(c.GeoIP.Databases, ", ")})
	}
	if printFindings(w, findings) > 0 {
		fmt.Fprintln(w, "Mend what is wrong; streamlens.yaml may stay as it is, or be changed.")
	}
	fmt.Fprintf(w, `
Next:
  %[7]s
and, when it runs:
  streamlens doctor --config %[1]s

Players need the account %[2]s and its key, servers the secret key; both are in %[1]s.
Grafana's provisioning needs:
  STREAMLENS_ORGANIZATION=%[3]s
  STREAMLENS_LEVEL=%[4]s
  STREAMLENS_VICTORIAMETRICS_URL=%[5]s
  STREAMLENS_COLLECTOR_URL=%[6]s
  STREAMLENS_BLOCK_LIST_TOKEN=the one of blockListTokens, for the block list on the page Plays
`, path, o.Accounts[0].ID, o.ID, o.Level, c.VictoriaMetrics.URL, collectorURL(c), startCommand(path, unitFolders))
}

// unitFolders are where units of systemd are that a person or a package has put there.
var unitFolders = []string{"/etc/systemd/system", "/usr/lib/systemd/system"}

// startCommand starts the collector. If it is a service here, that has a user of its own, to whom all belongs that the collector writes.
func startCommand(path string, unitFolders []string) string {
	for _, folder := range unitFolders {
		if unit, err := os.ReadFile(filepath.Join(folder, "streamlens.service")); err == nil && strings.Contains(string(unit), "collect --config "+path+"\n") {
			return "systemctl enable --now streamlens"
		}
	}
	return "streamlens collect --config " + path
}

// ports says whether the collector may listen where it is to.
func ports(ctx context.Context, c config.Config) []doctor.Finding {
	var findings []doctor.Finding
	for _, address := range []string{c.Listen, c.PrivateListen} {
		if address == "" {
			continue
		}
		about := "port " + address
		listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
		if err != nil {
			findings = append(findings, doctor.Finding{State: doctor.Wrong, About: about, Says: "the collector cannot listen there: " + err.Error(),
				Advice: "If a collector runs there already, that is as it should be. Otherwise take another port."})
			continue
		}
		listener.Close()
		findings = append(findings, doctor.Finding{About: about, Says: "it is free"})
	}
	return findings
}
