// Package config reads streamlens.yaml, the one configuration of every subcommand.
package config

import (
	"errors"
	"fmt"
	"math"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/streamlens/streamlens/pkg/event"
	"github.com/streamlens/streamlens/pkg/geoip"
	"github.com/streamlens/streamlens/pkg/source/accesslog"
	"github.com/streamlens/streamlens/pkg/source/logreader"
	"github.com/streamlens/streamlens/pkg/source/mediaserver"
	"github.com/streamlens/streamlens/pkg/tenant"
	"github.com/streamlens/streamlens/pkg/widget"
)

// Config is a configuration in which every value is valid.
type Config struct {
	// Listen is the address of the collector, "host:port"; default ":8095". Port 0 takes a free one.
	Listen string `yaml:"listen"`
	// PrivateListen is the address for metrics and profiles, which nobody outside may reach, "host:port". Default "": metrics are on
	// Listen, and there are no profiles.
	PrivateListen string `yaml:"privateListen"`
	TLS           TLS    `yaml:"tls"`
	// DataDir is where the collector keeps what must survive a restart; default "/var/lib/streamlens".
	DataDir string `yaml:"dataDir"`
	// MaxDataBytes is how much the journal and the samples that wait for VictoriaMetrics may take of DataDir's disk, before the
	// collector refuses what comes; default 10 GiB.
	MaxDataBytes    int64           `yaml:"maxDataBytes"`
	VictoriaMetrics VictoriaMetrics `yaml:"victoriametrics"`
	// Plays is the store of records of plays; by default none are kept.
	Plays Plays `yaml:"plays"`
	GeoIP GeoIP `yaml:"geoip"`
	// TrustedProxies are the networks whose X-Forwarded-For is believed; default none.
	TrustedProxies []netip.Prefix `yaml:"-"`
	// Organizations has at least one; what they leave out is as in tenant.NewOrganization.
	Organizations []tenant.Organization `yaml:"-"`
	// Logs are the access logs that the collector follows.
	Logs []LogFile `yaml:"logs"`
	// Servers are the media servers that the collector polls.
	Servers []MediaServer `yaml:"servers"`
	// Reports are those that `streamlens report --scheduled` delivers.
	Reports []Report `yaml:"reports"`
	// SMTP is where their mails are handed in.
	SMTP SMTP `yaml:"smtp"`
}

// minDataBytes is the least with which the journal can work: some of its segments.
const minDataBytes = 256 << 20

// LogFile is an access log on the collector's machine.
type LogFile struct {
	File   string `yaml:"file"`
	Format string `yaml:"format"` // of accesslog.Formats, or accesslog.Auto
	// Template is the string of nginx's log_format, for the format "template" only.
	Template string `yaml:"template"`
	// Fields are the names of the columns, for formats that have columns and logs that do not name them.
	Fields []string `yaml:"fields"`
	// Timezone is that of times without an offset, such as Europe/Berlin; default UTC.
	Timezone string `yaml:"timezone"`
	// Organization may be left out if there is only one.
	Organization string `yaml:"organization"`
}

// LogFormat returns the form of the log.
func (l LogFile) LogFormat() (accesslog.Format, error) {
	f := accesslog.Format{Name: l.Format, Template: l.Template, Fields: l.Fields}
	if l.Timezone == "" {
		return f, nil
	}
	var err error
	if f.Location, err = time.LoadLocation(l.Timezone); err != nil {
		return f, fmt.Errorf("unknown time zone %q", l.Timezone)
	}
	return f, nil
}

// MediaServer is a media server that is asked for its counters.
type MediaServer struct {
	Type string `yaml:"type"` // one of mediaserver.Types
	URL  string `yaml:"url"`
	// Name is that of the server in metrics and logs; default is the host, port and path of the URL.
	Name     string `yaml:"name"`
	Username string `yaml:"username"`
	Password string `yaml:"password"`
	Token    string `yaml:"token"` // sent as a bearer token if there is no user name
	// Interval is the time between two polls in s; default 10.
	Interval int `yaml:"interval"`
	// CA is the path of a PEM file with the certificates that are trusted; default those that the system trusts.
	CA string `yaml:"ca"`
	// Relays counts what the server passes on to other servers as playout; default false.
	Relays bool `yaml:"relays"`
	// AccessLog says that the server's access log counts the bytes of players, so that polls only tell who plays; default false.
	AccessLog bool `yaml:"accessLog"`
	// HookKey is in the URL to which the server posts its hooks, and starts with "hk_"; default none: hooks are not taken.
	HookKey string `yaml:"hookKey"`
	// HookSecret is the secret by which OvenMediaEngine signs its hooks.
	HookSecret string `yaml:"hookSecret"`
	// Organization may be left out if there is only one.
	Organization string `yaml:"organization"`
}

// Polled returns how the server is polled.
func (m MediaServer) Polled() mediaserver.Config {
	return mediaserver.Config{
		Type: m.Type, URL: m.URL, Username: m.Username, Password: m.Password, Token: m.Token, Organization: m.Organization,
		Interval: time.Duration(m.Interval) * time.Second, CA: m.CA, HookSecret: m.HookSecret, Relays: m.Relays, Logged: m.AccessLog,
	}
}

// TLS is the certificate of Listen. By default there is none, and no TLS.
type TLS struct {
	Certificate string `yaml:"certificate"` // path of the PEM file, with intermediate certificates behind the server's own
	Key         string `yaml:"key"`         // path of the PEM file
}

// Enabled reports whether there is a certificate.
func (t TLS) Enabled() bool { return t.Certificate != "" }

// VictoriaMetrics is the database.
type VictoriaMetrics struct {
	// URL is its root, on a cluster with the tenant's path; default "http://127.0.0.1:8428".
	URL string `yaml:"url"`
	// WriteURL is where samples are written, if that is not URL: the insert path of a cluster's tenant, or a vmagent.
	WriteURL string `yaml:"writeUrl"`
}

// WritesTo returns the URL that takes samples.
func (v VictoriaMetrics) WritesTo() string {
	if v.WriteURL != "" {
		return v.WriteURL
	}
	return v.URL
}

// Plays is the store of records of plays and broadcasts, which are kept if it has a URL.
type Plays struct {
	// URL is that of VictoriaLogs, such as "http://127.0.0.1:9428".
	URL string `yaml:"url"`
	// Keep is for how many days records are kept, such as "30d", which is the default. The retention of VictoriaLogs must be as long.
	Keep string `yaml:"keep"`
	// Users is whether the ids of users are kept too; default false.
	Users bool `yaml:"users"`
	// Running is whether plays that run are shown, too, of which is written each minute what is known; default false.
	Running bool `yaml:"running"`
}

// Enabled reports whether records are kept.
func (p Plays) Enabled() bool { return p.URL != "" }

// days reads Keep.
func (p Plays) days() (int, error) {
	if p.Keep == "" {
		return 30, nil
	}
	return strconv.Atoi(strings.TrimSuffix(p.Keep, "d"))
}

// Kept returns for how long records are kept.
func (p Plays) Kept() time.Duration {
	days, err := p.days()
	if err != nil {
		return 0 // not in a configuration that Load has returned
	}
	return time.Duration(days) * 24 * time.Hour
}

// checkPlays checks the store of plays.
func (c *Config) checkPlays(add func(message string, path ...any)) {
	p := c.Plays
	switch {
	case p == Plays{}:
		return
	case !validURL(p.URL):
		add("plays.url must be an http or https URL without query and fragment", "plays", "url")
	}
	if days, err := p.days(); err != nil || days < 1 || days > 3660 || p.Keep != "" && !strings.HasSuffix(p.Keep, "d") {
		add("plays.keep must be a number of days, such as 30d", "plays", "keep")
	}
}

// GeoIP is where the places of addresses come from.
type GeoIP struct {
	// Database is the path of a database, if there is one alone; Load makes it that of Databases.
	Database string `yaml:"database"`
	// Databases are the paths of databases in MaxMind's format, of which the first that knows a fact of an address counts. Default
	// none: every country is unknown, of which the program that starts should warn.
	Databases []string `yaml:"databases"`
	// Networks are places of networks, which count before those of databases.
	Networks []GeoIPNetwork `yaml:"networks"`
}

// GeoIPNetwork is the place of a network. What is left out is left to the databases, but special networks are nowhere there.
type GeoIPNetwork struct {
	Network  string `yaml:"network"`  // such as 10.1.0.0/16
	Country  string `yaml:"country"`  // ISO 3166-1 alpha-2
	Region   string `yaml:"region"`   // ISO 3166-2, or a name; of Country
	ASN      int    `yaml:"asn"`      // number of the autonomous system
	Operator string `yaml:"operator"` // name of the network
}

// Source returns the source of places that is configured.
func (g GeoIP) Source() geoip.Source {
	s := geoip.Source{Databases: g.Databases}
	for _, n := range g.Networks {
		prefix, err := netip.ParsePrefix(n.Network)
		if err != nil {
			continue // not in a configuration that Load has returned
		}
		s.Networks = append(s.Networks, geoip.Network{
			Prefix: prefix.Masked(), Place: geoip.Place{Country: n.Country, Region: n.Region, ASN: uint32(n.ASN), Operator: n.Operator},
		})
	}
	return s
}

// file is a Config as it is written.
type file struct {
	Config         `yaml:",inline"`
	TrustedProxies []string       `yaml:"trustedProxies"`
	Organizations  []organization `yaml:"organizations"`
}

// organization fills in the defaults of what is not written.
type organization tenant.Organization

func (o *organization) UnmarshalYAML(node *yaml.Node) error {
	*o = organization(tenant.NewOrganization(""))
	return node.Load((*tenant.Organization)(o), yaml.WithKnownFields())
}

// Load reads the file. The error lists everything that is wrong in it, one "path:line: key what it must be" per line,
// and never shows a key.
func Load(path string) (Config, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return Config{}, fmt.Errorf("read configuration: %w", err)
	}
	config, err := parse(data)
	if err != nil {
		return Config{}, fmt.Errorf("%s:%s", path, strings.ReplaceAll(err.Error(), "\n", "\n"+path+":"))
	}
	for i, database := range config.GeoIP.Databases {
		if !filepath.IsAbs(database) {
			config.GeoIP.Databases[i] = filepath.Join(filepath.Dir(path), database)
		}
	}
	return config, nil
}

// parse returns errors whose lines begin with "line: ".
func parse(data []byte) (Config, error) {
	read := file{Config: Config{
		Listen:          ":8095",
		DataDir:         "/var/lib/streamlens",
		MaxDataBytes:    10 << 30,
		VictoriaMetrics: VictoriaMetrics{URL: "http://127.0.0.1:8428"},
	}}
	if err := yaml.Load(data, &read, yaml.WithKnownFields()); err != nil {
		return Config{}, inWords(err)
	}
	var root yaml.Node
	if err := yaml.Load(data, &root); err != nil {
		return Config{}, inWords(err)
	}

	config := read.Config
	var problems []error
	add := func(message string, path ...any) {
		problems = append(problems, fmt.Errorf("%d: %s", line(&root, path), message))
	}

	if !validListen(config.Listen) {
		add(`listen must be "host:port" or ":port"`, "listen")
	}
	if config.PrivateListen != "" {
		if !validListen(config.PrivateListen) {
			add(`privateListen must be "host:port" or ":port"`, "privateListen")
		} else if overlap(config.Listen, config.PrivateListen) {
			add("privateListen must be another address than listen", "privateListen")
		}
	}
	if (config.TLS.Certificate == "") != (config.TLS.Key == "") {
		add("tls must have both certificate and key", "tls")
	}
	if config.DataDir == "" {
		add("dataDir must be the path of a directory", "dataDir")
	}
	if config.MaxDataBytes < minDataBytes {
		add(fmt.Sprintf("maxDataBytes must be at least %d", int64(minDataBytes)), "maxDataBytes")
	}
	if !validURL(config.VictoriaMetrics.URL) {
		add("victoriametrics.url must be an http or https URL without query and fragment", "victoriametrics", "url")
	}
	if w := config.VictoriaMetrics.WriteURL; w != "" && !validURL(w) {
		add("victoriametrics.writeUrl must be an http or https URL without query and fragment", "victoriametrics", "writeUrl")
	}
	config.checkPlays(add)
	config.checkGeoIP(add)
	for i, s := range read.TrustedProxies {
		prefix, err := netip.ParsePrefix(s)
		if err != nil || prefix.Addr().Is4In6() {
			add(fmt.Sprintf("trustedProxies[%d] must be a network as 10.0.0.0/8 or 2001:db8::/32 (one address: /32 or /128)", i), "trustedProxies", i)
			continue
		}
		config.TrustedProxies = append(config.TrustedProxies, prefix.Masked())
	}
	for _, o := range read.Organizations {
		config.Organizations = append(config.Organizations, tenant.Organization(o))
	}
	if len(config.Organizations) == 0 {
		add("organizations must have at least one", "organizations")
	}
	for _, problem := range tenant.Validate(config.Organizations) {
		add(problem.Error(), append([]any{"organizations"}, problem.Path...)...)
	}
	config.checkReaders(add)
	for i := range config.Logs {
		l := &config.Logs[i]
		if l.Organization = config.theOrganization(l.Organization); l.Organization == "" {
			add(fmt.Sprintf("logs[%d].organization must be the id of an organisation", i), "logs", i, "organization")
		}
		if l.File == "" {
			add(fmt.Sprintf("logs[%d].file must be the path of a log", i), "logs", i, "file")
		}
		format, err := l.LogFormat()
		if err == nil {
			_, err = logreader.New(format)
		}
		if err != nil {
			add(fmt.Sprintf("logs[%d]: %v", i, err), "logs", i, "format")
		}
		// How far a log is read is kept by its file.
		if slices.ContainsFunc(config.Logs[:i], func(o LogFile) bool { return o.File == l.File && o.Organization == l.Organization }) {
			add(fmt.Sprintf("logs[%d].file is there twice", i), "logs", i, "file")
		}
	}
	for i := range config.Servers {
		m := &config.Servers[i]
		if m.Organization = config.theOrganization(m.Organization); m.Organization == "" {
			add(fmt.Sprintf("servers[%d].organization must be the id of an organisation", i), "servers", i, "organization")
		}
		if m.Interval == 0 {
			m.Interval = int(mediaserver.DefaultInterval.Seconds())
		}
		if m.Interval < 1 || m.Interval > 60 {
			add(fmt.Sprintf("servers[%d].interval must be a whole number of seconds from 1 to 60", i), "servers", i, "interval")
		}
		if m.HookKey != "" && (!strings.HasPrefix(m.HookKey, "hk_") || strings.ContainsAny(m.HookKey, "/?#%")) {
			add(fmt.Sprintf("servers[%d].hookKey must start with hk_ and have none of / ? # %%", i), "servers", i, "hookKey")
		}
		if err := m.Polled().Check(); err != nil {
			add(fmt.Sprintf("servers[%d]: %v", i, err), "servers", i)
		}
		if slices.ContainsFunc(config.Servers[:i], func(o MediaServer) bool {
			return o.Type == m.Type && o.URL == m.URL && o.Organization == m.Organization
		}) {
			add(fmt.Sprintf("servers[%d].url is there twice", i), "servers", i, "url")
		}
		named := m.Name != ""
		if !named {
			m.Name = m.Polled().Name()
		}
		taken := func(name string) bool {
			return slices.ContainsFunc(config.Servers[:i], func(o MediaServer) bool { return o.Name == name && o.Organization == m.Organization })
		}
		if named && (taken(m.Name) || !event.ValidText(m.Name, event.MaxNameBytes)) {
			add(fmt.Sprintf("servers[%d].name must be a short text that no other server of the organisation has", i), "servers", i, "name")
		}
		for base, n := m.Name, 2; taken(m.Name); n++ {
			m.Name = fmt.Sprintf("%s (%d)", base, n)
		}
	}
	config.checkReports(add)
	if problems != nil {
		return Config{}, errors.Join(problems...)
	}
	return config, nil
}

// checkReaders checks the fixed filters of read keys.
func (c *Config) checkReaders(add func(message string, path ...any)) {
	for i, o := range c.Organizations {
		for j, k := range o.ReadKeys {
			if err := widget.Fixed(k.Filters).Check(); err != nil {
				add(fmt.Sprintf("organizations[%d].readKeys[%d].filters: %v", i, j, err), "organizations", i, "readKeys", j, "filters")
			}
		}
	}
}

// checkGeoIP checks where places come from, and makes one database a list of one.
func (c *Config) checkGeoIP(add func(message string, path ...any)) {
	g := &c.GeoIP
	if g.Database != "" && g.Databases != nil {
		add("geoip must have either database or databases, which may name the same file", "geoip", "database")
	} else if g.Database != "" {
		g.Databases, g.Database = []string{g.Database}, ""
	}
	for i, path := range g.Databases {
		if path == "" {
			add(fmt.Sprintf("geoip.databases[%d] must be the path of a file", i), "geoip", "databases", i)
		} else if slices.Contains(g.Databases[:i], path) {
			add(fmt.Sprintf("geoip.databases[%d] is there twice", i), "geoip", "databases", i)
		}
	}
	known := map[netip.Prefix]bool{}
	for i, n := range g.Networks {
		of := func(key, must string) {
			add(fmt.Sprintf("geoip.networks[%d].%s %s", i, key, must), "geoip", "networks", i, key)
		}
		prefix, err := netip.ParsePrefix(n.Network)
		if err != nil || prefix.Addr().Is4In6() {
			of("network", "must be a network as 10.0.0.0/8 or 2001:db8::/32 (one address: /32 or /128)")
		} else if known[prefix.Masked()] {
			of("network", "is there twice")
		}
		known[prefix.Masked()] = true
		if n.Country != "" && geoip.Country(n.Country) != n.Country {
			of("country", "must be a code of ISO 3166-1 alpha-2, such as DE")
		}
		if n.Region != "" && n.Country == "" {
			of("country", "must be there beside region")
		}
		if n.ASN < 0 || n.ASN > math.MaxUint32 {
			of("asn", "must be the number of an autonomous system")
		}
		for key, text := range map[string]string{"region": n.Region, "operator": n.Operator} {
			if !event.ValidText(text, event.MaxNameBytes) {
				of(key, fmt.Sprintf("must be a text of at most %d bytes", event.MaxNameBytes))
			}
		}
		if n.Country == "" && n.ASN == 0 && n.Operator == "" {
			of("network", "must have a country, an asn or an operator")
		}
	}
}

// theOrganization returns the id of an organisation that is there, of the only one if none is named, and "" if there is none
// of that id.
func (c *Config) theOrganization(id string) string {
	if id == "" && len(c.Organizations) == 1 {
		return c.Organizations[0].ID
	}
	if slices.ContainsFunc(c.Organizations, func(o tenant.Organization) bool { return o.ID == id }) {
		return id
	}
	return ""
}

// validListen accepts what net.Listen takes for TCP, with the port as a number.
func validListen(address string) bool {
	host, port, err := net.SplitHostPort(address)
	if err != nil || strings.ContainsAny(host, " /") {
		return false
	}
	_, err = strconv.ParseUint(port, 10, 16)
	return err == nil
}

// overlap reports whether a connection to one address could be one to the other.
func overlap(a, b string) bool {
	hostA, portA, _ := net.SplitHostPort(a)
	hostB, portB, _ := net.SplitHostPort(b)
	everywhere := func(host string) bool {
		ip, err := netip.ParseAddr(host)
		return host == "" || err == nil && ip.IsUnspecified()
	}
	return portA == portB && portA != "0" && (hostA == hostB || everywhere(hostA) || everywhere(hostB))
}

// validURL refuses a query because it would carry tenancy parameters round the transport that sets them.
func validURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" && !strings.ContainsAny(s, "?#")
}

// line returns the line of the value at the path, or of the nearest part of it that is written.
func line(node *yaml.Node, path []any) int {
	if node.Kind == yaml.DocumentNode {
		return line(node.Content[0], path)
	}
	if len(path) == 0 {
		return node.Line
	}
	switch step := path[0].(type) {
	case int:
		if node.Kind == yaml.SequenceNode && step < len(node.Content) {
			return line(node.Content[step], path[1:])
		}
	case string:
		for i := 0; node.Kind == yaml.MappingNode && i+1 < len(node.Content); i += 2 {
			if node.Content[i].Value == step {
				return line(node.Content[i+1], path[1:])
			}
		}
	}
	return node.Line
}

var (
	unknownField = regexp.MustCompile(`^field (.+) not found in type .*$`)
	wrongType    = regexp.MustCompile("^cannot construct !!(\\w+)(?: `.*`)? into (.+)$")
)

// inWords turns the YAML package's errors into "line: message" in the words of a configuration, without Go's type
// names and without values, which could be keys.
func inWords(err error) error {
	var list *yaml.LoadErrors
	if !errors.As(err, &list) {
		list = &yaml.LoadErrors{}
		var single *yaml.LoadError
		if !errors.As(err, &single) {
			return fmt.Errorf("1: %w", err)
		}
		list.Errors = append(list.Errors, single)
	}
	kinds := map[string]string{"seq": "a list", "map": "keys and values", "str": "text", "int": "a whole number",
		"float": "a decimal number", "bool": "true or false", "null": "nothing"}
	var problems []error
	for _, e := range list.Errors {
		message := strings.TrimPrefix(e.Message, "yaml: ")
		if match := unknownField.FindStringSubmatch(message); match != nil {
			message = fmt.Sprintf("unknown key %q", match[1])
		} else if match := wrongType.FindStringSubmatch(message); match != nil {
			expected := "keys and values"
			switch {
			case match[2] == "int":
				expected = "a whole number"
			case match[2] == "string":
				expected = "text"
			case strings.HasPrefix(match[2], "[]"):
				expected = "a list"
			}
			message = fmt.Sprintf("expected %s, found %s", expected, kinds[match[1]])
		}
		problems = append(problems, fmt.Errorf("%d: %s", max(e.Mark.Line, 1), message))
	}
	return errors.Join(problems...)
}
