package useragent

import (
	"regexp/syntax"
	"slices"
	"strings"
	"unicode"
)

// maxTexts is how many texts a part of an expression may stand for before it is taken for one that may stand for anything.
const maxTexts = 24

// minLiteral is the least length of a text that is worth looking for: shorter ones are in most user agents.
const minLiteral = 3

// required is what is known about every text that an expression matches, in lower case.
type required struct {
	// texts are all texts that the expression matches, nil if there are too many.
	texts []string
	// clauses are sets of texts, of each of which every match contains at least one.
	clauses [][]string
}

// minAlternatives is how many alternatives an expression must begin with to be divided.
const minAlternatives = 4

// divide returns an expression, or of one that begins with many alternatives one expression for each of them. Lists of a hundred
// names, as there are of robots, would take a millisecond to try; few of the names are in a user agent.
func divide(whole *syntax.Regexp) []*syntax.Regexp {
	parts := []*syntax.Regexp{whole}
	if whole.Op == syntax.OpConcat {
		parts = whole.Sub
	}
	// Parts before the alternatives that match no text have no choice either.
	before := 0
	for before < len(parts)-1 && matchesNoText(parts[before].Op) {
		before++
	}
	list := parts[before]
	captured := list.Op == syntax.OpCapture
	if captured {
		list = list.Sub[0]
	}
	if list.Op != syntax.OpAlternate || len(list.Sub) < minAlternatives {
		return []*syntax.Regexp{whole}
	}
	var divided []*syntax.Regexp
	for _, one := range list.Sub {
		if captured {
			capture := *parts[before]
			capture.Sub = []*syntax.Regexp{one}
			one = &capture
		}
		divided = append(divided, &syntax.Regexp{Op: syntax.OpConcat, Flags: whole.Flags,
			Sub: slices.Concat(parts[:before], []*syntax.Regexp{one}, parts[before+1:])})
	}
	return divided
}

func matchesNoText(op syntax.Op) bool {
	switch op {
	case syntax.OpBeginLine, syntax.OpEndLine, syntax.OpBeginText, syntax.OpEndText, syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		return true
	}
	return false
}

// all returns the clauses, with those that follow from the texts.
func (r required) all() [][]string { return withClause(r.clauses, r.texts) }

// withClause returns clauses and one more, if it tells anything.
func withClause(clauses [][]string, texts []string) [][]string {
	if len(texts) == 0 || slices.ContainsFunc(texts, func(t string) bool { return len(t) < minLiteral }) {
		return clauses
	}
	return append(slices.Clip(clauses), texts)
}

func requiredBy(re *syntax.Regexp) required {
	switch re.Op {
	case syntax.OpLiteral:
		if re.Flags&syntax.FoldCase != 0 && slices.ContainsFunc(re.Rune, func(r rune) bool { return r > unicode.MaxASCII }) {
			return required{}
		}
		return required{texts: []string{fold(string(re.Rune))}}
	case syntax.OpEmptyMatch, syntax.OpBeginLine, syntax.OpEndLine, syntax.OpBeginText, syntax.OpEndText,
		syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		return required{texts: []string{""}}
	case syntax.OpCharClass:
		return required{texts: classTexts(re.Rune)}
	case syntax.OpCapture:
		return requiredBy(re.Sub[0])
	case syntax.OpPlus:
		return required{clauses: requiredBy(re.Sub[0]).all()}
	case syntax.OpQuest:
		if sub := requiredBy(re.Sub[0]); sub.texts != nil && len(sub.texts) < maxTexts {
			return required{texts: union(sub.texts, []string{""})}
		}
	case syntax.OpAlternate:
		return requiredByAny(re.Sub)
	case syntax.OpConcat:
		return requiredByAll(re.Sub)
	}
	return required{}
}

// classTexts returns the characters of a class, given as pairs of bounds, nil if there are too many.
func classTexts(bounds []rune) []string {
	var texts []string
	for i := 0; i < len(bounds); i += 2 {
		if bounds[i+1]-bounds[i] > maxTexts {
			return nil
		}
		for r := bounds[i]; r <= bounds[i+1]; r++ {
			texts = append(texts, fold(string(r)))
		}
	}
	texts = union(texts, nil)
	// Ten digits are in every user agent, and would multiply the texts around them.
	if len(texts) > 8 {
		return nil
	}
	return texts
}

// requiredByAny is of expressions one of which matches.
func requiredByAny(alternatives []*syntax.Regexp) required {
	var (
		texts, clause []string
		exact, known  = true, true
	)
	for _, re := range alternatives {
		one := requiredBy(re)
		exact = exact && one.texts != nil
		if exact {
			texts = union(texts, one.texts)
			exact = len(texts) <= maxTexts
		}
		best := bestClause(one.all())
		known = known && best != nil
		clause = union(clause, best)
	}
	var r required
	if exact {
		r.texts = texts
	}
	if known && !exact {
		r.clauses = [][]string{clause}
	}
	return r
}

// requiredByAll is of expressions that match one after the other.
func requiredByAll(parts []*syntax.Regexp) required {
	var (
		r     required
		run   = []string{""} // the texts of the parts since the last that may match anything
		whole = true
	)
	for _, re := range parts {
		one := requiredBy(re)
		if one.texts != nil && len(run)*len(one.texts) <= maxTexts {
			run = product(run, one.texts)
			continue
		}
		whole = false
		r.clauses = append(withClause(r.clauses, run), one.clauses...)
		run = []string{""}
		if one.texts != nil {
			run = one.texts
		}
	}
	if whole {
		return required{texts: run}
	}
	r.clauses = withClause(r.clauses, run)
	return r
}

// bestClause returns the clause that the fewest user agents are expected to have a text of, nil if there is no clause.
func bestClause(clauses [][]string) []string {
	var best []string
	for _, c := range clauses {
		if best == nil || selectivity(c) > selectivity(best) {
			best = c
		}
	}
	return best
}

// selectivity grows with the length of a clause's shortest text and shrinks with the number of its texts. Texts that nearly
// all browsers have tell nothing.
func selectivity(clause []string) int {
	shortest := len(clause[0])
	for _, t := range clause {
		if slices.ContainsFunc(commonTexts, func(c string) bool { return strings.Contains(c, t) }) {
			return -1
		}
		shortest = min(shortest, len(t))
	}
	return min(shortest, 12)*maxTexts - len(clause)
}

// commonTexts are in most user agents of browsers, in lower case.
var commonTexts = []string{
	"mozilla/5.0 (", "windows nt ", "linux; android ", "linux; u; android ", "build/", "applewebkit/", "khtml, like gecko) ", "chrome/",
	"mobile safari/", "version/", "like mac os x) ", "mobile/", "intel mac os x ", "firefox/",
}

func product(a, b []string) []string {
	all := make([]string, 0, len(a)*len(b))
	for _, x := range a {
		for _, y := range b {
			all = append(all, x+y)
		}
	}
	return union(all, nil)
}

// union returns the texts of both, each once, in order.
func union(a, b []string) []string {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}
