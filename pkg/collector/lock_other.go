//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package collector

import "errors"

// lockDataDir does nothing: this system has no lock that ends with its process, and one that outlives a crash would keep the
// collector from starting again. A second collector is still found by its claim.
func lockDataDir(string) (unlock func() error, err error) {
	return func() error { return nil }, nil
}

// Reload is not available: this system has no signal by which a process could be told.
func Reload(string) error {
	return errors.New("this system cannot tell a running collector to reload: restart it")
}
