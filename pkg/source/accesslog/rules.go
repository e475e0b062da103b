package accesslog

import (
	"cmp"
	"regexp"
	"strings"
	"sync"

	"github.com/streamlens/streamlens/pkg/event"
)

// Rule maps the paths that match it to a stream.
type Rule struct {
	// Path is matched against the path of a request without percent escapes. Its group "stream" is the stream, its group
	// "protocol", if there is one, the protocol. A path whose stream is empty does not match.
	Path *regexp.Regexp
	// Protocol is that of all paths that match; by default the one that the path tells.
	Protocol string
}

// Rules find the stream and the protocol of a request by its path: by the rules of the user, else as the servers and
// packagers that are in use name their files. Several goroutines may use them at once.
//
// By default the name of the file names the stream, without the number of a segment and without what tells renditions apart
// (NAME_720p, NAME_low, NAME_audio). Names that files of streams have in general (index, playlist_w12, segment-1) name none;
// then the nearest folder does whose name is neither of that kind nor usual for a folder (live, hls) nor a rendition's (720p,
// audio, v0, a number of one or two digits). If there is none, the nearest usual name counts.
//
// The same fragments of MP4 can belong to HLS and to DASH. A folder named hls or dash decides, else the last manifest or
// playlist of that stream that was asked for, else a name as only DASH packagers give it (chunk-stream0-00001.m4s), else they
// are HLS.
type Rules struct {
	own   []Rule
	mutex sync.RWMutex
	// manifests tell the protocol of the last manifest of each stream; at the limit they are forgotten and learnt anew.
	manifests map[string]string
}

// maxManifests is the greatest number of streams whose manifest is remembered.
const maxManifests = 10_000

// Protocols that a path can tell.
const (
	hls  = "hls"
	dash = "dash"
)

// NewRules returns rules that try the given ones first, in their order.
func NewRules(own []Rule) *Rules { return &Rules{own: own, manifests: map[string]string{}} }

// Match returns the stream and the protocol (hls, dash, or what a rule of the user says) of a path without percent escapes.
// media is false for playlists and manifests. ok is false for a path that is no streaming media, or that names no stream of
// at most event.MaxNameBytes bytes.
func (r *Rules) Match(path string) (stream, protocol string, media, ok bool) {
	f := newFile(path)
	for i := range r.own {
		if stream, protocol = r.own[i].match(path); stream != "" {
			break
		}
	}
	if stream == "" {
		if stream = r.stream(&f); f.kind == download && r.manifest(stream) == "" {
			return "", "", false, false
		}
	}
	if stream == "" || !event.ValidText(stream, event.MaxNameBytes) {
		return "", "", false, false
	}
	if protocol == "" {
		protocol = r.protocol(stream, &f)
	}
	return stream, protocol, f.kind != playlist && f.kind != manifest, true
}

func (r *Rule) match(path string) (stream, protocol string) {
	groups := r.Path.FindStringSubmatch(path)
	if groups == nil {
		return "", ""
	}
	protocol = r.Protocol
	for i, name := range r.Path.SubexpNames() {
		switch {
		case name == "stream" && groups[i] != "":
			stream = groups[i]
		case name == "protocol" && groups[i] != "":
			protocol = strings.ToLower(groups[i])
		}
	}
	return stream, protocol
}

// protocol returns the protocol of a file of the stream.
func (r *Rules) protocol(stream string, f *file) string {
	switch f.kind {
	case playlist:
		r.remember(stream, hls)
		return hls
	case manifest:
		r.remember(stream, dash)
		return dash
	case segment:
		return hls
	}
	for rest, folder := lastFolder(f.folders); folder != "" || rest != ""; rest, folder = lastFolder(rest) {
		if folder == hls || folder == dash {
			return folder
		}
	}
	if protocol := r.manifest(stream); protocol != "" {
		return protocol
	}
	if strings.HasPrefix(f.name, "chunk-stream") || strings.HasPrefix(f.name, "init-stream") || strings.Contains(f.name, "_dash") {
		return dash
	}
	return hls
}

// manifest returns the protocol of the stream's last manifest, "" if none was asked for.
func (r *Rules) manifest(stream string) string {
	r.mutex.RLock()
	defer r.mutex.RUnlock()
	return r.manifests[stream]
}

func (r *Rules) remember(stream, protocol string) {
	if r.manifest(stream) == protocol {
		return
	}
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if len(r.manifests) >= maxManifests {
		clear(r.manifests)
	}
	// The name is a part of a longer string, which must not be kept.
	r.manifests[strings.Clone(stream)] = protocol
}

// stream returns the name of the stream of a file by its path, "" if it has none.
func (r *Rules) stream(f *file) string {
	if f.kind == other {
		return ""
	}
	name, weight := r.nameOfFile(f)
	if weight == strong {
		return name
	}
	var nearest string
	for rest, folder := lastFolder(f.folders); folder != "" || rest != ""; rest, folder = lastFolder(rest) {
		folder = nameOfFolder(folder)
		switch weigh(folder) {
		case strong:
			return folder
		case weak:
			nearest = cmp.Or(nearest, folder)
		}
	}
	if weight == weak {
		return name
	}
	return nearest
}

// nameOfFile returns the name of the stream that the name of a file has in it, and how well it can be one.
func (r *Rules) nameOfFile(f *file) (string, weight) {
	if f.kind == playlist || f.kind == manifest {
		name := withoutRendition(f.name, false)
		if isMediaMTXPlaylist(f.name) {
			return name, none
		}
		return name, weigh(name)
	}
	name := withoutRendition(f.name, true)
	// A checksum that no manifest is named by says nothing, as in the names of MediaMTX (a1b2c3d4e5f6_main_seg7), and neither
	// do the properties of a chunk of Wowza (chunk_ctvideo_rid0_w1_mpd).
	if isHexadecimal(strings.TrimSuffix(name, "_main")) && r.manifest(name) == "" || strings.HasPrefix(name, "chunk_ct") {
		return name, none
	}
	// Of digits right after a name only the manifest tells whether they belong to it.
	if name == f.name {
		for i := len(name); i > 0 && isDigit(name[i-1]); i-- {
			if r.manifest(name[:i-1]) != "" {
				return name[:i-1], strong
			}
		}
		name = letters(name)
	}
	return name, weigh(name)
}
