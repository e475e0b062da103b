package measure

import (
	"slices"
	"time"
)

// Family is a set of labels in which measures are stored, beside organisation, collector and the measure's dimensions.
type Family struct {
	Labels []string
	suffix string
	hourly bool // whether most is stored in it by the hour alone
}

// families lists the smallest first, those with a label of players last. A label that churns, like event, is in no family that other
// questions read: it would cost hours their advantage over minutes.
var families = func() []Family {
	all := []Family{
		{nil, "", false},
		{[]string{LabelCountry}, "_by_country", false},
		{[]string{LabelStream}, "_by_stream", false},
		{[]string{LabelStream, LabelCountry}, "_by_stream_country", false},
		{[]string{LabelStream, LabelCountry, LabelEvent}, "_by_event", false},
	}
	for _, label := range playerLabels {
		// What has just gone wrong shows in all players of a kind, or in a version of one stream. The others are nearly a series for each play, so
		// they have no minutes.
		all = append(all,
			Family{[]string{label}, "_by_" + label, false},
			Family{[]string{LabelCountry, label}, "_by_country_" + label, true},
			Family{[]string{LabelStream, label}, "_by_stream_" + label, label != DimensionVersion})
	}
	return all
}()

// playerLabels are the labels that say with what somebody watches. A family has one of them at most: all together would be a series
// for nearly each play.
var playerLabels = []string{DimensionVersion, DimensionOS, DimensionBrowser, DimensionDevice, DimensionProtocol}

// PlayerLabels returns the labels that say with what somebody watches, of which a family has one at most.
func PlayerLabels() []string { return slices.Clone(playerLabels) }

// IsPlayerLabel reports whether a label says with what somebody watches.
func IsPlayerLabel(label string) bool { return slices.Contains(playerLabels, label) }

// PlayerLabel returns the label of the family that says with what somebody watches, and "" if it has none.
func (f Family) PlayerLabel() string {
	if last := len(f.Labels) - 1; last >= 0 && IsPlayerLabel(f.Labels[last]) {
		return f.Labels[last]
	}
	return ""
}

// Families returns every family, the smallest first.
func Families() []Family { return families }

// FamilyWith returns the smallest family of m that has all labels, and false if there is none.
func (m Measure) FamilyWith(labels ...string) (Family, bool) {
	for _, f := range m.Families() {
		if f.Has(labels...) {
			return f, true
		}
	}
	return Family{}, false
}

// In reports whether m is stored in the family.
func (m Measure) In(f Family) bool {
	if f.PlayerLabel() != "" {
		return m.ByPlayer
	}
	if m.Fine && !f.Has(LabelStream, LabelCountry) {
		return false
	}
	if m.Apart && f.Has(LabelStream, LabelCountry) {
		return false
	}
	return m.Events || !f.Has(LabelEvent)
}

// Has reports whether the family carries all the labels.
func (f Family) Has(labels ...string) bool {
	for _, l := range labels {
		if !slices.Contains(f.Labels, l) {
			return false
		}
	}
	return true
}

// Resolution is the length of the intervals over which a stored sample sums.
type Resolution struct {
	Length time.Duration
	suffix string
}

// Minute and Hour are the stored resolutions.
var (
	Minute = Resolution{time.Minute, "_1m"}
	Hour   = Resolution{time.Hour, "_1h"}
)
