// Package erase deletes what is stored of one stream, or of one address of a viewer or publisher. Sums that carry neither, such
// as those of the organisation and of its countries, stay: nobody can be told from them.
package erase

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"time"

	"github.com/streamlens/streamlens/pkg/enrich"
	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/tenant"
	"github.com/streamlens/streamlens/pkg/vm"
)

// Subject is what is to be deleted: all series whose label has one of the values.
type Subject struct {
	filter vm.Filter
	// Note says what is not deleted, or what is deleted beside, in words for the operator; "" if there is nothing to say.
	Note string
}

// String names the label and its values.
func (s Subject) String() string { return vm.Filters{s.filter}.String() }

// Stream returns all that is stored of a stream: its sums in every family, with events and tags, and those of its addresses and
// referrers.
func Stream(name string) Subject {
	return Subject{filter: vm.Filter{Label: measure.LabelStream, Values: []string{name}}}
}

// Address returns what is stored of an address in the form in which the organisation stores it, and as a whole, in which it may
// have been stored before. Of hashes only that of the day of now can be found, with the salts of the collector; salts may be nil.
func Address(address netip.Addr, privacy tenant.IPPrivacy, salts *enrich.Salts, now time.Time) Subject {
	full := enrich.StoredIP(address, tenant.IPFull, enrich.Salt{})
	s := Subject{filter: vm.Filter{Label: measure.DimensionIP, Values: []string{full}}}
	switch privacy {
	case tenant.IPTruncated:
		network := enrich.StoredIP(address, tenant.IPTruncated, enrich.Salt{})
		s.filter.Values = append(s.filter.Values, network)
		s.Note = "The organisation stores networks, not addresses: what is stored of all addresses of the network " + network + " is deleted with it."
	case tenant.IPHashed:
		s.Note = "The organisation stores hashes of addresses, which change every day (UTC). The salt of an earlier day is deleted: " +
			"its hashes can be traced to an address by nobody, and so not be deleted by address."
		if salts == nil {
			s.Note += " The salt of today is not on this machine; run the command where the collector runs to delete today's hash too."
			break
		}
		s.filter.Values = append(s.filter.Values, enrich.StoredIP(address, tenant.IPHashed, salts.At(now)))
	case tenant.IPOff:
		s.Note = "The organisation stores no addresses. What it may have stored before it did not is deleted."
	}
	return s
}

// Eraser deletes series of one organisation.
type Eraser struct {
	organization string
	reader       *vm.Client
	deleter      *vm.Client
}

// New returns an eraser of the organisation. Both URLs are those of one VictoriaMetrics; on a cluster that for reads ends with
// /select/<tenant>/prometheus, and that for deletions with /delete/<tenant>/prometheus.
func New(readURL, deleteURL, organization string) (*Eraser, error) {
	reading, err := tenant.NewTransport(readURL, organization, http.DefaultTransport)
	if err != nil {
		return nil, err
	}
	deleting, err := tenant.NewDeleteTransport(deleteURL, organization, http.DefaultTransport)
	if err != nil {
		return nil, err
	}
	e := &Eraser{organization: organization}
	if e.reader, err = vm.NewClient(readURL, &http.Client{Transport: reading}); err != nil {
		return nil, err
	}
	e.deleter, err = vm.NewClient(deleteURL, &http.Client{Transport: deleting})
	return e, err
}

// Count returns how many series Delete would delete.
func (e *Eraser) Count(ctx context.Context, s Subject) (int, error) {
	n, err := e.reader.CountSeries(ctx, s.filter)
	if err != nil {
		return 0, fmt.Errorf("count series: %w", err)
	}
	return n, nil
}

// Delete deletes what is stored of a subject, for good.
func (e *Eraser) Delete(ctx context.Context, s Subject) error {
	if err := e.deleter.DeleteSeries(ctx, e.organization, s.filter); err != nil {
		return fmt.Errorf("delete series: %w", err)
	}
	return nil
}
