package ingest

import (
	"crypto/sha256"
	"time"

	"github.com/streamlens/streamlens/pkg/codec"
	"github.com/streamlens/streamlens/pkg/journal"
)

// keysRemembered is for how long an idempotency key is known after it came (docs/rules.md, 7), in ms.
const keysRemembered = 7 * 24 * int64(time.Hour/time.Millisecond)

// key is the hash of an idempotency key. 16 bytes of SHA-256 are enough that no two of a billion are equal.
type key [16]byte

func newKey(organization, kind, id string) key {
	sum := sha256.Sum256([]byte(organization + "\n" + kind + "\n" + id))
	return key(sum[:])
}

// keys are the idempotency keys of a week. There may be many millions, so they are not part of the state that is saved again and
// again: each save appends the new ones to a journal of their own.
type keys struct {
	known   map[key]int64 // to the hour in which it came, since 1970
	added   []key         // since the last save
	journal *journal.Journal
	saved   []savedKeys // in order
}

// savedKeys is a record of the journal of keys.
type savedKeys struct {
	number uint64
	hour   int64 // in which the last of them came, since 1970
}

const keysFormat = "streamlens keys 1"

// openKeys returns the keys that were saved with a state, or an earlier one. What was saved for a later state that is not there
// is in the journal of events.
func openKeys(dir string, state uint64) (keys, error) {
	k := keys{known: map[key]int64{}}
	var err error
	if k.journal, err = journal.Open(dir, keysFormat); err != nil {
		return k, err
	}
	number := k.journal.First() - 1
	err = k.journal.Replay(number, func(record []byte) error {
		number++
		var (
			r     = codec.NewReader(record)
			of    uint64
			hour  int64
			added []key
		)
		codeKeys(r, &of, &hour, &added)
		if err := r.End(); err != nil {
			return err
		}
		k.saved = append(k.saved, savedKeys{number, hour})
		if of <= state {
			for _, one := range added {
				k.known[one] = hour
			}
		}
		return nil
	})
	return k, err
}

func codeKeys(c *codec.Coder, state *uint64, hour *int64, added *[]key) {
	codec.Number(c, state)
	codec.Number(c, hour)
	codec.List(c, added, func(k *key) {
		for i := range k {
			c.Byte(&k[i])
		}
	})
}

// add keeps a key that came at now, in ms since 1970, and returns whether it was not known.
func (k *keys) add(one key, now int64) bool {
	if _, known := k.known[one]; known {
		return false
	}
	k.known[one] = now / time.Hour.Milliseconds()
	k.added = append(k.added, one)
	return true
}

// forget forgets what has been known for long enough; now is in ms since 1970.
func (k *keys) forget(now int64) {
	oldest := (now - keysRemembered) / time.Hour.Milliseconds()
	for one, hour := range k.known {
		if hour < oldest {
			delete(k.known, one)
		}
	}
}

// take returns those that were added since the last take.
func (k *keys) take() []key {
	added := k.added
	k.added = nil
	return added
}

// save makes keys durable that were added before the state with the given number, and removes those that are forgotten; now is in
// ms since 1970.
func (k *keys) save(added []key, state uint64, now int64) error {
	if len(added) == 0 {
		return nil
	}
	hour := now / time.Hour.Milliseconds()
	c := codec.NewWriter(nil)
	codeKeys(c, &state, &hour, &added)
	if err := k.journal.Write(c.Bytes(), func(number uint64) { k.saved = append(k.saved, savedKeys{number, hour}) }); err != nil {
		return err
	}
	oldest := (now - keysRemembered) / time.Hour.Milliseconds()
	old := uint64(0)
	for len(k.saved) > 0 && k.saved[0].hour < oldest {
		old, k.saved = k.saved[0].number, k.saved[1:]
	}
	return k.journal.Forget(old)
}
