package collector

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/streamlens/streamlens/pkg/config"
)

// certificateInterval is how often a renewed certificate is looked for, at most.
const certificateInterval = 10 * time.Second

// certificate is the collector's certificate, which is read again when its file changes.
type certificate struct {
	files  config.TLS
	clock  func() time.Time
	logger *slog.Logger

	mu       sync.Mutex
	current  *tls.Certificate
	modified [2]time.Time // of the files that were read last, well or not
	looked   time.Time
}

// openCertificate reads the certificate and its key.
func openCertificate(files config.TLS, clock func() time.Time, logger *slog.Logger) (*certificate, error) {
	c := &certificate{files: files, clock: clock, logger: logger, looked: clock()}
	var err error
	if c.modified, err = modificationTimes(files); err != nil {
		return nil, fmt.Errorf("tls: %w", err)
	}
	read, err := tls.LoadX509KeyPair(files.Certificate, files.Key)
	if err != nil {
		return nil, fmt.Errorf("tls: %w", err)
	}
	c.current = &read
	return c, nil
}

// get is the tls.Config.GetCertificate of the certificate. One that cannot be read, because it is broken or its key is not renewed
// yet, leaves the old one in use.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.clock()
	if now.Sub(c.looked) < certificateInterval {
		return c.current, nil
	}
	c.looked = now
	modified, err := modificationTimes(c.files)
	if err == nil && modified == c.modified {
		return c.current, nil
	}
	var read tls.Certificate
	if err == nil {
		c.modified = modified
		read, err = tls.LoadX509KeyPair(c.files.Certificate, c.files.Key)
	}
	if err != nil {
		c.logger.Error("Renewed certificate refused, the old one stays in use", "error", err)
		return c.current, nil
	}
	c.current = &read
	c.logger.Info("Renewed certificate in use", "validUntil", read.Leaf.NotAfter)
	return c.current, nil
}

func modificationTimes(files config.TLS) (modified [2]time.Time, err error) {
	for i, path := range []string{files.Certificate, files.Key} {
		info, err := os.Stat(path)
		if err != nil {
			return modified, err
		}
		modified[i] = info.ModTime()
	}
	return modified, nil
}
