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

// nameFile, in the data directory, holds the collector's name.
const nameFile = "collector"

// Name returns the name that all series of the collector with this data directory carry. It is made once and then stays,
// so that sums go on where they were.
func Name(dataDir string) (string, error) {
	path := filepath.Join(dataDir, nameFile)
	content, err := os.ReadFile(path)
	if err == nil {
		if name := strings.TrimSpace(string(content)); name != "" {
			return name, nil
		}
		return "", fmt.Errorf("%s is empty: remove it to give the collector a new name", path)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read the collector's name: %w", err)
	}
	if err := os.MkdirAll(dataDir, 0o755); err != nil {
		return "", fmt.Errorf("make the data directory: %w", err)
	}
	name := strings.ToLower(rand.Text()[:10])
	if err := os.WriteFile(path, []byte(name+"\n"), 0o644); err != nil {
		return "", fmt.Errorf("keep the collector's name: %w", err)
	}
	return name, nil
}
