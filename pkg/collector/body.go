package collector

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/klauspost/compress/gzip"
	"golang.org/x/sync/semaphore"

	"github.com/streamlens/streamlens/pkg/event"
)

// Bounds of request bodies in bytes, after decompression and before.
const (
	maxEventsBody = 1 << 20
	maxUsageBody  = 8 << 20
	maxDiscarded  = 32 << 20
)

// maxUsageLines bounds the lines of one request with usage: as many as fit if each says something.
const maxUsageLines = 100_000

const (
	// firstBody is how many bytes of a body are read at first. It holds a usual report of a player: many wait at the same time to
	// be written to the disk.
	firstBody = 2 << 10
	// smallBody is how much of a body, in bytes, is always taken. It holds what players send, so that they find room whatever
	// others send; the number of connections bounds it.
	smallBody = 16 << 10
	// growth is how many times larger than the one before each buffer is into which a body grows.
	growth = 4
	// maxBodies bounds the bytes of all bodies together that are larger, once for players and once for servers.
	maxBodies = 128 << 20
	// maxTurn is for how long a large body of a server waits for its turn.
	maxTurn = 10 * time.Second
	// retryBody is when to try again what found no room.
	retryBody = 2 * time.Second
)

// Why a body is not taken.
var (
	errNoGzip       = errors.New("the body is no valid gzip")
	errBodyTooLarge = errors.New("the body is too large")
	// errNoRoom means that the bodies of other requests fill the space of all.
	errNoRoom = errors.New("too many large requests at the same time")
)

// bodies reads the bodies of requests. Buffers grow as the bytes come, because what a client announces costs it nothing.
type bodies struct {
	buffers map[int]*sync.Pool  // of *[]byte, by their capacities
	space   *semaphore.Weighted // of the buffers that are larger than smallBody
	turns   *semaphore.Weighted // of large bodies that are worked on, nil if they need not wait
	readers sync.Pool           // of *gzip.Reader
}

// newBodies returns bodies of which so many large ones are worked on at the same time, any number if it is nil.
func newBodies(turns *semaphore.Weighted) *bodies {
	b := &bodies{
		buffers: map[int]*sync.Pool{firstBody: {}},
		space:   semaphore.NewWeighted(maxBodies),
		turns:   turns,
		readers: sync.Pool{New: func() any { return new(gzip.Reader) }},
	}
	for size := smallBody; size <= maxBodies; size *= growth {
		b.buffers[size] = &sync.Pool{}
	}
	return b
}

// buffer returns an empty buffer of a capacity, which was used before if there is one.
func (b *bodies) buffer(size int) *[]byte {
	if used := b.buffers[size]; used != nil {
		if buffer, _ := used.Get().(*[]byte); buffer != nil {
			return buffer
		}
	}
	return new(make([]byte, 0, size))
}

// curlType is the media type that curl sends with --data and --data-binary unless it is told another. Servers that hold a secret key may
// send it; for players it would open nothing that text/plain does not.
const curlType = "application/x-www-form-urlencoded"

// read reads the body of a request. done must be called when nothing of it is used any more. Without types, it may be of any.
func (b *bodies) read(r *http.Request, limit int64, types ...string) (body []byte, done func(), err error) {
	if len(types) > 0 && !acceptable(r.Header.Get("Content-Type"), types) {
		return nil, nil, &refusal{http.StatusUnsupportedMediaType, event.Refusal{Reason: "media_type",
			Error: "the content type must be one of " + strings.Join(types, ", ")}, 0}
	}
	encoding := r.Header.Get("Content-Encoding")
	switch encoding {
	case "", "identity", "gzip":
	default:
		return nil, nil, &refusal{http.StatusUnsupportedMediaType, event.Refusal{Reason: "encoding",
			Error: "the content encoding must be gzip or none"}, 0}
	}
	if lane, ok := r.Body.(*laneBody); ok && encoding != "gzip" && r.ContentLength <= limit {
		if body, ok := lane.whole(); ok {
			return body, func() {}, nil
		}
	}
	buffer, endTurn, err := b.take(r, limit, encoding == "gzip")
	switch {
	case err == nil:
		return *buffer, func() { b.giveBack(buffer); endTurn() }, nil
	case errors.Is(err, errBodyTooLarge):
		discardBody(r)
		return nil, nil, &refusal{http.StatusRequestEntityTooLarge, event.Refusal{Reason: "too_large",
			Error: fmt.Sprintf("the body must be at most %d bytes", limit)}, 0}
	case errors.Is(err, errNoRoom):
		return nil, nil, &refusal{http.StatusServiceUnavailable, event.Refusal{Reason: "busy", Error: err.Error()}, retryBody}
	case errors.Is(err, errNoGzip):
		return nil, nil, &refusal{http.StatusBadRequest, event.Refusal{Reason: "gzip", Error: err.Error()}, 0}
	default:
		return nil, nil, &refusal{http.StatusBadRequest, event.Refusal{Reason: "incomplete", Error: "the body ended too early"}, 0}
	}
}

// take reads a body into a buffer that must be given back, waits for the body's turn, and decompresses it. A client that is slow
// holds no more than it has sent, and no turn: work begins when all is there.
func (b *bodies) take(r *http.Request, limit int64, packed bool) (buffer *[]byte, endTurn func(), err error) {
	if r.ContentLength > limit {
		return nil, nil, errBodyTooLarge
	}
	if buffer, err = b.readAll(r.Body, limit); err != nil {
		return nil, nil, err
	}
	if endTurn, err = b.turn(r.Context(), packed || len(*buffer) > smallBody); err != nil {
		b.giveBack(buffer)
		return nil, nil, err
	}
	if !packed {
		return buffer, endTurn, nil
	}
	unpacked, err := b.unpack(*buffer, limit)
	b.giveBack(buffer)
	if err != nil {
		endTurn()
	}
	return unpacked, endTurn, err
}

// turn waits until a body may be worked on, and returns what must be called when that is done.
func (b *bodies) turn(ctx context.Context, large bool) (end func(), err error) {
	if b.turns == nil || !large {
		return func() {}, nil
	}
	release := func() { b.turns.Release(1) }
	if b.turns.TryAcquire(1) { // also for a client that sends no more, which ctx takes for one that is gone
		return release, nil
	}
	ctx, cancel := context.WithTimeout(ctx, maxTurn)
	defer cancel()
	if err := b.turns.Acquire(ctx, 1); err != nil {
		return nil, errNoRoom
	}
	return release, nil
}

// unpack decompresses gzip.
func (b *bodies) unpack(packed []byte, limit int64) (*[]byte, error) {
	reader := b.readers.Get().(*gzip.Reader)
	defer b.readers.Put(reader)
	if err := reader.Reset(bytes.NewReader(packed)); err != nil {
		return nil, errNoGzip
	}
	buffer, err := b.readAll(reader, limit)
	if err != nil && !errors.Is(err, errBodyTooLarge) && !errors.Is(err, errNoRoom) {
		err = errNoGzip
	}
	return buffer, err
}

// readAll reads at most limit bytes.
func (b *bodies) readAll(from io.Reader, limit int64) (*[]byte, error) {
	buffer := b.buffer(firstBody)
	for {
		if len(*buffer) == cap(*buffer) {
			larger, err := b.grow(*buffer, limit)
			b.giveBack(buffer)
			if err != nil {
				return nil, err
			}
			buffer = larger
		}
		n, err := from.Read((*buffer)[len(*buffer):cap(*buffer)])
		*buffer = (*buffer)[:len(*buffer)+n]
		if int64(len(*buffer)) > limit {
			err = errBodyTooLarge
		}
		switch {
		case errors.Is(err, io.EOF):
			return buffer, nil
		case err != nil:
			b.giveBack(buffer)
			return nil, err
		}
	}
}

// grow copies what is read into a larger buffer, with room for one byte more than the limit, by which an excess is seen.
func (b *bodies) grow(read []byte, limit int64) (*[]byte, error) {
	size := min(max(growth*int64(cap(read)), smallBody), limit+1)
	if size > smallBody && !b.space.TryAcquire(size) {
		return nil, errNoRoom
	}
	buffer := b.buffer(int(size))
	*buffer = append(*buffer, read...)
	return buffer, nil
}

// giveBack takes a buffer back, of which nothing may be used any more.
func (b *bodies) giveBack(buffer *[]byte) {
	size := cap(*buffer)
	if size > smallBody {
		b.space.Release(int64(size))
	}
	if used := b.buffers[size]; used != nil {
		*buffer = (*buffer)[:0]
		used.Put(buffer)
	}
}

// discardBody reads the rest of a body that is too large, up to maxDiscarded, because many clients read the answer only when
// they have sent everything.
func discardBody(r *http.Request) {
	_, _ = io.CopyN(io.Discard, r.Body, maxDiscarded) // the request is refused whether or not the rest comes
}

func acceptable(contentType string, types []string) bool {
	media, _, _ := strings.Cut(contentType, ";")
	media = strings.ToLower(strings.TrimSpace(media))
	for _, t := range types {
		if media == "" || media == t {
			return true
		}
	}
	return false
}
