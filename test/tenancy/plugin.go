package tenancy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/genproto/pluginv2"

	"github.com/streamlens/streamlens/pkg/processtest"
	"github.com/streamlens/streamlens/test/program"
)

// grafana asks a plugin process over gRPC, as Grafana does.
type grafana struct {
	*program.Plugin
	log processtest.Output
}

// startPlugin starts the plugin until the test ends, and keeps everything that it says.
func startPlugin(t *testing.T) *grafana {
	t.Helper()
	g := &grafana{}
	g.Plugin = program.StartPlugin(t, &g.log)
	return g
}

// source is a data source as an administrator has set it up, and who asks.
type source struct {
	id       int64
	jsonData string
	token    string
	// blockListToken is the one by which the collector tells the block list.
	blockListToken string
	url            string // the URL outside jsonData, which Grafana has for every data source
	user           *backend.User
	headers        map[string]string
}

func (s source) context() backend.PluginContext {
	return backend.PluginContext{
		OrgID: 1, PluginID: "streamlens-analytics-datasource", User: s.user,
		DataSourceInstanceSettings: &backend.DataSourceInstanceSettings{
			ID: s.id, UID: fmt.Sprintf("uid-%d", s.id), Name: "Streamlens", URL: s.url, JSONData: []byte(s.jsonData),
			DecryptedSecureJSONData: map[string]string{"token": s.token, "blockListToken": s.blockListToken}, Updated: time.Unix(1_763_800_000, 0),
		},
	}
}

// answer is what the plugin says: all of it as text, and the frames as they are.
type answer struct {
	text   string
	status int
	frames []json.RawMessage
}

// refusal is what somebody sees whose request the plugin does not take at all: an answer too.
func refusal(err error) (answer, error) { return answer{text: err.Error()}, nil }

// ask asks one query. JSON and query type are as Grafana passes them on.
func (g *grafana) ask(ctx context.Context, s source, queryType, model string, from, to time.Time) (answer, error) {
	got, err := g.Data.QueryData(ctx, backend.ToProto().QueryDataRequest(&backend.QueryDataRequest{
		PluginContext: s.context(), Headers: s.headers,
		Queries: []backend.DataQuery{{
			RefID: "A", QueryType: queryType, MaxDataPoints: 1000, Interval: time.Minute, JSON: []byte(model),
			TimeRange: backend.TimeRange{From: from, To: to},
		}},
	}))
	if err != nil {
		return refusal(err) // gRPC refuses what is no valid message
	}
	decoded, err := backend.FromProto().QueryDataResponse(got)
	if err != nil {
		return answer{}, fmt.Errorf("decode the plugin's answer: %w", err)
	}
	var a answer
	for _, response := range decoded.Responses {
		a.status = int(response.Status)
		if response.Error != nil {
			a.text += response.Error.Error() + "\n"
		}
		for _, frame := range response.Frames {
			text, err := json.Marshal(frame)
			if err != nil {
				return a, fmt.Errorf("encode a frame: %w", err)
			}
			a.frames = append(a.frames, text)
			a.text += string(text) + "\n"
		}
	}
	return a, nil
}

// call calls a resource. path and target are what Grafana tells the plugin; by default they agree.
func (g *grafana) call(ctx context.Context, s source, method, path, target, body string) (answer, error) {
	headers := map[string][]string{}
	for name, value := range s.headers {
		headers[name] = []string{value}
	}
	stream, err := g.Resources.CallResource(ctx, backend.ToProto().CallResourceRequest(&backend.CallResourceRequest{
		PluginContext: s.context(), Method: method, Path: path, URL: target, Headers: headers, Body: []byte(body),
	}))
	if err != nil {
		return refusal(err)
	}
	var a answer
	for {
		part, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return a, nil
		}
		if err != nil {
			return refusal(err)
		}
		a.status = int(part.GetCode())
		a.text += string(part.GetBody())
		for name, values := range part.GetHeaders() {
			a.text += "\n" + name + ": " + strings.Join(values.GetValues(), ",")
		}
	}
}

// check asks for the health of a data source.
func (g *grafana) check(ctx context.Context, s source) (answer, error) {
	got, err := g.Diagnostics.CheckHealth(ctx, &pluginv2.CheckHealthRequest{
		PluginContext: backend.ToProto().PluginContext(s.context()), Headers: s.headers,
	})
	if err != nil {
		return refusal(err)
	}
	return answer{text: got.GetMessage() + "\n" + string(got.GetJsonDetails()), status: int(got.GetStatus())}, nil
}
