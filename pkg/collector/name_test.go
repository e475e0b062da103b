package collector

import (
	"os"
	"path/filepath"
	"testing"
)

func TestIdentify(t *testing.T) {
	dataDir := filepath.Join(t.TempDir(), "data")
	first, err := identify(dataDir)
	if err != nil {
		t.Fatal(err)
	}
	second, err := identify(dataDir)
	if err != nil {
		t.Fatal(err)
	}
	if first.name == "" || second.name != first.name {
		t.Errorf("the name is %q, and %q after a start", first.name, second.name)
	}
	if first.series != first.name+"-1" || second.series != first.name+"-2" {
		t.Errorf("the series are %q and %q, want -1 and -2 behind %q", first.series, second.series, first.name)
	}
	other, err := identify(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if other.name == first.name {
		t.Error("another collector has the same name")
	}
}

func TestIdentifyRefusesABrokenCount(t *testing.T) {
	dataDir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dataDir, startsFile), []byte("many"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := identify(dataDir); err == nil {
		t.Errorf("got %+v, want an error: an earlier number could come again", got)
	}
}
