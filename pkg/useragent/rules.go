package useragent

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"sync"
)

// rulesFile is made by tools/useragents.
//
//go:embed rules.json
var rulesFile []byte

// ruleFile is what is in rulesFile: the expressions of uap-core for browsers and systems, in the order in which they are tried.
type ruleFile struct {
	Browsers []ruleSource `json:"browsers"`
	Systems  []ruleSource `json:"systems"`
}

// ruleSource is an expression and the family of what it matches, in which $1 to $9 stand for what it captures.
type ruleSource struct {
	Expression string `json:"expression"`
	Family     string `json:"family"`
}

// rules are a list of expressions, of which the first that matches tells the family.
//
// Only those are tried, in their order, that can match: each has texts without which it does not match, and one pass over a user
// agent finds all such texts.
type rules struct {
	all []rule
	// triggered are the rules that may match where a text is found, by the number of the text.
	triggered map[int][]int
	always    bitset // rules of which no text is known
}

// rule is an expression of the list.
type rule struct {
	family   string
	captures bool // whether the family has captured parts
	// alternatives are what the expression is divided into, one for most. The one that matches first in a user agent counts, of
	// those that match at the same place the first in the list.
	alternatives []alternative
}

// alternative is an expression that is compiled when it is tried first.
type alternative struct {
	compiled func() *regexp.Regexp
	// clauses are sets of numbers of texts of each of which a user agent must have one.
	clauses [][]int
	cost    int // what trying it counts: 1, and more for long ones
}

// readRules returns the rules for browsers and for systems.
func readRules(t *texts) (browsers, systems *rules, err error) {
	var file ruleFile
	if err := json.Unmarshal(rulesFile, &file); err != nil {
		return nil, nil, fmt.Errorf("rules.json: %w", err)
	}
	if browsers, err = newRules(file.Browsers, t); err != nil {
		return nil, nil, err
	}
	systems, err = newRules(file.Systems, t)
	return browsers, systems, err
}

func newRules(sources []ruleSource, t *texts) (*rules, error) {
	r := &rules{triggered: map[int][]int{}, always: newBitset(len(sources))}
	for i, source := range sources {
		whole, err := syntax.Parse(source.Expression, syntax.Perl)
		if err != nil {
			return nil, fmt.Errorf("expression %q: %w", source.Expression, err)
		}
		one := rule{family: source.Family, captures: strings.Contains(source.Family, "$")}
		for _, part := range divide(whole) {
			// What could be parsed compiles.
			a := alternative{compiled: sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(part.String()) })}
			simple := part.Simplify()
			clauses := requiredBy(simple).all()
			a.cost = 1 + size(simple)/100
			for _, clause := range clauses {
				a.clauses = append(a.clauses, t.numbersOf(clause))
			}
			one.alternatives = append(one.alternatives, a)
			best := bestClause(clauses)
			if best == nil {
				r.always.add(i)
			}
			for _, n := range t.numbersOf(best) {
				r.triggered[n] = append(r.triggered[n], i)
			}
		}
		r.all = append(r.all, one)
	}
	return r, nil
}

// size returns how many parts an expression has.
func size(re *syntax.Regexp) int {
	n := 1
	for _, sub := range re.Sub {
		n += size(sub)
	}
	return n
}

// family returns the family of a user agent in which some texts are found, "" if no rule knows it, and what that has cost.
func (r *rules) family(userAgent string, found bitset) (family string, cost int) {
	candidates := slices.Clone(r.always)
	found.each(func(text int) bool {
		for _, i := range r.triggered[text] {
			candidates.add(i)
		}
		return true
	})
	candidates.each(func(i int) bool {
		var of int
		family, of = r.all[i].match(userAgent, found)
		cost += of
		return family == ""
	})
	return family, cost
}

// match returns the family of a user agent in which some texts are found, "" if the rule does not know it, and what that has cost.
func (r *rule) match(userAgent string, found bitset) (family string, cost int) {
	var first []int // places of the match and of what it captures
	for _, a := range r.alternatives {
		if !a.possible(found) {
			continue
		}
		cost += a.cost
		if len(r.alternatives) == 1 && !r.captures {
			if a.compiled().MatchString(userAgent) {
				return r.family, cost
			}
			return "", cost
		}
		if m := a.compiled().FindStringSubmatchIndex(userAgent); m != nil && (first == nil || m[0] < first[0]) {
			first = m
		}
	}
	if first == nil {
		return "", cost
	}
	return expand(r.family, userAgent, first), cost
}

// possible reports whether a user agent in which some texts are found may match.
func (a *alternative) possible(found bitset) bool {
	for _, clause := range a.clauses {
		if !slices.ContainsFunc(clause, found.has) {
			return false
		}
	}
	return true
}

// expand puts what was captured into the places $1 to $9 of a family.
func expand(family, userAgent string, match []int) string {
	var b strings.Builder
	for i := 0; i < len(family); i++ {
		if family[i] != '$' || i+1 == len(family) || family[i+1] < '1' || family[i+1] > '9' {
			b.WriteByte(family[i])
			continue
		}
		i++
		if n := 2 * int(family[i]-'0'); n < len(match) && match[n] >= 0 {
			b.WriteString(userAgent[match[n]:match[n+1]])
		}
	}
	return b.String()
}
