package report

import (
	"context"
	"errors"

	"github.com/streamlens/streamlens/pkg/tenant"
	"github.com/streamlens/streamlens/pkg/vm"
	"github.com/streamlens/streamlens/pkg/widget"
)

// ofPlays are the tables of single plays.
var ofPlays = []struct{ widget, title string }{
	{"uniqueViewers", "Unique viewers"},
	{"worstSegments", "Worst segments"},
}

// addPlays adds the tables of single plays, where the request has a store of them and the level that they need. What the store cannot answer,
// because the range is too long or the store is away, is left out, which a notice says: the rest of the report does not need it.
func (r *Report) addPlays(ctx context.Context, asker vm.Asker, request widget.Request) error {
	switch {
	case request.Level != tenant.Premium:
		return nil
	case request.Plays == nil:
		if r.Kind == Event {
			r.leaveOutPlays("Unique viewers and worst segments", "there is no store of plays")
		}
		return nil
	}
	request.Compare, request.Unit, request.Breakdown, request.Top = "", "", "", 0
	for _, t := range ofPlays {
		table, err := r.ask(ctx, asker, request, t.widget, t.title)
		switch {
		case ctx.Err() != nil:
			return err
		case errors.Is(err, widget.ErrBadQuery), errors.Is(err, widget.ErrUpstream):
			r.leaveOutPlays(t.title, err.Error())
			continue
		case err != nil:
			return err
		}
		if len(table.Rows) > 0 { // a notice says that nothing stands out
			r.Tables = append(r.Tables, table)
		}
	}
	return nil
}

func (r *Report) leaveOutPlays(what, why string) {
	r.Notices = append(r.Notices, what+" are left out: "+why+".")
}
