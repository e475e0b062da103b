package program

import (
	"io"
	"os/exec"
	"testing"

	"github.com/grafana/grafana-plugin-sdk-go/backend/grpcplugin"
	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
)

// Plugin is a process of the data source, with the services that Grafana asks over gRPC.
type Plugin struct {
	Data        grpcplugin.DataClient
	Resources   grpcplugin.ResourceClient
	Diagnostics grpcplugin.DiagnosticsClient
}

// StartPlugin starts the plugin until the test ends. Everything that it says goes to log.
func StartPlugin(t testing.TB, log io.Writer) *Plugin {
	t.Helper()
	client := plugin.NewClient(&plugin.ClientConfig{
		Cmd: exec.Command(pluginExecutable(t)),
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
		Stderr:           log,
		Logger:           hclog.New(&hclog.LoggerOptions{Output: log, Level: hclog.Trace}),
	})
	t.Cleanup(client.Kill)
	protocol, err := client.Client()
	if err != nil {
		t.Fatalf("start the plugin: %v", err)
	}
	p := &Plugin{}
	for name, keep := range map[string]func(any) bool{
		"data":        func(s any) (ok bool) { p.Data, ok = s.(grpcplugin.DataClient); return ok },
		"resource":    func(s any) (ok bool) { p.Resources, ok = s.(grpcplugin.ResourceClient); return ok },
		"diagnostics": func(s any) (ok bool) { p.Diagnostics, ok = s.(grpcplugin.DiagnosticsClient); return ok },
	} {
		if service, err := protocol.Dispense(name); err != nil || !keep(service) {
			t.Fatalf("the plugin's service %s is a %T: %v", name, service, err)
		}
	}
	return p
}
