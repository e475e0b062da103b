package accesslog

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// maxExcerpt is the greatest length of an excerpt, in bytes.
const maxExcerpt = 100

// Excerpt returns the begin of a line for a message, at most 100 bytes of it, in which a person would know the line again:
// addresses, queries, user agents, and long words of letters and digits, which can be tokens, are left out.
func Excerpt(line []byte) string {
	// What is left out can be much longer than what stands for it.
	text := strings.ToValidUTF8(string(line[:min(len(line), 16*maxExcerpt)]), "\uFFFD")
	for _, p := range personal {
		text = p.pattern.ReplaceAllString(text, p.instead)
	}
	text = strings.Map(func(r rune) rune {
		if r < ' ' {
			return ' '
		}
		return r
	}, text)
	if len(text) <= maxExcerpt {
		return text
	}
	end := maxExcerpt - len("…")
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + "…"
}

var personal = []struct {
	pattern *regexp.Regexp
	instead string
}{
	{regexp.MustCompile(`\?[^\s"|]*`), "?…"},
	{regexp.MustCompile(`\b\w+/\d[\d.]*[ +%][^"\t|]*`), "[user agent]"},
	{regexp.MustCompile(`"[A-Za-z][^"\s]*/\d+\.\d[^"]*"`), `"[user agent]"`},
	{regexp.MustCompile(`\b\d{1,3}(\.\d{1,3}){3}\b`), "[address]"},
	// A time has no more than two colons, and no two of them in a row.
	{regexp.MustCompile(`(?i)\[?[0-9a-f]*:(?:[0-9a-f]*:[0-9a-f]*:[0-9a-f:]*:[0-9a-f.:]*|:[0-9a-f.:]*|[0-9a-f:]*::[0-9a-f.:]*)\]?`), "[address]"},
	{regexp.MustCompile(`[\w.+-]+@[\w-]+\.[\w.-]+`), "[address]"},
	{regexp.MustCompile(`[A-Za-z0-9_=-]{24,}`), "[…]"},
}
