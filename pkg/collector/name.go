package collector

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Files in the data directory.
const (
	nameFile   = "collector" // the collector's name
	startsFile = "starts"    // how often it was started
)

// identity tells the series of collectors apart, and those of one collector before and after a start.
type identity struct {
	// name is made once and then stays; what the last word holds of, such as the level of an organisation, is written
	// under it.
	name string
	// series is the name with the number of this start; sums are written under it. A collector that starts has forgotten
	// the sums of the minute and the hour that are open. Under the old name its smaller sums would be dropped, because
	// VictoriaMetrics keeps the greatest; under a new one both count.
	series string
}

// identify returns the identity of the collector with this data directory, for one start.
func identify(dataDir string) (identity, error) {
	if err := os.MkdirAll(dataDir, 0o755); err != nil {
		return identity{}, fmt.Errorf("make the data directory: %w", err)
	}
	name, err := readFile(dataDir, nameFile)
	if err != nil {
		return identity{}, err
	}
	if name == "" {
		name = strings.ToLower(rand.Text()[:10])
		if err := writeFile(dataDir, nameFile, name); err != nil {
			return identity{}, err
		}
	}
	text, err := readFile(dataDir, startsFile)
	if err != nil {
		return identity{}, err
	}
	starts := 0
	if text != "" {
		if starts, err = strconv.Atoi(text); err != nil {
			return identity{}, fmt.Errorf("%s holds no number: %w", filepath.Join(dataDir, startsFile), err)
		}
	}
	starts++
	if err := writeFile(dataDir, startsFile, strconv.Itoa(starts)); err != nil {
		return identity{}, err
	}
	return identity{name: name, series: fmt.Sprintf("%s-%d", name, starts)}, nil
}

// readFile returns what a file holds, "" if there is none.
func readFile(dataDir, name string) (string, error) {
	content, err := os.ReadFile(filepath.Join(dataDir, name))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read who the collector is: %w", err)
	}
	return strings.TrimSpace(string(content)), nil
}

// writeFile replaces a file in one step.
func writeFile(dataDir, name, content string) error {
	path := filepath.Join(dataDir, name)
	if err := os.WriteFile(path+".new", []byte(content+"\n"), 0o644); err != nil {
		return fmt.Errorf("keep who the collector is: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("keep who the collector is: %w", err)
	}
	return nil
}
