package tenancy

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/backend/grpcplugin"
	"github.com/grafana/grafana-plugin-sdk-go/genproto/pluginv2"
	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
)

// grafana asks a plugin process over gRPC, as Grafana does.
type grafana struct {
	client    *plugin.Client
	data      grpcplugin.DataClient
	resources grpcplugin.ResourceClient
	health    grpcplugin.DiagnosticsClient
	log       *output
}

// output keeps what a process says. Several goroutines may use it at once.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// startPlugin starts the plugin's executable and keeps everything that it says.
func startPlugin(executable string) (*grafana, error) {
	g := &grafana{log: &output{}}
	g.client = plugin.NewClient(&plugin.ClientConfig{
		Cmd: exec.Command(executable),
		HandshakeConfig: plugin.HandshakeConfig{
			ProtocolVersion:  grpcplugin.ProtocolVersion,
			MagicCookieKey:   grpcplugin.MagicCookieKey,
			MagicCookieValue: grpcplugin.MagicCookieValue,
		},
		VersionedPlugins: map[int]plugin.PluginSet{grpcplugin.ProtocolVersion: {
			"data":        &grpcplugin.DataGRPCPlugin{},
			"resource":    &grpcplugin.ResourceGRPCPlugin{},
			"diagnostics": &grpcplugin.DiagnosticsGRPCPlugin{},
		}},
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		GRPCDialOptions:  []grpc.DialOption{grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(64 << 20))},
		Stderr:           g.log,
		Logger:           hclog.New(&hclog.LoggerOptions{Output: g.log, Level: hclog.Trace}),
	})
	protocol, err := g.client.Client()
	if err != nil {
		g.client.Kill()
		return nil, fmt.Errorf("start plugin: %w", err)
	}
	for name, service := range map[string]func(any) bool{
		"data":        func(s any) (ok bool) { g.data, ok = s.(grpcplugin.DataClient); return ok },
		"resource":    func(s any) (ok bool) { g.resources, ok = s.(grpcplugin.ResourceClient); return ok },
		"diagnostics": func(s any) (ok bool) { g.health, ok = s.(grpcplugin.DiagnosticsClient); return ok },
	} {
		dispensed, err := protocol.Dispense(name)
		if err != nil || !service(dispensed) {
			g.client.Kill()
			return nil, fmt.Errorf("plugin's service %s is a %T: %w", name, dispensed, err)
		}
	}
	return g, nil
}

// stop ends the plugin process.
func (g *grafana) stop() { g.client.Kill() }

// source is a data source as an administrator has set it up, and who asks.
type source struct {
	id       int64
	jsonData string
	token    string
	url      string // the URL outside jsonData, which Grafana has for every data source
	user     *backend.User
	headers  map[string]string
}

func (s source) context() backend.PluginContext {
	return backend.PluginContext{
		OrgID: 1, PluginID: "streamlens-analytics-datasource", User: s.user,
		DataSourceInstanceSettings: &backend.DataSourceInstanceSettings{
			ID: s.id, UID: fmt.Sprintf("uid-%d", s.id), Name: "Streamlens", URL: s.url, JSONData: []byte(s.jsonData),
			DecryptedSecureJSONData: map[string]string{"token": s.token}, Updated: time.Unix(1_763_800_000, 0),
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
	got, err := g.data.QueryData(ctx, backend.ToProto().QueryDataRequest(&backend.QueryDataRequest{
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
	stream, err := g.resources.CallResource(ctx, backend.ToProto().CallResourceRequest(&backend.CallResourceRequest{
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
	got, err := g.health.CheckHealth(ctx, &pluginv2.CheckHealthRequest{
		PluginContext: backend.ToProto().PluginContext(s.context()), Headers: s.headers,
	})
	if err != nil {
		return refusal(err)
	}
	return answer{text: got.GetMessage() + "\n" + string(got.GetJsonDetails()), status: int(got.GetStatus())}, nil
}
