package ingest

import "time"

// OtherValue stands for the label values beyond the limit of a day.
const OtherValue = "(other)"

// valuesPerDay is how many distinct values free text from browsers may have in one organisation and UTC day (rules.md, 24).
const valuesPerDay = 1000

// term is one kind of free text of one organisation.
type term struct{ organization, field string }

// vocabulary bounds the distinct label values of a UTC day, so that no sender can make series without end.
type vocabulary struct {
	day    int64
	values map[term]map[string]struct{}
}

func (v *vocabulary) turn(now int64) {
	if day := now / (24 * time.Hour.Milliseconds()); day != v.day || v.values == nil {
		v.day = day
		v.values = map[term]map[string]struct{}{}
	}
}

// admit reports whether the value is among the first limit ones of the day.
func (v *vocabulary) admit(t term, value string, limit int) bool {
	known := v.values[t]
	if _, ok := known[value]; ok {
		return true
	}
	if len(known) >= limit {
		return false
	}
	if known == nil {
		known = map[string]struct{}{}
		v.values[t] = known
	}
	known[value] = struct{}{}
	return true
}

// label returns the value, or OtherValue if the day's limit of the field is reached.
func (v *vocabulary) label(organization, field, value string) string {
	if value == "" || v.admit(term{organization, field}, value, valuesPerDay) {
		return value
	}
	return OtherValue
}
