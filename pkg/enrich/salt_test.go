package enrich

import (
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/tenant"
)

func TestSaltsLastUntilTheDayIsOver(t *testing.T) {
	dir := t.TempDir()
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	open := func() *Salts {
		t.Helper()
		salts, err := OpenSalts(dir, clock, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		return salts
	}
	hash := func(s *Salts) string { return StoredIP(netip.MustParseAddr("81.2.69.142"), tenant.IPHashed, s.At(now)) }
	file := filepath.Join(dir, saltFile)

	first := open()
	today := hash(first)
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file has the mode %v, %v", info.Mode(), err)
	}
	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got := hash(open()); got != today {
		t.Errorf("after a restart the hash is %s, want %s", got, today)
	}
	found, err := FindSalts(dir, clock)
	if err != nil || found == nil || hash(found) != today {
		t.Errorf("found %v, %v", found, err)
	}

	now = now.Add(12 * time.Hour)
	if found, err := FindSalts(dir, clock); err != nil || found != nil {
		t.Errorf("on the next day the old salts are found: %v, %v", found, err)
	}
	tomorrow := hash(first)
	if tomorrow == today {
		t.Error("the hash is the same on the next day")
	}
	after, err := os.ReadFile(file)
	secret := strings.Fields(string(before))[1]
	if err != nil || strings.Contains(string(after), secret) {
		t.Errorf("the salt of the day before is kept: %s, %v", after, err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("the folder has %v, %v", entries, err)
	}
	if got := hash(open()); got != tomorrow {
		t.Errorf("after a restart on the next day the hash is %s, want %s", got, tomorrow)
	}
	// Nobody can make a hash of yesterday any more.
	if got := StoredIP(netip.MustParseAddr("81.2.69.142"), tenant.IPHashed, first.At(now.Add(-13*time.Hour))); got == today {
		t.Error("the old salt lives on in memory")
	}
}

func TestSaltsThatCannotBeRead(t *testing.T) {
	for _, content := range []string{"", "x", "20000", "20000 zz", fmt.Sprintf("%d %s", time.Now().Unix()/secondsPerDay, strings.Repeat("a", 62)), "\x00"} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, saltFile), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenSalts(dir, time.Now, slog.New(slog.DiscardHandler)); err != nil {
			t.Errorf("%q: %v", content, err)
		}
		if found, err := FindSalts(dir, time.Now); err != nil || found == nil {
			t.Errorf("%q is not made anew: %v, %v", content, found, err)
		}
	}
}
