package widget

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/tenant"
)

// stay is a play that began, and how long it will play.
type stay struct {
	began  time.Time
	played time.Duration
}

// kaplanMeier returns which part of plays played longer than after, as somebody at the time now estimates who knows of each how long it
// played or has played.
func kaplanMeier(stays []stay, now time.Time, after time.Duration) float64 {
	type seen struct {
		time  time.Duration
		ended bool
	}
	var all []seen
	for _, s := range stays {
		age := now.Sub(s.began)
		all = append(all, seen{min(s.played, age), s.played <= age})
	}
	slices.SortFunc(all, func(a, b seen) int { return cmp.Compare(a.time, b.time) })
	part := 1.0
	for i, s := range all {
		if s.ended && s.time <= after {
			part *= 1 - 1/float64(len(all)-i)
		}
	}
	return part
}

// TestRetention compares what the widget finds in buckets with what who knows every play estimates, of audiences whose curve is known, as
// long as all run, some, or none.
func TestRetention(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 0))
	t.Logf("seed %d", seed)
	begin := day0.Add(10 * time.Hour)
	const mean = 20 * time.Minute
	for _, tt := range []struct {
		name   string
		played func() time.Duration
		want   func(time.Duration) float64 // of very many
	}{
		{"exponential", func() time.Duration { return time.Duration(random.ExpFloat64() * float64(mean)) },
			func(after time.Duration) float64 { return math.Exp(-float64(after) / float64(mean)) }},
		{"all leave at the end", func() time.Duration { return 50 * time.Minute },
			func(after time.Duration) float64 { return map[bool]float64{true: 1}[after < 50*time.Minute] }},
		{"most leave at once", func() time.Duration {
			if random.IntN(10) < 7 {
				return time.Duration(random.Int64N(int64(20 * time.Second)))
			}
			return time.Hour + time.Duration(random.Int64N(int64(time.Hour)))
		}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var stays []stay
			for range 4000 {
				stays = append(stays, stay{begin.Add(time.Duration(random.Int64N(int64(2 * time.Hour)))), tt.played().Truncate(time.Millisecond)})
			}
			for _, after := range []time.Duration{90 * time.Minute, 2*time.Hour + 5*time.Minute, 10 * time.Hour} {
				known := begin.Add(after)
				seen := slices.DeleteFunc(slices.Clone(stays), func(s stay) bool { return !s.began.Before(known) })
				var facts []fact
				count := func(s stay, bucket string) {
					facts = append(facts, fact{measure: measure.Stays, at: s.began.Truncate(time.Minute), country: "DE", stream: "s1", collector: "a", value: 1,
						dimensions: []string{bucket}})
				}
				ended := 0
				for _, s := range seen {
					count(s, "")
					if s.played <= known.Sub(s.began) {
						count(s, measure.BucketRange(measure.Bucket(s.played.Milliseconds())))
						ended++
					}
				}
				frames, err := Run(t.Context(), store(t, facts), Request{Query: Query{QueryType: "retention"}, From: begin, To: begin.Add(2 * time.Hour),
					Now: known.Add(completeAfter), Level: tenant.Premium})
				if err != nil {
					t.Fatal(err)
				}
				rows := frames[0].Rows()
				if rows < 20 {
					t.Fatalf("%d rows of %d plays", rows, len(seen))
				}
				for row := range rows {
					at := time.Duration(valueAt(frames[0].Fields[2], row) * float64(time.Second))
					got, want := valueAt(frames[0].Fields[1], row), kaplanMeier(seen, known, at)
					reached := len(slices.DeleteFunc(slices.Clone(seen), func(s stay) bool { return min(s.played, known.Sub(s.began)) <= at }))
					if ended < len(seen) && reached < 30 {
						continue // of so few each is a jump
					}
					tolerance := 1e-9 // as all have ended
					if ended < len(seen) {
						tolerance = 0.02
					}
					if math.IsNaN(got) {
						if row < rows-1 || ended == len(seen) {
							t.Errorf("after %s: nothing is known of %s", after, at)
						}
						continue
					}
					if math.Abs(got-want) > tolerance {
						t.Errorf("after %s: %.4f played longer than %s, want %.4f", after, got, at, want)
					}
					if tt.want != nil && math.Abs(want-tt.want(at)) < 0.03 && math.Abs(got-tt.want(at)) > 0.05 {
						t.Errorf("after %s: %.4f played longer than %s, of very many it would be %.4f", after, got, at, tt.want(at))
					}
				}
			}
		})
	}
}

// TestRetentionKnowsWhatItDoesNotKnow has plays of which it is not known how they end, and such as began before begins were stored.
func TestRetentionKnowsWhatItDoesNotKnow(t *testing.T) {
	at := func(bucket int) int { return bucket }
	tests := []struct {
		name           string
		ended, running map[int]float64
		want           map[int]float64
	}{
		{"nothing", nil, nil, map[int]float64{firstAge: math.NaN()}},
		{"all run", nil, map[int]float64{at(70): 5}, map[int]float64{at(69): 1, at(70): math.NaN()}},
		{"all ended", map[int]float64{at(60): 1, at(70): 3}, nil, map[int]float64{at(59): 1, at(60): 0.75, at(69): 0.75, at(70): 0, lastAge: 0}},
		{"half ran when last seen", map[int]float64{at(60): 1}, map[int]float64{at(65): 1}, map[int]float64{at(60): 0.5, at(64): 0.5, at(65): math.NaN()}},
		{"one of a bucket still runs", map[int]float64{at(60): 1}, map[int]float64{at(60): 1}, map[int]float64{at(60): math.NaN()}},
		{"the longest ended", map[int]float64{at(60): 1, at(80): 1}, map[int]float64{at(70): 2}, map[int]float64{at(60): 0.75, at(79): 0.75, at(80): 0}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var s stays
			for bucket, n := range tt.ended {
				s.ended[bucket] = n
			}
			for bucket, n := range tt.running {
				s.running[bucket] = n
			}
			curve := s.curve()
			for bucket, want := range tt.want {
				if got := curve[bucket]; got != want && !(math.IsNaN(got) && math.IsNaN(want)) {
					t.Errorf("%v played longer than bucket %d, want %v", got, bucket, want)
				}
			}
		})
	}
}

func TestCutByAge(t *testing.T) {
	known := day0.Add(10*time.Hour + 7*time.Minute)
	for _, in := range []interval{
		{from: day0.Add(-400 * day), to: known}, {from: known.Add(-time.Minute), to: known}, {from: day0.Add(-day + 3*time.Minute), to: day0},
		{from: known, to: known}, {from: known.Add(time.Hour), to: known.Add(2 * time.Hour)}, {from: day0.Add(-300 * day), to: day0.Add(-200 * day)},
	} {
		parts, at := cutByAge(in, known), in.from
		for _, p := range parts {
			if !p.from.Equal(at) || !p.from.Before(p.to) {
				t.Errorf("%s to %s: a part from %s to %s behind %s", in.from, in.to, p.from, p.to, at)
			}
			if age := known.Sub(p.from); age <= 90*day && age > 0 && p.to.Sub(p.from) > max(time.Minute, age/2) {
				t.Errorf("a part of %s is %s old", p.to.Sub(p.from), age)
			}
			at = p.to
		}
		if !at.Equal(in.to) || len(parts) > 700 {
			t.Errorf("%s to %s ends at %s in %d parts", in.from, in.to, at, len(parts))
		}
	}
}
