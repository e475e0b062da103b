package importer

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/cespare/xxhash/v2"

	"github.com/streamlens/streamlens/pkg/source/accesslog"
	"github.com/streamlens/streamlens/pkg/source/logreader"
)

// attempt is a request with lines of one piece of a file. It is kept before it is sent, without fates, and again with what became of
// all lines of the piece. So what did not count can be tried again when the format, the time zone or the paths of streams are mended,
// and only that.
type attempt struct {
	Offset  int64  `json:"offset"` // of the piece in the content, in bytes
	Bytes   int64  `json:"bytes"`  // of the piece
	Reading string `json:"reading"`
	After   int64  `json:"after,omitempty"`  // time of the last request before the piece, ms since 1970
	Last    int64  `json:"last,omitempty"`   // time of the last one in it
	Fates   string `json:"fates,omitempty"`  // as Result.Fates writes them, of all lines of the piece
	Fields  string `json:"fields,omitempty"` // the header that names the columns of the lines behind the piece
	Tail    string `json:"tail,omitempty"`   // as tailOf has it; "" if a version kept it that did not
}

// attempts are those of one file, in a file of their own to which they are appended.
type attempts struct {
	path string
	// known and open are the last attempt of each piece whose end is known, and one behind it whose end is not.
	known, open map[int64]*attempt
	order       []int64 // offsets, rising
}

// openAttempts reads what was tried before.
func openAttempts(path string) (*attempts, error) {
	a := &attempts{path: path, known: map[int64]*attempt{}, open: map[int64]*attempt{}}
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return a, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read what was imported: %w", err)
	}
	lines := bufio.NewScanner(bytes.NewReader(content))
	lines.Buffer(nil, len(content)+1)
	for lines.Scan() {
		var one attempt
		if err := json.Unmarshal(lines.Bytes(), &one); err != nil {
			continue // the last line of a program that was killed; its request is sent again
		}
		a.take(&one)
	}
	return a, nil
}

func (a *attempts) take(one *attempt) {
	if a.known[one.Offset] == nil && a.open[one.Offset] == nil {
		a.order = append(a.order, one.Offset)
	}
	if one.Fates == "" {
		a.open[one.Offset] = one
		return
	}
	a.known[one.Offset] = one
	delete(a.open, one.Offset)
}

// keep appends an attempt.
func (a *attempts) keep(one attempt) error {
	line, err := json.Marshal(one)
	if err != nil {
		return fmt.Errorf("keep what was imported: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(a.path), 0o755); err != nil {
		return fmt.Errorf("keep what was imported: %w", err)
	}
	file, err := os.OpenFile(a.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("keep what was imported: %w", err)
	}
	// The line end before it closes the line of a program that was killed.
	_, err = file.Write(append([]byte("\n"), line...))
	if err := errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("keep what was imported: %w", err)
	}
	a.take(&one)
	return nil
}

// maxTail is how many bytes at the end of a piece are looked at before what follows is sent: other logs may begin alike.
const maxTail = 4 << 10

// tailOf returns by what the end of a piece is known again.
func tailOf(chunk []byte) string {
	return strconv.FormatUint(xxhash.Sum64(chunk[max(0, len(chunk)-maxTail):]), 16)
}

// behind returns the last piece that ends at an offset, nil if there is none of which it is known.
func (a *attempts) behind(end int64) *attempt {
	for _, one := range a.known {
		if one.Offset+one.Bytes == end {
			return one
		}
	}
	return nil
}

// end returns the offset behind the last piece of which it is known what became of it, and the header of the lines there.
func (a *attempts) end() (offset int64, fields string) {
	for _, one := range a.known {
		if end := one.Offset + one.Bytes; end > offset {
			offset, fields = end, one.Fields
		}
	}
	return offset, fields
}

// last returns the time of the last request of the last piece that has one, ms since 1970.
func (a *attempts) last() int64 {
	var offset, last int64
	for _, one := range a.known {
		if one.Last != 0 && one.Offset >= offset {
			offset, last = one.Offset, one.Last
		}
	}
	return last
}

// lines returns how many lines the pieces have of which it is known.
func (a *attempts) lines() int {
	n := 0
	for _, one := range a.known {
		n += logreader.CountRuns(one.Fates)
	}
	return n
}

// counted reports whether any line of the file counts.
func (a *attempts) counted() bool {
	for _, one := range a.known {
		if strings.IndexByte(one.Fates, logreader.LetterCounted) >= 0 {
			return true
		}
	}
	return false
}

// pieces returns the sizes of the pieces up to an offset, if one of them is worth another try, else none: then what is before the
// offset is done. Content that was imported by versions that kept no attempts is a piece without one.
func (a *attempts) pieces(to int64, reading string) []int64 {
	var (
		sizes []int64
		at    int64
		again bool
	)
	for _, offset := range a.order {
		one := a.known[offset]
		if open := a.open[offset]; open != nil {
			one, again = open, true
		} else if one.worthAnother(reading) {
			again = true
		}
		if offset < at {
			continue
		}
		for ; offset > at; at += min(offset-at, chunkBytes) {
			sizes = append(sizes, min(offset-at, chunkBytes))
		}
		sizes = append(sizes, one.Bytes)
		at += one.Bytes
	}
	if !again {
		return nil
	}
	for ; to > at; at += min(to-at, chunkBytes) {
		sizes = append(sizes, min(to-at, chunkBytes))
	}
	return sizes
}

// worthAnother reports whether lines of a piece may count if they are read in a way: those that were refused always, as what was wrong
// may be mended where the collector is, those that were ignored if they are read in another way.
func (o *attempt) worthAnother(reading string) bool {
	return strings.IndexByte(o.Fates, logreader.LetterRefused) >= 0 || o.Reading != reading && strings.IndexByte(o.Fates, logreader.LetterIgnored) >= 0
}

// choose returns for each line of a piece, of which it is known what became, whether another reading is to try it. Headers are always
// among them, because what is behind them needs them.
func (o *attempt) choose(lines [][]byte, fates []byte, reading string) []bool {
	chosen := make([]bool, len(lines))
	for i, line := range lines {
		chosen[i] = fates[i] == logreader.LetterRefused || fates[i] == logreader.LetterIgnored && (o.Reading != reading || bytes.HasPrefix(line, []byte(accesslog.FieldsPrefix)))
	}
	return chosen
}
