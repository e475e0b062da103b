package accesslog

import "strings"

// kind is what a file is by its name.
type kind uint8

const (
	other    kind = iota // no streaming media
	playlist             // of HLS
	manifest             // of DASH
	segment              // of HLS
	fragment             // of HLS or DASH
	download             // MP4 that is a fragment only if its stream has a manifest
)

// kindOf returns the kind of the files with an extension in lower case.
func kindOf(extension string) kind {
	switch extension {
	case "m3u8", "m3u":
		return playlist
	case "mpd":
		return manifest
	case "ts", "aac", "ac3", "ec3", "vtt", "webvtt":
		return segment
	case "m4s", "cmfv", "cmfa", "cmft", "dash":
		return fragment
	case "mp4", "m4v", "m4a":
		return download
	}
	return other
}

// file is what a path says.
type file struct {
	folders string // before the name
	name    string // without extension
	kind    kind
	dash    bool // the extension is one of DASH only
	cmaf    bool // the extension is one of fragments of all servers, which nginx-rtmp's are not
	// doubtful means that it is a segment only if its folder has a playlist: else it is a program in TypeScript, or the subtitles of
	// a download.
	doubtful bool
}

func newFile(path string) file {
	var f file
	f.folders, f.name = lastFolder(path)
	dot := strings.LastIndexByte(f.name, '.')
	if dot < 0 {
		return f
	}
	extension := strings.ToLower(f.name[dot+1:])
	f.kind = kindOf(extension)
	f.dash, f.cmaf = extension == "dash", f.kind == fragment || extension == "mp4"
	f.name = f.name[:dot]
	switch {
	case f.kind == segment:
		f.doubtful = !strings.ContainsAny(f.name, "0123456789")
	case f.kind == download && f.isPart():
		f.kind = fragment
	}
	return f
}

// isPart reports whether an MP4 file is a part of a stream by its name: it says so itself, or it has a number and is in a
// folder of streams.
func (f *file) isPart() bool {
	for rest := f.name; rest != ""; {
		var word string
		word, rest = firstWord(rest)
		stem, _, _ := strings.Cut(word, ".")
		switch stem = letters(strings.ToLower(stem)); {
		case isPart(stem), stem == "filepart", stem == "filesequence":
			return true
		}
	}
	if _, word := lastWord(f.name); !isNumber(word) {
		return false
	}
	for rest, folder := lastFolder(f.folders); folder != "" || rest != ""; rest, folder = lastFolder(rest) {
		switch folder {
		case "hls", "dash", "cmaf", "live":
			return true
		}
	}
	return false
}

func (f *file) isMedia() bool { return f.kind != playlist && f.kind != manifest }

// lastFolder cuts the last folder off the others.
func lastFolder(folders string) (rest, folder string) {
	slash := strings.LastIndexByte(folders, '/')
	return folders[:max(slash, 0)], folders[slash+1:]
}

// owner is what the name of a file says of its stream.
type owner struct {
	name  string // "" if it says nothing
	class class
	// joined means that digits follow the name without a separator, so that only a playlist tells which of them are the stream's;
	// loose that of the words that were taken for a segment's some may be the stream's, or the other way around. A playlist of that
	// name decides.
	joined, loose bool
}

// owner returns the stream that the name of a file names.
func (f *file) owner() owner {
	if !f.isMedia() {
		name := f.name
		for _, suffix := range []string{".fmp4", ".ll"} { // of ZLMediaKit and Flussonic
			name = strings.TrimSuffix(name, suffix)
		}
		if timeless := cutTime(strings.TrimSuffix(name, "-live")); timeless != strings.TrimSuffix(name, "-live") {
			name = timeless // a playlist per broadcast: LiveKit, Ant Media
		}
		name = withoutRenditions(name)
		o := owner{name: name, class: classOf(name)}
		switch {
		case isMediaMTXPlaylist(f.name), o.class == dated && isEpoch(name):
			o.class = structural // /NAME/1795899601.m3u8 is a recording
		case isOwncastPlaylist(f):
			o.class = proper
		}
		return o
	}
	o := ownerOfSegment(f.name)
	switch {
	case o.name == "":
		o.class = structural
	case f.cmaf && isTrack(strings.ToLower(o.name)), isEpoch(o.name):
		o.class = structural
	case isOwncast(f.name):
		o.class = proper
	case isUUID(o.name), isHexadecimal(o.name):
		o.class = opaque
	default:
		o.class = classOf(o.name)
	}
	return o
}

// ownerOfSegment returns the name of a segment without the number, the time or the checksum that tells it from others, and without
// the words of renditions and parts. Nothing is left if that is all, or if there is nothing that tells it from others.
func ownerOfSegment(name string) owner {
	if len(name) > lengthOfUUID && isUUID(name[:lengthOfUUID]) {
		return owner{name: name[:lengthOfUUID]}
	}
	if isOwncast(name) {
		return owner{name: "stream"}
	}
	whole := name
	if head, continuous := strings.CutSuffix(name, ".live"); continuous { // of ZLMediaKit
		return owner{name: head}
	}
	name = withoutPart(name)
	var o owner
	numbered := false
	timeless := func(left string) string {
		shorter := cutTime(left)
		numbered = numbered || shorter != left
		return shorter
	}
	if name = timeless(name); name == "" {
		return owner{joined: isNumber(whole)}
	}
	for name != "" {
		rest, word := lastWord(name)
		if rest == "" {
			break
		}
		lower := strings.ToLower(word)
		stem := letters(lower)
		switch {
		case isNumber(word):
			before, what := lastWord(rest)
			switch what = strings.ToLower(what); {
			case before != "" && (isRendition(what) || isPart(what)):
				rest = before // output_0
			case !numbered && isMilliseconds(word) && isNumber(what) && before != "", !numbered && isDay(what):
				o.loose = true // NAME-SEQUENCE-TIME, NAME-DATE-SEQUENCE
			case numbered && isMilliseconds(word):
				o.loose = true // NAME-TIME-SEQUENCE
			case numbered:
				o.name = name
				return o
			case name[len(rest)] == '_' && len(word) == 8 && before != "" && isNumber(what) && rest[len(before)] == '_' && !isDay(word):
				rest, o.loose = before, true // a checksum that has no letter by chance
			}
			numbered = true
		case !numbered && isChecksum(name, rest, word):
			rest, _ = lastWord(rest) // NAME_17_9a70776c
			numbered = true
		case isSize(lower), isRendition(stem), isPart(stem), strings.Contains(word, "="):
			// The first part has no number, and those of others are in this word.
			numbered = numbered || stem == "init" || stem == "dashinit" || stem != lower
		case len(word) > 3 && (stem == "w" || stem == "b"):
			// Wowza's session and bitrate.
		case !numbered && len(word) > 15 && isEpoch(word[len(word)-10:]) && !isDigit(word[len(word)-11]):
			numbered = true // an identifier and the time
		default:
			return finish(o, whole, name, numbered)
		}
		name = timeless(rest)
	}
	if !numbered && isNumber(name) {
		return owner{joined: true}
	}
	return finish(o, whole, name, numbered)
}

// finish returns the owner of a segment that no further word can be taken from. What has no number of a segment has it at its
// end, without a separator; without that the whole name is a segment's, but for what words of renditions were taken from.
func finish(o owner, whole, name string, numbered bool) owner {
	o.name = name
	if numbered || name != whole {
		return o
	}
	stem := letters(name)
	if stem == name || isHexadecimal(name) || isRandom(stem) {
		return owner{joined: stem != name}
	}
	o.name, o.joined = strings.TrimRight(stem, "-_."), true
	return o
}

// withoutPart returns the name of a segment without the number of its part: chunk_123.0, filePart12.1, 00-05000.part3.
func withoutPart(name string) string {
	dot := strings.LastIndexByte(name, '.')
	if dot < 1 || !isDigit(name[dot-1]) {
		return name
	}
	part := strings.TrimPrefix(name[dot+1:], "part")
	if !isNumber(part) || len(part) > 3 || cutTime(name) != name {
		return name
	}
	return name[:dot]
}

// isChecksum reports whether a word is a checksum behind a number: NAME_17_9a70776c.
func isChecksum(name, rest, word string) bool {
	if len(word) != 8 || name[len(rest)] != '_' {
		return false
	}
	for i := range len(word) {
		if hexDigit(word[i]) == 255 {
			return false
		}
	}
	before, number := lastWord(rest)
	return before != "" && isNumber(number) && rest[len(before)] == '_'
}

// isOwncast reports whether a segment is of Owncast, which has one stream: stream-kQ7xVb2n1646944255.
func isOwncast(name string) bool {
	const prefix, seconds = "stream-", 10
	return strings.HasPrefix(name, prefix) && len(name) >= len(prefix)+6+seconds && isEpoch(name[len(name)-seconds:]) &&
		!isDigit(name[len(name)-seconds-1]) && !isSeparator(name[len(name)-seconds-1])
}

// isOwncastPlaylist reports whether a playlist is one of Owncast: /hls/0/stream.m3u8.
func isOwncastPlaylist(f *file) bool {
	rest, last := lastFolder(f.folders)
	return f.name == "stream" && isNumber(last) && len(last) <= 2 && strings.HasSuffix(rest, "/hls")
}

// isRandom reports whether a word looks as if a machine had made it: digits within it, and letters of both cases or many changes
// between letters and digits.
func isRandom(word string) bool {
	if len(word) < 8 {
		return false
	}
	var lower, upper bool
	changes := 0
	for i := range len(word) {
		c := word[i]
		lower = lower || 'a' <= c && c <= 'z'
		upper = upper || 'A' <= c && c <= 'Z'
		if i > 0 && isDigit(c) != isDigit(word[i-1]) && !isSeparator(c) && !isSeparator(word[i-1]) {
			changes++
		}
	}
	return changes >= 2 && lower && upper || changes >= 5
}

// withoutRenditions returns the name of a playlist or of a folder without the words at its end that tell renditions apart.
func withoutRenditions(name string) string {
	if at := strings.LastIndexByte(name, '@'); at > 0 && isSize(strings.ToLower(name[at+1:])) {
		name = name[:at] // NAME@720p
	}
	for {
		rest, word := lastWord(name)
		if rest == "" {
			return name
		}
		lower := strings.ToLower(word)
		stem := letters(lower)
		switch {
		case isNumber(word):
			// The number of a rendition: output_0.
			before, what := lastWord(rest)
			if before == "" || !isRendition(strings.ToLower(what)) {
				return name
			}
			rest = before
		case isSize(lower), isRendition(stem), strings.Contains(word, "="):
		case len(word) > 3 && (stem == "w" || stem == "b"):
			// Wowza's session and bitrate.
		default:
			return name
		}
		name = rest
	}
}

// nameOfFolder returns the name of the stream that the name of a folder has in it. Wowza writes mp4:NAME, smil:NAME.smil and
// ngrp:NAME_all, Unified Origin NAME.isml, Harmonic Channel(NAME).
func nameOfFolder(name string) string {
	if what, rest, ok := strings.Cut(name, ":"); ok {
		switch what {
		case "ngrp":
			name = strings.TrimSuffix(rest, "_all")
		case "mp4", "flv", "mp3", "id3", "smil", "amlst", "dvr":
			name = rest
		}
	}
	if dot := strings.LastIndexByte(name, '.'); dot > 0 {
		switch name[dot+1:] {
		case "smil", "ism", "isml":
			name = name[:dot]
		}
	}
	if what, rest, ok := strings.Cut(name, "("); ok && strings.HasSuffix(rest, ")") {
		switch strings.ToLower(what) {
		case "channel":
			return strings.TrimSuffix(rest, ")")
		case "stream":
			return ""
		}
	}
	return withoutRenditions(name)
}

// isMediaMTXPlaylist reports whether a playlist is that of one track of MediaMTX: main_stream, video1_stream.
func isMediaMTXPlaylist(name string) bool {
	track, ok := strings.CutSuffix(name, "_stream")
	return ok && isMediaMTXTrack(track)
}

func isMediaMTXTrack(name string) bool {
	name = letters(name)
	return name == "main" || name == "video" || name == "audio"
}
