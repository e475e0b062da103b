package documents

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

var (
	fences   = regexp.MustCompile("(?ms)^ *```.*?^ *```")
	links    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	headings = regexp.MustCompile(`(?m)^#+ +(.+)$`)
	linked   = regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`)
	// What is read outside of the repository names its files so.
	onGitHub = regexp.MustCompile(`^https://(?:github\.com/streamlens/streamlens/(?:blob|tree)/main/|raw\.githubusercontent\.com/streamlens/streamlens/main/|github\.com/streamlens/streamlens#)`)
	urls     = regexp.MustCompile(`"url": "([^"]+)"`)
)

// TestLinks checks that what documents link to is there, file and heading, and that a reader comes to every page of docs.
func TestLinks(t *testing.T) {
	pages := append(documents(t), filepath.Join(root, "CONTRIBUTING.md"), filepath.Join(root, "SECURITY.md"), filepath.Join(root, "CHANGELOG.md"),
		filepath.Join(root, "beacon/README.md"), filepath.Join(root, "src/README.md"))
	reached, found := map[string]bool{}, 0
	for _, page := range pages {
		for _, link := range links.FindAllStringSubmatch(prose(t, page), -1) {
			if regexp.MustCompile(`^[a-z]+:`).MatchString(link[1]) {
				continue // of another site
			}
			found++
			path, heading, _ := strings.Cut(link[1], "#")
			target := page
			if path != "" {
				target = filepath.Join(filepath.Dir(page), path)
				reached[target] = true
			}
			checkLink(t, page, target, heading)
		}
	}
	if found < 300 {
		t.Errorf("only %d links were found", found)
	}
	for _, page := range documents(t) {
		if !reached[page] && page != filepath.Join(root, "README.md") {
			t.Errorf("nothing links to %s", page)
		}
	}
}

// TestLinksOfThePlugin checks what is shown in Grafana and in its catalogue: links lead to files and headings of the repository by their address on GitHub.
func TestLinksOfThePlugin(t *testing.T) {
	found := 0
	for page, form := range map[string]*regexp.Regexp{"src/README.md": links, "plugin.json": urls, "src/panels/worldmap/plugin.json": urls} {
		for _, link := range form.FindAllStringSubmatch(prose(t, filepath.Join(root, page)), -1) {
			site := onGitHub.FindString(link[1])
			if site == "" {
				continue // not of the repository, or its issues and releases
			}
			found++
			path, heading, _ := strings.Cut(strings.TrimPrefix(link[1], site), "#")
			if strings.HasSuffix(site, "#") {
				path, heading = "README.md", path
			}
			checkLink(t, page, filepath.Join(root, path), heading)
		}
	}
	if found < 10 {
		t.Errorf("only %d links were found", found)
	}
}

// checkLink looks whether a file is there, and a heading in it if one is named.
func checkLink(t *testing.T, page, target, heading string) {
	t.Helper()
	if _, err := os.Stat(target); err != nil {
		t.Errorf("%s: %v", page, err)
		return
	}
	if heading != "" && strings.HasSuffix(target, ".md") && !anchors(prose(t, target))[heading] {
		t.Errorf("%s: %s has no heading #%s", page, target, heading)
	}
}

// prose returns a document without its blocks of code.
func prose(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return fences.ReplaceAllString(string(text), "")
}

// anchors are the names that GitHub gives to the headings of a document: lower case, without punctuation, with hyphens for spaces, and
// numbered where there are equal ones.
func anchors(text string) map[string]bool {
	all, times := map[string]bool{}, map[string]int{}
	for _, heading := range headings.FindAllStringSubmatch(text, -1) {
		name := strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
				return unicode.ToLower(r)
			}
			return -1
		}, strings.TrimSpace(linked.ReplaceAllString(heading[1], "$1")))
		if n := times[name]; n > 0 {
			all[name+"-"+strconv.Itoa(n)] = true
		} else {
			all[name] = true
		}
		times[name]++
	}
	return all
}
