package ingest

import (
	"time"

	"github.com/streamlens/streamlens/pkg/codec"
	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/session"
)

// valuesPerDay is how many distinct values free text from browsers may have in one organisation and UTC day (docs/rules.md, 24).
const valuesPerDay = 1000

// term is one kind of text of one organisation, in one period.
type term struct {
	organization, field string
	period              int64 // its number since 1970
}

// words are the values of a term.
type words struct {
	values map[string]struct{}
	period *session.Period // of its own, because sessions may hold it for longer
}

// vocabulary bounds the distinct label values of each period, so that no sender can make series without end.
type vocabulary struct {
	length time.Duration // of a period: a UTC day, or an hour
	now    int64         // ms since 1970
	terms  map[term]*words
	folded func(organization, field string) // is told of every value that is beyond the limit; may be nil
}

// turn sets the time, in ms since 1970, and forgets the periods of which nothing has come for the length of one.
func (v *vocabulary) turn(now int64) {
	length := v.length.Milliseconds()
	if now/length != v.now/length {
		for t, w := range v.terms {
			if w.period.Used < now-length {
				w.period.Forgotten = true
				delete(v.terms, t)
			}
		}
	}
	v.now = now
}

// admit reports whether the value is among the first limit ones of the period in which the time at, in ms since 1970, lies.
func (v *vocabulary) admit(organization, field, value string, at int64, limit int) bool {
	return v.admitted(organization, field, value, at, limit) != nil
}

// admitted returns the period in which the time at, in ms since 1970, lies, if the value is among its first limit ones, or nil.
func (v *vocabulary) admitted(organization, field, value string, at int64, limit int) *session.Period {
	t := term{organization, field, at / v.length.Milliseconds()}
	w := v.terms[t]
	if w == nil {
		w = &words{values: map[string]struct{}{}, period: &session.Period{Number: t.period}}
		if v.terms == nil {
			v.terms = map[term]*words{}
		}
		v.terms[t] = w
	}
	w.period.Used = v.now
	if _, ok := w.values[value]; ok {
		return w.period
	}
	if len(w.values) >= limit {
		return nil
	}
	w.values[value] = struct{}{}
	return w.period
}

// label returns the value, or measure.Other if the limit of the field in the period is reached.
func (v *vocabulary) label(organization, field, value string, at int64, limit int) string {
	if value == "" {
		return value
	}
	label, _ := v.labelIn(organization, field, value, at, limit)
	return label
}

// labelIn is label for a value that is not "", with the period that has admitted it.
func (v *vocabulary) labelIn(organization, field, value string, at int64, limit int) (string, *session.Period) {
	if in := v.admitted(organization, field, value, at, limit); in != nil {
		return value, in
	}
	if v.folded != nil {
		v.folded(organization, field)
	}
	return measure.Other, nil
}

// code codes all terms and their values.
func (v *vocabulary) code(c *codec.Coder) {
	codec.Number(c, &v.now)
	codec.Map(c, &v.terms, func(t *term, w **words) {
		codec.Text(c, &t.organization)
		codec.Text(c, &t.field)
		codec.Number(c, &t.period)
		if c.Reading() {
			*w = &words{period: &session.Period{Number: t.period}}
		}
		codec.Number(c, &(*w).period.Used)
		codec.Map(c, &(*w).values, func(value *string, _ *struct{}) { codec.Text(c, value) })
	})
}
