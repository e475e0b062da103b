package accesslog

import (
	"cmp"
	"math/bits"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/streamlens/streamlens/pkg/codec"
	"github.com/streamlens/streamlens/pkg/event"
	"github.com/streamlens/streamlens/pkg/measure"
)

const (
	// maxKnown is how many names, and how many folders, a generation of facts has; the one before it is known too.
	maxKnown = 8192
	// maxUnproved is how many names of a folder count that only segments have, before they count as the folder.
	maxUnproved = 32
	// maxUnprovedInAll is how many of them count in all folders.
	maxUnprovedInAll = 1000
	// maxWatched is how many of them are watched, whether they count or not.
	maxWatched = 4096
	// sketched is how many bits of 64 the names of segments must set by their hashes before what they have in common is the name of a
	// stream. About 63 different segments set as many.
	sketched = 40
	// maxRemembered is the length of the longest name, or path of a folder, that is remembered, in bytes.
	maxRemembered = 512
)

// flags say what playlists and manifests have shown of a stream or of a folder.
type flags uint8

const (
	hasHLS  flags = 1 << iota // there is a playlist
	hasDASH                   // there is a manifest
	ofFile                    // of a stream: the name of a playlist or manifest names it
	ofAll                     // of a folder: it has a playlist or manifest whose name can be of the folder only
	inUse                     // of a stream: many segments are named by it
)

const manifests = hasHLS | hasDASH

// facts are what paths and media servers have told. Each is told by one path alone, whatever others have told before, and all are
// sets: so the order of paths makes no difference.
type facts struct {
	names   generations // flags of streams
	folders generations // flags of folders, by their paths
	polled  map[string]struct{}
	// Of the polled names that have a slash, ends are by the last folder, files by the last but one.
	ends, files map[string][]string
	// watched are the names that only segments have, by the path of the folder that the segments, or folders of theirs, are in: bits
	// of the names of the segments.
	watched map[string]map[string]uint64
	// forced are folders whose names do not count, although there is no room to watch them any more, and strict says so of all.
	forced map[string]struct{}
	strict bool
	// examples are of each folder whose names do not count a path that has one.
	examples map[string]string
}

// knowledge is facts, what follows from them, and a lock.
type knowledge struct {
	mutex sync.RWMutex
	facts
	watching int             // how many names facts.watched has
	counting int             // how many of them are in folders that have not too many
	told     map[string]bool // examples that somebody was told of
	changes  atomic.Uint64   // of what can change the stream of a path
	learnt   atomic.Uint64   // likewise, and of what is watched
}

func newKnowledge() knowledge {
	return knowledge{
		facts: facts{
			polled: map[string]struct{}{}, ends: map[string][]string{}, files: map[string][]string{},
			watched: map[string]map[string]uint64{}, forced: map[string]struct{}{}, examples: map[string]string{},
		},
		told: map[string]bool{},
	}
}

// generations hold at least the newest maxKnown flags.
type generations struct{ now, before map[string]flags }

func (g *generations) get(key string) flags {
	if len(key) > maxRemembered {
		return 0 // not even looked for: a hostile path may have many names, each as long as itself
	}
	return g.now[key] | g.before[key]
}

// add adds flags and reports whether there was one that was not known.
func (g *generations) add(key string, f flags) bool {
	known := g.get(key)
	if _, ok := g.now[key]; !ok && len(g.now) >= maxKnown {
		g.now, g.before = nil, g.now
	}
	if g.now == nil {
		g.now = map[string]flags{}
	}
	// The key is a part of a longer string, which must not be kept.
	g.now[strings.Clone(key)] = known | f
	return known|f != known
}

func (k *facts) isPolled(name string) bool {
	if len(name) > event.MaxNameBytes {
		return false
	}
	_, ok := k.polled[name]
	return ok
}

// isKnown reports whether a playlist of the stream was asked for, or a media server has told its name.
func (k *facts) isKnown(name string) bool {
	return k.names.get(name)&manifests != 0 || k.isPolled(name)
}

// hasPlaylist reports whether a playlist of this name was asked for, or a media server has told the name.
func (k *facts) hasPlaylist(name string) bool {
	return k.names.get(name)&ofFile != 0 || k.isPolled(name)
}

// isOfOne reports whether all files of a folder are of one stream.
func (k *facts) isOfOne(folder string) bool { return k.folders.get(folder)&ofAll != 0 }

// finding is the stream of a file.
type finding struct {
	stream string
	// settled means that nothing is left to learn from the file; fixed that the stream is the same whatever the digits are that the
	// name of the file ends with, as long as they are as many and as much of a time.
	settled, fixed bool
	folded         bool // the file has a name that does not count
}

// find returns the stream of a file, "" if it has none.
func (k *knowledge) find(f *file) finding {
	p := k.locate(f)
	switch {
	case !f.isMedia() && p.inFile:
		return finding{stream: k.withoutVariant(p.stream), settled: !k.teaches(f), fixed: true}
	case !f.isMedia():
		return finding{stream: p.stream, settled: !k.teaches(f), fixed: true}
	case p.pinned:
		return finding{stream: p.stream, settled: true, fixed: true}
	case p.inFile:
		return k.findOfSegment(f, &p)
	case p.owner.joined && p.class <= dated:
		// The name of a stream may be a number: 112.ts of 1.m3u8.
		if name := k.joined(f.name); name != "" {
			return finding{stream: name, settled: true}
		}
		return finding{stream: p.stream, settled: k.isKnown(p.stream)}
	case p.isMachineMade() && !k.isKnown(p.stream):
		switch {
		case k.names.get(p.stream)&inUse != 0:
			return finding{stream: p.stream, settled: true, fixed: true}
		case k.isFolded(p.within):
			return finding{stream: foldedName(p.folder), settled: k.hasSeen(f, &p), folded: true}
		}
		return finding{stream: p.stream, settled: k.hasSeen(f, &p)}
	}
	return finding{stream: p.stream, settled: p.class >= proved || k.isKnown(p.stream) || p.stream == "", fixed: true}
}

// findOfSegment returns the stream of a segment whose name names one.
func (k *knowledge) findOfSegment(f *file, p *place) finding {
	known := k.isKnown(p.stream)
	if p.owner.loose {
		if name := k.begin(f.name); name != "" {
			return finding{stream: name, settled: true, fixed: true}
		}
	}
	if p.owner.joined || !known {
		if name := k.joined(f.name); name != "" {
			return finding{stream: name, settled: true}
		}
	}
	switch {
	case known:
		return finding{stream: k.withoutVariant(p.stream), settled: true, fixed: !p.owner.joined}
	case p.folder != "" && k.isOfOne(f.folders):
		return finding{stream: p.folder, settled: true}
	case k.names.get(p.stream)&inUse != 0:
		return finding{stream: k.withoutVariant(p.stream), settled: true}
	case k.isFolded(p.within):
		return finding{stream: cmp.Or(k.begin(f.name), foldedName(p.folder)), settled: k.hasSeen(f, p), folded: true}
	}
	return finding{stream: p.stream, settled: k.hasSeen(f, p)}
}

// begin returns the longest begin of a name, of whole words, that a playlist has.
func (k *facts) begin(name string) string {
	for rest, _ := lastWord(name); rest != ""; rest, _ = lastWord(rest) {
		if k.hasPlaylist(rest) {
			return rest
		}
	}
	return ""
}

// joined returns the longest begin of a name that a playlist has, if digits are left behind it.
func (k *facts) joined(name string) string {
	for i := len(name) - 1; i > 0 && isDigit(name[i]); i-- {
		if k.hasPlaylist(name[:i]) {
			return name[:i]
		}
	}
	return ""
}

// withoutVariant returns NAME for NAME_1, if there are playlists of NAME and of NAME_0: packagers count renditions from 0.
func (k *facts) withoutVariant(name string) string {
	rest, word := lastWord(name)
	if rest != "" && len(word) <= 2 && isNumber(word) && k.hasPlaylist(rest) && k.hasPlaylist(name[:len(rest)+1]+"0") {
		return rest
	}
	return name
}

// isFolded reports whether the names of a folder do not count that only segments have.
func (k *knowledge) isFolded(folder string) bool {
	_, forced := k.forced[folder]
	return forced || k.strict || k.counting > maxUnprovedInAll || len(k.watched[folder]) > maxUnproved
}

// foldedName returns the name that counts for those of a folder's segments; the outermost folder has none.
func foldedName(folder string) string { return cmp.Or(folder, measure.Other) }

// hasSeen reports whether a segment tells nothing new about a name that only segments have.
func (k *facts) hasSeen(f *file, p *place) bool { return k.watched[p.within][p.stream]&bitOf(f) != 0 }

// lesson is what a playlist or manifest tells, by its path alone.
type lesson struct {
	stream   string // "" if it has none
	ofStream flags
	folder   string // "" if it is too long to be remembered
	ofFolder flags
}

func newLesson(f *file) lesson {
	protocol := hasHLS
	if f.kind == manifest {
		protocol = hasDASH
	}
	p := (&facts{}).locate(f)
	l := lesson{stream: p.stream, ofStream: protocol, folder: f.folders, ofFolder: protocol}
	switch {
	case p.inFile:
		l.ofStream |= ofFile
	case p.stream != "" && p.owner.class <= rendition:
		l.ofFolder |= ofAll
	}
	if !event.ValidText(l.stream, event.MaxNameBytes) {
		l.stream = ""
	}
	if len(l.folder) > maxRemembered {
		l.folder = ""
	}
	return l
}

// teaches reports whether there is something to learn from a playlist or manifest.
func (k *facts) teaches(f *file) bool {
	l := newLesson(f)
	return l.stream != "" && k.names.get(l.stream)&l.ofStream != l.ofStream || l.folder != "" && k.folders.get(l.folder)&l.ofFolder != l.ofFolder
}

// learn takes what a playlist or manifest tells.
func (k *knowledge) learn(f *file) {
	l := newLesson(f)
	if l.stream != "" {
		k.addName(l.stream, l.ofStream)
	}
	if l.folder != "" && k.folders.add(l.folder, l.ofFolder) {
		if l.ofFolder&ofAll != 0 {
			k.forget(l.folder)
		}
		k.changed()
	}
}

func (k *knowledge) addName(name string, f flags) {
	if k.names.add(name, f) {
		k.prove(name)
		k.changed()
	}
}

func (k *knowledge) changed() {
	k.changes.Add(1)
	k.learnt.Add(1)
}

// watch notes a segment that has a name which only segments have, and which may be one of many.
func (k *knowledge) watch(f *file, path string) {
	p := (&facts{}).locate(f)
	switch {
	case p.stream == "", p.pinned, k.isKnown(p.stream), k.names.get(p.stream)&inUse != 0, k.hasSeen(f, &p), len(p.within) > maxRemembered,
		!p.inFile && !p.isMachineMade(), k.isOfOne(p.within), !event.ValidText(p.stream, event.MaxNameBytes):
		return
	}
	folder := k.watched[p.within]
	seen, known := folder[p.stream]
	if !known {
		if k.watching >= maxWatched {
			k.unwatch()
			folder = nil
		}
		if folder == nil {
			folder = map[string]uint64{}
			k.watched[strings.Clone(p.within)] = folder
		}
	}
	folder[strings.Clone(p.stream)] = seen | bitOf(f)
	k.learnt.Add(1)
	if !known {
		k.count(p.within, len(folder)-1, len(folder))
		if _, ok := k.examples[p.within]; !ok && k.isFolded(p.within) {
			k.examples[strings.Clone(p.within)] = strings.Clone(path)
		}
	}
	if bits.OnesCount64(folder[p.stream]) >= sketched {
		k.addName(p.stream, inUse)
	}
}

// bitOf returns one of 64 bits that stands for a file, by a hash of its name (FNV-1a, mixed) that is the same in every run.
func bitOf(f *file) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(f.name) {
		h = (h ^ uint64(f.name[i])) * 1099511628211
	}
	return 1 << ((h ^ h>>32) * 0x9E3779B97F4A7C15 >> 58)
}

// count notes that a folder has now so many names that only segments have, and had before.
func (k *knowledge) count(folder string, before, now int) {
	folded, foldedAll := before > maxUnproved, k.counting > maxUnprovedInAll
	k.watching += now - before
	if before <= maxUnproved {
		k.counting -= before
	}
	if now <= maxUnproved {
		k.counting += now
	}
	if now == 0 {
		delete(k.watched, folder)
	}
	if folded != (now > maxUnproved) || foldedAll != (k.counting > maxUnprovedInAll) {
		k.changed()
	}
}

// prove ends the watch over a name that has proved to be a stream's.
func (k *knowledge) prove(name string) {
	for folder, names := range k.watched {
		if _, ok := names[name]; ok {
			delete(names, name)
			k.count(folder, len(names)+1, len(names))
		}
	}
}

// forget ends the watch over the names of a folder that is of one stream.
func (k *knowledge) forget(folder string) {
	if names := k.watched[folder]; len(names) > 0 {
		k.count(folder, len(names), 0)
	}
	delete(k.forced, folder)
}

// unwatch forgets the names that are watched, but not which of them do not count.
func (k *knowledge) unwatch() {
	k.strict = k.strict || k.counting > maxUnprovedInAll
	for folder, names := range k.watched {
		if len(names) > maxUnproved {
			k.forced[folder] = struct{}{}
		}
	}
	clear(k.watched)
	k.watching, k.counting = 0, 0
}

// Folded is a folder whose segments have so many names that no playlist has that they count as one stream.
type Folded struct {
	Stream  string // the name that counts
	Example string // the path of a segment that counts for it
}

func (k *knowledge) allFolded() []Folded {
	var all []Folded
	for folder, example := range k.examples {
		if !k.isFolded(folder) {
			continue
		}
		f := newFile(example)
		if p := k.locate(&f); !p.inFile || !k.isOfOne(f.folders) {
			all = append(all, Folded{k.find(&f).stream, example})
		}
	}
	slices.SortFunc(all, func(a, b Folded) int {
		return cmp.Or(cmp.Compare(a.Stream, b.Stream), cmp.Compare(a.Example, b.Example))
	})
	return all
}

// code codes the facts.
func (k *facts) code(c *codec.Coder) {
	for _, m := range []*map[string]flags{&k.names.now, &k.names.before, &k.folders.now, &k.folders.before} {
		codec.Map(c, m, func(key *string, f *flags) {
			c.Unique(key)
			codec.Number(c, f)
		})
	}
	codec.Map(c, &k.polled, func(name *string, _ *struct{}) { c.Unique(name) })
	codec.Map(c, &k.watched, func(folder *string, names *map[string]uint64) {
		c.Unique(folder)
		codec.Map(c, names, func(name *string, seen *uint64) {
			c.Unique(name)
			low, high := uint32(*seen), uint32(*seen>>32)
			codec.Number(c, &low)
			codec.Number(c, &high)
			*seen = uint64(low) | uint64(high)<<32
		})
	})
	codec.Map(c, &k.forced, func(folder *string, _ *struct{}) { c.Unique(folder) })
	codec.Map(c, &k.examples, func(folder, path *string) {
		c.Unique(folder)
		c.Unique(path)
	})
	c.Flags(&k.strict)
}

// restore takes facts of another run.
func (k *knowledge) restore(f facts) {
	k.facts = f
	k.ends, k.files = map[string][]string{}, map[string][]string{}
	for name := range k.polled {
		k.index(name)
	}
	k.watching, k.counting = 0, 0
	for folder, names := range k.watched {
		k.count(folder, 0, len(names))
	}
	for _, example := range k.examples {
		k.told[example] = true
	}
	k.changes.Add(1)
}

// index makes a polled name that has a slash be found.
func (k *facts) index(name string) {
	if rest, last := lastFolder(name); rest != "" {
		_, within := lastFolder(rest)
		k.ends[last] = append(k.ends[last], name)
		k.files[within] = append(k.files[within], name)
	}
}
