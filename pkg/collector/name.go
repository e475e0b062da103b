package collector

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/streamlens/streamlens/pkg/atomicfile"
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
	if err := atomicfile.Write(path, []byte(name+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("keep who the collector is: %w", err)
	}
	return name, nil
}
