// Command pluginzip packs a built plugin as Grafana's catalogue wants it, and checks what it packed:
//
//	go run ./tools/pluginzip FOLDER ZIP
//
// FOLDER is named like the plugin's id and holds all that Grafana needs: the front end and an executable for each platform.
// Entries have the day of the build that plugin.json names, so that equal folders make equal files.
package main

import (
	"archive/zip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: pluginzip FOLDER ZIP")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "pluginzip:", err)
		os.Exit(1)
	}
}

func run(folder, output string) error {
	if err := write(folder, output); err != nil {
		return errors.Join(err, os.Remove(output))
	}
	if err := check(output); err != nil {
		return fmt.Errorf("%s is not what Grafana's catalogue takes:\n%w", output, err)
	}
	return nil
}

// write packs a folder into a zip.
func write(folder, output string) (err error) {
	modified, err := dayOfBuild(folder)
	if err != nil {
		return err
	}
	file, err := os.Create(output)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	archive := zip.NewWriter(file)
	root := filepath.Base(folder)
	// The order is that of the names.
	err = filepath.WalkDir(folder, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		if !entry.Type().IsRegular() {
			return fmt.Errorf("%s is no regular file", name)
		}
		relative, err := filepath.Rel(folder, name)
		if err != nil {
			return err
		}
		return add(archive, name, path.Join(root, filepath.ToSlash(relative)), modified)
	})
	return errors.Join(err, archive.Close())
}

func dayOfBuild(folder string) (time.Time, error) {
	content, err := os.ReadFile(filepath.Join(folder, "plugin.json"))
	if err != nil {
		return time.Time{}, err
	}
	var about plugin
	if err := json.Unmarshal(content, &about); err != nil {
		return time.Time{}, fmt.Errorf("plugin.json: %w", err)
	}
	day, err := time.Parse(time.DateOnly, about.Info.Updated)
	if err != nil {
		return time.Time{}, fmt.Errorf("plugin.json: info.updated: %w", err)
	}
	return day, nil
}

func add(archive *zip.Writer, name, entry string, modified time.Time) (err error) {
	header := &zip.FileHeader{Name: entry, Method: zip.Deflate, Modified: modified}
	header.SetMode(0o644)
	if strings.HasPrefix(path.Base(entry), "gpx_") {
		header.SetMode(0o755)
	}
	w, err := archive.CreateHeader(header)
	if err != nil {
		return err
	}
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	_, err = io.Copy(w, file)
	return err
}
