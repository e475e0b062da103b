package demo

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"text/template"
)

// configurationTemplate writes texts as JSON strings, which YAML reads.
var configurationTemplate = template.Must(template.New("streamlens.yaml").Parse(`listen: {{printf "%q" .Listen}}
dataDir: {{printf "%q" .DataDir}}
victoriametrics: {url: {{printf "%q" .VictoriaMetrics}}}
{{if .Plays}}plays: {url: {{printf "%q" .Plays}}, keep: 30d, users: true, running: true}
{{end}}geoip:
  database: {{printf "%q" .GeoIP}}
  # The database knows countries alone, so the operators of viewers' networks are made up, with numbers for documentation (RFC 5398).
  networks:
    - {network: 0.0.0.0/3, asn: 64496, operator: Example Cable}
    - {network: 32.0.0.0/3, asn: 64497, operator: Example Broadband}
    - {network: 64.0.0.0/3, asn: 64498, operator: Example Fibre}
    - {network: 96.0.0.0/3, asn: 64499, operator: Example Mobile}
    - {network: 128.0.0.0/3, asn: 64500, operator: Example University}
    - {network: 160.0.0.0/3, asn: 64501, operator: Example City Net}
    - {network: 192.0.0.0/3, asn: 64502, operator: Example Telecom}
    - {network: "2000::/3", asn: 64503, operator: Example Wireless}
trustedProxies: [127.0.0.1/32]
organizations:
  - id: acme
    level: premium
    secretKey: sk_{{index .Keys 0}}
    accounts: [{id: acme, key: pk_{{index .Keys 1}}}]
    blockListTokens: [{name: grafana, token: bt_{{index .Keys 4}}}]
  - id: beta
    level: default
    secretKey: sk_{{index .Keys 2}}
    accounts: [{id: beta, key: pk_{{index .Keys 3}}, origins: ["https://beta.example"]}]
`))

// configuration returns the streamlens.yaml of the demo, with keys that nobody can guess.
func configuration(listen, dataDir, victoriaMetrics, plays, geoIP string) ([]byte, error) {
	values := struct {
		Listen, DataDir, VictoriaMetrics, Plays, GeoIP string
		Keys                                           [5]string
	}{Listen: listen, DataDir: dataDir, VictoriaMetrics: victoriaMetrics, Plays: plays, GeoIP: geoIP}
	for i := range values.Keys {
		values.Keys[i] = rand.Text()
	}
	var b bytes.Buffer
	if err := configurationTemplate.Execute(&b, values); err != nil {
		return nil, fmt.Errorf("demo: write the configuration: %w", err)
	}
	return b.Bytes(), nil
}

// freePort returns the preferred port of 127.0.0.1 if it is free, else another.
func freePort(ctx context.Context, preferred int) (int, error) {
	var c net.ListenConfig
	listener, err := c.Listen(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", preferred))
	if err != nil {
		if listener, err = c.Listen(ctx, "tcp", "127.0.0.1:0"); err != nil {
			return 0, fmt.Errorf("demo: find a free port: %w", err)
		}
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port, nil
}
