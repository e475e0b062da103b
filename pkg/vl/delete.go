package vl

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/streamlens/streamlens/pkg/play"
	"github.com/streamlens/streamlens/pkg/tenant"
)

// pollInterval is how often is asked whether a deletion is over, which VictoriaLogs begins with a second after it was told.
const pollInterval = 200 * time.Millisecond

// ErrTooMuch is wrapped by errors about a deletion that would not be confined to some records of one organisation.
var ErrTooMuch = errors.New("it would delete too much")

// Delete deletes the records of an organisation that all filters let through, those of running plays too, and returns when they are gone.
// If from is not zero, only records with from ≤ end < to are. Each filter names the values that are deleted; an empty one, which would
// be every record without the field, is refused. Only a client without Transport may delete.
//
// VictoriaLogs reads all its records to find them, whatever the filters are, so ask for many values at once. Its log has the values.
func (c *Client) Delete(ctx context.Context, organization string, filters []Filter, from, to time.Time) error {
	if organization == "" || !tenant.ValidID(organization) {
		return fmt.Errorf("%w: %q is no organisation", ErrTooMuch, organization)
	}
	if len(filters) == 0 {
		return fmt.Errorf("%w: it would be the whole organisation", ErrTooMuch)
	}
	for _, f := range filters {
		if f.Operator != Is || len(f.Values) == 0 {
			return fmt.Errorf("%w: the filter on %s names no values", ErrTooMuch, f.Field)
		}
		for _, v := range f.Values {
			if v == "" {
				return fmt.Errorf("%w: all records without %s", ErrTooMuch, f.Field)
			}
		}
	}
	text, err := filtersText(filters)
	if err != nil {
		return err
	}
	// The address does not force the organisation on deletions, as it does on questions: it is a part of the filter, which is all ours.
	text = "{" + string(play.Organization) + "=" + strconv.Quote(organization) + "} " + text
	if !from.IsZero() {
		text += " _time:[" + from.UTC().Format(timeForm) + "," + to.UTC().Format(timeForm) + ")"
	}
	if err := c.Flush(ctx); err != nil {
		return err
	}
	answer, err := c.send(ctx, http.MethodPost, "/delete/run_task", formType, []byte(url.Values{"filter": {text}}.Encode()))
	if err != nil {
		return err
	}
	var task deleteTask
	if err := json.Unmarshal(answer, &task); err != nil {
		return fmt.Errorf("read which deletion VictoriaLogs has begun: %w", err)
	}
	return c.waitFor(ctx, func(t deleteTask) bool { return t == task })
}

// RemoveParts deletes what was written before a time about plays that ran then, of all organisations and collectors. It returns when
// VictoriaLogs has begun with it, and does not trouble it if there is nothing. Only a client without Transport may remove.
func (c *Client) RemoveParts(ctx context.Context, before time.Time) error {
	const parts = `{kind="` + play.Part + `"}`
	q := Question{From: time.Unix(0, 0), To: before}
	rows, err := c.ask(ctx, q.form(parts+` kind:="`+play.Part+`" | limit 1 | fields _time`))
	if err != nil || len(rows) == 0 {
		return err
	}
	filter := parts + " _time:<" + before.UTC().Format(timeForm)
	_, err = c.send(ctx, http.MethodPost, "/delete/run_task", formType, []byte(url.Values{"filter": {filter}}.Encode()))
	return err
}

// waitForDeletions returns when VictoriaLogs deletes nothing.
func (c *Client) waitForDeletions(ctx context.Context) error {
	return c.waitFor(ctx, func(deleteTask) bool { return true })
}

// waitFor returns when there is no deletion of a kind.
func (c *Client) waitFor(ctx context.Context, which func(deleteTask) bool) error {
	for {
		answer, err := c.send(ctx, http.MethodGet, "/delete/active_tasks", "", nil)
		if err != nil {
			return err
		}
		var tasks []deleteTask
		if err := json.Unmarshal(answer, &tasks); err != nil {
			return fmt.Errorf("read the deletions of VictoriaLogs: %w", err)
		}
		if !slices.ContainsFunc(tasks, which) {
			return nil
		}
		select {
		case <-time.After(pollInterval):
		case <-ctx.Done():
			return fmt.Errorf("the deletion goes on: %w", ctx.Err())
		}
	}
}

// deleteTask is a deletion as VictoriaLogs tells it.
type deleteTask struct {
	ID string `json:"task_id"`
}
