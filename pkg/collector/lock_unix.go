//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package collector

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// lockDataDir takes the data directory for this process alone, until unlock is called or the process ends, however it does. The
// error is errDataDirInUse while another process has it.
func lockDataDir(dir string) (unlock func() error, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the data directory: %w", err)
	}
	file, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the data directory: %w", err)
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = fmt.Errorf("%s: %w", dir, errDataDirInUse)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	// The file stays: whoever removed it could remove the one that the next process has just locked.
	return file.Close, nil
}
