package cmcd

import (
	"errors"
	"math"
	"regexp"
	"strings"

	"github.com/dunglas/httpsfv"

	"github.com/streamlens/streamlens/pkg/event"
)

// keys is a set of keys, as decoded. Its methods give what a key holds if it is of a type that the key may have, and pass
// over everything else, as a receiver must (CTA-5004-B, section 7).
type keys map[string]httpsfv.Member

// errSyntax means that nothing in a set of keys can be read.
var errSyntax = errors.New("no key can be read: each must be written as a member of a structured field (RFC 8941)")

// parseKeys reads a dictionary of structured fields. Where one member breaks the syntax, or has text outside ASCII, which
// CMCD's UTF-8 allows and structured fields do not, the others are kept.
func parseKeys(text string) (keys, error) {
	text = strings.TrimSpace(text)
	read := keys{}
	if dictionary, err := httpsfv.UnmarshalDictionary([]string{text}); err == nil {
		read.add(dictionary)
	} else {
		for _, member := range members(text) {
			read.addMember(strings.TrimSpace(member))
		}
	}
	if len(read) == 0 {
		return nil, errSyntax
	}
	return read, nil
}

func (k keys) add(dictionary *httpsfv.Dictionary) {
	for _, name := range dictionary.Names() {
		k[name], _ = dictionary.Get(name)
	}
}

func (k keys) addMember(member string) {
	if dictionary, err := httpsfv.UnmarshalDictionary([]string{member}); err == nil {
		k.add(dictionary)
		return
	}
	if dictionary, err := httpsfv.UnmarshalDictionary([]string{manyDigits.ReplaceAllString(member, "$1")}); err == nil {
		k.add(dictionary)
		return
	}
	name, value, _ := strings.Cut(member, "=")
	if text, ok := quoted(value); ok {
		k[name] = httpsfv.NewItem(text)
	}
}

// manyDigits matches the digits of a decimal that a structured field may not have (RFC 8941, section 3.3.2); JavaScript writes them.
var manyDigits = regexp.MustCompile(`([=( ]-?\d+\.\d{3})\d+`)

// quoted returns the text between quotation marks.
func quoted(value string) (string, bool) {
	if len(value) < 2 || value[0] != '"' || value[len(value)-1] != '"' {
		return "", false
	}
	return unescape.Replace(value[1 : len(value)-1]), true
}

var unescape = strings.NewReplacer(`\\`, `\`, `\"`, `"`)

// members divides a dictionary at the commas that are neither in text nor in a list.
func members(text string) []string {
	var all []string
	inText, inList, escaped, start := false, 0, false, 0
	for i := range len(text) {
		switch c := text[i]; {
		case escaped:
			escaped = false
		case inText:
			escaped = c == '\\'
			inText = c != '"'
		case c == '"':
			inText = true
		case c == '(':
			inList++
		case c == ')':
			inList--
		case c == ',' && inList <= 0:
			all = append(all, text[start:i])
			start = i + 1
		}
	}
	return append(all, text[start:])
}

// items returns the values of a list. A single value counts as a list of one: players of version 2 still write some keys as
// version 1 does.
func (k keys) items(name string) []any {
	switch member := k[name].(type) {
	case httpsfv.Item:
		return []any{member.Value}
	case httpsfv.InnerList:
		values := make([]any, len(member.Items))
		for i, item := range member.Items {
			values[i] = item.Value
		}
		return values
	}
	return nil
}

// text returns a text or token of at most limit bytes, and "" if there is none.
func (k keys) text(name string, limit int) string {
	item, ok := k[name].(httpsfv.Item)
	if !ok {
		return ""
	}
	text := asText(item.Value)
	if !event.ValidText(text, limit) {
		return ""
	}
	return text
}

func asText(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case httpsfv.Token:
		return string(v)
	}
	return ""
}

// number returns the least number of a list, rounded, if it is from 0 to limit, and event.Absent if there is none: of the
// buffers of audio and video it is the shorter one that runs dry.
func (k keys) number(name string, limit int64) int64 {
	least := event.Absent
	for _, value := range k.items(name) {
		n := asNumber(value)
		if n >= 0 && n <= limit && (least == event.Absent || n < least) {
			least = n
		}
	}
	return least
}

// ofVideo returns the number of a list that is marked as that of video, as in (2500;v 128;a), else the greatest that is not of audio, and
// event.Absent if there is none.
func (k keys) ofVideo(name string) int64 {
	items := []httpsfv.Item{}
	switch member := k[name].(type) {
	case httpsfv.Item:
		items = append(items, member)
	case httpsfv.InnerList:
		items = member.Items
	}
	greatest := event.Absent
	for _, item := range items {
		n := asNumber(item.Value)
		if item.Params != nil {
			if _, video := item.Params.Get("v"); video {
				return n
			}
			if _, audio := item.Params.Get("a"); audio {
				continue
			}
		}
		greatest = max(greatest, n)
	}
	return greatest
}

func asNumber(value any) int64 {
	switch v := value.(type) {
	case int64:
		return v
	case float64:
		return int64(math.Round(v))
	}
	return event.Absent
}
