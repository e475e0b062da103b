// Package tenant knows the organisations that share one installation: who they are, which accounts and keys speak for
// them, and what they may see and store.
package tenant

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// Level is what an organisation may see: the premium widgets are for Premium only.
type Level string

// The levels, the lower first.
const (
	Default Level = "default"
	Premium Level = "premium"
)

// Valid reports whether l is one of the levels.
func (l Level) Valid() bool { return l == Default || l == Premium }

// Lower returns the lower of two levels. Anything that is not Premium is Default, so that a level that nobody knows
// opens nothing.
func Lower(a, b Level) Level {
	if a == Premium && b == Premium {
		return Premium
	}
	return Default
}

// IPPrivacy is the form in which the addresses of viewers and publishers are stored.
type IPPrivacy string

// The forms of stored addresses.
const (
	IPFull      IPPrivacy = "full"      // as it is
	IPTruncated IPPrivacy = "truncated" // its network: /24 of IPv4, /48 of IPv6
	IPHashed    IPPrivacy = "hashed"    // a hash that changes at midnight UTC
	IPOff       IPPrivacy = "off"       // not at all
)

// Valid reports whether p is one of the forms.
func (p IPPrivacy) Valid() bool {
	return slices.Contains([]IPPrivacy{IPFull, IPTruncated, IPHashed, IPOff}, p)
}

// Privacy says what of a viewer is stored.
type Privacy struct {
	IP IPPrivacy `yaml:"ip"`
}

// Limits bounds what one organisation may send, so that it cannot starve the others.
type Limits struct {
	EventsPerSecond int `yaml:"eventsPerSecond"` // accepted events a second
	// EventsPerSecondPerAddress is how many events a second may come from one address, an IPv6 network of /64 counting as one;
	// 0 = as many as the organisation may send.
	EventsPerSecondPerAddress int `yaml:"eventsPerSecondPerAddress"`
	Streams                   int `yaml:"streams"`    // distinct streams; a further one is refused
	IPsPerHour                int `yaml:"ipsPerHour"` // distinct addresses, and as many referrers, an hour; the rest is "(other)"
}

// Account is a public write identity of players: its key is in every page that plays, so it opens nothing but writing.
type Account struct {
	ID      string   `yaml:"id"`
	Key     string   `yaml:"key"`     // starts with "pk_"
	Origins []string `yaml:"origins"` // sites that may write, as "https://site.example"; none = any
	Tags    bool     `yaml:"tags"`    // whether players may give tags to the streams that they play
	// EventsPerSecond is how many events a second the account may send; 0 = as many as the organisation may send.
	EventsPerSecond int `yaml:"eventsPerSecond"`
}

// ReadKey lets another program read widgets of an organisation, and no more of it than the key says.
type ReadKey struct {
	Name  string `yaml:"name"`  // by which metrics count what it reads
	Key   string `yaml:"key"`   // starts with "rk_"
	Level Level  `yaml:"level"` // that of the organisation at most; empty = Default
	// Filters hold for every question that comes with the key: values by country, stream, tag or event.
	Filters map[string][]string `yaml:"filters"`
	Origins []string            `yaml:"origins"` // sites whose pages may read in a browser; none = no page may
}

// ViewerToken lets anybody ask how many viewers a stream has. It stands in public pages.
type ViewerToken struct {
	Token   string   `yaml:"token"`   // starts with "vt_"
	Streams []string `yaml:"streams"` // of which it tells; none = all
	Origins []string `yaml:"origins"` // sites whose pages may ask in a browser; none = no page may
}

// BlockListToken lets a server that delivers read who may not watch.
type BlockListToken struct {
	Name  string `yaml:"name"`  // by which metrics count what it reads
	Token string `yaml:"token"` // starts with "bt_"
}

// Organization is one tenant. Nothing of it is ever shown to another.
type Organization struct {
	ID        string    `yaml:"id"`
	Name      string    `yaml:"name"` // how reports name it; empty = ID
	Logo      string    `yaml:"logo"` // path of the PNG or JPEG file that reports show; empty = none
	Level     Level     `yaml:"level"`
	SecretKey string    `yaml:"secretKey"` // of servers, starts with "sk_"; empty = no server may write
	Accounts  []Account `yaml:"accounts"`
	// ReadKeys are of programs that read widgets, ViewerTokens of pages that show how many viewers a stream has.
	ReadKeys     []ReadKey     `yaml:"readKeys"`
	ViewerTokens []ViewerToken `yaml:"viewerTokens"`
	// BlockListTokens are of servers that read the block list.
	BlockListTokens []BlockListToken `yaml:"blockListTokens"`
	Privacy         Privacy          `yaml:"privacy"`
	Limits          Limits           `yaml:"limits"`
	// BusinessCodes are the codes of players that mean that the viewer is not allowed to watch. A fatal one before the first frame is
	// no failure to start.
	BusinessCodes []string `yaml:"businessCodes"`
	Quality       Quality  `yaml:"quality"`
	// StreamPaths find the stream of a request in an access log, before the rules that work for usual servers.
	StreamPaths []StreamPath `yaml:"streamPaths"`
}

// StreamPath says which stream the requests for a path belong to.
type StreamPath struct {
	Path     string `yaml:"path"`     // regular expression (RE2) with the group "stream", and perhaps the group "protocol"
	Protocol string `yaml:"protocol"` // of all paths that match; by default the one that the path tells
}

// Quality is what makes a play a good one, and what a fair one. What is beyond is bad (docs/rules.md, 33).
type Quality struct {
	StartSeconds       float64 `yaml:"startSeconds"`   // from load to first frame, at most
	BufferingRatio     float64 `yaml:"bufferingRatio"` // of buffering to buffering and playing, at most
	FairStartSeconds   float64 `yaml:"fairStartSeconds"`
	FairBufferingRatio float64 `yaml:"fairBufferingRatio"`
}

// Judgement is by what an organisation judges attempts to play.
type Judgement struct {
	Quality       Quality
	BusinessCodes []string
}

// DefaultJudgement returns the judgement of organisations that do not name theirs.
func DefaultJudgement() Judgement { return Judgement{DefaultQuality(), DefaultBusinessCodes()} }

// DefaultQuality returns the limits of organisations that do not name theirs.
func DefaultQuality() Quality {
	return Quality{StartSeconds: 2, BufferingRatio: 0.01, FairStartSeconds: 4, FairBufferingRatio: 0.03}
}

// DefaultBusinessCodes returns the codes by which nanoPlayer says that the viewer may not watch: access denied, and those of the service
// that checks tokens (docs/status-codes.md).
func DefaultBusinessCodes() []string { return []string{"4403", "4900", "4901", "4903", "4904"} }

// NewOrganization returns an organisation with the defaults: default level, full addresses, 100,000 events a second and 2,000
// from one address, which is what 20,000 viewers behind one address send, 10,000 streams, 20,000 addresses an hour, no keys.
func NewOrganization(id string) Organization {
	return Organization{
		ID:      id,
		Level:   Default,
		Privacy: Privacy{IP: IPFull},
		Limits:  Limits{EventsPerSecond: 100_000, EventsPerSecondPerAddress: 2000, Streams: 10_000, IPsPerHour: 20_000},
		Quality: DefaultQuality(), BusinessCodes: DefaultBusinessCodes(),
	}
}

// ValidID reports whether id may name an organisation or an account: 1 to 64 of a-z, 0-9, "_" and "-".
func ValidID(id string) bool {
	return len(id) >= 1 && len(id) <= 64 && strings.Trim(id, "abcdefghijklmnopqrstuvwxyz0123456789_-") == ""
}

// FieldError is a value of an organisation that does not have the expected form.
type FieldError struct {
	Path     []any  // from the list of organisations: int indexes and string keys in their spelling of the configuration
	Expected string // the form, in words
}

// Error names the value as "organizations[0].accounts[1].key" and says what it must be.
func (e *FieldError) Error() string {
	name := "organizations"
	for _, step := range e.Path {
		switch step := step.(type) {
		case int:
			name += fmt.Sprintf("[%d]", step)
		default:
			name += fmt.Sprintf(".%v", step)
		}
	}
	return name + " " + e.Expected
}

const (
	expectedID  = "must be 1 to 64 of a-z, 0-9, _ and -"
	expectedKey = "must be %q followed by 1 to 125 of A-Z, a-z, 0-9, _ and -"
)

// Validate returns everything in the list that is not as it must be; account ids and keys of servers and readers are unique over all
// organisations. Defaults are not filled in: an empty level is an error.
func Validate(organizations []Organization) []*FieldError {
	var problems []*FieldError
	add := func(expected string, path ...any) {
		problems = append(problems, &FieldError{Path: path, Expected: expected})
	}
	ids, accountIDs, secretKeys, readKeys := map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}
	checkOrigins := func(origins []string, path ...any) {
		for k, origin := range origins {
			if _, ok := canonicalOrigin(origin); !ok {
				add("must be scheme, host and port if it is not the default, as https://site.example", append(path, "origins", k)...)
			}
		}
	}

	for i, organization := range organizations {
		if !ValidID(organization.ID) {
			add(expectedID, i, "id")
		} else if ids[organization.ID] {
			add("must be unique: another organisation has the same", i, "id")
		}
		ids[organization.ID] = true

		if !organization.Level.Valid() {
			add("must be default or premium", i, "level")
		}
		if key := organization.SecretKey; key != "" {
			if !validKey(key, "sk_") {
				add(fmt.Sprintf(expectedKey, "sk_"), i, "secretKey")
			} else if secretKeys[key] {
				add("must be unique: another organisation has the same", i, "secretKey")
			}
			secretKeys[key] = true
		}
		if !organization.Privacy.IP.Valid() {
			add("must be full, truncated, hashed or off", i, "privacy", "ip")
		}

		limits := organization.Limits
		for _, limit := range []struct {
			name  string
			value int
		}{{"eventsPerSecond", limits.EventsPerSecond}, {"streams", limits.Streams}, {"ipsPerHour", limits.IPsPerHour}} {
			if limit.value < 1 {
				add("must be a whole number of at least 1", i, "limits", limit.name)
			}
		}

		if limits.EventsPerSecondPerAddress < 0 {
			add("must be a whole number of at least 0", i, "limits", "eventsPerSecondPerAddress")
		}

		q := organization.Quality
		for _, limit := range []struct {
			name               string
			value, least, most float64
		}{
			{"startSeconds", q.StartSeconds, 0, 3600}, {"fairStartSeconds", q.FairStartSeconds, q.StartSeconds, 3600},
			{"bufferingRatio", q.BufferingRatio, 0, 1}, {"fairBufferingRatio", q.FairBufferingRatio, q.BufferingRatio, 1},
		} {
			if !(limit.value >= limit.least && limit.value <= limit.most) { // nor NaN
				add(fmt.Sprintf("must be from %v to %v, a fair limit no less than the good one", limit.least, limit.most), i, "quality", limit.name)
			}
		}
		for j, code := range organization.BusinessCodes {
			if code == "" || len(code) > 64 {
				add("must be a code as players report it, such as 4403", i, "businessCodes", j)
			}
		}
		for j, rule := range organization.StreamPaths {
			if expression, err := regexp.Compile(rule.Path); err != nil || expression.SubexpIndex("stream") < 0 {
				add("must be a regular expression with a group named stream, as ^/live/(?P<stream>[^/]+)/", i, "streamPaths", j, "path")
			}
		}
		for j, account := range organization.Accounts {
			if !ValidID(account.ID) {
				add(expectedID, i, "accounts", j, "id")
			} else if accountIDs[account.ID] {
				add("must be unique: another account, perhaps of another organisation, has the same", i, "accounts", j, "id")
			}
			accountIDs[account.ID] = true

			if !validKey(account.Key, "pk_") {
				add(fmt.Sprintf(expectedKey, "pk_"), i, "accounts", j, "key")
			}
			if account.EventsPerSecond < 0 {
				add("must be a whole number of at least 0", i, "accounts", j, "eventsPerSecond")
			}
			checkOrigins(account.Origins, i, "accounts", j)
		}
		for j, key := range organization.ReadKeys {
			if !validKey(key.Key, "rk_") {
				add(fmt.Sprintf(expectedKey, "rk_"), i, "readKeys", j, "key")
			} else if readKeys[key.Key] {
				add("must be unique: another one has the same", i, "readKeys", j, "key")
			}
			readKeys[key.Key] = true
			if key.Level != "" && !key.Level.Valid() {
				add("must be default or premium", i, "readKeys", j, "level")
			}
			checkOrigins(key.Origins, i, "readKeys", j)
		}
		for j, token := range organization.ViewerTokens {
			if !validKey(token.Token, "vt_") {
				add(fmt.Sprintf(expectedKey, "vt_"), i, "viewerTokens", j, "token")
			} else if readKeys[token.Token] {
				add("must be unique: another one has the same", i, "viewerTokens", j, "token")
			}
			readKeys[token.Token] = true
			checkOrigins(token.Origins, i, "viewerTokens", j)
		}
		for j, token := range organization.BlockListTokens {
			if !validKey(token.Token, "bt_") {
				add(fmt.Sprintf(expectedKey, "bt_"), i, "blockListTokens", j, "token")
			} else if readKeys[token.Token] {
				add("must be unique: another one has the same", i, "blockListTokens", j, "token")
			}
			readKeys[token.Token] = true
		}
	}
	return problems
}

// validKey demands the prefix because a secret key that stands where a public one belongs would be sent to every viewer.
func validKey(key, prefix string) bool {
	rest, ok := strings.CutPrefix(key, prefix)
	const allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
	return ok && rest != "" && len(rest) <= 125 && strings.Trim(rest, allowed) == ""
}

// canonicalOrigin returns an origin as browsers send it: lower case and without the default port.
func canonicalOrigin(origin string) (string, bool) {
	u, err := url.Parse(origin)
	if err != nil || u.Hostname() == "" || (u.Scheme != "https" && u.Scheme != "http") {
		return "", false
	}
	if u.User != nil || u.Path != "" || u.RawQuery != "" || u.ForceQuery || strings.Contains(origin, "#") {
		return "", false
	}
	host := strings.ToLower(u.Host)
	defaultPort := map[string]string{"https": ":443", "http": ":80"}[u.Scheme]
	return u.Scheme + "://" + strings.TrimSuffix(host, defaultPort), true
}

// canonicalOrigins returns the canonical forms of valid origins, nil if there are none.
func canonicalOrigins(origins []string) []string {
	var all []string
	for _, origin := range origins {
		canonical, _ := canonicalOrigin(origin)
		all = append(all, canonical)
	}
	return all
}
