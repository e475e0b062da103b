package accesslog

import (
	"hash/maphash"
	"strings"
	"sync/atomic"
)

// cache remembers what the last paths say, where it can without the number that a segment's name ends with: every segment of a stream
// has another. Each path has two possible places; a new one takes over the first, and what was there the second.
type cache struct {
	seed  maphash.Seed
	slots atomic.Pointer[cacheSlots] // nil until there is something to remember
}

type (
	cacheSlots [4096]cacheSlot
	cacheSlot  [2]atomic.Pointer[cached]
)

// cached is what paths say that have the key.
type cached struct {
	key     cacheKey
	changes uint64 // of the knowledge, by which it was found
	found   Found
	ok      bool
}

// cacheKey is a path, or that of a segment without the number before its extension.
type cacheKey struct {
	before, extension string
	digits            uint8 // of the number
	timely            bool  // whether the number may be a time or a date
}

// maxCached is the length of the longest path that is cached, in bytes.
const maxCached = 256

// newCacheKey returns the key of a path, and what kind its file is at most.
func newCacheKey(path string) (cacheKey, kind) {
	dot := strings.LastIndexByte(path, '.')
	of := kindOf(strings.ToLower(path[dot+1:]))
	switch {
	case dot < 0, of == other, len(path) > maxCached:
		return cacheKey{}, of
	case of == playlist, of == manifest:
		return cacheKey{before: path[:dot], extension: path[dot:]}, of
	}
	begin := dot
	for begin > 0 && isDigit(path[begin-1]) {
		begin--
	}
	number := path[begin:dot]
	return cacheKey{path[:begin], path[dot:], uint8(len(number)), isTimely(number)}, of
}

// whole returns the key of the path with its number.
func (k *cacheKey) whole(path string) cacheKey {
	if k.digits == 0 {
		return *k
	}
	return cacheKey{before: path[:len(path)-len(k.extension)], extension: k.extension}
}

// isTimely reports whether a number may be, or end with, a time or a date. All others of as many digits are alike.
func isTimely(number string) bool {
	switch len(number) {
	case 6:
		return isClock(number)
	case 8:
		return isDay(number)
	case 9:
		return isClock(number[:6])
	case 10:
		return isEpoch(number) || isDay(number[:8])
	case 12:
		return isDay(number[:8])
	case 13:
		return isEpoch(number)
	case 14, 17:
		return isDay(number[:8]) && isClock(number[8:14])
	}
	return false
}

func (c *cache) slot(slots *cacheSlots, key *cacheKey) *cacheSlot {
	return &slots[(maphash.String(c.seed, key.before)+uint64(key.digits))%uint64(len(slots))]
}

// get returns what is remembered of a key, nil if nothing is or if it was found by other knowledge.
func (c *cache) get(key *cacheKey, changes uint64) *cached {
	slots := c.slots.Load()
	if slots == nil || key.extension == "" {
		return nil
	}
	slot := c.slot(slots, key)
	for i := range slot {
		if found := slot[i].Load(); found != nil && found.changes == changes && found.key == *key {
			return found
		}
	}
	return nil
}

func (c *cache) put(key *cacheKey, found *Found, ok bool, changes uint64) {
	if key.extension == "" {
		return
	}
	// The key is a part of a text that must not be kept.
	kept := *key
	kept.before, kept.extension = strings.Clone(key.before), strings.Clone(key.extension)
	entry := &cached{kept, changes, *found, ok}
	entry.found.Stream = strings.Clone(found.Stream)
	if c.slots.Load() == nil {
		c.slots.CompareAndSwap(nil, new(cacheSlots))
	}
	slot := c.slot(c.slots.Load(), key)
	slot[1].Store(slot[0].Swap(entry))
}
