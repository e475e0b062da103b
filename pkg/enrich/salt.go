package enrich

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

const secondsPerDay = 24 * 60 * 60

// saltFile is the file of the data directory that holds the secret of today.
const saltFile = "salt"

// Salts makes the salts of addresses. They come from a secret that is new every UTC day, and the one before is deleted: from then
// on nobody, the operator included, can find out which address a hash of that day was. Data that come when their day is over get
// a hash of their own. It is safe for concurrent use.
type Salts struct {
	path   string // of the secret, "" if it is kept in memory only
	clock  func() time.Time
	logger *slog.Logger

	current atomic.Pointer[secret]
	mu      sync.Mutex // held while the secret is replaced
}

// secret is what the salts of a day are made of.
type secret struct {
	day  int64 // since 1970
	text [sha256.Size]byte
}

// NewSalts returns salts that end with the process: after a restart the same address has another hash.
func NewSalts() *Salts { return &Salts{clock: time.Now} }

// OpenSalts returns salts that last through restarts, until the day is over. The secret is a file of the data directory that only
// the collector's own user may read.
func OpenSalts(dataDir string, clock func() time.Time, logger *slog.Logger) (*Salts, error) {
	s := &Salts{path: filepath.Join(dataDir, saltFile), clock: clock, logger: logger}
	kept, err := readSecret(s.path)
	if err != nil {
		return nil, err
	}
	if kept == nil || kept.day != s.today() {
		return s, s.replace()
	}
	s.current.Store(kept)
	return s, nil
}

// FindSalts returns the salts that a collector with this data directory has today, and nil if it has none.
func FindSalts(dataDir string, clock func() time.Time) (*Salts, error) {
	kept, err := readSecret(filepath.Join(dataDir, saltFile))
	s := &Salts{clock: clock}
	if err != nil || kept == nil || kept.day != s.today() {
		return nil, err
	}
	s.current.Store(kept)
	return s, nil
}

// At returns the salt of the UTC day of t.
func (s *Salts) At(t time.Time) Salt {
	now := s.current.Load()
	if now == nil || now.day != s.today() {
		now = s.renewed()
	}
	return sha256.Sum256(binary.BigEndian.AppendUint64(now.text[:], uint64(t.Unix()/secondsPerDay)))
}

func (s *Salts) today() int64 { return s.clock().Unix() / secondsPerDay }

// renewed returns the secret of today, and deletes the one before. One that cannot be kept holds until the process ends.
func (s *Salts) renewed() *secret {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := s.current.Load(); now != nil && now.day == s.today() {
		return now
	}
	if err := s.replace(); err != nil {
		s.logger.Error("The salt of addresses could not be kept; after a restart today's addresses have other hashes", "error", err)
	}
	return s.current.Load()
}

// replace makes the secret of today, in memory and in the file.
func (s *Salts) replace() error {
	made := &secret{day: s.today()}
	rand.Read(made.text[:]) // never fails, see crypto/rand
	s.current.Store(made)
	if s.path == "" {
		return nil
	}
	// In one step, so that no crash leaves half a secret, and by way of one name, so that none leaves an older one.
	file, err := os.OpenFile(s.path+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err == nil {
		_, err = fmt.Fprintf(file, "%d %x\n", made.day, made.text)
		if err == nil {
			err = file.Sync()
		}
		err = errors.Join(err, file.Close())
	}
	if err == nil {
		err = os.Rename(s.path+".new", s.path)
	}
	if err != nil {
		return fmt.Errorf("keep the salt of addresses: %w", err)
	}
	return nil
}

// readSecret returns the secret that a file holds, and nil if there is none.
func readSecret(path string) (*secret, error) {
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the salt of addresses: %w", err)
	}
	return parseSecret(string(content)), nil
}

// parseSecret returns nil for what is no secret: a new one is made then.
func parseSecret(content string) *secret {
	var (
		kept secret
		text string
	)
	if _, err := fmt.Sscanf(content, "%d %64s", &kept.day, &text); err != nil {
		return nil
	}
	if n, err := hex.Decode(kept.text[:], []byte(text)); err != nil || n != len(kept.text) {
		return nil
	}
	return &kept
}
