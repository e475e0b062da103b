package logreader

import (
	"bytes"
	"errors"
	"strconv"
	"strings"
)

// Letters of the fates of lines.
const (
	LetterCounted = 'c'
	LetterIgnored = 'i'
	LetterRefused = 'r'
)

// ErrRuns means that an answer, or what is kept of one, does not fit to the lines.
var ErrRuns = errors.New("what became of the lines does not fit to the lines")

// Spell returns the fate of each of count lines from runs such as "120c3i".
func Spell(runs string, count int) ([]byte, error) {
	fates := make([]byte, 0, count)
	for runs != "" {
		i := strings.IndexAny(runs, "cir")
		if i < 0 {
			return nil, ErrRuns
		}
		n, err := strconv.Atoi(runs[:i])
		if err != nil || n < 0 || n > count-len(fates) {
			return nil, ErrRuns
		}
		fates = append(fates, bytes.Repeat([]byte{runs[i]}, n)...)
		runs = runs[i+1:]
	}
	if len(fates) != count {
		return nil, ErrRuns
	}
	return fates, nil
}

// CountRuns returns how many lines runs such as "120c3i" are.
func CountRuns(runs string) int {
	sum, n := 0, 0
	for _, c := range runs {
		if c < '0' || c > '9' {
			sum, n = sum+n, 0
			continue
		}
		n = n*10 + int(c-'0')
	}
	return sum
}

// Runs is the reverse of Spell.
func Runs(fates []byte) string {
	var text []byte
	for i := 0; i < len(fates); {
		j := i
		for j < len(fates) && fates[j] == fates[i] {
			j++
		}
		text = append(strconv.AppendInt(text, int64(j-i), 10), fates[i])
		i = j
	}
	return string(text)
}
