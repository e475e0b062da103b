package blocklist

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"go4.org/netipx"
)

// addresses returns the addresses that the list blocks.
func (l List) addresses() (*netipx.IPSet, error) {
	var b netipx.IPSetBuilder
	for _, e := range l {
		if e.Kind != IP {
			continue
		}
		prefix, err := ParseNetwork(e.Value)
		if err != nil {
			return nil, err
		}
		b.AddPrefix(prefix)
	}
	set, err := b.IPSet()
	if err != nil {
		return nil, fmt.Errorf("put networks together: %w", err)
	}
	return set, nil
}

// Published is a list as JSON.
type Published struct {
	Organization string `json:"organization"` // its id
	Entries      List   `json:"entries"`
}

// JSON returns the list of an organisation as JSON.
func (l List) JSON(organization string) ([]byte, error) {
	if l == nil {
		l = List{}
	}
	text, err := json.Marshal(Published{organization, l})
	if err != nil {
		return nil, fmt.Errorf("write the block list: %w", err)
	}
	return append(text, '\n'), nil
}

// CIDR returns the addresses and networks of the list as networks in order, one a line. None is in another one, as sets of packet filters demand.
func (l List) CIDR() ([]byte, error) { return l.networks("") }

// NginxGeo returns the addresses and networks of the list as what stands in a block geo of nginx.
func (l List) NginxGeo() ([]byte, error) { return l.networks(" 1;") }

func (l List) networks(end string) ([]byte, error) {
	set, err := l.addresses()
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	for _, p := range set.Prefixes() {
		fmt.Fprintf(&b, "%s%s\n", p, end)
	}
	return b.Bytes(), nil
}

// NginxMap returns the entries of a kind as what stands in a block map of nginx, which takes small and capital letters of ASCII as the same.
func (l List) NginxMap(kind Kind) []byte {
	var b bytes.Buffer
	known := map[string]bool{}
	for _, e := range l {
		if folded := lower(e.Value); e.Kind == kind && !known[folded] {
			known[folded] = true
			b.WriteString(nginxKey(e.Value))
			b.WriteString(" 1;\n")
		}
	}
	return b.Bytes()
}

// lower returns a text with the capital letters of ASCII in lower case, by which nginx compares.
func lower(text string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}, text)
}

// nginxKey returns a text as a key of a block map that matches nothing but itself. nginx takes words such as default and include, and
// what begins with ~, for more than a text, in quotes as well; the backslash before it, which nginx takes away, makes it a text.
func nginxKey(text string) string {
	return `"\\` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
}
