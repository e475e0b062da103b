// Command useragents makes pkg/useragent/rules.json of a checkout of uap-core, the rules that the ua-parser project shares
// between languages: go run ./tools/useragents CHECKOUT.
package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v4"
)

const (
	target  = "pkg/useragent/rules.json"
	license = "pkg/useragent/LICENSE-uap-core"
)

// definitions is what is used of regexes.yaml.
type definitions struct {
	Browsers []struct {
		Regex  string `yaml:"regex"`
		Flag   string `yaml:"regex_flag"`
		Family string `yaml:"family_replacement"`
	} `yaml:"user_agent_parsers"`
	Systems []struct {
		Regex  string `yaml:"regex"`
		Flag   string `yaml:"regex_flag"`
		Family string `yaml:"os_replacement"`
	} `yaml:"os_parsers"`
}

// rules is what is written.
type rules struct {
	Notice   string `json:"notice"`
	Source   string `json:"source"`
	Commit   string `json:"commit"`
	License  string `json:"license"`
	Browsers []rule `json:"browsers"`
	Systems  []rule `json:"systems"`
}

type rule struct {
	Expression string `json:"expression"`
	Family     string `json:"family"`
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: go run ./tools/useragents CHECKOUT-OF-UAP-CORE")
		os.Exit(2)
	}
	if err := generate(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
}

func generate(checkout string) error {
	commit, err := exec.CommandContext(context.Background(), "git", "-C", checkout, "rev-parse", "HEAD").Output()
	if err != nil {
		return fmt.Errorf("commit of %s: %w", checkout, err)
	}
	text, err := os.ReadFile(filepath.Join(checkout, "regexes.yaml"))
	if err != nil {
		return err
	}
	var d definitions
	if err := yaml.Load(text, &d); err != nil {
		return fmt.Errorf("regexes.yaml: %w", err)
	}
	all := rules{
		Notice: "Made by tools/useragents: the expressions and families of regexes.yaml, without versions and devices.",
		Source: "https://github.com/ua-parser/uap-core", Commit: strings.TrimSpace(string(commit)), License: "Apache-2.0",
	}
	for _, r := range d.Browsers {
		if err := add(&all.Browsers, r.Regex, r.Flag, r.Family); err != nil {
			return err
		}
	}
	for _, r := range d.Systems {
		if err := add(&all.Systems, r.Regex, r.Flag, r.Family); err != nil {
			return err
		}
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(all); err != nil {
		return err
	}
	if err := os.WriteFile(target, out.Bytes(), 0o644); err != nil {
		return err
	}
	terms, err := os.ReadFile(filepath.Join(checkout, "LICENSE"))
	if err != nil {
		return err
	}
	return os.WriteFile(license, terms, 0o644)
}

// add adds a rule, in the syntax of Go.
func add(all *[]rule, expression, flag, family string) error {
	if flag != "" {
		expression = "(?" + flag + ")" + expression
	}
	if _, err := regexp.Compile(expression); err != nil {
		return err
	}
	*all = append(*all, rule{expression, cmp.Or(family, "$1")})
	return nil
}
