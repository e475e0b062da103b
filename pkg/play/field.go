// Package play is the record of one play or broadcast: its fields, its form in the store of plays, and the timeline in it. It is the
// only package that writes and reads that form, which docs/plays.md describes.
package play

// Field is the name of a field in the store. Names come from this list only, so that no text of a user becomes a part of a query.
type Field string

// The fields of a record. Texts are empty and numbers event.Absent where they are not known; such fields are not stored.
const (
	Time         Field = "_time" // the end, ms since 1970
	Kind         Field = "kind"  // Final or Part
	Organization Field = "org"
	Session      Field = "session" // as the client names it; with Begin it tells two plays apart
	Begin        Field = "begin"   // ms since 1970, the earliest of the load, the start and what came first
	Direction    Field = "direction"
	Stream       Field = "stream"
	Event        Field = "event"
	User         Field = "user"
	Address      Field = "ip"
	ASN          Field = "asn"
	Operator     Field = "operator"
	Country      Field = "country"
	Region       Field = "region"
	OS           Field = "os"
	Browser      Field = "browser"
	Device       Field = "device"
	Player       Field = "player"
	Referrer     Field = "referrer"
	Protocol     Field = "protocol"
	CDN          Field = "cdn" // which network delivers the media, as the page names it
	Collector    Field = "collector"
	Start        Field = "start" // ms since 1970, of the first frame; absent if there was none
	End          Field = "end"   // ms since 1970
	StartTime    Field = "start_ms"
	Played       Field = "played_ms" // start to end less pauses, as widgets count it
	Playing      Field = "play_ms"
	Buffering    Field = "buf_ms"
	Paused       Field = "pause_ms"
	BufferShare  Field = "buf_ppm" // Buffering per million of Buffering and Playing
	Smoothness   Field = "smooth"  // thousandths of Mux Data's smoothness score, 0 to 100
	LongestStall Field = "longest_ms"
	BitrateMean  Field = "br_avg" // bit/s, weighted by Playing
	BitrateLeast Field = "br_min"
	BitrateMost  Field = "br_max"
	LatencyMean  Field = "lat_avg" // ms, of the reports that have it
	LatencyMost  Field = "lat_max"
	Height       Field = "height"   // of the picture, the last that was told
	Stalls       Field = "stalls"   // that began
	Up           Field = "up"       // switches to a rendition of more bits
	Down         Field = "down"     // and of less
	Dropped      Field = "dropped"  // frames that were decoded and not shown
	RoundTrip    Field = "rtt"      // ms, mean, of publishers
	Loss         Field = "loss_ppm" // packets that did not arrive, of a million, mean, of publishers
	Outcome      Field = "outcome"  // of the attempt to play, as the measure of outcomes names it; of a Part Running or Ended
	Quality      Field = "quality"  // good, fair or bad; none of an attempt that is not judged
	Errors       Field = "errors"   // status events
	Fatal        Field = "fatal"    // of them
	Code         Field = "code"     // of the last fatal one, else of the last
	Stop         Field = "stop"     // reason
	TimelineText Field = "timeline"
)

// The Kinds of records.
const (
	Final = "final" // of a play that has ended
	Part  = "part"  // what is known so far of a play that runs
)

// The Outcomes of a Part.
const (
	Running = "running"
	Ended   = "ended" // it does not run any more
)

// StreamFields are the fields by which the store keeps records apart on disk. More of them would make it larger and slower.
const StreamFields = "org,kind"
