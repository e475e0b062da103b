package demo

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// pluginIDs are allowed without a signature: that of the data source and of the panel within.
const pluginIDs = "streamlens-analytics-datasource,streamlens-worldmap-panel"

// dockerPatience is how long Docker may take to say whether an engine runs.
const dockerPatience = 5 * time.Second

const howToGet = `no Grafana was found.
Get Grafana 12.3 or later in one of these ways, and start the demo again:
  - unpack a release from https://grafana.com/grafana/download and set GRAFANA_HOME to its folder
  - install the grafana package of grafana.com, so that "grafana" is on the PATH
  - with Docker, run "docker compose up" instead of the demo`

// startGrafana starts Grafana with the plugin, the data source and the dashboards, and returns its URL. If there is none,
// missing says so in words.
func (d *demo) startGrafana(ctx context.Context) (url, missing string, err error) {
	if d.Plugin == "" {
		return "", "the plugin is not built.", nil
	}
	if !isFile(filepath.Join(d.Plugin, "plugin.json")) {
		return "", fmt.Sprintf("the plugin is not built: there is no plugin.json in %s.", d.Plugin), nil
	}
	executable, home := findGrafana(d.GrafanaHome)
	if executable == "" {
		if dockerRuns(ctx) {
			return "", `Docker runs here: "docker compose up" starts everything with Grafana.`, nil
		}
		return "", howToGet, nil
	}
	plugins := filepath.Join(d.Directory, "plugins")
	if err := link(d.Plugin, filepath.Join(plugins, "streamlens-analytics-datasource")); err != nil {
		return "", "", err
	}
	// The provisioned dashboards are in usr/share/streamlens/dashboards below it.
	root := filepath.Join(d.Directory, "root")
	if err := link(d.Dashboards, filepath.Join(root, "usr", "share", "streamlens", "dashboards")); err != nil {
		return "", "", err
	}
	port, err := freePort(ctx, grafanaPort)
	if err != nil {
		return "", "", err
	}
	operationsURL, err := d.startOperations(ctx)
	if err != nil {
		return "", "", err
	}
	organization := d.organizations[0]
	data := filepath.Join(d.Directory, "grafana")
	environment := []string{
		"GF_SERVER_HTTP_ADDR=127.0.0.1",
		fmt.Sprintf("GF_SERVER_HTTP_PORT=%d", port),
		// Links of alerts go where one has signed in.
		"GF_SERVER_DOMAIN=127.0.0.1",
		"GF_PATHS_DATA=" + data,
		"GF_PATHS_LOGS=" + filepath.Join(data, "log"),
		"GF_PATHS_PLUGINS=" + plugins,
		"GF_PATHS_PROVISIONING=" + d.Provisioning,
		"GF_PLUGINS_ALLOW_LOADING_UNSIGNED_PLUGINS=" + pluginIDs,
		"GF_PLUGINS_PREINSTALL_DISABLED=true",
		"GF_SECURITY_ADMIN_USER=admin",
		"GF_SECURITY_ADMIN_PASSWORD=admin",
		"GF_AUTH_ANONYMOUS_ENABLED=false",
		"GF_ANALYTICS_REPORTING_ENABLED=false",
		"GF_ANALYTICS_CHECK_FOR_UPDATES=false",
		"GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES=false",
		"GF_NEWS_NEWS_FEED_ENABLED=false",
		"GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH=" + filepath.Join(d.Dashboards, "home.json"),
		// These fill in the provisioned data source and dashboards.
		"STREAMLENS_VICTORIAMETRICS_URL=" + d.victoriaMetricsURL,
		"STREAMLENS_PLAYS_URL=" + d.playsURL,
		"STREAMLENS_COLLECTOR_URL=" + d.collectorURL,
		"STREAMLENS_BLOCK_LIST_TOKEN=" + organization.BlockListTokens[0].Token,
		"STREAMLENS_ORGANIZATION=" + organization.ID,
		"STREAMLENS_LEVEL=" + string(organization.Level),
		"STREAMLENS_ROOT=" + root,
		"STREAMLENS_OPERATIONS_URL=" + operationsURL,
	}
	if err := d.children.start("grafana", d.Directory, environment, executable, "server", "--homepath", home); err != nil {
		return "", "", err
	}
	url = fmt.Sprintf("http://127.0.0.1:%d", port)
	return url, "", d.children.ready(ctx, "grafana", url+"/api/health")
}

// link makes a symbolic link to a folder, in place of one that an earlier demo left.
func link(target, path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("demo: %w", err)
	}
	if err := os.Symlink(target, path); err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	return nil
}

// findGrafana returns the executable and the home of the Grafana in the given folder, in that of GRAFANA_HOME or on the
// PATH; empty if there is none.
func findGrafana(home string) (executable, foundHome string) {
	for _, home := range []string{home, os.Getenv("GRAFANA_HOME")} {
		path := filepath.Join(home, "bin", "grafana")
		if home != "" && isFile(path) {
			return path, home
		}
	}
	path, err := exec.LookPath("grafana")
	if err != nil {
		return "", ""
	}
	if resolved, err := filepath.EvalSymlinks(path); err == nil {
		path = resolved
	}
	// Releases have bin/grafana beside conf; packages of Linux distributions have /usr/sbin/grafana and this home.
	for _, home := range []string{filepath.Dir(filepath.Dir(path)), "/usr/share/grafana"} {
		if isFile(filepath.Join(home, "conf", "defaults.ini")) {
			return path, home
		}
	}
	return "", ""
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// dockerRuns reports whether a Docker engine answers; a client alone is not enough.
func dockerRuns(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, dockerPatience)
	defer cancel()
	version, err := exec.CommandContext(ctx, "docker", "info", "--format", "{{.ServerVersion}}").Output()
	return err == nil && strings.TrimSpace(string(version)) != ""
}
