package session

import (
	"slices"
	"sort"
)

// MaxGaps bounds the runs of missing seqs that a session may have; more means that the sender counts wrongly.
const MaxGaps = 1000

// sequence is a set of seqs, which start at 1 and mostly come without gaps.
type sequence struct {
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

// below returns the seq below which none is waited for.
func (q *sequence) below() int64 {
	next := max(q.from, 1)
	for _, r := range q.runs {
		if r.first > next {
			break
		}
		next = max(next, r.last+1)
	}
	return next
}

// skipGaps gives up waiting for the seqs that are missing now.
func (q *sequence) skipGaps() {
	if n := len(q.runs); n > 0 {
		q.from = q.runs[n-1].last + 1
	}
}
