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
