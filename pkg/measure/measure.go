// Package measure is the catalogue of everything that Streamlens stores in VictoriaMetrics.
//
// The writer (package aggregate) and the reader (package widget) both take metric names and labels from here; nobody else
// spells a metric name.
//
// A measure, such as "plays", is stored in several families: once per organisation, once per country, once per stream and
// so on, so that no query reads series that it does not need. Each family is stored in two resolutions, per minute and per
// hour, but where nobody needs minutes per hour alone. A stored metric name is made of the three, for example streamlens_plays_by_country_1h.
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
	DimensionDevice    = "device"
	DimensionVersion   = "version"
	DimensionReason    = "reason"
	DimensionCode      = "code"
	DimensionFatal     = "fatal"
	DimensionIP        = "ip"
	DimensionReferrer  = "referrer"
	DimensionTag       = "tag"
	DimensionOutcome   = "outcome"
	DimensionQuality   = "quality"
	DimensionCause     = "cause"
	DimensionHeight    = "height"
	DimensionSwitch    = "switch"
	// DimensionRange is the bucket of a distribution, in VictoriaMetrics' own form "lower...upper".
	DimensionRange = "vmrange"
)

// Values of DimensionDirection.
const (
	Playout = "playout"
	Ingest  = "ingest"
)

// Values of DimensionOutcome: how an attempt to play went (docs/rules.md, 30).
const (
	OutcomePlayed          = "played"
	OutcomeStartFailure    = "startfailure"
	OutcomeStartBusiness   = "startbusiness"
	OutcomeBlocked         = "blocked"
	OutcomeExitEarly       = "exitearly"
	OutcomeExit            = "exit"
	OutcomePlaybackFailure = "playbackfailure" // beside OutcomePlayed
)

// Values of DimensionQuality, and of DimensionCause of a bad attempt beside OutcomeStartFailure, OutcomeExit and
// OutcomePlaybackFailure (docs/rules.md, 33).
const (
	QualityGood    = "good"
	QualityFair    = "fair"
	QualityBad     = "bad"
	CauseStartTime = "starttime"
	CauseBuffering = "buffering"
)

// Values of DimensionSwitch (docs/rules.md, 31).
const (
	SwitchUp     = "up"
	SwitchDown   = "down"
	SwitchFailed = "failed"
)

// Other is the label value that stands for all beyond a limit of distinct ones.
const Other = "(other)"

// UnknownCountry is the value of LabelCountry where the country of an address is unknown.
const UnknownCountry = "ZZ"

// Unit is the unit in which a measure is stored; every stored value is a whole number of it.
type Unit string

// The stored units. Whole numbers of them come back from VictoriaMetrics bit-equal, as long as sums stay below 2^53.
const (
	Count         Unit = "count"
	Bytes         Unit = "bytes"
	Milliseconds  Unit = "milliseconds"
	BitsPerSecond Unit = "bits per second"
	Millionths    Unit = "millionths"
	Lines         Unit = "lines"
	Thousandths   Unit = "thousandths per second"
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
	TrafficByIP
	PlayingByIP
	TrafficByReferrer
	PlayingByReferrer
	ServerViewers
	Outcomes
	EarlyPlaybackFailures
	Quality
	Stalls
	VideoPlayed
	VideoPlayedTime
	PlayingByHeight
	Switches
	Frames
	DroppedFrames
	RoundTripTime
	PacketLoss
	PublishStops
	PublishStatuses
	PictureHeight
	FrameRate
	Jitter
	MediaLag
	PlaysByCode
	Stays
	numIDs

	// IDs is how many measures there are.
	IDs = int(numIDs)
)

// Measure describes one stored measure.
type Measure struct {
	ID         ID
	Name       string   // between prefix and family in the metric's name; ends with the unit where it has one
	Kind       Kind     // Sum or Distribution
	Unit       Unit     // unit of the stored values
	Dimensions []string // labels beside those of the family, in the order in which values are given
	Events     bool     // whether it is stored per event too; traffic has none
	Fine       bool     // whether it is stored in the families with stream and country only, because its dimension churns or nobody asks for more at once
	Hourly     bool     // whether it is stored per hour alone, without minutes: there are as many series as values of its dimension
	ByPlayer   bool     // whether it is stored by the labels of players too; of a Distribution sum and number alone
	Apart      bool     // whether it is stored by country and by stream, but not by both together, nor by event
	Help       string   // what it counts
}

// ByHour reports whether m is stored in a family by the hour alone; of a Distribution, whether sum and number are. Viewing has minutes
// everywhere, because the greatest minute does not follow from hours.
func (m Measure) ByHour(f Family) bool { return m.Hourly || f.hourly && m.ID != Viewing }

// BucketsByHour reports whether the buckets of m, a Distribution, are stored in a family by the hour alone. By stream and country together
// nearly each value has a bucket of its own.
func (m Measure) BucketsByHour(f Family) bool {
	return m.ByHour(f) || f.Has(LabelStream, LabelCountry)
}

// Resolutions returns the resolutions in which m is stored in a family, the finest first; of a Distribution, sum and number.
func (m Measure) Resolutions(f Family) []Resolution { return resolutions(m.ByHour(f)) }

// BucketResolutions returns those of the buckets of m, a Distribution.
func (m Measure) BucketResolutions(f Family) []Resolution { return resolutions(m.BucketsByHour(f)) }

func resolutions(byHour bool) []Resolution {
	if byHour {
		return []Resolution{Hour}
	}
	return []Resolution{Minute, Hour}
}

// catalogue is indexed by ID.
var catalogue = [numIDs]Measure{
	{Traffic, "traffic_bytes", Sum, Bytes, []string{DimensionDirection, DimensionProtocol}, false, false, false, false, false,
		"Bytes delivered to viewers (direction playout) and received from publishers (ingest), as servers and logs report them."},
	{Playing, "playing_ms", Sum, Milliseconds, []string{DimensionDirection, DimensionProtocol}, true, false, false, false, false,
		"Time in which players rendered (direction playout) and webcasters were on air (ingest)."},
	{Buffering, "buffering_ms", Sum, Milliseconds, nil, true, false, false, true, false,
		"Time in which players stalled after their first frame."},
	{Viewing, "viewing_ms", Sum, Milliseconds, nil, true, false, false, true, false,
		"Time in which players played or buffered; a minute's value divided by 60,000 is its number of viewers."},
	{Loads, "loads", Sum, Count, nil, true, false, false, false, false,
		"Players that were initialised and tried to play."},
	{Plays, "plays", Sum, Count, nil, true, false, false, true, false,
		"Player sessions whose first frame was rendered."},
	{PlaysByOS, "plays_os", Sum, Count, []string{DimensionOS, DimensionDevice}, true, false, false, false, false,
		"Plays per operating system and kind of device, in one measure because most systems are of one kind."},
	{PlaysByBrowser, "plays_browser", Sum, Count, []string{DimensionBrowser}, true, false, false, false, false,
		"Plays per browser."},
	{PlaysByVersion, "plays_version", Sum, Count, []string{DimensionVersion}, true, false, false, false, false,
		"Plays per player kind and version."},
	{Stops, "stops", Sum, Count, []string{DimensionReason}, true, false, false, false, false,
		"Plays that ended, per reason."},
	{Statuses, "statuses", Sum, Count, []string{DimensionCode, DimensionFatal}, true, false, false, true, false,
		"Status and error events of players, per code and whether fatal."},
	{StartTime, "start_time_ms", Distribution, Milliseconds, nil, true, false, false, true, false,
		"Time from load to first frame, over plays."},
	{BufferLength, "buffer_length_ms", Distribution, Milliseconds, nil, true, false, false, false, false,
		"Length of the player's buffer, over the reports that have it."},
	{Latency, "latency_ms", Distribution, Milliseconds, nil, true, false, false, true, false,
		"Delay behind live, over the reports that have it."},
	{PlayedTime, "played_time_ms", Distribution, Milliseconds, nil, true, false, false, false, false,
		"Duration of a play, pauses taken off, over plays that ended."},
	{Publishes, "publishes", Sum, Count, nil, true, false, false, false, false,
		"Webcaster sessions that went on air."},
	{PublishesByOS, "publishes_os", Sum, Count, []string{DimensionOS, DimensionDevice}, true, false, false, false, false,
		"Publishes per operating system and kind of device."},
	{PublishesByBrowser, "publishes_browser", Sum, Count, []string{DimensionBrowser}, true, false, false, false, false,
		"Publishes per browser."},
	{PublishesByVersion, "publishes_version", Sum, Count, []string{DimensionVersion}, true, false, false, false, false,
		"Publishes per webcaster kind and version."},
	{VideoBitrate, "video_bitrate_bps", Distribution, BitsPerSecond, nil, true, false, false, false, false,
		"Bitrate of the video encoder, over the webcasters' reports that have it."},
	{AudioBitrate, "audio_bitrate_bps", Distribution, BitsPerSecond, nil, true, false, false, false, false,
		"Bitrate of the audio encoder, over the webcasters' reports that have it."},
	{IngestTime, "ingest_time_ms", Distribution, Milliseconds, nil, true, false, false, false, false,
		"Duration of a broadcast, over broadcasts that ended."},
	{TrafficByIP, "traffic_ip_bytes", Sum, Bytes, []string{DimensionDirection, DimensionIP}, false, true, true, false, false,
		"Bytes per address of the client, as far as servers report it."},
	{PlayingByIP, "playing_ip_ms", Sum, Milliseconds, []string{DimensionDirection, DimensionIP}, true, true, true, false, false,
		"Time in which players rendered and webcasters were on air, per address of the client."},
	{TrafficByReferrer, "traffic_referrer_bytes", Sum, Bytes, []string{DimensionReferrer}, false, true, true, false, false,
		"Bytes delivered to viewers, per host of the page that embeds the player."},
	{PlayingByReferrer, "playing_referrer_ms", Sum, Milliseconds, []string{DimensionReferrer}, true, true, true, false, false,
		"Time in which players rendered, per host of the page that embeds the player."},
	{ServerViewers, "server_viewers", Sum, Count, nil, false, false, false, false, false,
		"Viewers of a minute by the logs and connections of servers, whose player does not say what it does; in hours, the sum of the minutes."},
	{Outcomes, "outcomes", Sum, Count, []string{DimensionOutcome}, true, false, false, true, false,
		"Attempts to play by how they went, in the minute in which that was settled; playbackfailure is one more of an attempt that played."},
	{EarlyPlaybackFailures, "early_playback_failures", Sum, Count, nil, true, false, false, true, false,
		"Playback failures within 30 s of the first frame."},
	{Quality, "quality", Sum, Count, []string{DimensionQuality, DimensionCause}, true, false, false, false, false,
		"Attempts that ended, by how good they were, and of the bad ones why."},
	{Stalls, "stalls", Sum, Count, nil, true, false, false, false, true,
		"Stalls after the first frame, in the minute of the report in which they began."},
	{VideoPlayed, "video_played_bytes", Sum, Bytes, nil, true, false, false, false, true,
		"Bitrate of the video times the time for which it played, of players that know their bitrate."},
	{VideoPlayedTime, "video_played_ms", Sum, Milliseconds, nil, true, false, false, false, true,
		"Time in which players rendered that know their bitrate."},
	{PlayingByHeight, "playing_height_ms", Sum, Milliseconds, []string{DimensionHeight}, true, false, false, false, true,
		"Time in which players rendered, per class of the height of the picture."},
	{Switches, "switches", Sum, Count, []string{DimensionSwitch}, true, false, false, false, true,
		"Switches of players to another rendition, up and down, and such as failed."},
	{Frames, "frames", Sum, Count, nil, true, false, false, false, true,
		"Frames that players decoded, of those that count them."},
	{DroppedFrames, "dropped_frames", Sum, Count, nil, true, false, false, false, true,
		"Frames that players decoded and did not show."},
	{RoundTripTime, "round_trip_time_ms", Distribution, Milliseconds, nil, true, true, false, false, false,
		"Time from the publisher to the receiver and back, over the reports that have it."},
	{PacketLoss, "packet_loss_ppm", Distribution, Millionths, nil, true, true, false, false, false,
		"Packets of publishers that did not arrive, of a million, over the reports that have it."},
	{PublishStops, "publish_stops", Sum, Count, []string{DimensionReason}, true, false, false, false, false,
		"Broadcasts that ended, per reason."},
	{PublishStatuses, "publish_statuses", Sum, Count, []string{DimensionCode, DimensionFatal}, true, false, false, false, false,
		"Status and error events of publishers, per code and whether fatal."},
	{PictureHeight, "picture_height_lines", Distribution, Lines, nil, false, true, false, false, false,
		"Lines of the picture, over the publishers' reports that have it."},
	{FrameRate, "frame_rate_mfps", Distribution, Thousandths, nil, false, true, false, false, false,
		"Frames a second, over the publishers' reports that have it."},
	{Jitter, "jitter_ms", Distribution, Milliseconds, nil, false, true, false, false, false,
		"Variation of the time between packets, over the publishers' reports that have it."},
	{MediaLag, "media_lag_ms", Distribution, Milliseconds, nil, false, true, false, false, false,
		"How much the media of a publisher had fallen behind the clock, over the reports of media servers that have it."},
	{PlaysByCode, "plays_code", Sum, Count, []string{DimensionCode}, true, false, false, true, false,
		"Sessions of players with a status or error code, each once for each code, when it first had it."},
	{Stays, "stays", Sum, Count, []string{DimensionRange}, true, true, false, false, false,
		"Plays in the minute in which they began: all, with no vmrange, and those that ended, by the bucket of the milliseconds that they played."},
}

// All returns every measure of the catalogue, in the order of their IDs.
func All() []Measure { return slices.Clone(catalogue[:]) }

// IsByPlayer reports whether a measure is stored by the labels of players too.
func IsByPlayer(id ID) bool { return catalogue[id].ByPlayer }

// Dimensions returns the labels of a measure beside those of the family, which must not be changed.
func Dimensions(id ID) []string { return catalogue[id].Dimensions }

// Get returns the measure with the given ID.
func Get(id ID) Measure { return catalogue[id] }

// Families returns the families in which m is stored, the smallest first.
func (m Measure) Families() []Family {
	var in []Family
	for _, f := range families {
		if m.In(f) {
			in = append(in, f)
		}
	}
	return in
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

// Metrics that are no measures. Canary, level and addresses are written once per organisation at a collector's start and
// every hour.
const (
	// CanaryMetric proves that VictoriaMetrics keeps the greatest of the samples with equal timestamps and every other
	// sample: see package vm.
	CanaryMetric = Prefix + "canary"
	// LevelMetric is the organisation's level in streamlens.yaml: 0 default, 1 premium.
	LevelMetric = Prefix + "organization_level"
	// AddressesMetric is 1 if addresses of clients are stored, in whatever form, and 0 if the organisation's privacy is off.
	AddressesMetric = Prefix + "organization_addresses"
	// ClaimMetric tells the processes apart that write under one collector's name: see package vm. Each writes it at its start.
	ClaimMetric = Prefix + "collector_claim"
	// StreamTagMetric is 1 from the time at which a stream gets a tag, and 0 from when it loses it. It has no collector label:
	// the last sample of any collector holds.
	StreamTagMetric = Prefix + "stream_tag"
)
