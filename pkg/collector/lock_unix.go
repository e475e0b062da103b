//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package collector

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
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
	// Who wants to send a signal to this process finds it here.
	if err := writePID(file); err != nil {
		return nil, errors.Join(fmt.Errorf("lock the data directory: %w", err), file.Close())
	}
	// The file stays: whoever removed it could remove the one that the next process has just locked.
	return file.Close, nil
}

func writePID(file *os.File) error {
	if err := file.Truncate(0); err != nil {
		return err
	}
	_, err := file.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return err
}

// Reload tells the collector that uses a data directory to read its configuration again. It returns once the signal is sent; what comes
// of it is in the collector's log.
func Reload(dir string) error {
	file, err := os.Open(filepath.Join(dir, lockFile))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: %w", dir, errNotRunning)
	}
	if err != nil {
		return fmt.Errorf("find the collector: %w", err)
	}
	defer file.Close()
	// The process of a file that nobody locks has ended, and its number may be another's by now.
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_SH|syscall.LOCK_NB); err == nil {
		return fmt.Errorf("%s: %w", dir, errNotRunning)
	}
	text, err := io.ReadAll(file)
	if err != nil {
		return fmt.Errorf("find the collector: %w", err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || pid <= 0 {
		return fmt.Errorf("%s: the collector does not say which process it is", filepath.Join(dir, lockFile))
	}
	if err := syscall.Kill(pid, syscall.SIGHUP); err != nil {
		return fmt.Errorf("tell process %d: %w", pid, err)
	}
	return nil
}
