package session

import (
	"slices"
	"sort"
)

// MaxGaps bounds the runs of missing seqs that a session may have; more means that the sender counts wrongly.
const MaxGaps = 1000

// sequence is a set of seqs, which start at 1 and mostly come without gaps.
type sequence struct {
	last  int64  // those from 1 to this one are in it, if wider is nil
	wider *wider // nil if nothing else need be known
}

// wider is a sequence with gaps.
type wider struct {
	runs []run // in order, neither overlapping nor touching
	from int64 // seqs below are no longer waited for; 0 means 1
}

// run is the seqs from first to last.
type run struct{ first, last int64 }

// addition is what became of a seq that was added.
type addition uint8

const (
	added addition = iota
	known
	tooManyGaps
)

// add adds seq.
func (q *sequence) add(seq int64) addition {
	if q.wider == nil {
		switch {
		case seq <= q.last:
			return known
		case seq == q.last+1:
			q.last = seq
			return added
		}
		q.widen()
	}
	became := q.wider.add(seq)
	if r := q.wider.runs; len(r) == 1 && r[0].first == 1 && q.wider.from <= r[0].last+1 {
		*q = sequence{last: r[0].last}
	}
	return became
}

func (q *sequence) widen() {
	q.wider = &wider{}
	if q.last > 0 {
		q.wider.runs = []run{{1, q.last}}
	}
}

func (q *wider) add(seq int64) addition {
	i := sort.Search(len(q.runs), func(i int) bool { return q.runs[i].last >= seq-1 })
	if i == len(q.runs) {
		if i > MaxGaps {
			return tooManyGaps
		}
		q.runs = append(q.runs, run{seq, seq})
		return added
	}
	r := &q.runs[i]
	switch {
	case seq >= r.first && seq <= r.last:
		return known
	case seq == r.last+1:
		r.last = seq
		if i+1 < len(q.runs) && q.runs[i+1].first == seq+1 {
			r.last = q.runs[i+1].last
			q.runs = slices.Delete(q.runs, i+1, i+2)
		}
	case seq == r.first-1:
		r.first = seq
	case len(q.runs) > MaxGaps:
		return tooManyGaps
	default:
		q.runs = slices.Insert(q.runs, i, run{seq, seq})
	}
	return added
}

// highest returns the highest seq that was added, or 0.
func (q *sequence) highest() int64 {
	if q.wider == nil {
		return q.last
	}
	if n := len(q.wider.runs); n > 0 {
		return q.wider.runs[n-1].last
	}
	return 0
}

// below returns the seq below which none is waited for.
func (q *sequence) below() int64 {
	if q.wider == nil {
		return q.last + 1
	}
	next := max(q.wider.from, 1)
	for _, r := range q.wider.runs {
		if r.first > next {
			break
		}
		next = max(next, r.last+1)
	}
	return next
}

// skipGaps gives up waiting for the seqs that are missing now.
func (q *sequence) skipGaps() {
	if q.wider == nil {
		return
	}
	if n := len(q.wider.runs); n > 0 {
		q.wider.from = q.wider.runs[n-1].last + 1
	}
}

// skipTo lets seqs below from not be waited for.
func (q *sequence) skipTo(from int64) {
	q.widen()
	q.wider.from = from
}
