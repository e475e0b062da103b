package accesslog

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxExcerpt is the greatest length of an excerpt, in bytes.
const maxExcerpt = 100

// Excerpt returns the begin of a line for a message, at most 100 bytes of it, in which a person would know the line again:
// addresses, queries, user agents, and long words of letters and digits, which can be tokens, are left out.
func Excerpt(line []byte) string {
	// What is left out can be much longer than what stands for it.
	text := strings.ToValidUTF8(string(line[:min(len(line), 32*maxExcerpt)]), "\uFFFD")
	for _, p := range personal {
		text = p.pattern.ReplaceAllString(text, p.instead)
	}
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
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

// personal are what is left out, and what stands for it.
var personal = []struct {
	pattern *regexp.Regexp
	instead string
}{
	{regexp.MustCompile(`\?[^\s"|]*`), "?…"},
	{regexp.MustCompile(`[\w.%-]+=[^\s"|]+`), "[query]"},
	// A product with its version, and all that is behind it.
	{regexp.MustCompile(`[A-Za-z][\w.-]*(?:/|%2[Ff])\d+\.\d[^"\t|]*[ +%(;][^"\t|]*`), "[user agent]"},
	{regexp.MustCompile(`"[A-Za-z][\w. -]*(?:/|%2[Ff])\d[^"/]*"`), `"[user agent]"`},
	{regexp.MustCompile(`\d{1,3}(?:\.\d{1,3}){3}`), "[address]"},
	{regexp.MustCompile(`(?i)\[?(?:[0-9a-f]{1,4}:){4,7}[0-9a-f:.]*\]?|\[?(?:[0-9a-f]{1,4}:)*[0-9a-f]{0,4}::[0-9a-f:.]*\]?`), "[address]"},
	{regexp.MustCompile(`[\w.+-]+@[\w-]+\.[\w.-]+`), "[address]"},
	{regexp.MustCompile(`[A-Za-z0-9_=-]{24,}`), "[…]"},
}
