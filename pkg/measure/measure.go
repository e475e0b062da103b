// Package measure is the catalogue of everything that Streamlens stores in VictoriaMetrics.
//
// The writer (package aggregate) and the reader (package widget) both take metric names and labels from here; nobody else
// spells a metric name.
//
// A measure, such as "plays", is stored in several families: once per organisation, once per country, once per stream and
// so on, so that no query reads series that it does not need. Each family is stored in two resolutions, per minute and per
// hour. A stored metric name is made of the three, for example streamlens_plays_by_country_1h.
package measure

import "slices"

// Prefix begins the name of every stored metric.
const Prefix = "streamlens_"

// Labels that stored series carry beside the dimensions of their measure.
const (
	LabelOrganization = "org"
	LabelCollector    = "collector"
	LabelCountry      = "country"
	LabelStream       = "stream"
	LabelEvent        = "event"
)

// Dimensions: labels that belong to one measure.
const (
	DimensionDirection = "direction"
	DimensionProtocol  = "protocol"
	DimensionOS        = "os"
	DimensionBrowser   = "browser"
	DimensionVersion   = "version"
	DimensionReason    = "reason"
	DimensionCode      = "code"
	DimensionFatal     = "fatal"
	// DimensionRange is the bucket of a distribution, in VictoriaMetrics' own form "lower...upper".
	DimensionRange = "vmrange"
)

// Values of DimensionDirection.
const (
	Playout = "playout"
	Ingest  = "ingest"
)

// Unit is the unit in which a measure is stored; every stored value is a whole number of it.
type Unit string

// The stored units. Whole numbers of them come back from VictoriaMetrics bit-equal, as long as sums stay below 2^53.
const (
	Count         Unit = "count"
	Bytes         Unit = "bytes"
	Milliseconds  Unit = "milliseconds"
	BitsPerSecond Unit = "bits per second"
)

// Kind says how a measure is stored.
type Kind uint8

const (
	// Sum is one series per label set, which holds the sum of what happened in the minute or hour.
	Sum Kind = iota
	// Distribution is a histogram: how many values fell into each bucket, their sum and their number, as the three metrics
	// of Measure.BucketName, SumName and CountName.
	Distribution
)

// ID names a measure. It is small, so that it can be part of the key of an aggregation.
type ID uint8

// The stored measures.
const (
	Traffic ID = iota
	Playing
	Buffering
	Viewing
	Loads
	Plays
	PlaysByOS
	PlaysByBrowser
	PlaysByVersion
	Stops
	Statuses
	StartTime
	BufferLength
	Latency
	PlayedTime
	Publishes
	PublishesByOS
	PublishesByBrowser
	PublishesByVersion
	VideoBitrate
	AudioBitrate
	IngestTime
	numIDs
)

// Measure describes one stored measure.
type Measure struct {
	ID         ID
	Name       string   // between prefix and family in the metric's name; ends with the unit where it has one
	Kind       Kind     // Sum or Distribution
	Unit       Unit     // unit of the stored values
	Dimensions []string // labels beside those of the family, in the order in which values are given
	Events     bool     // whether it is stored per event too; traffic has none
	Help       string   // what it counts
}

// catalogue is indexed by ID.
var catalogue = [numIDs]Measure{
	{Traffic, "traffic_bytes", Sum, Bytes, []string{DimensionDirection, DimensionProtocol}, false,
		"Bytes delivered to viewers (direction playout) and received from publishers (ingest), as servers and logs report them."},
	{Playing, "playing_ms", Sum, Milliseconds, []string{DimensionDirection, DimensionProtocol}, true,
		"Time in which players rendered (direction playout) and webcasters were on air (ingest)."},
	{Buffering, "buffering_ms", Sum, Milliseconds, nil, true,
		"Time in which players stalled after their first frame."},
	{Viewing, "viewing_ms", Sum, Milliseconds, nil, true,
		"Time in which players played or buffered; a minute's value divided by 60,000 is its number of viewers."},
	{Loads, "loads", Sum, Count, nil, true,
		"Players that were initialised and tried to play."},
	{Plays, "plays", Sum, Count, nil, true,
		"Player sessions whose first frame was rendered."},
	{PlaysByOS, "plays_os", Sum, Count, []string{DimensionOS}, true,
		"Plays per operating system."},
	{PlaysByBrowser, "plays_browser", Sum, Count, []string{DimensionBrowser}, true,
		"Plays per browser."},
	{PlaysByVersion, "plays_version", Sum, Count, []string{DimensionVersion}, true,
		"Plays per player kind and version."},
	{Stops, "stops", Sum, Count, []string{DimensionReason}, true,
		"Plays that ended, per reason."},
	{Statuses, "statuses", Sum, Count, []string{DimensionCode, DimensionFatal}, true,
		"Status and error events of players, per code and whether fatal."},
	{StartTime, "start_time_ms", Distribution, Milliseconds, nil, true,
		"Time from load to first frame, over plays."},
	{BufferLength, "buffer_length_ms", Distribution, Milliseconds, nil, true,
		"Length of the player's buffer, over the reports that have it."},
	{Latency, "latency_ms", Distribution, Milliseconds, nil, true,
		"Delay behind live, over the reports that have it."},
	{PlayedTime, "played_time_ms", Distribution, Milliseconds, nil, true,
		"Duration of a play, pauses taken off, over plays that ended."},
	{Publishes, "publishes", Sum, Count, nil, true,
		"Webcaster sessions that went on air."},
	{PublishesByOS, "publishes_os", Sum, Count, []string{DimensionOS}, true,
		"Publishes per operating system."},
	{PublishesByBrowser, "publishes_browser", Sum, Count, []string{DimensionBrowser}, true,
		"Publishes per browser."},
	{PublishesByVersion, "publishes_version", Sum, Count, []string{DimensionVersion}, true,
		"Publishes per webcaster kind and version."},
	{VideoBitrate, "video_bitrate_bps", Distribution, BitsPerSecond, nil, true,
		"Bitrate of the video encoder, over the webcasters' reports that have it."},
	{AudioBitrate, "audio_bitrate_bps", Distribution, BitsPerSecond, nil, true,
		"Bitrate of the audio encoder, over the webcasters' reports that have it."},
	{IngestTime, "ingest_time_ms", Distribution, Milliseconds, nil, true,
		"Duration of a broadcast, over broadcasts that ended."},
}

// All returns every measure of the catalogue, in the order of their IDs.
func All() []Measure { return slices.Clone(catalogue[:]) }

// Get returns the measure with the given ID.
func Get(id ID) Measure { return catalogue[id] }

// Families returns the families in which m is stored, the smallest first.
func (m Measure) Families() []Family {
	if m.Events {
		return families
	}
	return families[:len(families)-1]
}

// Metric returns the name of the metric that holds m, a Sum, for a family and a resolution.
func (m Measure) Metric(f Family, r Resolution) string {
	return Prefix + m.Name + f.suffix + r.suffix
}

// BucketMetric returns the name of the metric that holds how many values of m, a Distribution, fell into each bucket.
func (m Measure) BucketMetric(f Family, r Resolution) string {
	return Prefix + m.Name + "_bucket" + f.suffix + r.suffix
}

// SumMetric returns the name of the metric that holds the sum of the values of m, a Distribution.
func (m Measure) SumMetric(f Family, r Resolution) string {
	return Prefix + m.Name + "_sum" + f.suffix + r.suffix
}

// CountMetric returns the name of the metric that holds the number of values of m, a Distribution.
func (m Measure) CountMetric(f Family, r Resolution) string {
	return Prefix + m.Name + "_count" + f.suffix + r.suffix
}

// Metrics that are no measures: what the collector writes about itself, once per organisation at its start and every hour.
const (
	// CanaryMetric proves that VictoriaMetrics keeps the greatest of the samples with equal timestamps and every other
	// sample: see package vm.
	CanaryMetric = Prefix + "canary"
	// LevelMetric is the organisation's level in streamlens.yaml: 0 default, 1 premium.
	LevelMetric = Prefix + "organization_level"
)
