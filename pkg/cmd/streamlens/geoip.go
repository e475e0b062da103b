package main

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/streamlens/streamlens/pkg/config"
	"github.com/streamlens/streamlens/pkg/geoip"
)

func geoIPCommand() *cobra.Command {
	var path string
	command := &cobra.Command{
		Use:   "geoip [FILE…] [ADDRESS…]",
		Short: "Say what GeoIP databases are, and where addresses are by them",
		Long: "Say what GeoIP databases are, and for each address where it is, whose network it is in, and what each database says of it. Without a " +
			"file, the databases and networks of the configuration are asked.",
		Example: "  streamlens geoip GeoLite2-City.mmdb GeoLite2-ASN.mmdb 81.2.69.142 2a02:c207::1\n" +
			"  streamlens geoip --config /etc/streamlens.yaml 10.1.2.3",
		RunE: func(cmd *cobra.Command, args []string) error {
			var (
				source    geoip.Source
				addresses []netip.Addr
			)
			for _, arg := range args {
				if a, err := netip.ParseAddr(arg); err == nil {
					addresses = append(addresses, a)
				} else {
					source.Databases = append(source.Databases, arg)
				}
			}
			if len(source.Databases) == 0 {
				c, err := config.Load(path)
				if err != nil {
					return err
				}
				source = c.GeoIP.Source()
			}
			if len(source.Databases) == 0 && len(source.Networks) == 0 {
				return errors.New("neither a file is named, nor has the configuration a database or a network (geoip)")
			}
			explainer, err := geoip.NewExplainer(source)
			if err != nil {
				return err
			}
			printDatabases(cmd.OutOrStdout(), explainer)
			for _, a := range addresses {
				if err := printPlace(cmd.OutOrStdout(), explainer, a); err != nil {
					return err
				}
			}
			return nil
		},
	}
	addConfigFlag(command, &path)
	return command
}

// printDatabases says what the databases are.
func printDatabases(w io.Writer, e *geoip.Explainer) {
	for _, d := range e.Databases() {
		built := "of an unknown day"
		if !d.Built.IsZero() {
			built = "built " + d.Built.Format(time.DateOnly)
		}
		fmt.Fprintf(w, "%s: %s, %s, %d networks; ", filepath.Base(d.Path), d.Type, built, d.Networks)
		var facts []string
		for _, fact := range []struct {
			name string
			of   geoip.Families
		}{{"countries", d.Countries}, {"regions", d.Regions}, {"operators", d.Operators}} {
			if families := fact.of.String(); families != "" {
				facts = append(facts, fmt.Sprintf("%s of %s", fact.name, families))
			}
		}
		fmt.Fprint(w, strings.NewReplacer("ipv4,ipv6", "IPv4 and IPv6", "ipv4", "IPv4 alone", "ipv6", "IPv6 alone").Replace(strings.Join(facts, ", ")))
		if d.Countries.IPv4 {
			fmt.Fprintf(w, "; %.3g %% of all IPv4 addresses", 100*d.Share)
		}
		fmt.Fprintln(w)
	}
	for _, warning := range e.Warnings() {
		fmt.Fprintf(w, "Warning: %s\n", warning)
	}
}

// printPlace says where an address is, and why.
func printPlace(w io.Writer, e *geoip.Explainer, a netip.Addr) error {
	place, findings := e.Explain(a)
	fmt.Fprintf(w, "\n%s: %s\n", a, place)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, f := range findings {
		network := ""
		if f.Network.IsValid() {
			network = f.Network.String()
		}
		fmt.Fprintf(t, "  %s\t%s\t%s\n", f.Source, network, f.Says)
	}
	return t.Flush()
}
