package blocklist

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/gofrs/flock"
	"go4.org/netipx"

	"github.com/streamlens/streamlens/pkg/atomicfile"
)

// folder is where in the data directory the lists are.
const folder = "blocklists"

// formatVersion is that of the files.
const formatVersion = 1

// file is a list as it is kept.
type file struct {
	Version int  `json:"version"`
	Entries List `json:"entries"`
}

// Store keeps the lists of all organisations in a data directory. Several processes may use the same directory: what one changes the others
// see with their next question. It may be used by several goroutines at once.
type Store struct {
	dataDir   string
	directory string

	mu    sync.Mutex
	known map[string]*compiled // by organisation
}

// compiled is a list as it was read from a file, and what is looked up of it.
type compiled struct {
	info   fs.FileInfo // of the file, nil if there is none
	all    List
	active List
	ends   time.Time // when the first of active ends, zero for never
	ips    *netipx.IPSet
	others map[Entry]bool // entries of kind and value alone
}

// NewStore returns the lists in a data directory.
func NewStore(dataDir string) *Store {
	return &Store{dataDir: dataDir, directory: filepath.Join(dataDir, folder), known: map[string]*compiled{}}
}

func (s *Store) path(organization string) string {
	return filepath.Join(s.directory, organization+".json")
}

// Active returns the entries of an organisation's list that block now.
func (s *Store) Active(organization string, now time.Time) (List, error) {
	c, err := s.look(organization, now)
	if err != nil {
		return nil, err
	}
	return c.active, nil
}

// Viewer is who wants to watch, as far as it is known.
type Viewer struct {
	Address  netip.Addr
	User     string
	Referrer string // the host
}

// Blocks reports whether a list blocks a viewer now.
func (s *Store) Blocks(organization string, v Viewer, now time.Time) (bool, error) {
	c, err := s.look(organization, now)
	if err != nil {
		return false, err
	}
	return c.ips.Contains(v.Address.Unmap().WithZone("")) ||
		c.others[Entry{Kind: User, Value: v.User}] || c.others[Entry{Kind: Referrer, Value: v.Referrer}], nil
}

// look returns the list as it is in the file now.
func (s *Store) look(organization string, now time.Time) (*compiled, error) {
	info, err := os.Stat(s.path(organization))
	if errors.Is(err, fs.ErrNotExist) {
		info, err = nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the block list: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.known[organization]
	if c != nil && same(c.info, info) {
		if c.ends.IsZero() || now.Before(c.ends) {
			return c, nil
		}
	} else {
		all, err := s.read(organization)
		if err != nil {
			return nil, err
		}
		c = &compiled{info: info, all: all}
	}
	if c, err = compile(c.info, c.all, now); err != nil {
		return nil, err
	}
	s.known[organization] = c
	return c, nil
}

func same(a, b fs.FileInfo) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return os.SameFile(a, b) && a.ModTime().Equal(b.ModTime()) && a.Size() == b.Size()
}

func compile(info fs.FileInfo, all List, now time.Time) (*compiled, error) {
	c := &compiled{info: info, all: all, active: all.Active(now), others: map[Entry]bool{}}
	var err error
	if c.ips, err = c.active.addresses(); err != nil {
		return nil, err
	}
	for _, e := range c.active {
		if e.Kind != IP {
			c.others[Entry{Kind: e.Kind, Value: e.Value}] = true
		}
		if !e.Until.IsZero() && (c.ends.IsZero() || e.Until.Before(c.ends)) {
			c.ends = e.Until
		}
	}
	return c, nil
}

// read returns the list of a file, none if there is none. An entry that could not have been added is an error: nothing of such a list is
// published.
func (s *Store) read(organization string) (List, error) {
	content, err := os.ReadFile(s.path(organization))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the block list: %w", err)
	}
	var f file
	if err := json.Unmarshal(content, &f); err != nil {
		return nil, fmt.Errorf("read the block list %s: %w", s.path(organization), err)
	}
	if f.Version != formatVersion {
		return nil, fmt.Errorf("read the block list %s: its version is %d, not %d", s.path(organization), f.Version, formatVersion)
	}
	for i, e := range f.Entries {
		if err := e.check(); err != nil {
			return nil, fmt.Errorf("read the block list %s: entry %d: %w", s.path(organization), i, err)
		}
	}
	return f.Entries, nil
}

// Add puts entries on an organisation's list, in the place of those for the same. Those that have ended are forgotten.
func (s *Store) Add(organization string, now time.Time, entries ...Entry) error {
	return s.change(organization, func(l List) (List, error) { return l.Active(now).add(entries...) })
}

// ErrNotListed is returned for what is not on the list.
var ErrNotListed = errors.New("it is not on the list")

// Remove takes an entry from an organisation's list. The error wraps ErrInvalid, or is ErrNotListed.
func (s *Store) Remove(organization string, kind Kind, value string) error {
	value, err := Canonical(kind, value)
	if err != nil {
		return err
	}
	return s.change(organization, func(l List) (List, error) {
		left, removed := l.remove(kind, value)
		if !removed {
			return nil, fmt.Errorf("%s %s: %w", kind, value, ErrNotListed)
		}
		return left, nil
	})
}

// change writes what do makes of a list. Others who change it wait meanwhile.
func (s *Store) change(organization string, do func(List) (List, error)) (err error) {
	if err := checkOwner(s.dataDir); err != nil {
		return err
	}
	if err := os.MkdirAll(s.directory, 0o700); err != nil {
		return fmt.Errorf("make the folder of block lists: %w", err)
	}
	lock := flock.New(filepath.Join(s.directory, "lock"), flock.SetPermissions(0o600))
	if err := lock.Lock(); err != nil {
		return fmt.Errorf("lock the block lists: %w", err)
	}
	defer func() { err = errors.Join(err, lock.Unlock()) }()
	list, err := s.read(organization)
	if err != nil {
		return err
	}
	if list, err = do(list); err != nil {
		return err
	}
	content, err := json.MarshalIndent(file{formatVersion, list}, "", "  ")
	if err != nil {
		return fmt.Errorf("write the block list: %w", err)
	}
	if err := atomicfile.Write(s.path(organization), append(content, '\n'), 0o600); err != nil {
		return fmt.Errorf("write the block list: %w", err)
	}
	return nil
}
