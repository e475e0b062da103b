package collector

import (
	"os"
	"path/filepath"
	"testing"
)

func TestIdentify(t *testing.T) {
	dataDir := t.TempDir()
	first, err := identify(dataDir)
	if err != nil {
		t.Fatal(err)
	}
	second, err := identify(dataDir)
	if err != nil {
		t.Fatal(err)
	}
	if first == "" || second != first {
		t.Errorf("the name is %q, and %q after a start", first, second)
	}
	other, err := identify(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if other == first {
		t.Error("another collector has the same name")
	}
}

func TestIdentifyAfterACrash(t *testing.T) {
	dataDir := t.TempDir()
	for _, file := range []string{nameFile, nameFile + ".new"} {
		if err := os.WriteFile(filepath.Join(dataDir, file), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	name, err := identify(dataDir)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := identify(dataDir); err != nil || again != name || name == "" {
		t.Errorf("the name is %q, and %q, %v after a start", name, again, err)
	}
}
