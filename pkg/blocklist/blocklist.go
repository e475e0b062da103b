// Package blocklist keeps the list of those whom an organisation does not let watch: addresses, users and sites that embed players. Each
// list is a file; servers that deliver read it in their own forms.
package blocklist

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/streamlens/streamlens/pkg/enrich"
	"github.com/streamlens/streamlens/pkg/event"
)

// Kind is what an entry blocks.
type Kind string

// The kinds.
const (
	IP       Kind = "ip"       // an address or a network
	User     Kind = "user"     // the id of a user
	Referrer Kind = "referrer" // the host of a page that embeds the player
)

// MaxEntries is how many entries a list may have.
const MaxEntries = 10_000

// Broadest are the lengths of the broadest networks that may be blocked: broader ones are a good part of the Internet.
const (
	broadest4 = 8
	broadest6 = 16
)

const (
	maxReason = 256 // bytes
	maxBy     = event.MaxNameBytes
)

// ErrInvalid is wrapped by errors about an entry that cannot be on a list.
var ErrInvalid = errors.New("not for a block list")

// Entry is one who may not watch.
type Entry struct {
	Kind   Kind      `json:"kind"`
	Value  string    `json:"value"`
	Reason string    `json:"reason"`
	By     string    `json:"by"`             // who put it on the list
	Added  time.Time `json:"added"`          // when
	Until  time.Time `json:"until,omitzero"` // from then on it is blocked no more; zero for never
}

// active reports whether the entry blocks at a time.
func (e Entry) active(now time.Time) bool { return e.Until.IsZero() || now.Before(e.Until) }

// is reports whether two entries block the same.
func (e Entry) is(other Entry) bool { return e.Kind == other.Kind && e.Value == other.Value }

// check returns what is wrong with an entry, whose value must have the form that Canonical gives it.
func (e Entry) check() error {
	value, err := Canonical(e.Kind, e.Value)
	switch {
	case err != nil:
		return err
	case value != e.Value:
		return fmt.Errorf("%w: %q should be %q", ErrInvalid, e.Value, value)
	case e.Reason == "" || !event.ValidText(e.Reason, maxReason):
		return fmt.Errorf("%w: the reason must be a text of 1 to %d bytes without control characters", ErrInvalid, maxReason)
	case e.By == "" || !event.ValidText(e.By, maxBy):
		return fmt.Errorf("%w: who blocks must be a text of 1 to %d bytes without control characters", ErrInvalid, maxBy)
	case e.Added.IsZero() || !e.Until.IsZero() && !e.Until.After(e.Added):
		return fmt.Errorf("%w: the end must be after the begin", ErrInvalid)
	}
	return nil
}

// Canonical returns the one form of a value: 203.0.113.7, 203.0.113.0/24 or 2001:db8::/32 of an address or network, the host in lower case of a
// referrer, also if a URL is given. The error wraps ErrInvalid.
func Canonical(kind Kind, value string) (string, error) {
	switch kind {
	case IP:
		prefix, err := ParseNetwork(value)
		if err != nil {
			return "", err
		}
		if prefix.IsSingleIP() {
			return prefix.Addr().String(), nil
		}
		return prefix.String(), nil
	case User:
		if value == "" || !event.ValidText(value, event.MaxNameBytes) {
			return "", fmt.Errorf("%w: a user's id is a text of 1 to %d bytes without control characters", ErrInvalid, event.MaxNameBytes)
		}
		return value, nil
	case Referrer:
		url := value
		if !strings.Contains(url, "://") {
			url = "https://" + url
		}
		host := enrich.Host(url)
		if host == enrich.NoReferrer || !event.ValidText(host, maxHost) {
			return "", fmt.Errorf("%w: %q is no host of a page, such as site.example", ErrInvalid, value)
		}
		return host, nil
	}
	return "", fmt.Errorf("%w: the kind %q is unknown", ErrInvalid, kind)
}

// maxHost is how long a name of a host may be, in bytes.
const maxHost = 253

// ParseNetwork reads an address, as the network of it alone, or a network. The error wraps ErrInvalid.
func ParseNetwork(value string) (netip.Prefix, error) {
	if address, err := netip.ParseAddr(value); err == nil {
		if address.Zone() != "" {
			return netip.Prefix{}, fmt.Errorf("%w: %q has a zone", ErrInvalid, value)
		}
		address = address.Unmap()
		return netip.PrefixFrom(address, address.BitLen()), nil
	}
	prefix, err := netip.ParsePrefix(value)
	if err != nil || prefix.Addr().Is4In6() {
		return netip.Prefix{}, fmt.Errorf("%w: %q is no address or network, such as 203.0.113.7, 203.0.113.0/24 or 2001:db8::/32", ErrInvalid, value)
	}
	if prefix.Addr().Is4() && prefix.Bits() < broadest4 || prefix.Addr().Is6() && prefix.Bits() < broadest6 {
		return netip.Prefix{}, fmt.Errorf("%w: the network %s is too broad: /%d, or /%d of IPv6, are the broadest", ErrInvalid, value, broadest4, broadest6)
	}
	return prefix.Masked(), nil
}

// List are the entries of an organisation.
type List []Entry

// Active returns the entries that block at a time.
func (l List) Active(now time.Time) List {
	active := List{}
	for _, e := range l {
		if e.active(now) {
			active = append(active, e)
		}
	}
	return active
}

// add returns the list with other entries, which take the place of those for the same.
func (l List) add(entries ...Entry) (List, error) {
	added := slices.Clone(l)
	for _, e := range entries {
		if err := e.check(); err != nil {
			return nil, err
		}
		added = append(slices.DeleteFunc(added, e.is), e)
	}
	if len(added) > MaxEntries {
		return nil, fmt.Errorf("%w: the list would have %d entries, of which %d fit", ErrInvalid, len(added), MaxEntries)
	}
	slices.SortFunc(added, func(a, b Entry) int {
		if a.Kind != b.Kind {
			return strings.Compare(string(a.Kind), string(b.Kind))
		}
		return strings.Compare(a.Value, b.Value)
	})
	return added, nil
}

// remove returns the list without an entry, and whether it was there.
func (l List) remove(kind Kind, value string) (List, bool) {
	left := slices.DeleteFunc(slices.Clone(l), Entry{Kind: kind, Value: value}.is)
	return left, len(left) < len(l)
}
