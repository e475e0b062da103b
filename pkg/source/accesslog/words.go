package accesslog

import "strings"

// class says how well a name can be that of a stream, the better the greater.
type class uint8

const (
	structural class = iota // what files have in general: index, segment
	rendition               // tells renditions of a stream apart: 720p, low, h264
	format                  // folders of formats and of web servers: hls, static
	container               // folders of streams, and sometimes streams: live, tv
	dated                   // a date or a time: 2026-11-28, 1795899601
	opaque                  // a checksum or a UUID before the number of a segment: the stream's, or one of a segment's
	vague                   // a rendition or a stream: v2, main, audio, 7, en
	proved                  // a folder of these that has a playlist
	short                   // at most two letters: ch1
	proper                  // a name of its own
)

// classOf returns the class of a name. A name of several words has one of its own if one of its words has.
func classOf(name string) class {
	name = strings.ToLower(name)
	word, rest := firstWord(name)
	switch {
	case len(word) == len(name):
		return classOfWord(name)
	case name == "_definst_": // of Wowza
		return format
	case isDate(name):
		return dated
	case isUUID(name):
		return proper
	}
	first := classOfWord(word)
	var tellsRenditions, tellsMore bool
	for {
		switch c := classOfWord(word); {
		case !isTechnical(word, c):
			return proper
		case c == rendition, strings.Contains(word, "="), c == short && isDigit(word[0]): // 1M, 2c
			tellsRenditions = true
		case c != structural && word != "audio" && word != "video" && !isNumber(word):
			tellsMore = true
		}
		if rest == "" {
			break
		}
		word, rest = firstWord(rest)
	}
	switch {
	case first == structural:
		return structural
	case tellsRenditions && !tellsMore:
		return rendition
	}
	return vague
}

// isTechnical reports whether a word of a longer name, of class c, tells nothing about the stream.
func isTechnical(word string, c class) bool {
	switch word {
	case "lives", "cams", "cameras", "events", "rooms", "broadcasts":
		return false // live-events
	case "dvr", "range", "rel", "abs", "sfm4s", "mpm4sav", "mvtime", "mvlist", "mvnumber":
		return true // of Nimble's and Wowza's playlists
	case "mux":
		return true // mux_video_ts, of Google's Live Stream API
	}
	if c != proper || isNumber(word) || strings.Contains(word, "=") {
		return true
	}
	stem := letters(word)
	return stem != word && classOfWord(stem) != proper // stream0
}

// classOfWord returns the class of a name of one word in lower case.
func classOfWord(word string) class {
	// mp4a.40.2, avc1.64001f
	if head, _, cut := strings.Cut(word, "."); cut && isCodec(head) {
		return rendition
	}
	stem := letters(word)
	numbered := stem != word
	switch {
	case word == "":
		return structural
	case stem == "":
		return classOfNumber(word)
	case isSize(word), isCodec(word):
		return rendition
	}
	switch stem {
	case "index", "playlist", "master", "manifest", "chunklist", "chunks", "medialist", "prog", "init", "dashinit", "filesequence",
		"filepart", "sequence", "variant", "lowlatencyhls", "lowlatencyseg", "iframe", "iframes", "mono", "segments", "fragments",
		"timeshift", "archive", "rewind", "record", "mpd", "l":
		return structural
	case "seg", "segment", "chunk", "part", "frag", "fragment":
		if numbered {
			return vague
		}
		return structural
	case "rendition", "gear", "sub", "subs", "subtitles", "captions":
		return rendition
	case "main", "media", "data", "track", "text", "out", "output", "file", "audio", "video", "v", "a", "av", "vs", "s", "t", "f", "p",
		"q", "r":
		return vague
	}
	if numbered {
		if len(stem) <= 2 {
			return short
		}
		return proper // channel5, stream1
	}
	switch word {
	case "low", "mid", "medium", "high", "hi", "src", "source", "hd", "sd", "fhd", "fullhd", "uhd", "qhd", "lq", "hq", "lo", "ld", "adaptive", "abr",
		"auto", "original", "default":
		return rendition
	case "hls", "llhls", "dash", "cmaf", "ts", "fmp4", "static", "assets", "public", "html", "www", "cdn", "origin", "edge", "content",
		"memfs", "api", "play", "playback", "vod", "liveapp", "webrtcapp", "webrtcappee":
		return format
	case "live", "tv", "app", "apps", "stream", "streams", "streaming", "channel", "channels", "videos", "lives", "cams", "cameras", "events",
		"rooms", "broadcasts":
		return container
	case "en", "de", "fr", "es", "it", "pt", "nl", "pl", "ru", "uk", "tr", "ar", "zh", "ja", "ko", "sv", "no", "da", "fi", "cs", "el", "he",
		"hu", "ro", "bg", "hr", "sr", "sk", "sl", "et", "lv", "lt", "vi", "th", "id", "ms", "fa",
		"und", "eng", "deu", "ger", "fra", "fre", "spa", "ita", "por", "rus", "jpn", "zho", "chi", "kor", "ara", "hin", "nld", "pol", "tur",
		"swe":
		return vague
	}
	if len(word) <= 2 {
		return short
	}
	return proper
}

// classOfNumber returns the class of a name that is a number.
func classOfNumber(word string) class {
	switch word {
	case "144", "180", "240", "270", "360", "432", "480", "540", "576", "720", "1080", "1440", "2160": // heights
		return vague
	}
	switch {
	case isDate(word), isEpoch(word):
		return dated
	case len(word) <= 2, word[0] == '0', len(word) > 4 && strings.HasSuffix(word, "000"): // bitrates
		return vague
	}
	return proper
}

// isCollection reports whether a folder has streams in it, and nothing else.
func isCollection(folder string) bool {
	switch folder {
	case "streams", "channels", "lives", "cams", "cameras", "events", "rooms", "broadcasts":
		return true
	}
	return false
}

// isCodec reports whether a word names a codec.
func isCodec(word string) bool {
	switch word {
	case "avc", "avc1", "avc3", "hvc", "hvc1", "hev1", "hevc", "h264", "h265", "x264", "x265", "av01", "av1", "vp8", "vp9", "mp4a", "aac",
		"ac3", "ec3", "eac3", "opus":
		return true
	}
	return false
}

// isRendition reports whether a word at the end of a name is there to tell renditions of a stream apart: the words of
// nginx-rtmp's documentation, and those of encoders and packagers.
func isRendition(word string) bool {
	switch word {
	case "low", "mid", "medium", "high", "hi", "src", "source", "audio", "video", "hls", "dash", "adaptive", "track", "index", "playlist",
		"master", "chunklist", "output":
		return true
	}
	return false
}

// isPart reports whether a word at the end of the name of a segment says that it is one.
func isPart(word string) bool {
	switch word {
	case "init", "dashinit", "seg", "segment", "part", "chunk", "frag", "fragment":
		return true
	}
	return false
}

// isTrack reports whether a fragment of MP4 that is named so, but for a number, is of a track of the stream that its folder names.
func isTrack(word string) bool {
	switch word {
	case "video", "audio", "text", "track", "v", "a", "s":
		return true
	}
	return false
}

// isSize reports whether a word is the size or bitrate of a rendition: 720p, 1080p60, 1280x720, 800k, 2500kbps, hd720,
// 480p1000kbps.
func isSize(word string) bool {
	if rest, ok := strings.CutPrefix(word, "hd"); ok {
		return isNumber(rest)
	}
	unit := digits(word)
	if unit < 2 || unit == len(word) {
		return false
	}
	switch word[unit:] {
	case "k", "kbps":
		return true
	case "p":
		return unit > 2
	}
	if unit < 3 {
		return false
	}
	if word[unit] != 'p' && word[unit] != 'x' {
		return false
	}
	rest := word[unit+1:]
	n := digits(rest)
	return n > 0 && (n == len(rest) || rest[n:] == "kbps" || strings.HasPrefix(rest[n:], "kbps") && isNumber(rest[n+len("kbps"):]))
}

// firstWord cuts a name behind its first word.
func firstWord(name string) (word, rest string) {
	for i := range len(name) {
		if isSeparator(name[i]) {
			return name[:i], name[i+1:]
		}
	}
	return name, ""
}

// lastWord cuts a name before its last word.
func lastWord(name string) (rest, word string) {
	for i := len(name) - 1; i >= 0; i-- {
		if isSeparator(name[i]) {
			return name[:i], name[i+1:]
		}
	}
	return "", name
}

func isSeparator(c byte) bool { return c == '-' || c == '_' }

func isDigit(c byte) bool { return c-'0' < 10 }

// digits returns how many digits a word begins with.
func digits(word string) int {
	n := 0
	for n < len(word) && isDigit(word[n]) {
		n++
	}
	return n
}

// letters returns a word without the number at its end.
func letters(word string) string {
	for word != "" && isDigit(word[len(word)-1]) {
		word = word[:len(word)-1]
	}
	return word
}

func isNumber(word string) bool { return word != "" && digits(word) == len(word) }

// isHexadecimal reports whether a name is a hexadecimal number of at least 8 digits, some of them letters, such as a checksum.
func isHexadecimal(name string) bool {
	if len(name) < 8 {
		return false
	}
	var numbers, others int
	for i := range len(name) {
		switch c := name[i]; {
		case isDigit(c):
			numbers++
		case hexDigit(c) < 16:
			others++
		case c != '-':
			return false
		}
	}
	return numbers > 0 && others > 0
}

// lengthOfUUID is that of its usual form, in bytes.
const lengthOfUUID = 36

// isUUID reports whether a name is a UUID in its usual form.
func isUUID(name string) bool {
	if len(name) != lengthOfUUID {
		return false
	}
	for i := range len(name) {
		switch i {
		case 8, 13, 18, 23:
			if name[i] != '-' {
				return false
			}
		default:
			if hexDigit(name[i]) == 255 {
				return false
			}
		}
	}
	return true
}
