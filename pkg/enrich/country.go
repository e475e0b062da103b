package enrich

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/netip"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/oschwald/maxminddb-golang/v2"

	"github.com/streamlens/streamlens/pkg/measure"
)

// Countries looks up the country of addresses in a MaxMind database: GeoIP2 and GeoLite2 Country or City, DB-IP in the
// same schema, or the flat schema with country_code. It is safe for concurrent use.
type Countries struct {
	logger *slog.Logger
	// database is nil without one. One that is replaced is left to the garbage collector, because it must not be closed
	// while another goroutine looks up in it.
	database atomic.Pointer[database]

	mu   sync.Mutex // of what follows
	path string
	read version // of the file that was read last, well or not
}

// database is a file that was read and found whole.
type database struct {
	reader *maxminddb.Reader
	// codes are the known countries by the offset of their record. Records are shared by many networks, so there are few
	// and a look-up need not decode one.
	codes map[uintptr]string
}

// version tells one content of a file from another.
type version struct {
	modified time.Time
	size     int64
}

// countryRecord is what the supported schemas say of a country; the rest of a record is skipped.
type countryRecord struct {
	Country struct {
		ISOCode string `maxminddb:"iso_code"`
	} `maxminddb:"country"`
	RegisteredCountry struct {
		ISOCode string `maxminddb:"iso_code"`
	} `maxminddb:"registered_country"`
	CountryCode string `maxminddb:"country_code"`
}

// OpenCountries reads the database. An empty path is none: every country is unknown.
func OpenCountries(path string, logger *slog.Logger) (*Countries, error) {
	c := &Countries{logger: logger}
	return c, c.Replace(path)
}

// Replace takes the database at another path into use. One that cannot be read changes nothing.
func (c *Countries) Replace(path string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if path == "" {
		c.path = ""
		c.database.Store(nil)
		return nil
	}
	current, err := fileVersion(path)
	if err != nil {
		return fmt.Errorf("GeoIP database: %w", err)
	}
	loaded, err := load(path)
	if err != nil {
		return err
	}
	c.path, c.read = path, current
	c.database.Store(loaded)
	return nil
}

// Country returns the ISO 3166-1 alpha-2 code of the address's country, of the country of registration if the database
// has no other, or measure.UnknownCountry.
func (c *Countries) Country(address netip.Addr) string {
	database := c.database.Load()
	if database == nil || !address.IsValid() {
		return measure.UnknownCountry
	}
	result := database.reader.Lookup(address.Unmap())
	code, ok := database.codes[result.Offset()]
	if !ok || !result.Found() { // the offset of an error is that of a record
		return measure.UnknownCountry
	}
	return code
}

// code returns measure.UnknownCountry if the record says none.
func (r *countryRecord) code() string {
	for _, code := range [...]string{r.Country.ISOCode, r.RegisteredCountry.ISOCode, r.CountryCode} {
		if len(code) == 2 && strings.Trim(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == "" {
			return code
		}
	}
	return measure.UnknownCountry
}

// Watch looks every interval for a new database and takes it into use, until ctx ends; at most one may run. A new file
// is read when it was the same at two looks, so that one which is being copied is left alone. One that is broken is
// logged, and the old database stays.
func (c *Countries) Watch(ctx context.Context, interval time.Duration) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	var last version
	var missing bool
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		seen, err := c.look(last)
		if err != nil && !missing {
			c.logger.Error("GeoIP database cannot be read, the old one stays in use", "error", err)
		}
		missing = err != nil
		if err == nil {
			last = seen
		}
	}
}

// look returns the version of the file, and takes it into use if it is new and was the same at the look before.
func (c *Countries) look(last version) (version, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.path == "" {
		return version{}, nil
	}
	seen, err := fileVersion(c.path)
	if err != nil || seen == c.read || seen != last {
		return seen, err
	}
	c.read = seen
	loaded, err := load(c.path)
	if err != nil {
		c.logger.Error("New GeoIP database refused, the old one stays in use", "error", err)
		return seen, nil
	}
	c.database.Store(loaded)
	c.logger.Info("New GeoIP database in use", "path", c.path, "type", loaded.reader.Metadata.DatabaseType)
	return seen, nil
}

func fileVersion(path string) (version, error) {
	info, err := os.Stat(path)
	if err != nil {
		return version{}, err
	}
	if !info.Mode().IsRegular() {
		return version{}, &fs.PathError{Op: "read", Path: path, Err: errors.New("not a regular file")}
	}
	return version{info.ModTime(), info.Size()}, nil
}

// load reads the file, which must be whole and have countries.
func load(path string) (*database, error) {
	// The file is not mapped into memory: whoever wrote over a mapped file would kill the process with SIGBUS.
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("GeoIP database: %w", err)
	}
	reader, err := maxminddb.OpenBytes(data)
	if err != nil {
		return nil, fmt.Errorf("GeoIP database %s: %w", path, err)
	}
	codes, err := countryCodes(reader)
	if err != nil {
		return nil, fmt.Errorf("GeoIP database %s of type %q: %w", path, reader.Metadata.DatabaseType, err)
	}
	return &database{reader, codes}, nil
}

// countryCodes decodes every record of the database, so that a damaged one is found before it is used. maxminddb's own
// Verify will not do: it refuses @ip-location-db's files, because their metadata has no description.
func countryCodes(reader *maxminddb.Reader) (map[uintptr]string, error) {
	codes := make(map[uintptr]string)
	decoded := make(map[uintptr]bool)
	for result := range reader.Networks() {
		if err := result.Err(); err != nil {
			return nil, err
		}
		if decoded[result.Offset()] {
			continue
		}
		decoded[result.Offset()] = true
		var record countryRecord
		if err := result.Decode(&record); err != nil {
			return nil, fmt.Errorf("record of %s: %w", result.Prefix(), err)
		}
		if code := record.code(); code != measure.UnknownCountry {
			codes[result.Offset()] = code
		}
	}
	if len(codes) == 0 {
		return nil, errors.New("no countries in it")
	}
	return codes, nil
}
