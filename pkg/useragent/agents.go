package useragent

import (
	"fmt"
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"
)

// Limits bounds the memory and the time that user agents may take.
type Limits struct {
	// Remembered is how many different headers are remembered, of some 200 bytes each, whatever their length.
	Remembered int
	// Share is the part of one processor that the headers of one organisation that are not remembered may take. Most take 10 µs,
	// and what is made up to take long takes 1 ms.
	Share float64
	// Burst is how much of the processor's time they may take at once before Share holds, as at a cold start.
	Burst time.Duration
}

// DefaultLimits let an organisation have 10,000 new user agents a second, and made up ones a tenth of a processor.
var DefaultLimits = Limits{Remembered: 100_000, Share: 0.1, Burst: 2 * time.Second}

// Agents tells the agents behind headers and remembers them. It may be used by several goroutines.
type Agents struct {
	parser *Parser
	limits Limits
	seeds  [2]maphash.Seed
	// remembered has the agents by two hashes of their headers, which only this process knows the seeds of.
	remembered *lru.Cache[[2]uint64, Agent]
	budgets    sync.Map // of *rate.Limiter, in microseconds, by organisation
	waited     atomic.Int64
}

// NewAgents returns agents, which takes some 40 ms and 8 MB.
func NewAgents(limits Limits) (*Agents, error) {
	parser, err := New()
	if err != nil {
		return nil, err
	}
	remembered, err := lru.New[[2]uint64, Agent](limits.Remembered)
	if err != nil {
		return nil, fmt.Errorf("user agents to remember: %w", err)
	}
	return &Agents{parser: parser, limits: limits, seeds: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}, remembered: remembered}, nil
}

// Waited returns how many look-ups had to wait so far.
func (a *Agents) Waited() int64 { return a.waited.Load() }

// Agent returns the agent behind the headers, however long it takes: for work that can wait, such as logs.
func (a *Agents) Agent(h Headers) Agent {
	h = h.Cut()
	key := a.key(h)
	if known, ok := a.remembered.Get(key); ok {
		return known
	}
	found := a.parser.Parse(h)
	a.remembered.Add(key, found)
	return found
}

// Look returns the agent behind the headers of a request of an organisation, and false if it has to wait, because the organisation
// has used up its share of the processor: it is to be asked again with the next request.
func (a *Agents) Look(organization string, h Headers) (Agent, bool) {
	h = h.Cut()
	key := a.key(h)
	if known, ok := a.remembered.Get(key); ok {
		return known, true
	}
	budget := a.budget(organization)
	begin := time.Now()
	if budget.TokensAt(begin) <= 0 {
		a.waited.Add(1)
		return Agent{}, false
	}
	found := a.parser.Parse(h)
	// What it has taken is only known now, so the budget may be overdrawn by one.
	end := time.Now()
	budget.ReserveN(end, min(int(end.Sub(begin).Microseconds())+1, budget.Burst()))
	a.remembered.Add(key, found)
	return found, true
}

func (a *Agents) budget(organization string) *rate.Limiter {
	if known, ok := a.budgets.Load(organization); ok {
		return known.(*rate.Limiter)
	}
	fresh := rate.NewLimiter(rate.Limit(a.limits.Share*1e6), int(a.limits.Burst.Microseconds()))
	budget, _ := a.budgets.LoadOrStore(organization, fresh)
	return budget.(*rate.Limiter)
}

func (a *Agents) key(h Headers) (key [2]uint64) {
	for i, seed := range a.seeds {
		key[i] = maphash.Comparable(seed, h)
	}
	return key
}
