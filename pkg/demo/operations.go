package demo

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// scrapeConfiguration is docker/scrape.yaml for the demo's collector.
const scrapeConfiguration = `global: {scrape_interval: 15s}
scrape_configs:
  - job_name: streamlens
    static_configs: [{targets: [%q]}]
`

// startOperations starts the VictoriaMetrics that watches the collector, and returns its URL.
func (d *demo) startOperations(ctx context.Context) (url string, err error) {
	port, err := freePort(ctx, operationsPort)
	if err != nil {
		return "", err
	}
	address := fmt.Sprintf("127.0.0.1:%d", port)
	path := filepath.Join(d.Directory, "scrape.yaml")
	content := fmt.Sprintf(scrapeConfiguration, strings.TrimPrefix(d.collectorURL, "http://"))
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		return "", fmt.Errorf("demo: %w", err)
	}
	err = d.children.start("operations", d.Directory, nil, d.VictoriaMetrics,
		"-storageDataPath="+filepath.Join(d.Directory, "operations"),
		"-httpListenAddr="+address,
		"-promscrape.config="+path,
		"-retentionPeriod=30d")
	if err != nil {
		return "", err
	}
	url = "http://" + address
	return url, d.children.ready(ctx, "operations", url+"/health")
}
