package accesslog

import (
	"fmt"
	"hash/maphash"
	"regexp"
	"slices"
	"strings"

	"github.com/streamlens/streamlens/pkg/codec"
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

// Rules find the stream and the protocol of a request by its path: by the rules of the user, else by the names of streams that
// media servers have told, else as the servers and packagers that are in use name their files. Several goroutines may use them at
// once.
//
// # What depends on the path alone
//
// By default the name of the file names the stream, without the number, time or checksum of a segment and without what tells
// renditions apart (NAME_720p, NAME_low, NAME_audio). Names that files of streams have in general (index, playlist_w12, segment-1)
// name none; then the nearest folder does that has a name of its own, else the best of those that may be streams or something else:
// main, v2, 7, then a date, then live, then hls. So the folder is the stream if nothing better is in the path, whatever it is called.
// Files that only one server writes (part_0_7_1_video_kQ7xVb2n_llhls.m4s) tell that the folder is the stream, or which one.
//
// # What depends on other paths
//
//   - Digits right after a name (cam10.ts) are the segment's as far as a playlist has the name (cam1.m3u8); without one all are. The
//     same with numbers that may be dates or parts of the name (cam-20261128-0001.ts).
//   - Names that may be a stream's or a file's in general (live/main.m3u8) are a file's if their folder has a playlist that can be of
//     the folder only (live/index.m3u8). Then also every segment of it is of the folder, unless a playlist has its name.
//   - A name that only segments have, which no playlist has, may be one of many, for packagers name files as they like. Of each
//     folder 32 such names count, and 1,000 in all; with the next one the folder, by the name that it has by the rules above, counts
//     for all of them, and Folded tells so. A name that about 63 different segments have is a stream's like one that a playlist has.
//   - The same fragments of MP4 can belong to HLS and to DASH. A folder named hls or dash decides, else whether manifests of the
//     stream were asked for, else a name as only DASH packagers give it (chunk-stream0-00001.m4s), else they are HLS.
//
// # What is guaranteed
//
// All that is learnt is a set, to which the order of paths makes no difference: after the same paths in any order every path has the
// same stream. So who lets Learn have all paths of a text before Find is asked for any gets the same answers in any order. A path that
// is Settled has the stream that it will have, unless a later one shows for the first time that a folder (live) or another name that
// it begins with (cam1 beside cam) is a stream's. What is learnt survives a restart by State and Restore. At least the newest 8,192
// names and folders are known; beyond that, and beyond 4,096 names at once that only segments have, the oldest are forgotten.
type Rules struct {
	own []Rule
	knowledge
	cache cache
}

// Protocols that a path can tell.
const (
	hls             = "hls"
	dash            = "dash"
	smoothStreaming = "smooth"
)

// NewRules returns rules that try the given ones first, in their order.
func NewRules(own []Rule) *Rules {
	return &Rules{own: own, knowledge: newKnowledge(), cache: cache{seed: maphash.MakeSeed()}}
}

// Found is what a path says.
type Found struct {
	Stream   string
	Protocol string // hls, dash, smooth, or what a rule of the user says
	Media    bool   // false for playlists and manifests
	// Folded means that the path has a name which does not count, because it is one of too many, see Folded.
	Folded bool
	// Settled means that nothing is left to learn from the path, see Learn.
	Settled bool
	// AnyNumber means that all paths say the same that differ only in the number before the extension, if it has as many digits and is as
	// much of a time.
	AnyNumber bool
}

// Match lets Learn have a path and returns what Find does.
func (r *Rules) Match(path string) (stream, protocol string, media, ok bool) {
	found, ok := r.Find(path)
	if !found.Settled {
		before := r.changes.Load()
		if r.Learn(path); r.changes.Load() != before {
			found, ok = r.Find(path)
		}
	}
	return found.Stream, found.Protocol, found.Media, ok
}

// Find returns what a path without percent escapes says, and learns nothing from it. ok is false for one that is no streaming media,
// or that names no stream of at most event.MaxNameBytes bytes; of it only Settled is meant.
func (r *Rules) Find(path string) (found Found, ok bool) {
	if len(r.own) > 0 {
		if stream, protocol := r.byOwn(path); stream != "" {
			return r.findByOwn(path, stream, protocol)
		}
	}
	key, of := newCacheKey(path)
	if of == other {
		return smooth(path)
	}
	changes := r.changes.Load()
	if c := r.cache.get(&key, changes); c != nil {
		return c.found, c.ok
	}
	whole := key.whole(path)
	if c := r.cache.get(&whole, changes); c != nil {
		return c.found, c.ok
	}
	f := newFile(path)
	r.mutex.RLock()
	defer r.mutex.RUnlock()
	at := finding{settled: true, fixed: true}
	if at.stream = r.byPolled(&f); at.stream == "" {
		at = r.find(&f)
	}
	switch {
	case at.stream == "" || !event.ValidText(at.stream, event.MaxNameBytes):
		found.Settled = at.settled
	case f.kind == download && r.shown(at.stream, &f) == 0, f.doubtful && !r.isOfOne(f.folders):
	default:
		ok = true
		found = Found{Stream: at.stream, Media: f.isMedia(), Folded: at.folded}
		found.Protocol, found.Settled = r.protocol(at.stream, &f)
		found.Settled = found.Settled && at.settled
	}
	found.AnyNumber = at.fixed
	if !at.fixed {
		key = whole
	}
	if found.Settled {
		r.cache.put(&key, &found, ok, r.changes.Load())
	}
	return found, ok
}

// findByOwn completes what a rule of the user says.
func (r *Rules) findByOwn(path, stream, protocol string) (Found, bool) {
	if !event.ValidText(stream, event.MaxNameBytes) {
		return Found{Settled: true}, false
	}
	f := newFile(path)
	found := Found{Stream: stream, Protocol: protocol, Media: f.isMedia(), Settled: true}
	if protocol == "" {
		r.mutex.RLock()
		defer r.mutex.RUnlock()
		found.Protocol, found.Settled = r.protocol(stream, &f)
	}
	return found, true
}

// protocol returns the protocol of a file of the stream, and whether that is settled.
func (k *facts) protocol(stream string, f *file) (protocol string, settled bool) {
	shown := k.shown(stream, f)
	switch {
	case f.kind == playlist:
		return hls, shown&hasHLS != 0
	case f.kind == manifest:
		return dash, shown&hasDASH != 0
	case f.kind == segment, strings.HasSuffix(f.name, "_llhls"):
		return hls, true
	case f.dash, strings.HasSuffix(f.name, "_mpd"):
		return dash, true
	}
	for rest, folder := lastFolder(f.folders); folder != "" || rest != ""; rest, folder = lastFolder(rest) {
		switch folder {
		case hls, dash:
			return folder, true
		case "llhls", "ll-hls":
			return hls, true
		}
	}
	switch {
	case shown&hasDASH != 0:
		return dash, true
	case shown&hasHLS != 0:
		return hls, true
	case strings.HasPrefix(f.name, "chunk-stream"), strings.HasPrefix(f.name, "init-stream"), strings.Contains(f.name, "_dash"):
		return dash, false
	}
	return hls, false
}

// shown returns what manifests have shown of the stream of a file, by its name or in the file's folder.
func (k *facts) shown(stream string, f *file) flags {
	return (k.names.get(stream) | k.folders.get(f.folders)) & manifests
}

// Learn takes what a path tells about other paths. Only paths that are not Settled have something to tell, and only those of requests
// that did not fail should be told, because anybody can ask for anything.
func (r *Rules) Learn(path string) {
	f := newFile(path)
	if f.kind == other {
		return
	}
	stream, _ := r.byOwn(path)
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if stream == "" {
		stream = r.byPolled(&f)
	}
	switch {
	case f.isMedia() && stream == "":
		r.watch(&f, path)
	case f.isMedia():
	case stream == "":
		r.learn(&f)
	case event.ValidText(stream, event.MaxNameBytes):
		r.addName(stream, newLesson(&f).ofStream&manifests)
	}
}

// Own returns the stream and the protocol of a path by the rules of the user alone; the protocol is "" if they do not say it.
// ok is false if none of them matches.
func (r *Rules) Own(path string) (stream, protocol string, ok bool) {
	stream, protocol = r.byOwn(path)
	return stream, protocol, stream != "" && event.ValidText(stream, event.MaxNameBytes)
}

// OwnOf is Own for what a media server calls a stream: the rules see it as they would a playlist of that path.
func (r *Rules) OwnOf(name string) (stream, protocol string, ok bool) {
	return r.Own("/" + name + "/index.m3u8")
}

func (r *Rules) byOwn(path string) (stream, protocol string) {
	for i := range r.own {
		if stream, protocol = r.own[i].match(path); stream != "" {
			return stream, protocol
		}
	}
	return "", ""
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

// maxPolled is how many names of streams of media servers are kept.
const maxPolled = 10_000

// Know takes the name of a stream that a media server has told, which may have slashes. Paths whose folders, or whose folders and
// file, end with it are that stream's: /hls/camera/1/index.m3u8 is of camera/1. A name without slashes counts for a folder or file
// that is named so, where no other has a better name: live/720p/index.m3u8 is of 720p. It reports whether there is room for it.
func (r *Rules) Know(stream string) bool {
	r.mutex.RLock()
	known := r.isPolled(stream)
	r.mutex.RUnlock()
	if known {
		return true
	}
	if stream == "" || !event.ValidText(stream, event.MaxNameBytes) {
		return false
	}
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if len(r.polled) >= maxPolled {
		return false
	}
	stream = strings.Clone(stream)
	r.polled[stream] = struct{}{}
	r.index(stream)
	r.prove(stream)
	r.changed()
	return true
}

// byPolled returns the longest name with slashes that a media server has told and the path has, "" if it has none.
func (k *facts) byPolled(f *file) string {
	if len(k.ends) == 0 {
		return ""
	}
	longest := ""
	take := func(names []string, has func(name string) bool) {
		for _, name := range names {
			if len(name) > len(longest) && has(name) {
				longest = name
			}
		}
	}
	_, last := lastFolder(f.folders)
	take(k.files[last], func(name string) bool {
		rest, file := lastFolder(name)
		begin, ok := strings.CutPrefix(f.name, file)
		return ok && endsWith(f.folders, rest) && (begin == "" && !f.isMedia() || begin != "" && isSeparator(begin[0]))
	})
	for folders := f.folders; folders != "" && longest == ""; folders, _ = lastFolder(folders) {
		_, last := lastFolder(folders)
		take(k.ends[last], func(name string) bool { return endsWith(folders, name) })
	}
	return longest
}

// endsWith reports whether the last of the folders are those of a name.
func endsWith(folders, name string) bool {
	rest, ok := strings.CutSuffix(folders, name)
	return ok && (rest == "" || rest[len(rest)-1] == '/')
}

// Revision returns a number that rises whenever what Find returns of a path that is Settled may change.
func (r *Rules) Revision() uint64 { return r.changes.Load() }

// Changes returns a number that rises whenever Learn or Know has learnt something that State has.
func (r *Rules) Changes() uint64 { return r.learnt.Load() }

// Folded returns the folders that count for their segments, by the names that count.
func (r *Rules) Folded() []Folded {
	r.mutex.RLock()
	defer r.mutex.RUnlock()
	return r.allFolded()
}

// TakeFolded returns those of Folded that it has not returned before.
func (r *Rules) TakeFolded() []Folded {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return slices.DeleteFunc(r.allFolded(), func(f Folded) bool {
		told := r.told[f.Example]
		r.told[f.Example] = true
		return told
	})
}

// stateVersion begins what State returns.
const stateVersion = 1

// State returns what was learnt, for Restore.
func (r *Rules) State() []byte {
	r.mutex.RLock()
	defer r.mutex.RUnlock()
	c := codec.NewWriter(nil)
	version, rules := stateVersion, r.fingerprint()
	codec.Number(c, &version)
	c.Unique(&rules)
	r.code(c)
	return c.Bytes()
}

// Restore takes what other Rules have learnt. With other rules of the user, or by another version, it may have been wrong, so then
// nothing is taken. An error means that the state is damaged; nothing is taken either.
func (r *Rules) Restore(state []byte) error {
	c := codec.NewReader(state)
	var (
		version int
		rules   string
	)
	codec.Number(c, &version)
	c.Unique(&rules)
	if c.Err() == nil && (version != stateVersion || rules != r.fingerprint()) {
		return nil
	}
	var restored facts
	restored.code(c)
	if err := c.End(); err != nil {
		return fmt.Errorf("what was learnt of paths: %w", err)
	}
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.restore(restored)
	return nil
}

// fingerprint tells the rules of the user from others.
func (r *Rules) fingerprint() string {
	var text strings.Builder
	for _, rule := range r.own {
		fmt.Fprintf(&text, "%q %q\n", rule.Path, rule.Protocol)
	}
	return text.String()
}
