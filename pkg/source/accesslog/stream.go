package accesslog

// place is where a path has the name of its stream.
type place struct {
	stream string // "" if there is none
	class  class
	inFile bool // else a folder has it
	pinned bool // by the custom of the server, whatever it is called
	owner  owner
	folder string // has the name if the file, or this folder, does not have it; "" if none has
	within string // the path of the folder that the file, or this folder, is in
}

// isMachineMade reports whether a folder has the name and no person has given it.
func (p *place) isMachineMade() bool {
	return !p.inFile && p.class == proper && isMachineMade(p.stream)
}

// locate finds the name of the stream in a path of streaming media.
func (k *facts) locate(f *file) place {
	var room [maxFolders]folder
	folders := f.split(room[:0])
	if i := pinned(folders, f); i >= 0 {
		return place{stream: nameOfFolder(folders[i].raw), class: proper, pinned: true}
	}
	p := place{owner: k.owner(f)}
	if left := withoutHours(folders); left < len(folders) {
		folders = folders[:left]
		if f.isMedia() && p.owner.class < short {
			p.owner = owner{} // the minute
		}
	}
	k.weigh(f, folders)
	best := bestOf(folders)
	if k.isInFile(f, p.owner, folders, best) {
		p.stream, p.class, p.inFile, p.within = p.owner.name, p.owner.class, true, f.folders
	} else if best >= 0 {
		p.stream, p.class = folders[best].name, folders[best].class
		p.within, _ = lastFolder(f.folders[:folders[best].end])
		best = bestOf(folders[:best])
	}
	if best >= 0 {
		p.folder = folders[best].name
	}
	return p
}

// owner returns the stream that the name of a file names, by a name that a media server has told or else by the rules.
func (k *facts) owner(f *file) owner {
	if len(k.polled) == 0 {
		return f.owner()
	}
	name := f.name
	if f.isMedia() {
		name, _ = lastWord(name)
	}
	for ; name != ""; name, _ = lastWord(name) {
		if k.isPolled(name) {
			return owner{name: name, class: max(classOf(name), proved)}
		}
		if !f.isMedia() {
			break
		}
	}
	return f.owner()
}

// weigh fills in the names and the classes of folders.
func (k *facts) weigh(f *file, folders []folder) {
	for i := range folders {
		at := &folders[i]
		at.name = nameOfFolder(at.raw)
		at.class = classOf(at.name)
		if i > 0 {
			before := &folders[i-1]
			switch {
			case before.raw == "out" && (at.raw == "u" || at.raw == "i"): // of Elemental
				before.class, at.class = format, format
			case at.class >= container && isCollection(before.raw), i == 1 && before.raw == "cmaf" && (at.class == container || at.class == dated):
				at.class = proper
			case i > 1 && isNumber(at.raw) && (before.raw == "video" || before.raw == "audio"):
				at.class = rendition
			case before.class == vague && !isNumber(before.raw) && (at.class == container || at.class == format):
				before.class = container // media/live, data/hls
			}
		} else if len(folders) > 1 && at.class == vague && at.raw[0] == 'v' {
			at.class = format // the version of an interface: v1/NAME/index.m3u8
		}
		if k.isPolled(at.raw) {
			at.name = at.raw
			at.class = max(classOf(at.raw), proved)
		}
		switch {
		case at.class != format && at.class != container && at.class != dated:
			if at.class == proper && isMachineMade(at.name) && k.hasOwnFolder(f, folders[:i]) {
				at.class = rendition
			}
		case k.isOfOne(f.folders[:at.end]):
			at.class = proved
		}
	}
}

// isMachineMade reports whether a name is one that no person gives: a checksum, a UUID, a random text.
func isMachineMade(name string) bool { return isUUID(name) || isHexadecimal(name) || isRandom(name) }

// hasOwnFolder reports whether one of the folders is known to be a stream's and has a name of its own.
func (k *facts) hasOwnFolder(f *file, folders []folder) bool {
	for i := range folders {
		if folders[i].class >= proved && k.isOfOne(f.folders[:folders[i].end]) {
			return true
		}
	}
	return false
}

// bestOf returns the index of the folder whose name can best be that of a stream, -1 if there is none. Of several equally good ones
// the innermost counts; of renditions' and of dates the outermost, as there are renditions of renditions.
func bestOf(folders []folder) int {
	best := -1
	for i := len(folders) - 1; i >= 0; i-- {
		if best < 0 || folders[i].class > folders[best].class {
			best = i
			continue
		}
		switch folders[i].class {
		case structural, rendition:
			if folders[i].class == folders[best].class {
				best = i
			}
		case dated, vague:
			if folders[best].class <= vague {
				best = i
			}
		}
	}
	return best
}

// isInFile reports whether the file has the name of the stream, and not the best of the folders.
func (k *facts) isInFile(f *file, o owner, folders []folder, best int) bool {
	if o.class == structural {
		return false
	}
	if best < 0 {
		return o.class != rendition
	}
	of := folders[best].class
	switch {
	case o.class >= short, k.isPolled(o.name), o.class == opaque && k.hasPlaylist(o.name):
		return true
	case k.isOfOne(f.folders):
		return false // NAME/index.m3u8 was asked for, so NAME/main.m3u8 is of NAME too
	case o.class >= container && isCollection(folders[len(folders)-1].raw):
		return true
	case o.class == of, o.class == vague && of == dated:
		return of == format || of == container
	}
	return o.class > of
}
