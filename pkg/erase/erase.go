// Package erase deletes what is stored of one stream, of one address of a viewer or publisher, or of users. Sums that carry neither, such
// as those of the organisation and of its countries, stay: nobody can be told from them.
package erase

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"github.com/streamlens/streamlens/pkg/enrich"
	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/play"
	"github.com/streamlens/streamlens/pkg/tenant"
	"github.com/streamlens/streamlens/pkg/vl"
	"github.com/streamlens/streamlens/pkg/vm"
)

// Subject is what is to be deleted: all series and all records of plays that have one of the values.
type Subject struct {
	filter vm.Filter // none of users, whom no series has
	plays  vl.Filter
	// Note says what is not deleted, or what is deleted beside, in words for the operator; "" if there is nothing to say.
	Note string
}

// maxShown is how many values String shows.
const maxShown = 10

// String names the label and its values.
func (s Subject) String() string {
	if s.filter.Label == "" {
		shown := s.plays.Values[:min(len(s.plays.Values), maxShown)]
		text := vm.Filters{{Label: string(s.plays.Field), Values: shown}}.String()
		if more := len(s.plays.Values) - len(shown); more > 0 {
			text += fmt.Sprintf(" or of %d others", more)
		}
		return text
	}
	return vm.Filters{s.filter}.String()
}

// Stream returns all that is stored of a stream: its sums in every family, with events and tags, and those of its addresses and
// referrers.
func Stream(name string) Subject {
	return subject(measure.LabelStream, play.Stream, name)
}

func subject(label string, field play.Field, values ...string) Subject {
	return Subject{filter: vm.Filter{Label: label, Values: values}, plays: vl.Filter{Field: field, Operator: vl.Is, Values: values}}
}

// Users returns the plays of some users. Nothing else is stored of them.
func Users(ids ...string) Subject {
	return Subject{plays: vl.Filter{Field: play.User, Operator: vl.Is, Values: ids}}
}

// Address returns what is stored of an address in the form in which the organisation stores it, and as a whole, in which it may
// have been stored before. Of hashes only that of the day of now can be found, with the salts of the collector; salts may be nil.
func Address(address netip.Addr, privacy tenant.IPPrivacy, salts *enrich.Salts, now time.Time) Subject {
	full := enrich.StoredIP(address, tenant.IPFull, enrich.Salt{})
	values := []string{full}
	note := ""
	switch privacy {
	case tenant.IPTruncated:
		network := enrich.StoredIP(address, tenant.IPTruncated, enrich.Salt{})
		values = append(values, network)
		note = "The organisation stores networks, not addresses: what is stored of all addresses of the network " + network + " is deleted with it."
	case tenant.IPHashed:
		note = "The organisation stores hashes of addresses, which change every day (UTC). The salt of an earlier day is deleted: " +
			"its hashes can be traced to an address by nobody, and so not be deleted by address."
		if salts == nil {
			note += " The salt of today is not on this machine; run the command where the collector runs to delete today's hash too."
			break
		}
		values = append(values, enrich.StoredIP(address, tenant.IPHashed, salts.At(now)))
	case tenant.IPOff:
		note = "The organisation stores no addresses. What it may have stored before it did not is deleted."
	}
	s := subject(measure.DimensionIP, play.Address, values...)
	s.Note = note
	return s
}

// Eraser deletes series and records of plays of one organisation.
type Eraser struct {
	organization string
	reader       *vm.Client
	deleter      *vm.Client
	plays        *vl.Client // asks as the organisation; nil if no plays are kept
	playsDeleter *vl.Client
}

// New returns an eraser of the organisation. Both URLs are those of one VictoriaMetrics; on a cluster that for reads ends with
// /select/<tenant>/prometheus, and that for deletions with /delete/<tenant>/prometheus. The URL of VictoriaLogs is empty if no plays are kept.
func New(readURL, deleteURL, playsURL, organization string) (*Eraser, error) {
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
	if e.deleter, err = vm.NewClient(deleteURL, &http.Client{Transport: deleting}); err != nil || playsURL == "" {
		return e, err
	}
	confined, err := vl.NewTransport(playsURL, organization, "", http.DefaultTransport)
	if err != nil {
		return nil, err
	}
	if e.plays, err = vl.NewClient(playsURL, &http.Client{Transport: confined}); err != nil {
		return nil, err
	}
	e.playsDeleter, err = vl.NewClient(playsURL, http.DefaultClient)
	return e, err
}

// ErrNoPlays is returned for users where no plays are kept.
var ErrNoPlays = errors.New("users are in records of plays alone, and streamlens.yaml has no plays")

// Count returns how many series Delete would delete.
func (e *Eraser) Count(ctx context.Context, s Subject) (int, error) {
	if s.filter.Label == "" {
		if e.plays == nil {
			return 0, ErrNoPlays
		}
		return 0, nil
	}
	n, err := e.reader.CountSeries(ctx, s.filter)
	if err != nil {
		return 0, fmt.Errorf("count series: %w", err)
	}
	return n, nil
}

// maxCounted is how many values are counted with one question: as many as its text has room for.
const maxCounted = 15

// CountPlays returns how many plays that have ended Delete would delete, 0 where none are kept.
func (e *Eraser) CountPlays(ctx context.Context, s Subject) (int, error) {
	if e.plays == nil {
		return 0, nil
	}
	sum := 0
	for values := range slices.Chunk(s.plays.Values, maxCounted) {
		f := s.plays
		f.Values = values
		rows, err := e.plays.Ask(ctx, vl.Question{
			// Records of the future are refused, so all that ever ended is in this.
			From: time.UnixMilli(0), To: time.Now().Add(24 * time.Hour),
			Filters: []vl.Filter{f}, Sums: []vl.Sum{{Name: "plays", Function: vl.Count}},
		})
		if err != nil {
			return 0, fmt.Errorf("count plays: %w", err)
		}
		for _, row := range rows {
			n, err := strconv.Atoi(row["plays"])
			if err != nil {
				return 0, fmt.Errorf("count plays: %w", err)
			}
			sum += n
		}
	}
	return sum, nil
}

// DeletePlays deletes the plays of a subject, for good, which may take minutes.
func (e *Eraser) DeletePlays(ctx context.Context, s Subject) error {
	if e.plays == nil {
		return nil
	}
	if err := e.playsDeleter.Delete(ctx, e.organization, []vl.Filter{s.plays}, time.Time{}, time.Time{}); err != nil {
		return fmt.Errorf("delete plays: %w", err)
	}
	return nil
}

// Delete deletes the series of a subject, for good.
func (e *Eraser) Delete(ctx context.Context, s Subject) error {
	if s.filter.Label == "" {
		return nil
	}
	if err := e.deleter.DeleteSeries(ctx, e.organization, s.filter); err != nil {
		return fmt.Errorf("delete series: %w", err)
	}
	return nil
}
