package accesslog

import (
	"strings"

	"github.com/streamlens/streamlens/pkg/event"
)

// Some servers and packagers write paths that no other writes. They tell which folder is the stream, whatever it is called.

// folder is a folder of a path.
type folder struct {
	raw   string // as it is
	name  string // without what tells renditions apart
	class class  // of the name
	end   int    // where it ends in the path
}

// maxFolders is how many folders of a path are looked at, the last ones.
const maxFolders = 16

// split appends the folders of a file, the outermost first. Empty ones are none.
func (f *file) split(folders []folder) []folder {
	begin := 0
	for begin < len(f.folders) {
		end := strings.IndexByte(f.folders[begin:], '/')
		if end < 0 {
			end = len(f.folders) - begin
		}
		if end > 0 {
			if len(folders) == maxFolders {
				folders = append(folders[:0], folders[1:]...)
			}
			folders = append(folders, folder{raw: f.folders[begin : begin+end], end: begin + end})
		}
		begin += end + 1
	}
	return folders
}

// pinned returns the index of the folder that is the stream by the custom of the server, -1 if none is.
func pinned(folders []folder, f *file) int {
	if i := pinnedByFolder(folders); i >= 0 {
		return i
	}
	last := len(folders) - 1
	switch {
	case last < 0:
	case isOfFolder(f), last > 0 && isPlainWowza(f):
		return last
	// Cloudflare Stream.
	case last > 0 && folders[last].raw == "manifest":
		return last - 1
	// MistServer names segments by their times, in a folder per tracks: NAME/0_1/123000_125000.ts.
	case last > 0 && isNumbers(folders[last].raw) && (strings.Contains(folders[last].raw, "_") && f.name == "index" || isSpan(f.name)):
		return last - 1
	}
	return -1
}

func pinnedByFolder(folders []folder) int {
	for i := range folders {
		raw, left := folders[i].raw, len(folders)-1-i
		switch {
		// Unified Origin, Azure.
		case strings.HasSuffix(raw, ".isml"), strings.HasSuffix(raw, ".ism"):
			return i
		// Flussonic: NAME/tracks-v1a1/2026/11/28/21/00/00-05000.ts.
		case strings.HasPrefix(raw, "tracks-") && i > 0:
			return i - 1
		// Broadpeak.
		case (raw == "bpk-tv" || raw == "bpk-vod") && left > 0:
			return i + 1
		case i == 0 || left == 0:
		// PeerTube.
		case folders[i-1].raw == "streaming-playlists" && raw == "hls":
			return i + 1
		// MediaPackage: out/v1/ID, and of version 2 out/v1/GROUP/CHANNEL/ENDPOINT.
		case folders[i-1].raw == "out" && raw == "v1":
			if left >= 3 && !isMediaPackageID(folders[i+1].raw) && !isMediaPackageID(folders[i+2].raw) {
				return i + 2
			}
			return i + 1
		// Akamai: hls/live/ACCOUNT/NAME.
		case i > 1 && folders[i-1].raw == "live" && isAkamaiAccount(raw):
			switch folders[i-2].raw {
			case "hls", "dash", "cmaf":
				return i + 1
			}
		}
	}
	return -1
}

func isMediaPackageID(name string) bool {
	return len(name) == 32 && isHexadecimal(name) && !strings.Contains(name, "-")
}

func isAkamaiAccount(name string) bool {
	name = strings.TrimSuffix(name, "-b") // of the backup
	return isNumber(name) && 6 <= len(name) && len(name) <= 8
}

// isNumbers reports whether a name consists of short numbers: 0, 0_1.
func isNumbers(name string) bool {
	for name != "" {
		var word string
		if word, name = firstWord(name); !isNumber(word) {
			return false
		}
	}
	return true
}

// isSpan reports whether a name is that of a time from one millisecond to another, which is not since 1970: 123000_125000.
func isSpan(name string) bool {
	from, to, ok := strings.Cut(name, "_")
	return ok && isNumber(from) && isNumber(to) && (from == "0" || len(from) >= 3) && len(to) >= 3 && !isEpoch(from)
}

// isOfFolder reports whether a file is named as only servers name it that name the stream by the folder.
func isOfFolder(f *file) bool {
	name := f.name
	switch {
	// OvenMediaEngine: part_0_7_1_video_kQ7xVb2n_llhls, medialist_720_hls.
	case strings.HasSuffix(name, "_llhls"), strings.HasPrefix(name, "ts:"),
		strings.HasSuffix(name, "_hls") && (strings.HasPrefix(name, "medialist_") || strings.HasPrefix(name, "seg_")):
		return true
	// Wowza: chunklist_w1652912314_b350000, media_w1652912314_12, chunk_ctvideo_rid0_cs100_w1_mpd.
	case strings.HasPrefix(name, "chunk_ct"):
		return true
	case strings.HasPrefix(name, "chunklist_"), strings.HasPrefix(name, "media_"):
		_, rest := firstWord(name)
		word, _ := firstWord(rest)
		return len(word) > 1 && (word[0] == 'w' || word[0] == 'b') && isNumber(word[1:])
	}
	return isMediaMTXPlaylist(name) || isMediaMTXSegment(name) || isNginxVOD(name)
}

// isPlainWowza reports whether a segment is named as Wowza names it without a session: APPLICATION/NAME/media_12.ts.
func isPlainWowza(f *file) bool {
	number, ok := strings.CutPrefix(f.name, "media_")
	return ok && f.kind == segment && isNumber(number)
}

// isMediaMTXSegment reports whether a name is that of a segment of MediaMTX: a1b2c3d4e5f6_video1_seg7.
func isMediaMTXSegment(name string) bool {
	prefix, rest := firstWord(name)
	track, part := firstWord(rest)
	if len(prefix) != 12 || !isMediaMTXTrack(track) {
		return false
	}
	for i := range len(prefix) {
		if hexDigit(prefix[i]) == 255 {
			return false
		}
	}
	switch letters(part) {
	case "seg", "part", "init":
		return true
	}
	return false
}

// isNginxVOD reports whether a name is one of nginx-vod, which ends with the numbers of the file and of the tracks:
// seg-1-f1-v1-a1, index-v1.
func isNginxVOD(name string) bool {
	word, rest := firstWord(name)
	switch word {
	case "seg", "index", "fragment", "init", "iframes", "manifest", "master":
	default:
		return false
	}
	tracks := false
	for rest != "" {
		word, rest = firstWord(rest)
		switch stem := letters(word); {
		case stem == "" && !tracks: // of the segment
		case (stem == "f" || stem == "v" || stem == "a" || stem == "s") && stem != word:
			tracks = true
		default:
			return false
		}
	}
	return tracks
}

// smooth returns what a path of Smooth Streaming says, and of what Azure and Unified Origin make of it:
// NAME.ism/manifest(format=m3u8-aapl), NAME.isml/QualityLevels(800000)/Fragments(video=123). ok is false for others.
func smooth(path string) (found Found, ok bool) {
	found = Found{Settled: true}
	i := strings.Index(path, ".ism")
	if i < 0 {
		return found, false
	}
	folders, name := lastFolder(path)
	end := i + len(".ism")
	if strings.HasPrefix(path[end:], "l") {
		end++
	}
	if end > len(folders) || path[end] != '/' {
		return found, false
	}
	what := strings.ToLower(name)
	switch {
	case strings.HasPrefix(what, "manifest"):
	case strings.HasPrefix(what, "fragments("), strings.HasPrefix(what, "fragmentinfo("):
		found.Media = true
	default:
		return found, false
	}
	switch {
	case strings.Contains(what, "format=m3u8"):
		found.Protocol = hls
	case strings.Contains(what, "format=mpd"):
		found.Protocol = dash
	default:
		found.Protocol = smoothStreaming
	}
	_, folder := lastFolder(path[:end])
	found.Stream = nameOfFolder(folder)
	if found.Stream == "" || !event.ValidText(found.Stream, event.MaxNameBytes) {
		return Found{Settled: true}, false
	}
	return found, true
}
