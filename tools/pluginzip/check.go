package main

import (
	"archive/zip"
	"bytes"
	"debug/elf"
	"debug/macho"
	"debug/pe"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strings"
)

// platforms are those whose executables the zip must hold.
var platforms = []string{"darwin_amd64", "darwin_arm64", "linux_amd64", "linux_arm64", "windows_amd64", "windows_arm64"}

// plugin is what is read of a plugin.json.
type plugin struct {
	ID         string `json:"id"`
	Name       string `json:"name"`
	Type       string `json:"type"`
	Executable string `json:"executable"`
	Info       struct {
		Description string                        `json:"description"`
		Keywords    []string                      `json:"keywords"`
		Logos       struct{ Small, Large string } `json:"logos"`
		Screenshots []struct{ Path string }       `json:"screenshots"`
		Version     string                        `json:"version"`
		Updated     string                        `json:"updated"`
	} `json:"info"`
	Includes []struct {
		Type string `json:"type"`
		Path string `json:"path"`
	} `json:"includes"`
	Dependencies struct {
		Grafana string `json:"grafanaDependency"`
	} `json:"dependencies"`
}

var (
	version  = regexp.MustCompile(`^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$`)
	markLink = regexp.MustCompile(`\]\(([^)\s]+)`)
	// oldest is the least version of Grafana; a single version or its patches alone would end with the next one.
	oldest = regexp.MustCompile(`^>=\d+\.\d+\.\d+`)
)

// check says what of a zip Grafana's catalogue or a Grafana would refuse: layout, metadata, pictures, the README and its links, licence,
// executables and their modes.
func check(name string) error {
	archive, err := zip.OpenReader(name)
	if err != nil {
		return err
	}
	defer archive.Close()
	root := strings.SplitN(archive.File[0].Name, "/", 2)[0]
	for _, file := range archive.File {
		if !strings.HasPrefix(file.Name, root+"/") {
			return fmt.Errorf("%s and %s are of two folders, and one is allowed", archive.File[0].Name, file.Name)
		}
	}
	folder, err := fs.Sub(archive, root)
	if err != nil {
		return err
	}
	about, err := readPlugin(folder, "plugin.json")
	if err != nil {
		return err
	}
	errs := []error{checkPlugin(folder, ".", about), checkReadme(folder), checkLicence(folder), checkFiles(archive.File, about.Executable)}
	if about.ID != root {
		errs = append(errs, fmt.Errorf("the folder is %s, and the plugin's id is %s", root, about.ID))
	}
	if len(about.Info.Screenshots) == 0 {
		errs = append(errs, errors.New("plugin.json has no screenshots"))
	}
	for _, needed := range []string{"CHANGELOG.md", "README.md", "go_plugin_build_manifest"} {
		errs = append(errs, notEmpty(folder, needed))
	}
	for _, platform := range platforms {
		errs = append(errs, checkExecutable(folder, about.Executable, platform))
	}
	nested, err := fs.Glob(folder, "*/*/plugin.json")
	errs = append(errs, err)
	for _, name := range nested {
		inner, err := readPlugin(folder, name)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if inner.Info.Version != about.Info.Version {
			errs = append(errs, fmt.Errorf("%s is of version %s, and the plugin of %s", name, inner.Info.Version, about.Info.Version))
		}
		errs = append(errs, checkPlugin(folder, path.Dir(name), inner))
	}
	return errors.Join(errs...)
}

func readPlugin(folder fs.FS, name string) (plugin, error) {
	var about plugin
	content, err := fs.ReadFile(folder, name)
	if err != nil {
		return about, err
	}
	if err := json.Unmarshal(content, &about); err != nil {
		return about, fmt.Errorf("%s: %w", name, err)
	}
	return about, nil
}

// checkPlugin looks at one plugin of the zip, in a folder of it: what its plugin.json says must be there.
func checkPlugin(folder fs.FS, below string, about plugin) error {
	var errs []error
	if !version.MatchString(about.Info.Version) {
		errs = append(errs, fmt.Errorf("%s: the version %q is none", about.ID, about.Info.Version))
	}
	if parts := strings.Split(about.ID, "-"); len(parts) < 3 || parts[len(parts)-1] != about.Type {
		errs = append(errs, fmt.Errorf("%s: the id is not of who makes it, the name and %q", about.ID, about.Type))
	}
	if about.Name == "" || about.Name == about.ID {
		errs = append(errs, fmt.Errorf("%s: %q is no name for people", about.ID, about.Name))
	}
	if about.Info.Description == "" || len(about.Info.Keywords) == 0 {
		errs = append(errs, fmt.Errorf("%s: nobody finds it without description and keywords", about.ID))
	}
	if !oldest.MatchString(about.Dependencies.Grafana) {
		errs = append(errs, fmt.Errorf("%s: grafanaDependency %q names no oldest Grafana", about.ID, about.Dependencies.Grafana))
	}
	pictures := []string{about.Info.Logos.Small, about.Info.Logos.Large}
	for _, screenshot := range about.Info.Screenshots {
		pictures = append(pictures, screenshot.Path)
	}
	for _, picture := range pictures {
		if strings.HasPrefix(picture, ".") || strings.HasPrefix(picture, "/") {
			errs = append(errs, fmt.Errorf("%s: the path %s does not begin with a folder's name", about.ID, picture))
			continue
		}
		errs = append(errs, checkPicture(folder, path.Join(below, picture)))
	}
	needed := []string{"module.js", "module.js.map"}
	for _, include := range about.Includes {
		if include.Path != "" {
			needed = append(needed, include.Path)
		}
	}
	for _, name := range needed {
		errs = append(errs, notEmpty(folder, path.Join(below, name)))
	}
	return errors.Join(errs...)
}

func notEmpty(folder fs.FS, name string) error {
	info, err := fs.Stat(folder, name)
	if err != nil {
		return err
	}
	if info.Size() == 0 {
		return fmt.Errorf("%s is empty", name)
	}
	return nil
}

func checkPicture(folder fs.FS, name string) error {
	content, err := fs.ReadFile(folder, name)
	if err != nil {
		return err
	}
	kind := http.DetectContentType(content)
	var ok bool
	switch path.Ext(name) {
	case ".svg":
		ok = bytes.Contains(content, []byte("<svg")) && !bytes.Contains(content, []byte("<script"))
	case ".png":
		ok = kind == "image/png"
	case ".jpg", ".jpeg":
		ok = kind == "image/jpeg"
	}
	if !ok {
		return fmt.Errorf("%s is no picture of its kind that may be shown: its content is %s", name, kind)
	}
	return nil
}

// checkReadme refuses what the catalogue cannot show, links into the repository and comments, and what only developers know.
func checkReadme(folder fs.FS) error {
	content, err := fs.ReadFile(folder, "README.md")
	if err != nil {
		return err
	}
	var errs []error
	for _, link := range markLink.FindAllSubmatch(content, -1) {
		if target := string(link[1]); !strings.HasPrefix(target, "https://") && !strings.HasPrefix(target, "#") {
			errs = append(errs, fmt.Errorf("README.md: the link to %s leads nowhere in the catalogue", target))
		}
	}
	if bytes.Contains(content, []byte("<!--")) {
		errs = append(errs, errors.New("README.md has comments"))
	}
	for _, word := range []string{"yarn", "nodejs"} {
		if bytes.Contains(content, []byte(word)) {
			errs = append(errs, fmt.Errorf("README.md is for users, and %s for developers", word))
		}
	}
	return errors.Join(errs...)
}

// checkLicence looks whether the licence is the whole Apache License and says whose work it is: Grafana's catalogue compares the text with
// those that it takes.
func checkLicence(folder fs.FS) error {
	content, err := fs.ReadFile(folder, "LICENSE")
	if err != nil {
		return err
	}
	for _, part := range []string{"Apache License", "END OF TERMS AND CONDITIONS", "APPENDIX", "limitations under the License."} {
		if !bytes.Contains(content, []byte(part)) {
			return fmt.Errorf("LICENSE is not the whole Apache License: it has no %q", part)
		}
	}
	for _, field := range []string{"[yyyy]", "[name of copyright owner]", "{yyyy}", "{name of copyright owner}"} {
		if bytes.Contains(content, []byte(field)) {
			return fmt.Errorf("LICENSE: %s is not filled in", field)
		}
	}
	return nil
}

// checkFiles looks for executables that cannot be run, that no platform asks for, other files that can be run, and what the SDK leaves of debugging.
func checkFiles(files []*zip.File, executable string) error {
	var errs []error
	for _, file := range files {
		name := path.Base(file.Name)
		// With them, Grafana does not start the backend by itself.
		if name == "standalone.txt" || name == "pid.txt" {
			errs = append(errs, fmt.Errorf("%s is left of debugging", file.Name))
		}
		platform, isExecutable := strings.CutPrefix(strings.TrimSuffix(name, ".exe"), executable+"_")
		want := fs.FileMode(0o644)
		if isExecutable {
			want = 0o755
			if !slices.Contains(platforms, platform) {
				errs = append(errs, fmt.Errorf("%s is for no platform that is released", file.Name))
			}
		}
		if file.Mode() != want {
			errs = append(errs, fmt.Errorf("%s has the mode %v instead of %v", file.Name, file.Mode(), want))
		}
	}
	return errors.Join(errs...)
}

// checkExecutable looks whether there is an executable for a platform, and whether it is one.
func checkExecutable(folder fs.FS, executable, platform string) error {
	name := executable + "_" + platform
	if strings.HasPrefix(platform, "windows") {
		name += ".exe"
	}
	content, err := fs.ReadFile(folder, name)
	if err != nil {
		return err
	}
	is, err := platformOf(content)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if is != platform {
		return fmt.Errorf("%s is for %s", name, is)
	}
	return nil
}

// platformOf names the platform of an executable, as in linux_amd64.
func platformOf(content []byte) (string, error) {
	reader := bytes.NewReader(content)
	if file, err := elf.NewFile(reader); err == nil {
		return "linux_" + map[elf.Machine]string{elf.EM_X86_64: "amd64", elf.EM_AARCH64: "arm64"}[file.Machine], nil
	}
	if file, err := macho.NewFile(reader); err == nil {
		return "darwin_" + map[macho.Cpu]string{macho.CpuAmd64: "amd64", macho.CpuArm64: "arm64"}[file.Cpu], nil
	}
	if file, err := pe.NewFile(reader); err == nil {
		return "windows_" + map[uint16]string{pe.IMAGE_FILE_MACHINE_AMD64: "amd64", pe.IMAGE_FILE_MACHINE_ARM64: "arm64"}[file.Machine], nil
	}
	return "", errors.New("no executable of Linux, macOS or Windows")
}
