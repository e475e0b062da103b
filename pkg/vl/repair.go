package vl

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/streamlens/streamlens/pkg/play"
)

// sessionsAtOnce is how many sessions a question may name: as many as its text has room for.
const sessionsAtOnce = 40

// Repeats looks for records of a collector that are stored more than once among those that ended in a range of whole hours. It returns
// all its records of the sessions concerned in the first hour that has any, each once, as lines, and that hour; no lines if there is none.
func (c *Client) Repeats(ctx context.Context, collector string, from, to time.Time) (lines [][]byte, hour time.Time, err error) {
	repeated, err := c.repeated(ctx, collector, from, to)
	if err != nil || len(repeated) == 0 {
		return nil, time.Time{}, err
	}
	for hour := from; hour.Before(to); hour = hour.Add(time.Hour) {
		if repeated, err = c.repeated(ctx, collector, hour, hour.Add(time.Hour)); err != nil {
			return nil, hour, err
		}
		for _, organization := range repeated {
			filters := []Filter{{play.Organization, Is, []string{organization}}, {play.Collector, Is, []string{collector}}}
			rows, err := c.Ask(ctx, Question{
				From: hour, To: hour.Add(time.Hour), Filters: filters,
				Sums: []Sum{{Name: "n", Function: Count}}, By: []play.Field{play.Session, play.Begin},
			})
			if err != nil {
				return nil, hour, err
			}
			var sessions []string
			for _, row := range rows {
				if row["n"] != "1" {
					sessions = append(sessions, row[string(play.Session)])
				}
			}
			found, err := c.linesOf(ctx, filters, sessions, hour)
			if err != nil {
				return nil, hour, err
			}
			lines = append(lines, found...)
		}
		if len(lines) > 0 {
			return lines, hour, nil
		}
	}
	return nil, time.Time{}, nil
}

// repeated returns the organisations of which a collector has stored a record more than once in a range.
func (c *Client) repeated(ctx context.Context, collector string, from, to time.Time) ([]string, error) {
	rows, err := c.Ask(ctx, Question{
		From: from, To: to, Filters: []Filter{{play.Collector, Is, []string{collector}}}, By: []play.Field{play.Organization},
		Sums: []Sum{{Name: "n", Function: Count}, {Name: "u", Function: Distinct, Fields: []play.Field{play.Session, play.Begin}}},
	})
	if err != nil {
		return nil, err
	}
	var organizations []string
	for _, row := range rows {
		if row["n"] != row["u"] {
			organizations = append(organizations, row[string(play.Organization)])
		}
	}
	return organizations, nil
}

// linesOf returns the records of some sessions that ended in an hour, each once.
func (c *Client) linesOf(ctx context.Context, filters []Filter, sessions []string, hour time.Time) ([][]byte, error) {
	var lines [][]byte
	seen := map[play.Key]bool{}
	for some := range slices.Chunk(distinct(sessions), sessionsAtOnce) {
		rows, err := c.Ask(ctx, Question{
			From: hour, To: hour.Add(time.Hour), Filters: append(slices.Clone(filters), Filter{play.Session, Is, some}),
		})
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			r, err := play.Read(row)
			if err != nil {
				return nil, err
			}
			if !seen[r.Key()] {
				seen[r.Key()] = true
				lines = append(lines, r.Line(nil))
			}
		}
	}
	return lines, nil
}

// distinct returns texts, each once.
func distinct(texts []string) []string { return slices.Compact(slices.Sorted(slices.Values(texts))) }

// TakeOut deletes all records of a collector of the sessions of some lines that ended in an hour, and returns them, each once, with those of
// the lines that were not there any more. They are given to save before anything is deleted.
func (c *Client) TakeOut(ctx context.Context, collector string, lines [][]byte, hour time.Time, save func(lines [][]byte) error) ([][]byte, error) {
	sessions, known := map[string][]string{}, map[play.Key]bool{}
	for _, line := range lines {
		key, err := play.KeyOf(line)
		if err != nil {
			return nil, err
		}
		sessions[key.Organization] = append(sessions[key.Organization], key.Session)
		known[key] = true
	}
	// What another deletion is about to delete would seem to be there.
	if err := c.waitForDeletions(ctx); err != nil {
		return nil, err
	}
	if err := c.Flush(ctx); err != nil {
		return nil, err
	}
	all := bytes.Join(lines, nil)
	for organization, names := range sessions {
		stored, err := c.linesOf(ctx, []Filter{{play.Organization, Is, []string{organization}}, {play.Collector, Is, []string{collector}}}, names, hour)
		if err != nil {
			return nil, err
		}
		for _, line := range stored {
			if key, err := play.KeyOf(line); err != nil || !known[key] {
				all = append(all, line...)
			}
		}
	}
	lines = slices.Collect(bytes.Lines(all))
	if err := save(lines); err != nil {
		return nil, err
	}
	for organization, names := range sessions {
		err := c.Delete(ctx, organization, []Filter{{play.Session, Is, distinct(names)}, {play.Collector, Is, []string{collector}}}, hour, hour.Add(time.Hour))
		if err != nil {
			return nil, err
		}
	}
	return lines, nil
}

// Refused reports whether an error of TakeOut means that VictoriaLogs deletes nothing, as without -delete.enable.
func (c *Client) Refused(err error) bool {
	var status *StatusError
	return errors.As(err, &status) && status.Code/100 == 4
}
