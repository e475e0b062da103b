package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestToFile(t *testing.T) {
	text := func(s string) func(io.Writer) error {
		return func(w io.Writer) error {
			_, err := io.WriteString(w, s)
			return err
		}
	}
	content := func(path string) string {
		t.Helper()
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	broken := errors.New("broken")
	breaks := func(w io.Writer) error { return errors.Join(text("half")(w), broken) }

	t.Run("standard output", func(t *testing.T) {
		for _, name := range []string{"", "-"} {
			var out strings.Builder
			if err := toFile(name, 0o600, &out, text("all")); err != nil || out.String() != "all" {
				t.Errorf("%q: %q, %v", name, out.String(), err)
			}
		}
	})
	t.Run("file that is replaced when the new one is whole", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "a.csv")
		if err := toFile(path, 0o600, nil, text("first")); err != nil {
			t.Fatal(err)
		}
		seen := ""
		err := toFile(path, 0o600, nil, func(w io.Writer) error {
			err := text("second")(w)
			seen = content(path)
			return err
		})
		if err != nil || seen != "first" || content(path) != "second" {
			t.Errorf("%q while it was written, then %q, %v", seen, content(path), err)
		}
		if err := toFile(path, 0o600, nil, breaks); !errors.Is(err, broken) || content(path) != "second" {
			t.Errorf("after a failure %q, %v", content(path), err)
		}
		if names, err := os.ReadDir(filepath.Dir(path)); err != nil || len(names) != 1 {
			t.Errorf("%v are left, %v", names, err)
		}
	})
	t.Run("no such folder", func(t *testing.T) {
		if err := toFile(filepath.Join(t.TempDir(), "none", "a.csv"), 0o600, nil, text("all")); err == nil {
			t.Error("no error")
		}
	})
	if runtime.GOOS == "windows" {
		return // which lets not everybody make links
	}
	t.Run("link", func(t *testing.T) {
		folder := t.TempDir()
		path, link := filepath.Join(folder, "a.csv"), filepath.Join(folder, "newest.csv")
		if err := errors.Join(os.WriteFile(path, nil, 0o600), os.Symlink("a.csv", link)); err != nil {
			t.Fatal(err)
		}
		if err := toFile(link, 0o600, nil, text("all")); err != nil || content(path) != "all" {
			t.Errorf("%q, %v", content(path), err)
		}
		if to, err := os.Readlink(link); err != nil || to != "a.csv" {
			t.Errorf("the link leads to %q, %v", to, err)
		}
	})
	t.Run("pipe", func(t *testing.T) {
		out, in, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer out.Close()
		// A link to what is no file, as /dev/stdout is.
		link := filepath.Join(t.TempDir(), "stdout")
		if err := os.Symlink(fmt.Sprintf("/dev/fd/%d", in.Fd()), link); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(toFile(link, 0o600, nil, text("all")), in.Close()); err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(out); err != nil || string(got) != "all" {
			t.Errorf("%q, %v", got, err)
		}
		if _, err := os.Readlink(link); err != nil {
			t.Errorf("the link is gone: %v", err)
		}
	})
}
