package config

import (
	"regexp"
	"strings"
	"testing"

	"github.com/streamlens/streamlens/pkg/tenant"
)

func FuzzParse(f *testing.F) {
	const secret = "MARKED4711"
	f.Add([]byte(`listen: ":8095"
tls: {certificate: a, key: b}
trustedProxies: [127.0.0.1/32]
organizations:
  - id: acme
    level: premium
    secretKey: sk_` + secret + `
    accounts: [{id: acme, key: pk_a, origins: ["https://site.example"]}]
    privacy: {ip: full}
    streamPaths: [{path: '^/vod/(?P<stream>[^/]+)/', protocol: hls}]
logs: [{file: /a, format: nginx-combined}]
servers: [{type: mediamtx, url: "http://127.0.0.1:9997", password: ` + secret + `, hookKey: hk_` + secret + `, hookSecret: ` + secret + `}]
`))
	f.Add([]byte("organizations: &a [*a]\n"))
	f.Add([]byte("organizations: [{id: a, secretKey: [" + secret + "]}]\nlisten: {" + secret + ": 1}"))
	f.Add([]byte("organizations:\n- id: a\n  secretKey: !!binary sk_" + secret + "\n  level: !!int x\n"))
	// A key that is written where a key belongs.
	written := regexp.MustCompile(`(?m)^\s*(?:- )?(?:secretKey|password|token|hookKey|hookSecret): *\S*` + secret)
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := parse(data)
		if err != nil {
			if written.Match(data) && strings.Contains(err.Error(), secret) && strings.Count(string(data), secret) == len(written.FindAll(data, -1)) {
				t.Errorf("the error shows a secret: %v", err)
			}
			return
		}
		if len(c.Organizations) == 0 || tenant.Validate(c.Organizations) != nil || c.DataDir == "" || !validListen(c.Listen) || !validURL(c.VictoriaMetrics.URL) || !validURL(c.VictoriaMetrics.WritesTo()) {
			t.Errorf("taken: %+v", c)
		}
		if _, err := tenant.NewDirectory(c.Organizations); err != nil {
			t.Errorf("organisations of a valid configuration: %v", err)
		}
	})
}
