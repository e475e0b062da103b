package geoip

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gaissmai/bart"

	"github.com/streamlens/streamlens/pkg/measure"
)

// Network is a network whose place the operator names. What is empty is left to the databases.
type Network struct {
	Prefix netip.Prefix
	Place  Place
}

// Source is where places come from. Of each fact, country, region and operator with its number, the first that knows it counts:
// the smallest of Networks that has the address, then Databases in their order.
type Source struct {
	Databases []string // paths
	Networks  []Network
}

// Places looks up the places of addresses. It is safe for concurrent use.
type Places struct {
	logger *slog.Logger
	copies *copies
	// current is replaced as a whole. What was there before is left to the garbage collector.
	current atomic.Pointer[lookup]

	mu       sync.Mutex // of what follows
	networks []Network
	files    []*file
}

// file is one of the databases.
type file struct {
	path   string
	read   version // of the content that was read last, well or not
	loaded *loaded
	// refused is why the content that was read last is not in use, nil if it is; gone is why there was none at the last look.
	refused, gone error
	copied        bool // the last good copy is in use, since the start
}

// problem returns why the file at the path is not the one in use, or nil.
func (f *file) problem() error {
	if f.gone != nil {
		return f.gone
	}
	return f.refused
}

// version tells one content of a file from another.
type version struct {
	modified time.Time
	size     int64
}

// lookup is all that a look-up needs. It never changes.
type lookup struct {
	special   *bart.Table[string]
	own       *bart.Table[Place] // nil without networks
	databases []*loaded
}

// Open reads the databases. With a directory, a copy of each is kept there, and a file that is missing or refused is replaced by
// its copy, which the log and Warnings tell; without a copy it is an error. An empty directory keeps no copies.
func Open(s Source, directory string, logger *slog.Logger) (*Places, error) {
	p := &Places{logger: logger, copies: newCopies(directory, logger)}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p, p.replace(s, true)
}

// Replace takes another source into use. With an error nothing is changed.
func (p *Places) Replace(s Source) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.replace(s, false)
}

// replace reads what is not in use already.
func (p *Places) replace(s Source, start bool) error {
	var (
		files    []*file
		problems []error
	)
	for _, path := range s.Databases {
		if i := slices.IndexFunc(p.files, func(f *file) bool { return f.path == path }); i >= 0 {
			files = append(files, p.files[i])
			continue
		}
		f := &file{path: path}
		if err := p.open(f, start); err != nil {
			problems = append(problems, err)
		}
		files = append(files, f)
	}
	if len(problems) == 0 {
		problems = append(problems, countries(files))
	}
	if err := errors.Join(problems...); err != nil {
		return err
	}
	p.files, p.networks = files, s.Networks
	p.use()
	p.copies.keepOnly(s.Databases)
	for _, warning := range p.coverage() {
		p.logger.Warn("GeoIP databases have gaps", "problem", warning)
	}
	return nil
}

// countries returns an error if there are databases and none knows a country.
func countries(files []*file) error {
	for _, f := range files {
		if f.loaded.Countries.any() {
			return nil
		}
	}
	if len(files) == 0 {
		return nil
	}
	return fmt.Errorf("GeoIP database %s of type %q: there are no countries in it, only names of networks; a database of countries must be "+
		"in the list too", files[0].path, files[0].loaded.Type)
}

// open reads a file, or its copy if that is allowed.
func (p *Places) open(f *file, orCopy bool) error {
	var (
		content []byte
		err     error
	)
	if f.read, err = versionOf(f.path); err == nil {
		f.loaded, _, content, err = load(f.path)
	} else {
		err = fmt.Errorf("GeoIP database: %w", err)
	}
	if err == nil {
		p.copies.keep(f.path, content, f.read)
		p.logger.Info("GeoIP database in use", attributes(f.loaded)...)
		return nil
	}
	if !orCopy {
		return err
	}
	if f.loaded = p.copies.load(f.path); f.loaded == nil {
		return err
	}
	f.refused, f.copied = err, true
	p.logger.Error("GeoIP database refused, the copy of the last good one is in use", append(attributes(f.loaded), "error", err)...)
	return nil
}

// attributes describe a database in the log.
func attributes(l *loaded) []any {
	return []any{"path", l.Path, "type", l.Type, "built", l.Built.Format(time.DateOnly), "kind", l.Kind(), "families", l.Families().String()}
}

// use makes what was read the current source.
func (p *Places) use() {
	l := &lookup{special: newSpecial()}
	for _, f := range p.files {
		l.databases = append(l.databases, f.loaded)
	}
	if len(p.networks) > 0 {
		l.own = new(bart.Table[Place])
		for _, n := range p.networks {
			l.own.Insert(n.Prefix, n.Place)
		}
	}
	p.current.Store(l)
}

// Place returns what is known of an address.
func (p *Places) Place(address netip.Addr) Place {
	var place Place
	if address.IsValid() {
		place = p.current.Load().place(address.WithZone(""))
	}
	if place.Country == "" {
		place.Country = measure.UnknownCountry
	}
	return place
}

// Country returns the country of an address, or measure.UnknownCountry.
func (p *Places) Country(address netip.Addr) string {
	if address.IsValid() {
		if country := p.current.Load().country(address.WithZone("")); country != "" {
			return country
		}
	}
	return measure.UnknownCountry
}

// named returns what the operator says of an address, and the address by which databases know it, which is the zero Addr if they are
// not to be asked.
func (l *lookup) named(a netip.Addr) (place Place, ask netip.Addr) {
	for {
		if l.own != nil {
			own, _ := l.own.Lookup(a)
			place.fill(&own)
		}
		if _, nowhere := l.special.Lookup(a); nowhere {
			return place, netip.Addr{}
		}
		inner, how := within(a)
		if how == "" {
			return place, a
		}
		a = inner
	}
}

func (l *lookup) place(a netip.Addr) Place {
	place, ask := l.named(a)
	if !ask.IsValid() {
		return place
	}
	for _, d := range l.databases {
		place.fill(d.place(ask))
	}
	if place.Region != "" {
		return place
	}
	// A region is one of the country that counts.
	for _, d := range l.databases {
		if other := d.place(ask); other.Region != "" && other.Country == place.Country {
			place.Region = other.Region
			break
		}
	}
	return place
}

// fill takes what is not known yet from another place. The region comes with the country.
func (p *Place) fill(other *Place) {
	if p.Country == "" {
		p.Country, p.Region = other.Country, other.Region
	}
	if p.ASN == 0 && p.Operator == "" {
		p.ASN, p.Operator = other.ASN, other.Operator
	}
}

func (l *lookup) country(a netip.Addr) string {
	place, ask := l.named(a)
	if place.Country != "" || !ask.IsValid() {
		return place.Country
	}
	for _, d := range l.databases {
		if country := d.place(ask).Country; country != "" {
			return country
		}
	}
	return ""
}

// Databases returns what the files in use are, in their order.
func (p *Places) Databases() []Database {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []Database
	for _, f := range p.files {
		d := f.loaded.Database
		d.Path = f.path // also of a copy
		all = append(all, d)
	}
	return all
}

// Refused returns the paths of the files that are not the ones in use, since they are missing or refused.
func (p *Places) Refused() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var paths []string
	for _, f := range p.files {
		if f.problem() != nil {
			paths = append(paths, f.path)
		}
	}
	return paths
}

// Warnings returns what the operator should know of the databases, in sentences that name files but not where they are.
func (p *Places) Warnings() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []string
	for _, f := range p.files {
		problem := f.problem()
		if problem == nil {
			continue
		}
		instead := "the one that was read before is in use"
		if f.copied {
			instead = "the copy of the last good one is in use"
		}
		reason := strings.ReplaceAll(problem.Error(), f.path, filepath.Base(f.path))
		all = append(all, fmt.Sprintf("%s; %s, built %s", reason, instead, f.loaded.Built.Format(time.DateOnly)))
	}
	return append(all, p.coverage()...)
}

// fewAddresses is a share of the public IPv4 addresses that no database of countries of the world falls below; the least have 0.8.
const fewAddresses = 0.5

// coverage returns which addresses no database knows.
func (p *Places) coverage() []string {
	if len(p.files) == 0 {
		return nil
	}
	var (
		all                           []string
		names                         []string
		share                         float64
		countries, regions, operators Families
	)
	for _, f := range p.files {
		names = append(names, filepath.Base(f.path))
		countries.add(f.loaded.Countries)
		regions.add(f.loaded.Regions)
		operators.add(f.loaded.Operators)
		share += f.loaded.Share
	}
	files := strings.Join(names, ", ")
	for _, fact := range [...]struct {
		name string
		of   Families
	}{{"countries", countries}, {"regions", regions}, {"operators", operators}} {
		switch {
		case fact.of.IPv4 && !fact.of.IPv6:
			all = append(all, fmt.Sprintf("%s: %s of IPv4 addresses alone, none of IPv6", files, fact.name))
		case fact.of.IPv6 && !fact.of.IPv4:
			all = append(all, fmt.Sprintf("%s: %s of IPv6 addresses alone, none of IPv4", files, fact.name))
		}
	}
	if countries.IPv4 && share < fewAddresses {
		all = append(all, fmt.Sprintf("%s: countries of only %.2g %% of all IPv4 addresses", files, 100*share))
	}
	return all
}

// Watch looks every interval for new files and takes them into use, until ctx ends; at most one may run. A new file is read when it
// was the same at two looks, so that one which is being copied is left alone. One that is refused is logged once, and what was in use
// stays.
func (p *Places) Watch(ctx context.Context, interval time.Duration) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	last := map[string]version{}
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		p.look(last)
	}
}

// look takes the files into use that are new and were the same at the look before, of which last has the versions.
func (p *Places) look(last map[string]version) {
	p.mu.Lock()
	defer p.mu.Unlock()
	changed := false
	for _, f := range p.files {
		seen, err := versionOf(f.path)
		if err != nil {
			if f.problem() == nil {
				p.logger.Error("GeoIP database cannot be read, the old one stays in use", "error", err)
			}
			f.gone = fmt.Errorf("GeoIP database: %w", err)
			continue
		}
		f.gone = nil
		before := last[f.path]
		last[f.path] = seen
		if seen == f.read || seen != before {
			continue
		}
		f.read = seen
		if p.renew(f) {
			changed = true
		}
	}
	if changed {
		p.use()
	}
}

// renew reads a file anew, and reports whether it can be used.
func (p *Places) renew(f *file) bool {
	next, _, content, err := load(f.path)
	if err == nil {
		others := slices.Clone(p.files)
		others[slices.Index(others, f)] = &file{path: f.path, loaded: next}
		err = countries(others)
	}
	if err != nil {
		f.refused = err
		p.logger.Error("New GeoIP database refused, the old one stays in use", "error", err)
		return false
	}
	f.loaded, f.refused, f.copied = next, nil, false
	p.copies.keep(f.path, content, f.read)
	p.logger.Info("New GeoIP database in use", attributes(next)...)
	for _, warning := range p.coverage() {
		p.logger.Warn("GeoIP databases have gaps", "problem", warning)
	}
	return true
}

func versionOf(path string) (version, error) {
	info, err := os.Stat(path)
	if err != nil {
		return version{}, err
	}
	if !info.Mode().IsRegular() {
		return version{}, &fs.PathError{Op: "read", Path: path, Err: errors.New("not a regular file")}
	}
	return version{info.ModTime(), info.Size()}, nil
}
