package geoip

import (
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
)

// copies keeps the last good content of each database, for a start at which the file is missing or refused.
type copies struct {
	directory string // "" keeps nothing
	logger    *slog.Logger
}

func newCopies(directory string, logger *slog.Logger) *copies { return &copies{directory, logger} }

// path returns where the copy of a file is.
func (c *copies) path(of string) string {
	sum := sha256.Sum256([]byte(of))
	return filepath.Join(c.directory, hex.EncodeToString(sum[:8])+".mmdb")
}

// keep keeps the content of a file, of which v is the version. A copy has the file's time, by which it is known.
func (c *copies) keep(of string, content []byte, v version) {
	if c.directory == "" {
		return
	}
	path := c.path(of)
	if kept, err := versionOf(path); err == nil && kept.size == v.size && kept.modified.Equal(v.modified) {
		return
	}
	if err := c.write(path, content, v); err != nil {
		c.logger.Warn("The GeoIP database cannot be copied for the next start", "path", of, "error", err)
	}
}

// write writes a copy in one step, so that no crash leaves half of one.
func (c *copies) write(path string, content []byte, v version) error {
	if err := os.MkdirAll(c.directory, 0o700); err != nil {
		return err
	}
	next, err := os.CreateTemp(c.directory, "*.new")
	if err != nil {
		return err
	}
	defer os.Remove(next.Name()) // which is gone if all went well
	_, err = next.Write(content)
	if err == nil {
		err = next.Sync()
	}
	if closeErr := next.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Chtimes(next.Name(), v.modified, v.modified)
	}
	if err != nil {
		return err
	}
	return os.Rename(next.Name(), path)
}

// load reads the copy of a file, nil if there is none that can be used.
func (c *copies) load(of string) *loaded {
	if c.directory == "" {
		return nil
	}
	l, _, _, err := load(c.path(of))
	if err != nil {
		return nil // what is wrong with the file itself is what the operator needs to know
	}
	return l
}

// keepOnly removes the copies of all other files: what is not used any more need not be kept, and may not be by some licences.
func (c *copies) keepOnly(files []string) {
	if c.directory == "" {
		return
	}
	kept, err := filepath.Glob(filepath.Join(c.directory, "*"))
	if err != nil {
		return // a pattern that is not valid, which the path of a directory may be
	}
	for _, path := range kept {
		if slices.ContainsFunc(files, func(of string) bool { return c.path(of) == path }) {
			continue
		}
		if err := os.Remove(path); err != nil {
			c.logger.Warn("The copy of a GeoIP database that is not used any more cannot be removed", "error", err)
		}
	}
}
