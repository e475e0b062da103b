package oracle

import "slices"

// Tags are the tags in force, by organisation and stream.
type Tags map[[2]string][]string

// carries says whether the stream has all of the tags (rule 23).
func (t Tags) carries(organization, stream string, tags []string) bool {
	for _, tag := range tags {
		if !slices.Contains(t[[2]string{organization, stream}], tag) {
			return false
		}
	}
	return true
}

// untagged is the row of streams without a tag.
const untagged = "(none)"

// each are the facts once for each tag that their stream has.
func (t Tags) each(facts []Fact) []Fact {
	var all []Fact
	places := map[*place][]*place{}
	for _, f := range facts {
		if places[f.place] == nil {
			those := t[[2]string{f.organization, f.stream}]
			if len(those) == 0 {
				those = []string{untagged}
			}
			for _, tag := range those {
				tagged := *f.place
				tagged.tag = tag
				places[f.place] = append(places[f.place], &tagged)
			}
		}
		for _, tagged := range places[f.place] {
			with := f
			with.place = tagged
			all = append(all, with)
		}
	}
	return all
}
