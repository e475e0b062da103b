package simulate

import (
	"math"
	"math/rand/v2"
	"sort"
	"time"
)

// The tables of this file are invented, but such that a video engineer would not wonder: shares, medians and codes lie
// where those of a low-latency service for Europe and the Americas do.

// place is where a part of the audience lives.
type place struct {
	country string  // ISO 3166-1 alpha-2
	weight  float64 // share of the audience
	offset  float64 // h ahead of UTC, without daylight saving
	strain  float64 // how much worse than good the networks are: multiplies stalls; the root of it start times
}

var places = []place{
	{"DE", 17, 1, 0.7}, {"US", 15, -6, 0.9}, {"GB", 9, 0, 0.8}, {"FR", 7, 1, 0.8}, {"BR", 6, -3, 1.9},
	{"IN", 6, 5.5, 2.6}, {"JP", 4, 9, 0.6}, {"ES", 3.2, 1, 0.9}, {"IT", 3.2, 1, 1.1}, {"NL", 2.8, 1, 0.5},
	{"PL", 2.4, 1, 0.9}, {"CA", 2.2, -5, 0.9}, {"AT", 2, 1, 0.7}, {"CH", 2, 1, 0.5}, {"SE", 1.7, 1, 0.5},
	{"MX", 1.7, -6, 1.7}, {"TR", 1.5, 3, 1.6}, {"AU", 1.4, 10, 1.2}, {"BE", 1.2, 1, 0.7}, {"DK", 1, 1, 0.5},
	{"NO", 1, 1, 0.5}, {"PT", 0.9, 0, 0.8}, {"CZ", 0.9, 1, 0.8}, {"KR", 0.8, 9, 0.5}, {"AR", 0.8, -3, 1.8},
	{"ZA", 0.7, 2, 2.2}, {"ID", 0.7, 7, 2.4}, {"UA", 0.6, 2, 1.5}, {"RO", 0.6, 2, 0.7}, {"GR", 0.6, 2, 1.1},
	{"FI", 0.5, 2, 0.5}, {"HU", 0.5, 1, 0.8}, {"IE", 0.5, 0, 0.8}, {"IL", 0.5, 2, 0.9}, {"CL", 0.5, -4, 1.2},
	{"CO", 0.5, -5, 1.7}, {"SG", 0.4, 8, 0.6}, {"PH", 0.4, 8, 2.5}, {"NG", 0.3, 1, 3}, {"NZ", 0.3, 12, 1.1},
}

// activity is how much of a place's audience watches at a time, from 0 to 1: most at 20:30, least at 8:30, more at weekends.
func (p *place) activity(at time.Time) float64 {
	local := at.UTC().Add(time.Duration(p.offset * float64(time.Hour)))
	hour := float64(local.Hour()) + float64(local.Minute())/60
	wave := (1 + math.Cos(2*math.Pi*(hour-20.5)/24)) / 2
	a := 0.15 + 0.85*wave
	if day := local.Weekday(); day != time.Saturday && day != time.Sunday {
		a *= 0.8
	}
	return a
}

// meanActivity is the activity of the whole audience, averaged over a week.
func meanActivity() float64 {
	const hours = 7 * 24
	var sum, weights float64
	for i := range places {
		p := &places[i]
		weights += p.weight
		for h := range hours {
			sum += p.weight * p.activity(time.Unix(int64(h)*3600, 0)) / hours
		}
	}
	return sum / weights
}

// device decides which players run on it.
type device int

const (
	desktop device = iota
	android
	apple // iPhone and iPad
	television
	devices
)

type agent struct {
	userAgent string
	device    device
	weight    float64
}

var agents = []agent{
	{"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36", desktop, 24},
	{"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36", android, 20},
	{"Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1", apple, 17},
	{"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Safari/605.1.15", desktop, 7},
	{"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0", desktop, 7},
	{"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36", desktop, 6},
	{"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0", desktop, 5},
	{"Mozilla/5.0 (Linux; Android 15; SAMSUNG SM-S931B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36", android, 4},
	{"Mozilla/5.0 (SMART-TV; LINUX; Tizen 7.0) AppleWebKit/537.36 (KHTML, like Gecko) 94.0.4606.31/7.0 TV Safari/537.36", television, 3},
	{"Mozilla/5.0 (Web0S; Linux/SmartTV) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/108.0.5359.211 Safari/537.36 WebAppManager", television, 2},
	{"Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0", desktop, 2},
	{"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36", desktop, 1.5},
	{"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36 OPR/125.0.0.0", desktop, 1},
	{"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36", desktop, 0.5},
}

// player is a kind of client with what is typical of it. Medians are in ms.
type player struct {
	kind         string
	protocol     string           // of the traffic that it makes
	weights      [devices]float64 // how often it is found on each device
	versions     []string         // the most used first
	startTime    float64          // median
	latency      float64          // median
	bufferLength float64          // median
	codes        *codes
}

// codes are the codes and reasons of a player. A code is a number or a text.
type codes struct {
	failures  []weighted[any]    // fatal, before the first frame
	recovered []weighted[any]    // not fatal, after a stall
	endings   []weighted[ending] // how plays end
}

type ending struct {
	reason string
	code   any // fatal, sent before the stop; nil = none
}

type weighted[T any] struct {
	value  T
	weight float64
}

var nanoCodes = &codes{
	failures:  []weighted[any]{{2001, 4}, {1005, 3}, {2002, 2}, {4503, 1}, {4403, 1}},
	recovered: []weighted[any]{{2003, 5}, {4105, 3}, {3003, 1}, {1008, 1}, {4111, 1}},
	endings: []weighted[ending]{
		{ending{"normal", nil}, 56}, {ending{"destroy", nil}, 24}, {ending{"visibilityhidden", 1009}, 4},
		{ending{"connectionclose", 4106}, 4}, {ending{"sourcestreamstopped", 2004}, 3}, {ending{"buffer", nil}, 2.5},
		{ending{"notenoughdata", 2003}, 2}, {ending{"playbackrestart", nil}, 1.5}, {ending{"playbackerror", 3100}, 1},
		{ending{"playbacksuspended", 1007}, 1}, {ending{"reconnectionimminent", 4103}, 1},
	},
}

var openCodes = &codes{
	failures:  []weighted[any]{{"manifestLoadError", 5}, {"NotAllowedError", 3}, {"manifestLoadTimeOut", 1}},
	recovered: []weighted[any]{{"bufferStalledError", 6}, {"fragLoadError", 2}, {"fragLoadTimeOut", 1}},
	endings: []weighted[ending]{
		{ending{"normal", nil}, 78}, {ending{"destroy", nil}, 14}, {ending{"ended", nil}, 4},
		{ending{"playbackerror", "bufferAppendError"}, 2}, {ending{"connectionclose", "levelLoadError"}, 2},
	},
}

// webcasterCodes has the one code that the nanoStream Webcaster has for a broadcast that failed after its start.
var webcasterCodes = &codes{endings: []weighted[ending]{{ending{"normal", nil}, 9}, {ending{"playbackerror", 5002}, 1}}}

var players = []player{
	{"h5live", "h5live", [devices]float64{70, 70, 80, 0}, []string{"4.22.0", "4.21.3", "4.20.1", "4.18.2"}, 1000, 1500, 1100, nanoCodes},
	{"hlsjs", "hls", [devices]float64{18, 20, 0, 55}, []string{"1.6.13", "1.5.20", "1.4.14"}, 2500, 8000, 7000, openCodes},
	{"videojs", "hls", [devices]float64{7, 6, 2, 0}, []string{"8.23.4", "7.21.7"}, 2700, 9000, 8000, openCodes},
	{"shaka", "dash", [devices]float64{5, 4, 0, 45}, []string{"4.16.8", "4.15.5"}, 2600, 7500, 6500, openCodes},
	{"html5", "hls", [devices]float64{0, 0, 18, 0}, []string{"18.6", "17.5"}, 2200, 7000, 6000, openCodes},
}

var webcaster = player{kind: "webcaster", protocol: "webcaster", versions: []string{"6.3.0", "6.2.1", "5.9.4"}, startTime: 1400, codes: webcasterCodes}

// encoder sends RTMP to a server, and no events.
var encoder = player{protocol: "rtmp"}

// versionWeights are how often a player's versions are in use.
var versionWeights = []float64{60, 25, 10, 5}

// sites are the pages with the player, for accounts without origins.
var sites = []weighted[string]{
	{"https://live.acme.example", 50}, {"https://www.acme.example", 22}, {"https://partner.example", 12},
	{"https://news.example", 8}, {"https://betting.example", 5}, {"", 3},
}

// streamNames are followed by numbers when more are needed.
var streamNames = []string{
	"arena-main", "newsroom", "auction-hall", "arena-tactics", "keynote", "worship", "racing-finish", "townhall", "studio-1",
	"studio-2", "racing-paddock", "harbour-cam", "classroom", "esports-a", "esports-b", "shopping", "concert", "parliament",
	"summit-de", "summit-en", "chess", "zoo-cam", "fitness", "backup",
}

// streamEvents are the eventIds of some streams, by the stream's number.
var streamEvents = map[int]string{0: "summer-cup", 3: "summer-cup", 4: "product-launch", 7: "quarterly-results", 18: "summit", 19: "summit"}

// ladder are the video bitrates among which a player chooses, bit/s.
var ladder = []float64{600_000, 1_200_000, 2_500_000, 4_500_000}

// audioBitrate is that of every rendition, bit/s.
const audioBitrate = 128_000

// chooser draws indexes by weights.
type chooser []float64 // cumulative

func newChooser(n int, weight func(int) float64) chooser {
	c := make(chooser, n)
	sum := 0.0
	for i := range c {
		sum += weight(i)
		c[i] = sum
	}
	return c
}

func (c chooser) draw(r *rand.Rand) int {
	// Float64 is below 1, so only rounding could reach the end.
	return min(sort.SearchFloat64s(c, math.Nextafter(r.Float64()*c[len(c)-1], math.Inf(1))), len(c)-1)
}

func draw[T any](r *rand.Rand, from []weighted[T]) T {
	return from[newChooser(len(from), func(i int) float64 { return from[i].weight }).draw(r)].value
}

// logNormal draws from a log-normal distribution by its median and the deviation of its logarithm.
func logNormal(r *rand.Rand, median, sigma float64) float64 {
	return median * math.Exp(sigma*r.NormFloat64())
}
