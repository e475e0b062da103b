// Package useragent tells which operating system, which browser or player and what kind of device a request came from.
//
// What programs are called comes from the rules of uap-core; what those get wrong of televisions, players and robots, and what a device
// is, from the marks in this package.
package useragent

import (
	"cmp"
	"strings"
)

// Names of systems and browsers that are none.
const (
	// Unknown is what is not said.
	Unknown = "Unknown"
	// Other is what is said but not in the tables of names, so that nobody makes names, and with them series, up.
	Other = "Other"
	// Bot is the browser of programs that say that they are no browsers.
	Bot = "Bot"
)

// Devices. There are no others.
const (
	Desktop     = "desktop"
	Mobile      = "mobile"
	Tablet      = "tablet"
	TV          = "tv" // televisions, and boxes and sticks beside them
	Console     = "console"
	OtherDevice = "other" // cars, watches, speakers, programs that do not say, and requests without a user agent
	BotDevice   = "bot"
)

// Agent is what a request says about the program that sent it.
type Agent struct {
	OS      string // a value of osNames, Unknown or Other
	Browser string // a value of browserNames, Bot, Unknown or Other
	Device  string // Desktop, Mobile, …
}

// Headers are the request headers that tell of the program, "" if absent.
type Headers struct {
	UserAgent string // User-Agent
	Brands    string // Sec-CH-UA, as `"Chromium";v="131", "Microsoft Edge";v="131"`
	Platform  string // Sec-CH-UA-Platform, as `"Windows"`
	Mobile    string // Sec-CH-UA-Mobile, "?1" or "?0"
}

// MaxLength is where headers are cut, in bytes; the longest real ones, of apps with a browser inside, have 400.
const MaxLength = 512

// Cut returns the headers, none longer than MaxLength.
func (h Headers) Cut() Headers {
	return Headers{cut(h.UserAgent), cut(h.Brands), cut(h.Platform), cut(h.Mobile)}
}

func cut(header string) string { return header[:min(len(header), MaxLength)] }

// Parser tells agents. It may be used by several goroutines.
type Parser struct {
	texts        texts
	browsers     *rules
	systems      *rules
	personMarks  marks
	botMarks     marks
	botWords     marks
	compatible   int // number of the text that robots have which pretend to be a browser
	dalvik       int // number of the text of Android programs that use no browser
	webkit       int // number of the text that browsers have which are made from WebKit
	osMarks      marks
	osParts      marks
	browserMarks marks
	engineMarks  marks
	deviceMarks  marks
}

// New returns a parser, which takes some 30 ms and 5 MB.
func New() (*Parser, error) {
	p := &Parser{}
	var err error
	if p.browsers, p.systems, err = readRules(&p.texts); err != nil {
		return nil, err
	}
	p.botMarks, p.osMarks, p.osParts = newMarks(botMarks, &p.texts), newMarks(osMarks, &p.texts), newMarks(osParts, &p.texts)
	p.browserMarks, p.engineMarks = newMarks(browserMarks, &p.texts), newMarks(engineMarks, &p.texts)
	p.deviceMarks = newMarks(deviceMarks, &p.texts)
	p.personMarks = newMarks(personMarks, &p.texts)
	p.botWords, p.compatible = newMarks(botWords, &p.texts), p.texts.number("compatible;")
	p.webkit, p.dalvik = p.texts.number("applewebkit"), p.texts.number("dalvik/")
	if err := p.texts.build(); err != nil {
		return nil, err
	}
	return p, nil
}

// Parse returns the agent behind the headers. Client hints win over User-Agent, which browsers no longer tell the truth in, but not
// over a device that it names. An iPad that asks for desktop sites as Safari says that it is a Mac and sends no hints: nothing in the
// headers tells the two apart, so it counts as a Mac.
func (p *Parser) Parse(h Headers) Agent {
	found, _ := p.parse(h)
	return found
}

// parse does what Parse says, and returns what it has cost.
func (p *Parser) parse(h Headers) (Agent, int) {
	h = h.Cut()
	if h == (Headers{}) {
		return Agent{Unknown, Unknown, OtherDevice}, 1
	}
	found, cost := p.agent(h.UserAgent)
	return withHints(found, h), cost
}

// agent returns what User-Agent alone says, and what that has cost.
func (p *Parser) agent(userAgent string) (Agent, int) {
	if userAgent == "" {
		return Agent{Unknown, Unknown, OtherDevice}, 1
	}
	folded := fold(userAgent)
	found := p.texts.find(folded)
	family, forSystem := p.systems.family(userAgent, found)
	system := cmp.Or(p.osMarks.name(found), osNames[family], p.osParts.name(found), Other)
	family, forBrowser := p.browsers.family(userAgent, found)
	cost := 1 + forSystem + forBrowser
	browser := cmp.Or(p.browserMarks.name(found), browserNames[family], p.engineMarks.name(found), Other)
	// The rules take all that names Android or an iPhone for a browser of it. Dalvik is Android's own way to fetch.
	if (browser == "Android Browser" || browser == "Safari") && !found.has(p.webkit) && !found.has(p.dalvik) {
		browser = Other
	}
	device := p.deviceMarks.name(found)
	if p.personMarks.name(found) == "" && (p.botMarks.name(found) != "" || isBot(family) && (system != "Android" || found.has(p.compatible)) ||
		system == Other && browser == Other && device == "" && p.botWords.name(found) != "") {
		return Agent{system, Bot, BotDevice}, cost
	}
	return Agent{system, browser, cmp.Or(device, deviceOf(system, folded))}, cost
}

// isBot reports whether a family of the rules is that of a program that is no browser.
func isBot(family string) bool {
	lower := strings.ToLower(family)
	return strings.Contains(lower, "bot") || strings.Contains(lower, "crawler") || strings.Contains(lower, "spider")
}
