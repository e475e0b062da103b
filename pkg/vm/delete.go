package vm

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/streamlens/streamlens/pkg/measure"
)

// stored returns the selector of all stored series that pass a filter.
func (f Filter) stored() string {
	return fmt.Sprintf("{__name__=~%q,%s", measure.Prefix+".+", Filters{f}.String()[1:])
}

// CountSeries returns how many series pass a filter, whenever they were written: a start of 0 would mean the last day.
func (c *Client) CountSeries(ctx context.Context, filter Filter) (int, error) {
	status, body, err := c.post(ctx, "/api/v1/series", url.Values{"match[]": {filter.stored()}, "start": {"1"}})
	if err != nil {
		return 0, err
	}
	if status != http.StatusOK {
		return 0, &StatusError{Code: status, Text: plainText(body)}
	}
	var answer struct {
		Status    string            `json:"status"`
		IsPartial bool              `json:"isPartial"`
		Data      []json.RawMessage `json:"data"`
	}
	switch err := json.Unmarshal(body, &answer); {
	case err != nil || answer.Status != "success":
		return 0, ErrNotVictoriaMetrics
	case answer.IsPartial:
		return 0, ErrPartial
	}
	return len(answer.Data), nil
}

// DeleteSeries deletes all series that pass a filter, for good. They are gone from answers at once, and from the disk when
// VictoriaMetrics next merges its files (https://docs.victoriametrics.com/#how-to-delete-time-series). The client's HTTP client
// must force an organisation, as tenant.NewDeleteTransport does; the selector names it too, so that no proxy on the way that
// drops a parameter makes the deletion one of all organisations.
func (c *Client) DeleteSeries(ctx context.Context, organization string, filter Filter) error {
	if organization == "" || len(filter.Values) == 0 || slices.Contains(filter.Values, "") {
		return fmt.Errorf("refused to delete series of the organisation %q by %s: that would be all of them", organization, filter.Label)
	}
	selector := fmt.Sprintf("{%s=%s,%s", measure.LabelOrganization, strconv.Quote(organization), filter.stored()[1:])
	status, body, err := c.post(ctx, "/api/v1/admin/tsdb/delete_series", url.Values{"match[]": {selector}})
	if err != nil {
		return err
	}
	if status/100 != 2 {
		return &StatusError{Code: status, Text: plainText(body)}
	}
	return nil
}
