package vm

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/streamlens/streamlens/pkg/measure"
)

// Claim is what a process says when it begins to write under a collector's name: the time, and something that another process
// does not say by chance. Of two, the greater is the younger.
type Claim int64

// Claims are ms since 1970 times claimChance, plus a random number below it; they stay whole as floating-point numbers.
const claimChance = 1000

// claimSkew is how far the clocks of two machines may be apart.
const claimSkew = 5 * time.Minute

// NewClaim returns a claim of a process that starts now.
func NewClaim(now time.Time) Claim {
	return Claim(now.UnixMilli()*claimChance + rand.Int64N(claimChance))
}

// Start returns when the process started.
func (c Claim) Start() time.Time { return time.UnixMilli(int64(c) / claimChance) }

// WriteClaim writes the claim to the name of a collector, for an organisation. The base URL is the one that takes writes.
func WriteClaim(ctx context.Context, client *http.Client, baseURL, organization, collector string, c Claim) error {
	line := fmt.Sprintf("%s{%s=%q,%s=%q} %d %d\n", measure.ClaimMetric, measure.LabelOrganization, organization,
		measure.LabelCollector, collector, c, c.Start().UnixMilli())
	if err := Import(ctx, client, baseURL, []byte(line)); err != nil {
		return fmt.Errorf("write claim: %w", err)
	}
	return nil
}

// YoungerClaim reports whether another process has claimed the name of the collector after this one, for the organisation of the
// reader.
func YoungerClaim(ctx context.Context, r Reader, collector string, c Claim, now time.Time) (bool, error) {
	// The other clock may be ahead, and its claim still in the future of this one.
	end := now.Add(claimSkew)
	window := int64(end.Sub(c.Start()).Seconds()) + 1
	query := fmt.Sprintf(`max(max_over_time(%s{%s=%q}[%ds]))`, measure.ClaimMetric, measure.LabelCollector, collector, max(window, 1))
	series, err := r.Query(ctx, query, end, nil)
	if err != nil {
		return false, fmt.Errorf("read claims: %w", err)
	}
	for _, s := range series {
		if Claim(s.Points[0].Value) > c {
			return true, nil
		}
	}
	return false, nil
}
