package useragent

import (
	"encoding/json"
	"os"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"testing"
	"time"
)

func newParser(t testing.TB) *Parser {
	t.Helper()
	parser, err := New()
	if err != nil {
		t.Fatal(err)
	}
	return parser
}

// ownAgents returns the user agents of testdata/agents.txt.
func ownAgents(t testing.TB) []string {
	t.Helper()
	file, err := os.ReadFile("testdata/agents.txt")
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for line := range strings.Lines(string(file)) {
		if fields := strings.SplitN(strings.TrimSuffix(line, "\n"), " | ", 4); len(fields) == 4 {
			all = append(all, fields[3])
		}
	}
	return all
}

// inOrder returns the family by trying all expressions in their order.
func inOrder(all []*regexp.Regexp, sources []ruleSource, userAgent string) string {
	for i, expression := range all {
		match := expression.FindStringSubmatchIndex(userAgent)
		if match == nil {
			continue
		}
		if family := string(expression.ExpandString(nil, sources[i].Family, userAgent, match)); family != "" {
			return family
		}
	}
	return ""
}

// TestRulesInOrder compares with trying all expressions in their order, on our own user agents and, if there are any, on those of
// device-detector.
func TestRulesInOrder(t *testing.T) {
	agents := append(ownAgents(t),
		"", "-", strings.Repeat("\xff", 100), "mozilla/5.0 (\u212Aindle; \u017Filk/1.2)", "Nokia\u212A/2.0", strings.Repeat("Mozilla/5.0 (", 30),
		"Acme FireWeb/1 Lynx/2.0 Midori/3.0", "Midori/3.0 FireWeb/1 Lynx/2.0", // of many alternatives the first in the user agent counts
	)
	if os.Getenv("DEVICE_DETECTOR") != "" {
		for _, e := range fixtures(t) {
			agents = append(agents, e.UserAgent)
		}
		slices.Sort(agents)
		agents = slices.Compact(agents)
	}
	var file ruleFile
	if err := json.Unmarshal(rulesFile, &file); err != nil {
		t.Fatal(err)
	}
	parser := newParser(t)
	var slow, quick time.Duration
	for _, kind := range []struct {
		rules   *rules
		sources []ruleSource
	}{{parser.browsers, file.Browsers}, {parser.systems, file.Systems}} {
		var all []*regexp.Regexp
		for _, source := range kind.sources {
			all = append(all, regexp.MustCompile(source.Expression))
		}
		for _, userAgent := range agents {
			begin := time.Now()
			want := inOrder(all, kind.sources, userAgent)
			middle := time.Now()
			got, _ := kind.rules.family(userAgent, parser.texts.find(fold(userAgent)))
			slow, quick = slow+middle.Sub(begin), quick+time.Since(middle)
			if got != want {
				t.Errorf("%q: %q, want %q", userAgent, got, want)
			}
		}
	}
	n := time.Duration(len(agents))
	t.Logf("%d user agents: %v each by all expressions, %v by those that can match", n, slow/n, quick/n)
}

func TestRequiredBy(t *testing.T) {
	tests := []struct {
		expression string
		want       string // clauses, with spaces between texts and "; " between clauses
	}{
		{`(Acme)/(\d+)`, "acme/"},
		{`Acme(?:Bot|Crawler)/`, "acmebot/ acmecrawler/"},
		{`Mozilla.{1,200}(Acme).(\d+)`, "mozilla; acme"},
		{`(?i)acme`, "acme"},
		{`Ac[mM]e`, "acme"},
		{`Acme(?:Mobile|)/`, "acme/ acmemobile/"},
		{`(\d+)Ab`, ""},
		{`(?:Acme\d+|x)`, ""},
		{`^(?:Acme\d+|Other.*)`, "acme other"},
		{`.*`, ""},
	}
	for _, test := range tests {
		t.Run(test.expression, func(t *testing.T) {
			parsed, err := syntax.Parse(test.expression, syntax.Perl)
			if err != nil {
				t.Fatal(err)
			}
			var all []string
			for _, clause := range requiredBy(parsed.Simplify()).all() {
				all = append(all, strings.Join(clause, " "))
			}
			if got := strings.Join(all, "; "); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func BenchmarkParse(b *testing.B) {
	parser, agents := newParser(b), ownAgents(b)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		parser.Parse(Headers{UserAgent: agents[i%len(agents)]})
	}
}

func BenchmarkNew(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := New(); err != nil {
			b.Fatal(err)
		}
	}
}
