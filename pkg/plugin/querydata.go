package plugin

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/experimental/concurrent"

	"github.com/streamlens/streamlens/pkg/widget"
)

// parallelQueries is how many queries of one request run at a time.
const parallelQueries = 4

// QueryData answers each query on its own, so that an error in one leaves the others alone.
func (d *Datasource) QueryData(ctx context.Context, req *backend.QueryDataRequest) (*backend.QueryDataResponse, error) {
	return concurrent.QueryData(ctx, req, func(ctx context.Context, q concurrent.Query) backend.DataResponse {
		return d.query(ctx, q)
	}, parallelQueries)
}

func (d *Datasource) query(ctx context.Context, q concurrent.Query) backend.DataResponse {
	var asked struct {
		widget.Query
		Live bool `json:"live"` // whether the front end wants to follow the answer
	}
	if err := json.Unmarshal(q.DataQuery.JSON, &asked); err != nil {
		return d.explained(badRequest(badParameter{fmt.Errorf("the query cannot be read: %w", err)}), q.DataQuery.RefID)
	}
	asked.RefID = q.DataQuery.RefID
	if asked.QueryType == "" {
		asked.QueryType = q.DataQuery.QueryType
	}
	request := widget.Request{
		Query: asked.Query,
		From:  q.DataQuery.TimeRange.From,
		To:    q.DataQuery.TimeRange.To,
		Alert: q.Headers.Get(backend.FromAlertHeaderName) == "true",
	}
	response := d.answer(ctx, request)
	if !request.Alert {
		response = d.explained(response, request.RefID)
	}
	if asked.Live && !request.Alert {
		offer(&response, request)
	}
	return response
}

// answer runs a query of a panel, an alert rule or a stream for the data source's organisation, at its level.
func (d *Datasource) answer(ctx context.Context, request widget.Request) backend.DataResponse {
	if d.settingsErr != nil {
		return badRequest(d.settingsErr)
	}
	// In whole seconds, so that panels that ask at once ask the same.
	request.Now = d.now().Truncate(time.Second)
	var err error
	if request.Level, err = d.level.get(ctx, request.Now); err != nil {
		return upstreamFailed(err)
	}
	d.complete(&request)
	frames, err := widget.Run(ctx, d.shared, request)
	if err != nil {
		return failed(ctx, err)
	}
	return backend.DataResponse{Frames: frames, Status: backend.StatusOK}
}
