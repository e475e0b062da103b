package useragent

import (
	"slices"
	"strings"
)

// mark says what a user agent with some texts is, whatever the rules say.
type mark struct {
	// texts are in lower case, with " & " between those that must be there together; one that begins with ! must not be there.
	texts string
	name  string
}

// marks are a list, of which the first that is there tells the name.
type marks []struct {
	all, none []int // numbers of texts
	name      string
}

func newMarks(list []mark, t *texts) marks {
	m := make(marks, len(list))
	for i, one := range list {
		m[i].name = one.name
		for text := range strings.SplitSeq(one.texts, " & ") {
			if not, ok := strings.CutPrefix(text, "!"); ok {
				m[i].none = append(m[i].none, t.number(not))
			} else {
				m[i].all = append(m[i].all, t.number(text))
			}
		}
	}
	return m
}

// find returns the name by the first mark that is there, and whether there is one.
func (m marks) find(found bitset) (name string, ok bool) {
	for _, one := range m {
		if !slices.ContainsFunc(one.none, found.has) && !slices.ContainsFunc(one.all, func(n int) bool { return !found.has(n) }) {
			return one.name, true
		}
	}
	return "", false
}

// name returns the name by the first mark that is there, "" if there is none.
func (m marks) name(found bitset) string {
	name, _ := m.find(found)
	return name
}
