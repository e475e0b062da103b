package oracle

import (
	"cmp"
	"maps"
	"math"
	"slices"
)

// segmentColumns are what plays have in common, in the order in which equal
// segments stand.
func segmentColumns() []string {
	return []string{"operator", "region", "country", "device", "os", "browser", "player", "protocol", "stream", "cdn", "referrer"}
}

// troubles say of a kind of trouble whether a play counts, whether it is hit,
// and its part and weight in the ratio.
func troubles() map[string]func(*record) (counts, hit bool, part, weight float64) {
	attempts := func(bad ...string) func(*record) (bool, bool, float64, float64) {
		return func(r *record) (bool, bool, float64, float64) {
			counts := slices.Contains([]string{"played", "playbackfailure", "startfailure", "exit"}, r.outcome)
			hit := slices.Contains(bad, r.outcome)
			return counts, hit, float64(boolean(hit)), float64(boolean(counts))
		}
	}
	return map[string]func(*record) (bool, bool, float64, float64){
		"buffering": func(r *record) (bool, bool, float64, float64) {
			return r.start != nil, r.start != nil && 100*r.buffering >= r.buffering+r.playing && r.buffering > 0, float64(r.buffering), float64(r.buffering + r.playing)
		},
		"bad": func(r *record) (bool, bool, float64, float64) {
			return r.quality != "", r.quality == "bad", float64(boolean(r.quality == "bad")), float64(boolean(r.quality != ""))
		},
		"startFailures":    attempts("startfailure"),
		"playbackFailures": attempts("startfailure", "playbackfailure"),
		"exits":            attempts("exit"),
	}
}

// value is one of a column of plays, "" if they have none.
type value struct{ column, text string }

func (v value) condition() string { return v.column + "=" + cmp.Or(v.text, "(none)") }

// part are plays with something in common, and their sums.
type part struct {
	values              []value
	plays               []*record
	n, hit, bad, weight float64
}

// segmenter finds the worst segments of plays by a kind of trouble (rule 38).
type segmenter struct {
	all     part
	judge   func(*record) (counts, hit bool, part, weight float64)
	deviate float64 // how many standard deviations bounds are off
}

func (s *segmenter) of(plays []*record, values ...value) part {
	p := part{values: values, plays: plays}
	for _, r := range plays {
		counts, hit, bad, weight := s.judge(r)
		p.n, p.hit, p.bad, p.weight = p.n+float64(boolean(counts)), p.hit+float64(boolean(hit)), p.bad+bad, p.weight+weight
	}
	return p
}

// but are the plays of one part that are not in another.
func (s *segmenter) but(of, without part) part {
	return s.of(chosen(of.plays, without.plays, false), of.values...)
}

// chosen are the plays that are, or are not, among others.
func chosen(of, among []*record, are bool) []*record {
	others := map[*record]bool{}
	for _, r := range among {
		others[r] = true
	}
	return slices.DeleteFunc(slices.Clone(of), func(r *record) bool { return others[r] != are })
}

// impact is which part of all trouble would vanish if a part were like the
// rest.
func (s *segmenter) impact(p, all part) float64 {
	rest := s.but(all, p)
	return (p.bad - p.weight*rest.bad/rest.weight) / all.bad
}

// clearly says whether more plays of a part are hit than of others, by the
// difference of two shares with Wilson's bounds.
func (s *segmenter) clearly(p, others part) bool {
	bounds := func(p part) (share, lower, upper float64) {
		share, z2 := p.hit/p.n, s.deviate*s.deviate
		middle := (share + z2/(2*p.n)) / (1 + z2/p.n)
		half := s.deviate / (1 + z2/p.n) * math.Sqrt(share*(1-share)/p.n+z2/(4*p.n*p.n))
		return share, middle - half, middle + half
	}
	if others.n == 0 {
		return false
	}
	share, lower, _ := bounds(p)
	other, _, upper := bounds(others)
	return share-other > math.Hypot(share-lower, upper-other)
}

func (s *segmenter) standsOut(p, all part) bool {
	rest := s.but(all, p)
	return p.n >= 50 && rest.weight > 0 && s.impact(p, all) >= 0.05 && s.clearly(p, rest)
}

// clarity is by how many standard deviations more plays are hit than of the
// rest.
func (s *segmenter) clarity(p part) float64 {
	rest := s.but(s.all, p)
	share := rest.hit / rest.n
	return (p.hit/p.n - share) / math.Sqrt(max(share*(1-share), 1e-12)/p.n)
}

func (s *segmenter) greatest(parts []part, most int) []part {
	slices.SortStableFunc(parts, func(a, b part) int { return cmp.Compare(s.impact(b, s.all), s.impact(a, s.all)) })
	return parts[:min(most, len(parts))]
}

// worstOf are the segments that stand out, the greatest impact first, and all
// plays.
func worstOf(plays []*record, trouble string) (worst []part, s *segmenter) {
	s = &segmenter{judge: troubles()[trouble]}
	s.all = s.of(plays)
	if s.all.bad == 0 {
		return nil, s
	}
	const fewest = 50
	var candidates, pairs []part
	looked, earlier := 0, 0
	for _, column := range segmentColumns() {
		values := map[string][]*record{}
		for _, r := range plays {
			text := r.texts()[column]
			values[text] = append(values[text], r)
		}
		enough := 0
		for _, text := range slices.Sorted(maps.Keys(values)) {
			p := s.of(values[text], value{column, text})
			if p.n < fewest {
				continue
			}
			enough++
			if s.impact(p, s.all) >= 0.05/2 {
				candidates = append(candidates, p)
			}
		}
		// Each by itself, and with each of another column.
		looked += enough + enough*earlier
		earlier += enough
	}
	s.deviate = math.Sqrt2 * math.Erfinv(1-0.05/float64(max(looked, 1)))
	candidates = s.greatest(candidates, 12)
	inOrder := slices.Clone(candidates)
	position := func(p part) int { return slices.Index(segmentColumns(), p.values[0].column) }
	slices.SortFunc(inOrder, func(a, b part) int {
		return cmp.Or(cmp.Compare(position(a), position(b)), cmp.Compare(a.values[0].text, b.values[0].text))
	})
	for i, first := range inOrder {
		for _, second := range inOrder[i+1:] {
			if position(first) == position(second) {
				continue
			}
			both := s.of(chosen(first.plays, second.plays, true), first.values[0], second.values[0])
			if s.standsOut(both, s.all) && s.adds(both, first) && s.adds(both, second) {
				pairs = append(pairs, both)
			}
		}
	}
	candidates = slices.DeleteFunc(candidates, func(p part) bool { return !s.standsOut(p, s.all) })
	queue := append(s.greatest(pairs, 12), candidates...)
	slices.SortStableFunc(queue, func(a, b part) int { return cmp.Compare(s.clarity(b), s.clarity(a)) })
	for len(queue) > 0 && len(worst) < 10 {
		clearest := queue[0]
		worst = append(worst, clearest)
		rest := s.but(s.all, clearest)
		queue = slices.DeleteFunc(slices.Clone(queue[1:]), func(p part) bool {
			alone := s.but(p, clearest)
			return !s.standsOut(alone, rest) || s.impact(alone, rest)*rest.bad < 0.05*s.all.bad
		})
	}
	return s.greatest(worst, 10), s
}

// adds says whether two values together tell more than one of them.
func (s *segmenter) adds(both, single part) bool {
	rest := s.but(single, both)
	return both.bad/both.weight >= 1.1*single.bad/single.weight && rest.weight > 0 && s.clearly(both, rest)
}
