package report

import (
	_ "embed"
	"fmt"
	"strings"
	"unicode"

	"codeberg.org/go-pdf/fpdf"
	"golang.org/x/image/font/sfnt"
)

// The fonts; fonts/LICENSE.md says whose they are.
var (
	//go:embed fonts/DejaVuSansCondensed.ttf
	regularFont []byte
	//go:embed fonts/DejaVuSansCondensed-Bold.ttf
	boldFont []byte
	//go:embed fonts/DroidSansFallback.ttf
	fallbackFont []byte
)

// Font families within a document.
const (
	mainFamily     = "main"
	fallbackFamily = "fallback" // Chinese, Japanese and Korean
)

// replacement is shown for a character that no font has.
const replacement = '□'

// face is how a text looks.
type face struct {
	size  float64 // points
	bold  bool
	color color
}

type color struct{ red, green, blue int }

// typesetter writes texts of any script into a document.
type typesetter struct {
	pdf            *fpdf.Fpdf
	main, fallback *sfnt.Font
	buffer         sfnt.Buffer
	fallbackAdded  bool
}

func newTypesetter(pdf *fpdf.Fpdf) (*typesetter, error) {
	main, err := sfnt.Parse(regularFont)
	if err != nil {
		return nil, fmt.Errorf("read the font: %w", err)
	}
	fallback, err := sfnt.Parse(fallbackFont)
	if err != nil {
		return nil, fmt.Errorf("read the fallback font: %w", err)
	}
	pdf.AddUTF8FontFromBytes(mainFamily, "", regularFont)
	pdf.AddUTF8FontFromBytes(mainFamily, "B", boldFont)
	return &typesetter{pdf: pdf, main: main, fallback: fallback}, nil
}

// run is a part of a text that is of one font.
type run struct {
	family string
	text   string
}

// runs divides a text, in the order in which it is seen from left to right, by the fonts that have its characters.
func (t *typesetter) runs(text string) []run {
	var runs []run
	for _, r := range text {
		family := mainFamily
		switch {
		case t.has(t.main, r):
		case t.has(t.fallback, r):
			family = fallbackFamily
		default:
			r = replacement
		}
		if last := len(runs) - 1; last >= 0 && runs[last].family == family {
			runs[last].text += string(r)
		} else {
			runs = append(runs, run{family, string(r)})
		}
	}
	return runs
}

// has reports whether a font has a character. The PDF library can write none beyond the Basic Multilingual Plane.
func (t *typesetter) has(f *sfnt.Font, r rune) bool {
	if r > 0xFFFF || !unicode.IsGraphic(r) {
		return false
	}
	glyph, err := f.GlyphIndex(&t.buffer, r)
	return err == nil && glyph != 0
}

func (t *typesetter) use(family string, f face) {
	style := ""
	switch {
	case family == fallbackFamily:
		// The font is large and seldom needed.
		if !t.fallbackAdded {
			t.pdf.AddUTF8FontFromBytes(fallbackFamily, "", fallbackFont)
			t.fallbackAdded = true
		}
	case f.bold:
		style = "B"
	}
	t.pdf.SetFont(family, style, f.size)
}

// width returns how wide a text is, in the document's unit.
func (t *typesetter) width(text string, f face) float64 {
	width := 0.0
	for _, r := range t.runs(visual(text)) {
		t.use(r.family, f)
		width += t.pdf.GetStringWidth(r.text)
	}
	return width
}

// left writes a text that begins at x; y is its baseline.
func (t *typesetter) left(x, y float64, text string, f face) {
	t.pdf.SetTextColor(f.color.red, f.color.green, f.color.blue)
	for _, r := range t.runs(visual(text)) {
		t.use(r.family, f)
		t.pdf.Text(x, y, r.text)
		x += t.pdf.GetStringWidth(r.text)
	}
}

// right writes a text that ends at x.
func (t *typesetter) right(x, y float64, text string, f face) {
	t.left(x-t.width(text, f), y, text, f)
}

// center writes a text with its middle at x.
func (t *typesetter) center(x, y float64, text string, f face) {
	t.left(x-t.width(text, f)/2, y, text, f)
}

// wrap breaks a text into lines that are at most width wide: after a space or a mark that divides if there is one in the
// second half of the line, else anywhere. Of more than most lines the last one ends in an ellipsis.
func (t *typesetter) wrap(text string, f face, width float64, most int) []string {
	var lines []string
	rest := []rune(strings.TrimSpace(text))
	for len(rest) > 0 {
		fits := 0
		for used := 0.0; fits < len(rest); fits++ {
			if used += t.width(string(rest[fits]), f); used > width {
				break
			}
		}
		fits = max(fits, 1)
		if fits == len(rest) {
			return append(lines, string(rest))
		}
		if len(lines) == most-1 {
			return append(lines, string(rest[:fits-1])+"…")
		}
		for i := fits; i > fits/2; i-- {
			if strings.ContainsRune(" -_/,", rest[i-1]) {
				fits = i
				break
			}
		}
		lines = append(lines, strings.TrimSpace(string(rest[:fits])))
		rest = []rune(strings.TrimSpace(string(rest[fits:])))
	}
	return lines
}
