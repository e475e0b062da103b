package measure

import (
	"fmt"
	"math"
	"math/bits"
	"sort"
	"strconv"
	"strings"
)

// bucketsPerDecade is that of VictoriaMetrics' own histograms: a bucket is 10^(1/18) = 1.136 times as wide as the one
// before it, so that the harmonic middle of a bucket is at most (1.136-1)/(1.136+1) = 6.4 % off.
const bucketsPerDecade = 18

// maxDecades bounds the buckets: values up to 10^15 have one of their own, greater ones share the last.
const maxDecades = 15

// BucketCount is the number of buckets: one for zero, one for values up to 1, then bucketsPerDecade for each decade.
const BucketCount = 2 + maxDecades*bucketsPerDecade

// bounds are the upper bounds of the buckets, greatest value of bucket i being bounds[i]; they are whole powers of
// 10^(1/18), computed once.
var bounds = func() (b [BucketCount]float64) {
	for i := 1; i < BucketCount; i++ {
		b[i] = math.Pow(10, float64(i-1)/bucketsPerDecade)
	}
	return b
}()

// Bucket returns the index of the bucket (lower, upper] into which a stored value falls; zero has bucket 0 for itself.
func Bucket(value int64) int {
	if value <= 0 {
		return 0
	}
	n := int(begins[begin(value)])
	for n < BucketCount-1 && bounds[n] < float64(value) {
		n++
	}
	return n
}

// beginBits is how many bits behind the first tell apart how values begin, in binary.
const beginBits = 4

// begins has the bucket of the least value of those that begin alike; the others are in it or in the next.
var begins = func() (all [65 << beginBits]uint16) {
	for b := range all {
		length, first := b>>beginBits, uint64(b%(1<<beginBits)|1<<beginBits)
		least := first << max(length-beginBits-1, 0) >> max(beginBits+1-length, 0)
		all[b] = uint16(bucketAbove(float64(least)))
	}
	return all
}()

// bucketAbove returns the first bucket whose greatest value is not less than a value above 0.
func bucketAbove(value float64) int {
	return min(sort.SearchFloat64s(bounds[1:], value)+1, BucketCount-1)
}

// begin returns how a value above 0 begins: how long it is in bits, and which are behind the first.
func begin(value int64) int {
	length := bits.Len64(uint64(value))
	return length<<beginBits | int(uint64(value)<<(64-length)<<1>>(64-beginBits))
}

// BucketBound returns the greatest value of a bucket.
func BucketBound(bucket int) float64 { return bounds[bucket] }

// BucketRange returns the label value of a bucket, "lower...upper" with three decimals as VictoriaMetrics writes them.
func BucketRange(bucket int) string {
	switch bucket {
	case 0:
		return "0...0"
	case 1:
		return "0...1.000e+00"
	}
	return fmt.Sprintf("%.3e...%.3e", bounds[bucket-1], bounds[bucket])
}

// ParseBucketRange returns the bucket whose label value is s.
func ParseBucketRange(s string) (int, error) {
	_, upper, ok := strings.Cut(s, "...")
	if !ok {
		return 0, fmt.Errorf("bucket %q has no range", s)
	}
	u, err := strconv.ParseFloat(upper, 64)
	if err != nil {
		return 0, fmt.Errorf("bucket %q: %w", s, err)
	}
	if u == 0 {
		return 0, nil
	}
	bucket := int(math.Round(math.Log10(u)*bucketsPerDecade)) + 1
	if bucket < 1 || bucket >= BucketCount {
		return 0, fmt.Errorf("bucket %q is out of range", s)
	}
	return bucket, nil
}

// BucketMiddle returns the value that stands for every value of a bucket: its harmonic middle 2lu/(l+u), whose relative
// error is the smallest that holds for any data. The values up to 1, whole numbers, are exactly 1.
func BucketMiddle(bucket int) float64 {
	switch bucket {
	case 0:
		return 0
	case 1:
		return 1
	}
	l, u := bounds[bucket-1], bounds[bucket]
	return 2 * l * u / (l + u)
}

// Median returns the mean of the two middle values, or the middle one, of those that are counted in counts, indexed by bucket; NaN if
// there are none.
func Median(counts []int64) float64 {
	n := total(counts)
	return (atRank((n+1)/2, counts) + atRank(n/2+1, counts)) / 2
}

// Percentile returns the value at the nearest rank, which is p hundredths of their number rounded up, of the values that are counted in
// counts, indexed by bucket; NaN if there are none. p is 1 to 100.
func Percentile(p int64, counts []int64) float64 {
	// In whole numbers: 0.07 × 100 is more than 7 in a float64.
	return atRank((p*total(counts)+99)/100, counts)
}

func total(counts []int64) (n int64) {
	for _, c := range counts {
		n += c
	}
	return n
}

func atRank(rank int64, counts []int64) float64 {
	var seen int64
	for bucket, c := range counts {
		if seen += c; c > 0 && seen >= rank {
			return BucketMiddle(bucket)
		}
	}
	return math.NaN()
}
