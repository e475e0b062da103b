package useragent

import (
	"fmt"
	"math/bits"
	"strings"

	"github.com/coregx/ahocorasick"
)

// texts are numbered texts, all of which are found in one pass.
type texts struct {
	numbers   map[string]int
	automaton *ahocorasick.Automaton
}

// number returns the number of a text in lower case, which is looked for from then on.
func (t *texts) number(text string) int {
	if t.numbers == nil {
		t.numbers = map[string]int{}
	}
	n, ok := t.numbers[text]
	if !ok {
		n = len(t.numbers)
		t.numbers[text] = n
	}
	return n
}

// numbersOf returns the numbers of texts.
func (t *texts) numbersOf(all []string) []int {
	numbers := make([]int, len(all))
	for i, text := range all {
		numbers[i] = t.number(text)
	}
	return numbers
}

// build makes the automaton. No text can be added after it.
func (t *texts) build() error {
	all := make([]string, len(t.numbers))
	for text, n := range t.numbers {
		all[n] = text
	}
	var err error
	if t.automaton, err = ahocorasick.NewBuilder().AddStrings(all).Build(); err != nil {
		return fmt.Errorf("texts to look for: %w", err)
	}
	return nil
}

// find returns the numbers of the texts that are in a folded user agent.
func (t *texts) find(folded string) bitset {
	found := newBitset(len(t.numbers))
	for _, m := range t.automaton.FindAllOverlapping([]byte(folded)) {
		found.add(m.PatternID)
	}
	return found
}

// bitset is a set of small numbers.
type bitset []uint64

func newBitset(size int) bitset { return make(bitset, (size+63)/64) }

func (b bitset) add(i int) { b[i/64] |= 1 << (i % 64) }

func (b bitset) has(i int) bool { return b[i/64]&(1<<(i%64)) != 0 }

// each calls f with each number in order, until it returns false.
func (b bitset) each(f func(int) bool) {
	for word, left := range b {
		for ; left != 0; left &= left - 1 {
			if !f(word*64 + bits.TrailingZeros64(left)) {
				return
			}
		}
	}
}

// foldRunes turns the letters beyond ASCII that expressions without regard to case take for ASCII into those.
var foldRunes = strings.NewReplacer("\u212A", "k", "\u017F", "s")

// fold returns a text in lower case, as far as it is ASCII.
func fold(s string) string {
	lower := []byte(s)
	ascii := true
	for i, c := range lower {
		if 'A' <= c && c <= 'Z' {
			lower[i] = c + 'a' - 'A'
		}
		ascii = ascii && c < 0x80
	}
	if ascii {
		return string(lower)
	}
	return foldRunes.Replace(string(lower))
}
