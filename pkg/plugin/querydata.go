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
	if d.settingsErr != nil {
		return badRequest(d.settingsErr)
	}
	request := widget.Request{
		From: q.DataQuery.TimeRange.From,
		To:   q.DataQuery.TimeRange.To,
		// In whole seconds, so that panels that ask at once ask the same.
		Now:   d.now().Truncate(time.Second),
		Alert: q.Headers.Get(backend.FromAlertHeaderName) == "true",
	}
	if err := json.Unmarshal(q.DataQuery.JSON, &request.Query); err != nil {
		return badRequest(fmt.Errorf("the query cannot be read: %w", err))
	}
	request.RefID = q.DataQuery.RefID
	if request.QueryType == "" {
		request.QueryType = q.DataQuery.QueryType
	}
	var err error
	if request.Level, err = d.level.get(ctx, request.Now); err != nil {
		return upstreamFailed(err)
	}
	frames, err := widget.Run(ctx, d.shared, request)
	if err != nil {
		return failed(ctx, err)
	}
	return backend.DataResponse{Frames: frames, Status: backend.StatusOK}
}
