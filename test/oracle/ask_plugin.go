package oracle

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"

	"github.com/streamlens/streamlens/pkg/processtest"
	"github.com/streamlens/streamlens/test/program"
)

// Asker asks the product a query and returns {"frames": […]}. A refusal of the
// product is a *QueryError.
type Asker interface {
	Ask(ctx context.Context, q Query) ([]byte, error)
}

// QueryError is the product's refusal of a query.
type QueryError struct {
	Status  int // HTTP, 0 where the way of asking has none
	Message string
}

// Error is the refusal in words.
func (e *QueryError) Error() string { return fmt.Sprintf("status %d: %s", e.Status, e.Message) }

// PluginAsker asks a plugin process over gRPC, as Grafana does.
type PluginAsker struct {
	plugin       *program.Plugin
	jsonData     map[string][]byte // by organisation
	instanceTime time.Time
}

// StartPlugin starts the plugin until the test ends, with a data source for each
// organisation.
func StartPlugin(t testing.TB, product *Product, organizations []Organization) *PluginAsker {
	t.Helper()
	a := &PluginAsker{jsonData: map[string][]byte{}, instanceTime: time.Now()}
	for _, organization := range organizations {
		settings, err := json.Marshal(map[string]string{
			"url":          product.VictoriaMetrics,
			"organization": organization.ID,
			"level":        organization.Level,
			"collectorUrl": product.Collector,
		})
		if err != nil {
			t.Fatal(err)
		}
		a.jsonData[organization.ID] = settings
	}
	var log processtest.Output
	a.plugin = program.StartPlugin(t, &log)
	t.Cleanup(func() {
		if t.Failed() {
			said := log.String()
			t.Logf("the plugin said last:\n%s", said[max(0, len(said)-4000):])
		}
	})
	return a
}

// Plays lets the data sources have the store of plays at a URL.
func (a *PluginAsker) Plays(url string) {
	for organization, settings := range a.jsonData {
		var all map[string]string
		if err := json.Unmarshal(settings, &all); err != nil {
			panic(err) // StartPlugin has written it
		}
		all["playsUrl"] = url
		settings, err := json.Marshal(all)
		if err != nil {
			panic(err) // they are texts
		}
		a.jsonData[organization] = settings
	}
}

// Ask implements Asker.
func (a *PluginAsker) Ask(ctx context.Context, q Query) ([]byte, error) {
	q.RefID = "A"
	body, err := json.Marshal(q)
	if err != nil {
		return nil, fmt.Errorf("encode query: %w", err)
	}
	answer, err := a.plugin.Data.QueryData(ctx, backend.ToProto().QueryDataRequest(&backend.QueryDataRequest{
		PluginContext: backend.PluginContext{
			Namespace: "default",
			PluginID:  "streamlens-analytics-datasource",
			DataSourceInstanceSettings: &backend.DataSourceInstanceSettings{
				ID:       1,
				UID:      "oracle-" + q.Organization,
				Name:     "Streamlens " + q.Organization,
				JSONData: a.jsonData[q.Organization],
				Updated:  a.instanceTime,
			},
		},
		Queries: []backend.DataQuery{{
			RefID:         q.RefID,
			QueryType:     q.QueryType,
			MaxDataPoints: 1000,
			Interval:      time.Minute,
			TimeRange:     backend.TimeRange{From: time.UnixMilli(q.From).UTC(), To: time.UnixMilli(q.To).UTC()},
			JSON:          body,
		}},
	}))
	if err != nil {
		return nil, fmt.Errorf("query plugin: %w", err)
	}
	decoded, err := backend.FromProto().QueryDataResponse(answer)
	if err != nil {
		return nil, fmt.Errorf("decode plugin's answer: %w", err)
	}
	response, ok := decoded.Responses[q.RefID]
	switch {
	case !ok:
		return nil, fmt.Errorf("no answer to query %s", q.RefID)
	case response.Error != nil:
		return nil, &QueryError{Status: int(response.Status), Message: response.Error.Error()}
	case response.Status != http.StatusOK:
		return nil, &QueryError{Status: int(response.Status), Message: "no message"}
	}
	frames, err := json.Marshal(map[string]any{"frames": response.Frames})
	if err != nil {
		return nil, fmt.Errorf("encode frames: %w", err)
	}
	return frames, nil
}
