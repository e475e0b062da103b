package plugin

import (
	"context"
	"errors"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/streamlens/streamlens/pkg/vl"
	"github.com/streamlens/streamlens/pkg/vm"
	"github.com/streamlens/streamlens/pkg/widget"
)

// statusCancelled is what nginx and Grafana answer when the client has gone.
const statusCancelled backend.Status = 499

// failed returns the answer to a query that package widget could not answer.
func failed(ctx context.Context, err error) backend.DataResponse {
	switch {
	case errors.Is(err, widget.ErrBadQuery):
		return badRequest(err)
	case errors.Is(err, widget.ErrForbidden):
		return downstream(backend.StatusForbidden, err)
	case errors.Is(err, widget.ErrUpstream):
		return upstreamFailed(err)
	}
	backend.Logger.FromContext(ctx).Error("Query failed", "error", err)
	return backend.DataResponse{Status: backend.StatusInternal, Error: err, ErrorSource: backend.ErrorSourcePlugin}
}

// upstreamFailed returns the answer to a query that VictoriaMetrics did not answer.
func upstreamFailed(err error) backend.DataResponse {
	switch {
	case errors.Is(err, vm.ErrLimit), errors.Is(err, vl.ErrLimit):
		return badRequest(err)
	case errors.Is(err, context.Canceled):
		return downstream(statusCancelled, err)
	case errors.Is(err, context.DeadlineExceeded):
		return downstream(backend.StatusTimeout, err)
	}
	return downstream(backend.StatusBadGateway, err)
}

// explained adds to a failed answer an empty frame with the words that panels show in the place of numbers: else they would show the
// same as where there is no data.
func (d *Datasource) explained(response backend.DataResponse, refID string) backend.DataResponse {
	if response.Error == nil {
		return response
	}
	words := widget.ShortOf(response.Error)
	if d.settingsErr != nil {
		words = "The settings are wrong"
	}
	field := data.NewFieldFromFieldType(data.FieldTypeNullableFloat64, 0)
	field.Name, field.Config = "value", &data.FieldConfig{NoValue: words}
	frame := data.NewFrame("", field)
	frame.RefID, frame.Meta = refID, &data.FrameMeta{Custom: map[string]any{widget.CustomNothing: words}}
	response.Frames = data.Frames{frame}
	return response
}

func badRequest(err error) backend.DataResponse { return downstream(backend.StatusBadRequest, err) }

func downstream(status backend.Status, err error) backend.DataResponse {
	return backend.DataResponse{Status: status, Error: backend.DownstreamError(err), ErrorSource: backend.ErrorSourceDownstream}
}
