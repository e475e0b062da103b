package geoip

import (
	"fmt"
	"log/slog"
	"net/netip"
	"path/filepath"
	"strings"

	"github.com/oschwald/maxminddb-golang/v2"

	"github.com/streamlens/streamlens/pkg/measure"
)

// Explainer says what the files and networks of a source say of addresses, and why that counts or not.
type Explainer struct {
	*Places
	readers []*maxminddb.Reader // of the files
}

// NewExplainer reads the databases of a source, of which none need know countries.
func NewExplainer(s Source) (*Explainer, error) {
	logger := slog.New(slog.DiscardHandler)
	e := &Explainer{Places: &Places{logger: logger, copies: newCopies("", logger), networks: s.Networks}}
	for _, path := range s.Databases {
		l, reader, _, err := load(path)
		if err != nil {
			return nil, err
		}
		e.files = append(e.files, &file{path: path, loaded: l})
		e.readers = append(e.readers, reader)
	}
	e.use()
	return e, nil
}

// Finding is what one source says of an address.
type Finding struct {
	Source  string // name of a file, geoip.networks, or what kind of address it is
	Network netip.Prefix
	Says    string
}

// Explain returns what is known of an address, and what each source says.
func (e *Explainer) Explain(a netip.Addr) (Place, []Finding) {
	var findings []Finding
	l := e.current.Load()
	ask := a.WithZone("")
	for {
		findings = append(findings, e.ownNetworks(ask)...)
		if what, nowhere := l.special.Lookup(ask); nowhere {
			return e.Place(a), append(findings, Finding{Source: ask.String(), Says: what + ": databases are not asked"})
		}
		inner, how := within(ask)
		if how == "" {
			break
		}
		findings = append(findings, Finding{Source: ask.String(), Says: fmt.Sprintf("%s address of %s", how, inner)})
		ask = inner
	}
	for i, reader := range e.readers {
		findings = append(findings, explain(filepath.Base(e.files[i].path), reader, ask))
	}
	return e.Place(a), findings
}

func (e *Explainer) ownNetworks(a netip.Addr) []Finding {
	var found []Finding
	for _, n := range e.networks {
		if n.Prefix.Contains(a) {
			found = append(found, Finding{"geoip.networks", n.Prefix, n.Place.String()})
		}
	}
	return found
}

// explain says what a database says of an address.
func explain(name string, reader *maxminddb.Reader, a netip.Addr) Finding {
	f := Finding{Source: name}
	if a.Is6() && reader.Metadata.IPVersion == 4 {
		f.Says = "has IPv4 addresses alone"
		return f
	}
	result := reader.Lookup(a)
	f.Network = result.Prefix()
	if !result.Found() {
		f.Says = "does not know the address"
		return f
	}
	var r record
	if err := result.Decode(&r); err != nil {
		f.Says = err.Error()
		return f
	}
	place := r.place()
	var says []string
	if place.Country != "" || place.Region != "" || place.ASN != 0 || place.Operator != "" {
		says = append(says, place.String())
	}
	for _, c := range r.countries() {
		country := Country(c.value)
		switch {
		case c.value == "":
		case country == measure.UnknownCountry:
			says = append(says, fmt.Sprintf("%s %q is no country of ISO 3166-1", c.key, c.value))
		case country != c.value:
			says = append(says, fmt.Sprintf("%s %q is %s", c.key, c.value, country))
		case country != place.Country:
			says = append(says, fmt.Sprintf("%s is %s", c.key, country))
		case c.key == "registered_country.iso_code" && r.isoCode == "":
			says = append(says, "only registered there")
		}
	}
	if r.holds() {
		says = append(says, fmt.Sprintf("country %q is that of the holder, %s", r.country, r.name))
	}
	if len(says) == 0 {
		says = append(says, "has the network, but says nothing of it")
	}
	f.Says = strings.Join(says, "; ")
	return f
}

// String returns the facts that are known, such as "GB, GB-ENG, AS64500 Example".
func (p Place) String() string {
	var facts []string
	for _, fact := range [...]string{p.Country, p.Region} {
		if fact != "" {
			facts = append(facts, fact)
		}
	}
	operator := p.Operator
	if p.ASN != 0 {
		operator = strings.TrimSpace(fmt.Sprintf("AS%d %s", p.ASN, p.Operator))
	}
	if operator != "" {
		facts = append(facts, operator)
	}
	return strings.Join(facts, ", ")
}
