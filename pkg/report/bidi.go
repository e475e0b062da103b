package report

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/bidi"
	"golang.org/x/text/unicode/norm"
)

// forms are the shapes of an Arabic letter by how it is joined: isolated, joined to the letter before, to the one after, to
// both. A letter that joins to none after it has the first two only.
type forms []rune

// arabicForms are the forms of the Arabic letters. Unicode has them one after another in the block "Arabic Presentation
// Forms-B", with a compatibility decomposition to the letter.
var arabicForms = func() map[rune]forms {
	byLetter := map[rune]forms{}
	for r := rune(0xFE80); r <= 0xFEF4; r++ {
		letter := []rune(norm.NFKD.String(string(r)))
		if composed := []rune(norm.NFC.String(string(letter))); len(composed) == 1 {
			byLetter[composed[0]] = append(byLetter[composed[0]], r)
		}
	}
	return byLetter
}()

// leftToRight is a mark (U+200E) that is not seen, and before which and after which texts keep their own direction.
const leftToRight = "\u200e"

// visual returns a text in the order in which it is seen from left to right, with Arabic letters joined. The PDF library
// writes characters as they come.
func visual(text string) string {
	if !strings.ContainsFunc(text, isRightToLeft) {
		return strings.ReplaceAll(text, leftToRight, "")
	}
	var p bidi.Paragraph
	if _, err := p.SetString(join(text)); err != nil {
		return text
	}
	order, err := p.Order()
	if err != nil {
		return text
	}
	var parts []string
	group := 0 // where the parts begin that are seen from right to left
	for i := range order.NumRuns() {
		run := order.Run(i)
		part := run.String()
		if run.Direction() == bidi.RightToLeft {
			part = bidi.ReverseString(part)
		} else if order.Direction() == bidi.LeftToRight && !isNumber(part) {
			slices.Reverse(parts[group:])
			group = len(parts) + 1
		}
		parts = append(parts, part)
	}
	slices.Reverse(parts[group:])
	return strings.ReplaceAll(strings.Join(parts, ""), leftToRight, "")
}

// isNumber reports whether a text has digits but no letters: such a part belongs to the letters before it.
func isNumber(text string) bool {
	return strings.ContainsFunc(text, unicode.IsDigit) && !strings.ContainsFunc(text, unicode.IsLetter)
}

// isRightToLeft reports whether a letter is written from right to left.
func isRightToLeft(r rune) bool {
	properties, _ := bidi.LookupRune(r)
	class := properties.Class()
	return class == bidi.R || class == bidi.AL
}

// join replaces Arabic letters by the forms in which they are joined to their neighbours.
func join(text string) string {
	letters := []rune(norm.NFC.String(text))
	joined := slices.Clone(letters)
	// neighbour returns the forms of the next letter in a direction, past marks above and below letters.
	neighbour := func(i, direction int) forms {
		for i += direction; i >= 0 && i < len(letters); i += direction {
			if !unicode.Is(unicode.Mn, letters[i]) {
				return arabicForms[letters[i]]
			}
		}
		return nil
	}
	for i, letter := range letters {
		of := arabicForms[letter]
		form := 0
		if len(neighbour(i, -1)) == 4 && len(of) >= 2 {
			form++
		}
		if len(of) == 4 && len(neighbour(i, 1)) >= 2 {
			form += 2
		}
		if form < len(of) {
			joined[i] = of[form]
		}
	}
	return string(joined)
}
