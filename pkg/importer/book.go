package importer

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/streamlens/streamlens/pkg/atomicfile"
)

// maxHead is how much of a file's begin identifies it, in bytes of its content. Logs begin with a time, so no two begin alike.
const maxHead = 64 << 10

// Book keeps which files were imported and how far, in a file of its own. A file is known by the begin of its content, so
// that it may be renamed and compressed, as rotation does, and may have grown.
type Book struct {
	path  string
	Files []*Entry `json:"files"`
}

// Entry is a file that was imported, at least in part.
type Entry struct {
	Name         string    `json:"name"` // when it was imported last
	Organization string    `json:"organization"`
	HeadBytes    int       `json:"headBytes"` // how much of its content is hashed
	HeadHash     string    `json:"headHash"`  // SHA-256, hexadecimal
	Bytes        int64     `json:"bytes"`     // of its content that were sent; what became of the lines is with the attempts
	Fields       string    `json:"fields,omitempty"`
	Time         time.Time `json:"time"` // of the last import
}

// OpenBook opens a book, which need not exist yet.
func OpenBook(path string) (*Book, error) {
	b := &Book{path: path}
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return b, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read what was imported: %w", err)
	}
	if err := json.Unmarshal(content, b); err != nil {
		return nil, fmt.Errorf("read what was imported: %s: %w", path, err)
	}
	return b, nil
}

// Save writes the book, in one step.
func (b *Book) Save() error {
	content, err := json.MarshalIndent(b, "", "  ")
	if err != nil {
		return fmt.Errorf("keep what was imported: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(b.path), 0o755); err != nil {
		return fmt.Errorf("keep what was imported: %w", err)
	}
	if err := atomicfile.Write(b.path, content, 0o644); err != nil {
		return fmt.Errorf("keep what was imported: %w", err)
	}
	return nil
}

// sent returns a function that finds the entry of a file of an organisation by its begin, nil if there is none.
func (b *Book) sent(organization string) func(head []byte) *Entry {
	return func(head []byte) *Entry {
		for _, e := range b.Files {
			if e.Organization == organization && e.HeadBytes <= len(head) && hash(head[:e.HeadBytes]) == e.HeadHash {
				return e
			}
		}
		return nil
	}
}

// attemptsOf returns the path of the file that keeps what became of the lines of a file.
func (b *Book) attemptsOf(e *Entry) string {
	return filepath.Join(b.path+".lines", fmt.Sprintf("%s-%.32s.jsonl", e.Organization, e.HeadHash))
}

// entry returns the entry of a file with the given begin, a new one if it is unknown, and nil if the begin has no line that
// could tell the file from others.
func (b *Book) entry(organization, name string, head []byte) *Entry {
	if e := b.sent(organization)(head); e != nil {
		e.Name = name
		return e
	}
	head = head[:bytes.LastIndexByte(head, '\n')+1]
	if !hasLine(head) {
		return nil
	}
	e := &Entry{Name: name, Organization: organization, HeadBytes: len(head), HeadHash: hash(head)}
	b.Files = append(b.Files, e)
	return e
}

func hash(head []byte) string {
	sum := sha256.Sum256(head)
	return hex.EncodeToString(sum[:])
}

// hasLine reports whether there is a line beside the header that all logs of a kind have.
func hasLine(head []byte) bool {
	for line := range bytes.Lines(head) {
		if line[0] != '#' && len(bytes.TrimSpace(line)) > 0 {
			return true
		}
	}
	return false
}
