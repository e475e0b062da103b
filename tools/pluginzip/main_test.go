package main

import (
	"archive/zip"
	"bytes"
	"debug/elf"
	"debug/macho"
	"debug/pe"
	"encoding/binary"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

const (
	id          = "example-live-datasource"
	picture     = `<svg xmlns="http://www.w3.org/2000/svg"/>`
	description = `{
  "id": "example-live-datasource", "name": "Example", "type": "datasource", "executable": "gpx_example",
  "info": {
    "description": "What is live", "keywords": ["video"],
    "logos": {"small": "img/logo.svg", "large": "img/logo.svg"},
    "screenshots": [{"path": "img/home.png"}],
    "version": "1.2.3", "updated": "2026-11-29"
  },
  "includes": [{"type": "dashboard", "path": "dashboards/home.json"}],
  "dependencies": {"grafanaDependency": ">=12.3.0"}
}`
	innerDescription = `{
  "id": "example-map-panel", "name": "Example map", "type": "panel",
  "info": {"description": "Where it is", "keywords": ["map"], "logos": {"small": "img/logo.svg", "large": "img/logo.svg"}, "screenshots": [], "version": "1.2.3", "updated": "2026-11-29"},
  "dependencies": {"grafanaDependency": ">=12.3.0"}
}`
	licence = `Apache License

END OF TERMS AND CONDITIONS

APPENDIX: How to apply the Apache License to your work.

Copyright 2026 Example

See the License for the specific language governing permissions and limitations under the License.`
)

// complete is a plugin without fault; executables are headers only.
func complete(t *testing.T) map[string]string {
	t.Helper()
	return map[string]string{
		"CHANGELOG.md":                  "# Changes",
		"LICENSE":                       licence,
		"README.md":                     "# Example\n\n[docs](https://example.com) and [below](#example)",
		"dashboards/home.json":          "{}",
		"go_plugin_build_manifest":      "00:pkg/main.go",
		"gpx_example_darwin_amd64":      machO(t, macho.CpuAmd64),
		"gpx_example_darwin_arm64":      machO(t, macho.CpuArm64),
		"gpx_example_linux_amd64":       elfOf(t, elf.EM_X86_64),
		"gpx_example_linux_arm64":       elfOf(t, elf.EM_AARCH64),
		"gpx_example_windows_amd64.exe": portableExecutable(t, pe.IMAGE_FILE_MACHINE_AMD64),
		"gpx_example_windows_arm64.exe": portableExecutable(t, pe.IMAGE_FILE_MACHINE_ARM64),
		"img/home.png":                  "\x89PNG\r\n\x1a\n",
		"img/logo.svg":                  picture,
		"module.js":                     "define([])",
		"module.js.map":                 "{}",
		"panels/worldmap/img/logo.svg":  picture,
		"panels/worldmap/module.js":     "define([])",
		"panels/worldmap/module.js.map": "{}",
		"panels/worldmap/plugin.json":   innerDescription,
		"plugin.json":                   description,
	}
}

func TestRun(t *testing.T) {
	for _, test := range []struct {
		name, file, content string // the content "" takes the file away
		fault               string
	}{
		{"complete", "", "", ""},
		{"no licence", "LICENSE", "", "LICENSE"},
		{"half a licence", "LICENSE", licence[:20], "END OF TERMS"},
		{"nobody's licence", "LICENSE", strings.Replace(licence, "2026 Example", "[yyyy] [name of copyright owner]", 1), "[yyyy] is not filled in"},
		{"no changelog", "CHANGELOG.md", "", "CHANGELOG.md"},
		{"no list of the Go files", "go_plugin_build_manifest", "", "go_plugin_build_manifest"},
		{"no dashboard", "dashboards/home.json", "", "dashboards/home.json"},
		{"no front end", "module.js", "", "module.js"},
		{"no source map of the panel", "panels/worldmap/module.js.map", "", "panels/worldmap/module.js.map"},
		{"a relative link", "README.md", "[docs](docs/README.md)", "docs/README.md leads nowhere"},
		{"a relative picture", "README.md", "![home](img/home.png)", "img/home.png leads nowhere"},
		{"a comment", "README.md", "<!-- later -->", "comments"},
		{"for developers", "README.md", "Run yarn.", "yarn"},
		{"left of debugging", "standalone.txt", "127.0.0.1:1234", "standalone.txt"},
		{"a platform is missing", "gpx_example_windows_arm64.exe", "", "gpx_example_windows_arm64.exe"},
		{"a platform too many", "gpx_example_linux_arm", elfOf(t, elf.EM_ARM), "for no platform"},
		{"another processor", "gpx_example_linux_arm64", elfOf(t, elf.EM_X86_64), "gpx_example_linux_arm64 is for linux_amd64"},
		{"another system", "gpx_example_darwin_arm64", elfOf(t, elf.EM_AARCH64), "gpx_example_darwin_arm64 is for linux_arm64"},
		{"no executable", "gpx_example_linux_amd64", "#!/bin/sh", "no executable"},
		{"no picture", "img/home.png", "<html>", "img/home.png"},
		{"a picture with a script", "img/logo.svg", "<svg><script/></svg>", "img/logo.svg"},
		{"no screenshots", "plugin.json", strings.Replace(description, `{"path": "img/home.png"}`, "", 1), "no screenshots"},
		{"a picture by a path with a dot", "plugin.json", strings.Replace(description, "img/home.png", "./img/home.png", 1), "./img/home.png does not begin"},
		{"another type", "plugin.json", strings.Replace(description, `"datasource"`, `"panel"`, 1), `"panel"`},
		{"the id as a name", "plugin.json", strings.Replace(description, `"Example"`, `"`+id+`"`, 1), "no name for people"},
		{"no description", "plugin.json", strings.Replace(description, "What is live", "", 1), "nobody finds it"},
		{"no keywords of the panel", "panels/worldmap/plugin.json", strings.Replace(innerDescription, `"map"`, "", 1), "example-map-panel: nobody finds it"},
		{"one Grafana alone", "plugin.json", strings.Replace(description, ">=12.3.0", "12.3.x", 1), "names no oldest Grafana"},
		{"version not filled in", "plugin.json", strings.Replace(description, "1.2.3", "%VERSION%", 1), "%VERSION%"},
		{"another id", "plugin.json", strings.Replace(description, id, "other-live-datasource", 1), "other-live-datasource"},
		{"the panel is of another version", "panels/worldmap/plugin.json", strings.Replace(innerDescription, "1.2.3", "1.2.4", 1), "1.2.4"},
		{"no day", "plugin.json", strings.Replace(description, "2026-11-29", "%TODAY%", 1), "info.updated"},
	} {
		t.Run(test.name, func(t *testing.T) {
			files := complete(t)
			if test.file != "" {
				files[test.file] = test.content
			}
			output := filepath.Join(t.TempDir(), "plugin.zip")
			err := run(folderOf(t, files), output)
			if test.fault == "" {
				if err != nil {
					t.Fatal(err)
				}
				compare(t, output, files)
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.fault) {
				t.Errorf("got %v, and not a fault that names %q", err, test.fault)
			}
		})
	}
}

// TestRepeated packs equal folders whose files have other times.
func TestRepeated(t *testing.T) {
	var zips [2][]byte
	for i := range zips {
		output := filepath.Join(t.TempDir(), "plugin.zip")
		if err := run(folderOf(t, complete(t)), output); err != nil {
			t.Fatal(err)
		}
		content, err := os.ReadFile(output)
		if err != nil {
			t.Fatal(err)
		}
		zips[i] = content
	}
	if !bytes.Equal(zips[0], zips[1]) {
		t.Error("equal folders made zips that differ")
	}
}

func folderOf(t *testing.T, files map[string]string) string {
	t.Helper()
	folder := filepath.Join(t.TempDir(), id)
	for name, content := range files {
		if content == "" {
			continue
		}
		target := filepath.Join(folder, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(target, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

// compare looks whether a zip holds these files and no others.
func compare(t *testing.T, name string, files map[string]string) {
	t.Helper()
	archive, err := zip.OpenReader(name)
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	if len(archive.File) != len(files) {
		t.Errorf("%d files instead of %d", len(archive.File), len(files))
	}
	for file, want := range files {
		entry, err := archive.Open(path.Join(id, file))
		if err != nil {
			t.Error(err)
			continue
		}
		if got, err := io.ReadAll(entry); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", file, got, err)
		}
	}
}

func header(t *testing.T, parts ...any) string {
	t.Helper()
	var buffer bytes.Buffer
	for _, part := range parts {
		if err := binary.Write(&buffer, binary.LittleEndian, part); err != nil {
			t.Fatal(err)
		}
	}
	return buffer.String()
}

func elfOf(t *testing.T, machine elf.Machine) string {
	t.Helper()
	return header(t, elf.Header64{
		Ident:   [elf.EI_NIDENT]byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)},
		Machine: uint16(machine), Version: uint32(elf.EV_CURRENT),
	})
}

func machO(t *testing.T, processor macho.Cpu) string {
	t.Helper()
	return header(t, macho.FileHeader{Magic: macho.Magic64, Cpu: processor, Type: macho.TypeExec}, uint32(0))
}

func portableExecutable(t *testing.T, machine uint16) string {
	t.Helper()
	dos := make([]byte, 96)
	copy(dos, "MZ")
	dos[0x3c] = byte(len(dos))
	return header(t, dos, []byte("PE\x00\x00"), pe.FileHeader{Machine: machine})
}
