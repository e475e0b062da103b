//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package collector

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

func TestLockDataDir(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	unlock, err := lockDataDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lockDataDir(dir); !errors.Is(err, errDataDirInUse) {
		t.Errorf("a second lock: %v", err)
	}
	if err := unlock(); err != nil {
		t.Fatal(err)
	}
	unlock, err = lockDataDir(dir)
	if err != nil {
		t.Fatalf("after unlocking: %v", err)
	}
	if err := unlock(); err != nil {
		t.Fatal(err)
	}
}

// lockedDir names the data directory that the test's own program locks when it is run as a process of its own.
const lockedDir = "STREAMLENS_TEST_LOCKED_DIR"

func TestLockEndsWithItsProcess(t *testing.T) {
	if dir := os.Getenv(lockedDir); dir != "" {
		if _, err := lockDataDir(dir); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stdout.WriteString("locked\n"); err != nil {
			t.Fatal(err)
		}
		select {} // until it is killed
	}
	dir := t.TempDir()
	process := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestLockEndsWithItsProcess$")
	process.Env = append(os.Environ(), lockedDir+"="+dir)
	output, err := process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(output).ReadString('\n'); line != "locked\n" {
		t.Fatalf("the process says %q: %v", line, err)
	}
	if _, err := lockDataDir(dir); !errors.Is(err, errDataDirInUse) {
		t.Errorf("while the process runs: %v", err)
	}
	if err := process.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = process.Wait() // it was killed, as it says
	unlock, err := lockDataDir(dir)
	if err != nil {
		t.Fatalf("after kill -9: %v", err)
	}
	if err := unlock(); err != nil {
		t.Fatal(err)
	}
}
