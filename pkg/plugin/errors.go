package plugin

import (
	"context"
	"errors"

	"github.com/grafana/grafana-plugin-sdk-go/backend"

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
	case errors.Is(err, vm.ErrLimit):
		return badRequest(err)
	case errors.Is(err, context.Canceled):
		return downstream(statusCancelled, err)
	case errors.Is(err, context.DeadlineExceeded):
		return downstream(backend.StatusTimeout, err)
	}
	return downstream(backend.StatusBadGateway, err)
}

func badRequest(err error) backend.DataResponse { return downstream(backend.StatusBadRequest, err) }

func downstream(status backend.Status, err error) backend.DataResponse {
	return backend.DataResponse{Status: status, Error: backend.DownstreamError(err), ErrorSource: backend.ErrorSourceDownstream}
}
