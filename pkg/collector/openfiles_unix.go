//go:build unix

package collector

import (
	"fmt"
	"math"
	"syscall"
)

// openFiles returns how many files and connections the process may have open. Go raises the limit to the highest that is
// allowed when it starts.
func openFiles() (int, error) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0, fmt.Errorf("limit of open files: %w", err)
	}
	return int(min(limit.Cur, math.MaxInt32)), nil
}
