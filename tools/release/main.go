// Command release makes the Debian package of tools/release/nfpm.yaml, and runs in the root of the repository:
//
//	release ARCHITECTURE VERSION PACKAGE.deb
//
// It is nfpm without its formats for other systems, which need much more. With SOURCE_DATE_EPOCH the package depends neither on when its files were
// written nor on the umask under which they were.
package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/goreleaser/nfpm/v2"
	_ "github.com/goreleaser/nfpm/v2/deb" // registers the format
)

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: release ARCHITECTURE VERSION PACKAGE.deb")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

func run(architecture, version, output string) (err error) {
	values := map[string]string{"ARCHITECTURE": architecture, "VERSION": version}
	config, err := nfpm.ParseFileWithEnvMapping("tools/release/nfpm.yaml", func(name string) string { return values[name] })
	if err != nil {
		return err
	}
	info, err := config.Get("deb")
	if err != nil {
		return err
	}
	info = nfpm.WithDefaults(info)
	packager, err := nfpm.Get("deb")
	if err != nil {
		return err
	}
	if err := nfpm.PrepareForPackager(info, "deb"); err != nil {
		return err
	}
	for _, content := range info.Contents {
		about := content.FileInfo
		if !info.MTime.IsZero() {
			about.MTime = info.MTime
		}
		if strings.HasPrefix(content.Destination, "/usr/") {
			// What a clone has may be for its owner alone, but Grafana reads dashboards and provisioning.
			mode := fs.FileMode(0o644)
			if about.Mode&0o100 != 0 {
				mode = 0o755
			}
			about.Mode = about.Mode&^fs.ModePerm | mode
		}
	}
	file, err := os.Create(output)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	return packager.Package(info, file)
}
