package oracle

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/backend/grpcplugin"
	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
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
	client       *plugin.Client
	data         grpcplugin.DataClient
	jsonData     map[string][]byte // by organisation
	instanceTime time.Time
}

// StartPlugin starts the plugin's executable, with a data source for each
// organisation.
func StartPlugin(executable, victoriaMetrics, collector string, organizations []Organization, log io.Writer) (*PluginAsker, error) {
	a := &PluginAsker{jsonData: map[string][]byte{}, instanceTime: time.Now()}
	for _, organization := range organizations {
		settings, err := json.Marshal(map[string]string{
			"url":          victoriaMetrics,
			"organization": organization.ID,
			"level":        organization.Level,
			"collectorUrl": collector,
		})
		if err != nil {
			return nil, fmt.Errorf("encode settings: %w", err)
		}
		a.jsonData[organization.ID] = settings
	}
	a.client = plugin.NewClient(&plugin.ClientConfig{
		Cmd: exec.Command(executable),
		HandshakeConfig: plugin.HandshakeConfig{
			ProtocolVersion:  grpcplugin.ProtocolVersion,
			MagicCookieKey:   grpcplugin.MagicCookieKey,
			MagicCookieValue: grpcplugin.MagicCookieValue,
		},
		VersionedPlugins: map[int]plugin.PluginSet{
			grpcplugin.ProtocolVersion: {"data": &grpcplugin.DataGRPCPlugin{}},
		},
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		GRPCDialOptions:  []grpc.DialOption{grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(64 << 20))},
		Logger:           hclog.New(&hclog.LoggerOptions{Output: log}),
	})
	protocol, err := a.client.Client()
	if err != nil {
		a.client.Kill()
		return nil, fmt.Errorf("start plugin: %w", err)
	}
	dispensed, err := protocol.Dispense("data")
	if err != nil {
		a.client.Kill()
		return nil, fmt.Errorf("plugin's data service: %w", err)
	}
	data, ok := dispensed.(grpcplugin.DataClient)
	if !ok {
		a.client.Kill()
		return nil, fmt.Errorf("plugin's data service is a %T", dispensed)
	}
	a.data = data
	return a, nil
}

// Stop ends the plugin process.
func (a *PluginAsker) Stop() { a.client.Kill() }

// Ask implements Asker.
func (a *PluginAsker) Ask(ctx context.Context, q Query) ([]byte, error) {
	q.RefID = "A"
	body, err := json.Marshal(q)
	if err != nil {
		return nil, fmt.Errorf("encode query: %w", err)
	}
	answer, err := a.data.QueryData(ctx, backend.ToProto().QueryDataRequest(&backend.QueryDataRequest{
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
