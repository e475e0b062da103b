package collector

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// nameFile is the file of the data directory that holds the collector's name.
const nameFile = "collector"

// identify returns the name of the collector with this data directory, which exists. It is made once and then stays, because sums are stored
// under it: what the collector has counted and what it counts after a restart are one.
func identify(dataDir string) (string, error) {
	path := filepath.Join(dataDir, nameFile)
	content, err := os.ReadFile(path)
	if name := strings.TrimSpace(string(content)); err == nil && name != "" {
		return name, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read who the collector is: %w", err)
	}
	name := strings.ToLower(rand.Text()[:10])
	// In one step, so that no crash leaves half a name.
	err = os.WriteFile(path+".new", []byte(name+"\n"), 0o600)
	if err == nil {
		err = os.Rename(path+".new", path)
	}
	if err != nil {
		return "", fmt.Errorf("keep who the collector is: %w", err)
	}
	return name, nil
}
