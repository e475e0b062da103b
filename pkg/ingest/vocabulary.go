package ingest

import "time"

// OtherValue stands for the label values beyond the limit of a day.
const OtherValue = "(other)"

// valuesPerDay is how many distinct values free text from browsers may have in one organisation and UTC day (rules.md, 24).
const valuesPerDay = 1000

// term is one kind of free text of one organisation.
type term struct{ organization, field string }

// vocabulary bounds the distinct label values of a period, so that no sender can make series without end.
type vocabulary struct {
	length time.Duration // after which the values are forgotten: a UTC day, or an hour
	period int64         // number of the present one since 1970
	values map[term]map[string]struct{}
}

// turn forgets the values if a new period has begun; now is in ms since 1970.
func (v *vocabulary) turn(now int64) {
	if period := now / v.length.Milliseconds(); period != v.period || v.values == nil {
		v.period = period
		v.values = map[term]map[string]struct{}{}
	}
}

// admit reports whether the value is among the first limit ones of the period.
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

// label returns the value, or OtherValue if the period's limit of the field is reached.
func (v *vocabulary) label(organization, field, value string, limit int) string {
	if value == "" || v.admit(term{organization, field}, value, limit) {
		return value
	}
	return OtherValue
}
