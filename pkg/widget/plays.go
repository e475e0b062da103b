package widget

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/play"
	"github.com/streamlens/streamlens/pkg/tenant"
	"github.com/streamlens/streamlens/pkg/vl"
	"github.com/streamlens/streamlens/pkg/vm"
)

func plays() Definition {
	return Definition{
		Type:        "plays",
		Title:       "Plays",
		Description: "Each play and broadcast that ended in the range, or that still runs, 100 a page, the last first.",
		Details: "`where` filters by any column: `user=alice`, `bufferingRatio>=0.05`, `outcome!=played`; of several `=` on one column one must be met, and `(none)` stands for " +
			"what a play does not have. `outcome=running` lists the plays that still run, where `plays.running` is on, as they were a minute ago at most; the range must reach up to now. `sort` names a column, with `-` before it the greatest first; `page` counts from 1. The range is at most 24 hours, or 31 days where " +
			"`where` names a session, a user or an address.",
		Page:    PagePlays,
		Level:   tenant.Premium,
		Options: []string{OptionWhere, OptionSort, OptionPage},
		Filters: append(slices.Clone(commonFilters), measure.DimensionReferrer),
		Columns: columnsOfPlays(),
		plays:   listPlays,
	}
}

func listPlays(ctx context.Context, asker vm.Asker, r *Request) (*data.Frame, error) {
	q, nothing, err := playsQuestion(ctx, asker, r)
	if err != nil {
		return nil, err
	}
	if !q.Running {
		if err := checkListRange(r, q.Filters); err != nil {
			return nil, err
		}
	}
	if r.Page < 0 || r.Page > maxPage {
		return nil, badQuery("the page is %d: it must be 1 to %d", r.Page, maxPage)
	}
	// One more than a page has says whether there is another.
	q.Offset, q.Limit = max(r.Page-1, 0)*playsPerPage, playsPerPage+1
	q.Sort = vl.Sorting{Field: play.Time, Descending: true}
	if r.Sort != "" {
		name, descending := strings.CutPrefix(r.Sort, "-")
		c, err := findPlayColumn(name)
		if err != nil {
			return nil, err
		}
		q.Sort = vl.Sorting{Field: c.field, Descending: descending}
	}
	for _, c := range playColumns() {
		q.Fields = append(q.Fields, c.field)
	}
	frame := data.NewFrame("plays")
	frame.Meta = &data.FrameMeta{Type: data.FrameTypeTable}
	if q.Running && !reachesNow(r) {
		nothing = true
		frame.Meta.Notices = append(frame.Meta.Notices, data.Notice{Severity: data.NoticeSeverityInfo,
			Text: "The time range ends before now: it has no plays that still run."})
	}
	var rows []vl.Row
	if !nothing {
		if rows, err = r.Plays.Ask(ctx, q); err != nil {
			return nil, upstreamPlays(err)
		}
	}
	if len(rows) > playsPerPage {
		rows = rows[:playsPerPage]
		frame.Meta.Notices = append(frame.Meta.Notices, data.Notice{Severity: data.NoticeSeverityInfo,
			Text: fmt.Sprintf("Page %d: there are more plays.", max(r.Page, 1))})
	}
	if q.Running {
		if rows, err = withoutEnded(ctx, r.Plays, rows, r.Now); err != nil {
			return nil, upstreamPlays(err)
		}
	}
	for _, c := range playColumns() {
		field, err := c.data(rows)
		if err != nil {
			return nil, err
		}
		frame.Fields = append(frame.Fields, field)
	}
	if len(rows) == 0 {
		short := "No play matches"
		switch {
		case q.Running && !reachesNow(r):
			short = "The range ends before now"
		case q.Running:
			short = "No play runs, or plays.running is off"
		case r.Page > 1:
			short = "No more plays"
		}
		frame.Meta.Custom = map[string]any{CustomNothing: short}
	}
	return frame, nil
}

// checkListRange refuses a range in which a list would read too many plays.
func checkListRange(r *Request, filters []vl.Filter) error {
	longest, what := longestList, "24 hours; with a condition on session, user or ip 31 days"
	if namesOne(filters) {
		longest, what = longestSearch, "31 days"
	}
	// The ends of a range are widened to whole minutes.
	if r.To.Sub(r.From) > longest+2*time.Minute {
		return badQuery("the range is too long for a list of plays: it may have %s", what)
	}
	return nil
}
