//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package blocklist

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// checkOwner returns an error unless a data directory is this user's or not there yet: a list that another user wrote could not be read by the
// collector.
func checkOwner(dataDir string) error {
	info, err := os.Stat(dataDir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("find the data directory: %w", err)
	}
	if owner, ok := info.Sys().(*syscall.Stat_t); ok && int(owner.Uid) != os.Geteuid() {
		return fmt.Errorf("%s belongs to another user, who runs the collector: change the list as that user, for example with sudo -u streamlens", dataDir)
	}
	return nil
}
