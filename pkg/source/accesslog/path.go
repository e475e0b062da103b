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
	case "m4s", "cmfv", "cmfa", "cmft":
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
}

func newFile(path string) file {
	var f file
	f.folders, f.name = lastFolder(path)
	dot := strings.LastIndexByte(f.name, '.')
	if dot < 0 {
		return f
	}
	f.kind = kindOf(strings.ToLower(f.name[dot+1:]))
	f.name = f.name[:dot]
	switch {
	case f.kind == segment && !strings.ContainsAny(f.name, "0123456789"):
		// A program in TypeScript, or the subtitles of a download.
		f.kind = other
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
		switch letters(strings.ToLower(word)) {
		case "init", "seg", "segment", "part", "chunk", "frag", "fragment", "dashinit":
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

// lastFolder cuts the last folder off the others.
func lastFolder(folders string) (rest, folder string) {
	slash := strings.LastIndexByte(folders, '/')
	return folders[:max(slash, 0)], folders[slash+1:]
}

// weight says how well a name can be that of a stream.
type weight uint8

const (
	none   weight = iota // a name that files and folders have in general
	weak                 // a usual name, but a stream may be named so
	strong               // a name of its own
)

// usual returns the weight of a word that is usual in the names of files and folders of streams. A number may follow those of
// weight none, and audio and video.
func usual(word string) (weight, bool) {
	switch word {
	case "", "index", "playlist", "master", "main", "manifest", "chunklist", "media", "prog", "variant", "seg", "segment", "chunk",
		"part", "frag", "fragment", "init", "dashinit", "filesequence", "data", "track", "rendition", "sub", "subs", "subtitles",
		"text", "out", "output", "avc", "hvc", "mp4a", "v", "a", "vs", "_definst_":
		return none, true
	case "audio", "video", "stream", "streams", "streaming", "live", "hls", "dash", "cmaf", "llhls", "app", "apps", "vod", "tv",
		"channel", "channels", "content", "cdn", "origin", "edge", "static", "assets", "public", "html", "www", "videos", "play",
		"playback", "memfs":
		return weak, true
	}
	return strong, false
}

// isRendition reports whether a word at the end of a name is there to tell renditions or parts of a stream apart: the words of
// nginx-rtmp's documentation, and those of encoders and packagers.
func isRendition(word string) bool {
	switch word {
	case "low", "mid", "medium", "high", "hi", "src", "source", "audio", "video", "hls", "dash", "dashinit", "init", "seg",
		"segment", "part", "chunk", "frag", "track", "index", "playlist", "master", "chunklist", "output":
		return true
	}
	return false
}

// weigh returns the weight of a name. A name of several words has one of its own if one of them has.
func weigh(name string) weight {
	word, rest := firstWord(name)
	if rest == "" {
		return weighWord(name)
	}
	weight := weighWord(word)
	if weight == strong && !isTechnical(word) {
		return strong
	}
	for rest != "" {
		if word, rest = firstWord(rest); !isTechnical(word) {
			return strong
		}
	}
	return min(weight, weak)
}

// weighWord returns the weight of a name of one word.
func weighWord(word string) weight {
	// mp4a.40.2
	lower, _, _ := strings.Cut(strings.ToLower(word), ".")
	if isNumber(lower) {
		if len(lower) <= 2 {
			return weak
		}
		return strong
	}
	if isSize(lower) {
		return none
	}
	stem := letters(lower)
	w, ok := usual(stem)
	switch {
	case !ok && len(stem) <= 2, isRendition(lower) && !ok:
		return weak
	case !ok:
		return strong
	case w == none, stem == "audio", stem == "video", stem == lower:
		return w
	}
	// channel5, stream1
	return strong
}

// isTechnical reports whether a word of a longer name tells nothing about the stream.
func isTechnical(word string) bool {
	lower := strings.ToLower(word)
	stem := letters(lower)
	if _, ok := usual(stem); ok || isNumber(word) || isSize(lower) || strings.Contains(word, "=") {
		return true
	}
	// w1234, f1, and languages.
	return len(stem) <= 2 || isRendition(stem)
}

// withoutRendition returns the name without the words at its end that are of a rendition or of a part, and of a part without
// its number.
func withoutRendition(name string, part bool) string {
	numbered := !part
	for {
		rest, word := lastWord(name)
		if rest == "" {
			if !numbered && isNumber(word) {
				return ""
			}
			return name
		}
		lower := strings.ToLower(word)
		stem := letters(lower)
		switch {
		case isNumber(word):
			// The number of a rendition: output_0.
			if before, owner := lastWord(rest); before != "" && isRendition(owner) {
				rest = before
			} else if numbered {
				return name
			}
			numbered = true
		case isSize(lower), isRendition(stem), strings.Contains(word, "="):
			// The first part has no number, and those of others are in this word.
			numbered = numbered || stem == "init" || stem == "dashinit" || stem != lower
		case (stem == "w" || stem == "b") && len(word) > 3:
			// Wowza's session and bitrate.
		default:
			return name
		}
		name = rest
	}
}

// nameOfFolder returns the name of the stream that the name of a folder has in it. Wowza writes mp4:NAME, smil:NAME.smil and
// ngrp:NAME_all.
func nameOfFolder(name string) string {
	if colon := strings.IndexByte(name, ':'); colon > 0 && colon <= 5 {
		if name[:colon] == "ngrp" {
			name = strings.TrimSuffix(name, "_all")
		}
		name = name[colon+1:]
	}
	if dot := strings.LastIndexByte(name, '.'); dot > 0 {
		switch name[dot+1:] {
		case "smil", "ism", "isml":
			name = name[:dot]
		}
	}
	return withoutRendition(name, false)
}

// isMediaMTXPlaylist reports whether a playlist is that of one track of MediaMTX: main_stream, video1_stream.
func isMediaMTXPlaylist(name string) bool {
	track, ok := strings.CutSuffix(name, "_stream")
	if !ok {
		return false
	}
	track = letters(track)
	return track == "main" || track == "video" || track == "audio"
}

// firstWord cuts a name behind its first word.
func firstWord(name string) (word, rest string) {
	for i := range len(name) {
		if name[i] == '-' || name[i] == '_' {
			return name[:i], name[i+1:]
		}
	}
	return name, ""
}

// lastWord cuts a name before its last word.
func lastWord(name string) (rest, word string) {
	for i := len(name) - 1; i >= 0; i-- {
		if name[i] == '-' || name[i] == '_' {
			return name[:i], name[i+1:]
		}
	}
	return "", name
}

// letters returns a word without the number at its end.
func letters(word string) string {
	for word != "" && isDigit(word[len(word)-1]) {
		word = word[:len(word)-1]
	}
	return word
}

func isDigit(c byte) bool { return c-'0' < 10 }

func isNumber(word string) bool { return word != "" && letters(word) == "" }

// isSize reports whether a word is the size or bitrate of a rendition: 720p, 1080p60, 1280x720, 800k, 2500kbps, hd720.
func isSize(word string) bool {
	if rest, ok := strings.CutPrefix(word, "hd"); ok {
		return isNumber(rest)
	}
	unit := 0
	for unit < len(word) && isDigit(word[unit]) {
		unit++
	}
	if unit < 3 {
		return false
	}
	switch word[unit:] {
	case "", "p", "k", "kbps":
		return unit < len(word)
	}
	return (word[unit] == 'p' || word[unit] == 'x') && isNumber(word[unit+1:])
}

// isHexadecimal reports whether a name is a long hexadecimal number with letters, such as a UUID or a checksum.
func isHexadecimal(name string) bool {
	if len(name) < 8 {
		return false
	}
	var digits, others int
	for i := range len(name) {
		switch c := name[i]; {
		case isDigit(c):
			digits++
		case hexDigit(c) < 16:
			others++
		case c != '-':
			return false
		}
	}
	return digits > 0 && others > 0
}
