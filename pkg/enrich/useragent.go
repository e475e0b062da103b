package enrich

import (
	"fmt"
	"strings"
	"sync/atomic"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/ua-parser/uap-go/uaparser"
	"go.yaml.in/yaml/v4"
	"golang.org/x/time/rate"
)

// Names of operating systems and browsers that are none.
const (
	// UnknownUserAgent is what is not said, and what is not looked up because of MissesPerSecond.
	UnknownUserAgent = "Unknown"
	// OtherUserAgent is what is said but not in the tables of names, so that nobody makes names, and with them series, up.
	OtherUserAgent = "Other"
)

// UserAgent is what a request says about the program that sent it.
type UserAgent struct {
	OS      string // a value of osNames, UnknownUserAgent or OtherUserAgent
	Browser string // a value of browserNames, UnknownUserAgent or OtherUserAgent
}

// UserAgentHeaders are the request headers that tell of the program, "" if absent.
type UserAgentHeaders struct {
	UserAgent string // User-Agent
	Brands    string // Sec-CH-UA, as `"Chromium";v="131", "Microsoft Edge";v="131"`
	Platform  string // Sec-CH-UA-Platform, as `"Windows"`
	Mobile    string // Sec-CH-UA-Mobile, "?1" or "?0"
}

// UserAgentLimits bounds the memory and the time that user agents may take.
type UserAgentLimits struct {
	// Cached is how many different headers are remembered, each of at most 2 KB.
	Cached int
	// MissesPerSecond is how many that are not remembered are looked up, of about 1 ms each. Those beyond it are
	// UnknownUserAgent and not remembered, so that they are looked up when they come again.
	MissesPerSecond int
	// MissBurst is how many are looked up at once before MissesPerSecond holds, as at a cold start.
	MissBurst int
}

// DefaultUserAgentLimits let random user agents take a fifth of a core and 20 MB.
var DefaultUserAgentLimits = UserAgentLimits{Cached: 10_000, MissesPerSecond: 200, MissBurst: 2000}

// maxHeaderLength is where headers are cut, in bytes; the longest real ones, of apps with a browser inside, have 400.
const maxHeaderLength = 512

// UserAgents tells operating systems and browsers. It is safe for concurrent use.
type UserAgents struct {
	parser  *uaparser.Parser
	cache   *lru.Cache[UserAgentHeaders, UserAgent]
	misses  *rate.Limiter
	refused atomic.Int64
}

// NewUserAgents compiles the expressions, which takes some 30 ms and 5 MB.
func NewUserAgents(limits UserAgentLimits) (*UserAgents, error) {
	var definitions uaparser.RegexDefinitions
	if err := yaml.Load(uaparser.DefinitionYaml, &definitions); err != nil {
		return nil, fmt.Errorf("user agent expressions: %w", err)
	}
	definitions.Device = nil // two thirds of the memory, for what nobody asks
	// The parser's own cache cannot be turned off.
	parser, err := uaparser.New(uaparser.WithRegexDefinitions(definitions), uaparser.WithCacheSize(1))
	if err != nil {
		return nil, fmt.Errorf("user agent expressions: %w", err)
	}
	cache, err := lru.New[UserAgentHeaders, UserAgent](limits.Cached)
	if err != nil {
		return nil, fmt.Errorf("user agent cache: %w", err)
	}
	return &UserAgents{
		parser: parser,
		cache:  cache,
		misses: rate.NewLimiter(rate.Limit(limits.MissesPerSecond), limits.MissBurst),
	}, nil
}

// Refused returns how many look-ups the limit on misses has refused so far.
func (u *UserAgents) Refused() int64 { return u.refused.Load() }

// UserAgent returns the operating system and the browser behind the headers. Client hints win over User-Agent, which
// browsers no longer tell the truth in. An iPad that asks for desktop sites as Safari says that it is a Mac and sends no
// hints: nothing in the headers tells the two apart, so it counts as a Mac.
func (u *UserAgents) UserAgent(headers UserAgentHeaders) UserAgent {
	headers = UserAgentHeaders{cut(headers.UserAgent), cut(headers.Brands), cut(headers.Platform), cut(headers.Mobile)}
	if headers == (UserAgentHeaders{}) {
		return UserAgent{UnknownUserAgent, UnknownUserAgent}
	}
	if known, ok := u.cache.Get(headers); ok {
		return known
	}
	if !u.misses.Allow() {
		u.refused.Add(1)
		return UserAgent{UnknownUserAgent, UnknownUserAgent}
	}
	// The strings may be parts of a buffer that is much longer.
	headers = UserAgentHeaders{strings.Clone(headers.UserAgent), strings.Clone(headers.Brands),
		strings.Clone(headers.Platform), strings.Clone(headers.Mobile)}
	found := u.parse(headers)
	u.cache.Add(headers, found)
	return found
}

func cut(header string) string { return header[:min(len(header), maxHeaderLength)] }

// parse does what UserAgent says, without cache and limit.
func (u *UserAgents) parse(headers UserAgentHeaders) UserAgent {
	found := UserAgent{UnknownUserAgent, UnknownUserAgent}
	if headers.UserAgent != "" {
		found.OS = osName(headers.UserAgent, u.parser.ParseOs(headers.UserAgent).Family)
		found.Browser = browserName(headers.UserAgent, u.parser.ParseUserAgent(headers.UserAgent).Family)
	}

	platform, ok := osNames[strings.Trim(headers.Platform, `"`)]
	// Televisions, which run on Linux too, give that as their platform.
	if ok && (platform != "Linux" || found.OS == UnknownUserAgent || found.OS == OtherUserAgent) {
		found.OS = platform
	}
	if headers.Mobile == "?1" {
		switch found.OS { // of a mobile browser that asks for desktop sites
		case "Linux":
			found.OS = "Android"
		case "macOS":
			found.OS = "iOS"
		}
	}

	if brand := brandName(headers.Brands); brand != "" && found.Browser != "Bot" {
		found.Browser = brand
	}
	return found
}

// brandName returns the browser that Sec-CH-UA names, "" if it names none. Among the brands are always Chromium and an
// invented one, and a browser may add that of the browser which it is made from.
func brandName(brands string) string {
	found := ""
	for brand := range strings.SplitSeq(brands, `"`) {
		name, ok := brandNames[brand]
		if ok && (found == "" || found == "Chrome") {
			found = name
		}
	}
	return found
}
