package ingest

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/compress/s2"

	"github.com/streamlens/streamlens/pkg/codec"
	"github.com/streamlens/streamlens/pkg/journal"
	"github.com/streamlens/streamlens/pkg/tenant"
)

// What is in the directory of a pipeline: the journal, the last state that was saved, named by the number of the last record in it,
// samples that wait, and idempotency keys.
const (
	journalDir  = "journal"
	keysDir     = "keys"
	backlogDir  = "backlog"
	statePrefix = "state-"
)

// The state is saved this often, so that a start need not replay more: when the journal has grown by so much, or so much time has
// passed.
const (
	saveBytes    = 128 << 20
	saveInterval = 5 * time.Minute
)

// longReplay is how many records a start replays at most without saving the state before it is over.
const longReplay = 20_000

// maxAhead is how far the time of the last event may be ahead of the clock. The time of a pipeline never goes back, so one that was
// far in the future once would take everything for late.
const maxAhead = 24 * time.Hour

// saving is how far the state is saved. Only Run uses it.
type saving struct {
	running bool
	done    chan error
	at      int64 // ms since 1970, when it was saved last
	bytes   int64 // of the journal then

	// Of the state that is being saved, or could not be.
	number  uint64
	keys    []key
	spilled []byte
	plays   []byte // records of plays that are spilled
}

// due reports whether it is time to save, at now in ms since 1970, with so many bytes in the journal.
func (s *saving) due(now, journalBytes int64) bool {
	return !s.running && (now-s.at >= saveInterval.Milliseconds() || journalBytes-s.bytes >= saveBytes)
}

// image is the content of a file of state. It is compressed while it is made, because there may be a lot of it.
type image struct {
	file       pieces
	compressor *s2.Writer
	coder      *codec.Coder
}

// pieces is memory that grows by pieces, which are not copied when it does.
type pieces [][]byte

const pieceBytes = 256 << 10

// Write appends b. It has no errors.
func (p *pieces) Write(b []byte) (int, error) {
	written := len(b)
	for len(b) > 0 {
		last := len(*p) - 1
		if last < 0 || len((*p)[last]) == pieceBytes {
			*p = append(*p, make([]byte, 0, pieceBytes))
			last++
		}
		piece := &(*p)[last]
		room := min(pieceBytes-len(*piece), len(b))
		*piece = append(*piece, b[:room]...)
		b = b[room:]
	}
	return written, nil
}

func newImage() *image {
	i := &image{}
	i.compressor = s2.NewWriter(&i.file, s2.WriterConcurrency(1))
	i.coder = codec.NewStream(i.compressor)
	of := format
	i.coder.Unique(&of)
	return i
}

func (i *image) end() error { return errors.Join(i.coder.End(), i.compressor.Close()) }

// state begins an image with the state, but for samples and keys, and takes the keys that are to be saved with it. It is called in
// the effect of a tick, when nothing is added that is not taken.
func (p *Pipeline) state() *image {
	p.save.number, p.save.keys = p.number, append(p.save.keys, p.keys.take()...)
	p.save.plays = append(p.save.plays, p.plays.spill()...)
	i := newImage()
	p.code(i.coder)
	return i
}

// code codes the state, but for samples and keys.
func (p *Pipeline) code(c *codec.Coder) {
	codec.Number(c, &p.now)
	codec.Number(c, &p.forgot)
	p.tracker.Code(c)
	p.daily.code(c)
	p.hourly.code(c)
	p.audience.code(c)
	codec.Map(c, &p.cursors, func(source, position *string) {
		codec.Text(c, source)
		codec.Text(c, position)
	})
	p.plays.code(c)
	codec.Map(c, &p.limits, func(organization *string, l *tenant.Limits) { codeLimits(c, organization, l) })
	codec.Map(c, &p.judgements, func(organization *string, j *tenant.Judgement) { codeJudgement(c, organization, j) })
}

// begin begins to save a state; now is in ms since 1970.
func (p *Pipeline) begin(state *image, now int64) {
	p.save.spilled = append(p.save.spilled, p.samples.Spill(now)...)
	p.samples.Code(state.coder, p.ledger, now)
	saved := p.save
	p.save.running, p.save.at = true, now
	go func() {
		p.save.done <- p.saveAll(saved, state, now)
	}()
}

// saveAll makes a state durable, and then removes what it replaces.
func (p *Pipeline) saveAll(s saving, state *image, now int64) error {
	if err := state.end(); err != nil {
		return fmt.Errorf("code the state: %w", err)
	}
	if err := p.keys.save(s.keys, s.number, now); err != nil {
		return err
	}
	if len(s.spilled) > 0 {
		if err := p.backlog.add(s.spilled, s.number); err != nil {
			return err
		}
	}
	if err := p.plays.keepOnDisk(s.plays, s.number); err != nil {
		return err
	}
	if err := writeFile(p.statePath(s.number), state.file...); err != nil {
		return err
	}
	if err := p.removeStates(s.number); err != nil {
		return err
	}
	return p.journal.Forget(s.number)
}

// saved notes what became of the saving of a state.
func (p *Pipeline) saved(err error) {
	p.save.running = false
	p.save.bytes = p.journal.Bytes()
	if err != nil {
		p.Logger.Error("The state could not be saved, which is tried again; the journal grows meanwhile", "error", err)
		return
	}
	p.save.keys, p.save.spilled, p.save.plays = nil, nil, nil
}

func (p *Pipeline) statePath(number uint64) string {
	return filepath.Join(p.Dir, fmt.Sprintf("%s%020d", statePrefix, number))
}

// recover reads the last state and what the journal has after it.
func (p *Pipeline) recover() error {
	if err := os.MkdirAll(p.Dir, 0o700); err != nil {
		return fmt.Errorf("make the data directory: %w", err)
	}
	number, err := p.load()
	if err != nil {
		return err
	}
	p.number = number
	if err := p.backlog.open(filepath.Join(p.Dir, backlogDir)); err != nil {
		return err
	}
	if err := p.plays.files.open(filepath.Join(p.Dir, playsDir)); err != nil {
		return err
	}
	if p.keys, err = openKeys(filepath.Join(p.Dir, keysDir), number); err != nil {
		return err
	}
	if p.journal, err = journal.Open(filepath.Join(p.Dir, journalDir), format, older); err != nil {
		return err
	}
	begin := time.Now()
	if err := p.journal.Replay(number, p.replay); err != nil {
		return err
	}
	replayed := p.number - number
	if replayed > 0 {
		p.Logger.Info("The journal is replayed", "records", replayed, "took", time.Since(begin).Round(time.Millisecond))
	}
	if err := p.removeStates(number); err != nil {
		return err
	}
	now := p.Clock().UnixMilli()
	if ahead := time.Duration(p.now-now) * time.Millisecond; ahead > maxAhead {
		return fmt.Errorf("the last event came at %s, which is %v in the future: set the clock, or, if it was wrong then, "+
			"begin with an empty data directory", time.UnixMilli(p.now).UTC().Format(time.RFC3339), ahead.Round(time.Second))
	}
	// After a replay the state is saved with the first tick, and after a long one before anything is taken: who is killed again and
	// again must not replay more and more.
	if replayed == 0 {
		p.save.at = now
	}
	p.clean.Store(now)
	p.over = true
	if err := p.resumeAt(now); err != nil {
		return err
	}
	if err := p.record(p.Plays != nil); err != nil {
		return err
	}
	if replayed < longReplay {
		return nil
	}
	if p.addUp(); p.save.running {
		p.saved(<-p.save.done)
	}
	return nil
}

// record says whether records of plays are kept from now on, if that has changed.
func (p *Pipeline) record(on bool) error {
	p.plays.doubts = false
	if !on {
		p.plays.discard()
	}
	if p.tracker.Recording() == on {
		return nil
	}
	return p.write(recordRecording, func(c *codec.Coder) { c.Flags(&on) }, func() { p.tracker.SetRecording(on) })
}

// resumeAt lets silence begin anew at now, in ms since 1970.
func (p *Pipeline) resumeAt(now int64) error {
	return p.write(recordResume, func(c *codec.Coder) { codec.Number(c, &now) }, func() { p.resume(now) })
}

// load reads the last state that was saved, if there is one, and returns the number of the last record in it.
func (p *Pipeline) load() (number uint64, err error) {
	states, err := p.states()
	if err != nil || len(states) == 0 {
		return 0, err
	}
	number = states[len(states)-1]
	file, err := os.Open(p.statePath(number))
	if err != nil {
		return 0, fmt.Errorf("open the state: %w", err)
	}
	defer file.Close()
	all, err := io.ReadAll(s2.NewReader(file))
	if err != nil {
		return 0, fmt.Errorf("read %s: %w", file.Name(), err)
	}
	c := codec.NewReader(all)
	var of string
	c.Unique(&of)
	if of != format && of != older {
		return 0, fmt.Errorf("%s was written by a program of another version: it has %q, this one reads %q; docs/durability.md, Upgrades, says what to do", file.Name(), of, format)
	}
	p.code(c)
	p.samples.Code(c, p.ledger, p.now)
	if err := c.End(); err != nil {
		return 0, fmt.Errorf("read %s: %w", file.Name(), err)
	}
	return number, nil
}

// states returns the numbers of the states in the directory, in order.
func (p *Pipeline) states() ([]uint64, error) {
	entries, err := os.ReadDir(p.Dir)
	if err != nil {
		return nil, fmt.Errorf("read the data directory: %w", err)
	}
	var numbers []uint64
	for _, e := range entries {
		text, ok := strings.CutPrefix(e.Name(), statePrefix)
		if !ok {
			continue
		}
		if number, err := strconv.ParseUint(text, 10, 64); err == nil {
			numbers = append(numbers, number)
		}
	}
	return numbers, nil
}

// removeStates removes all states but one.
func (p *Pipeline) removeStates(but uint64) error {
	states, err := p.states()
	if err != nil {
		return err
	}
	var errs []error
	for _, number := range states {
		if number != but {
			errs = append(errs, removeIfThere(p.statePath(number)))
		}
	}
	return errors.Join(errs...)
}

func removeIfThere(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove: %w", err)
	}
	return nil
}
