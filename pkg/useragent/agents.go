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
	// PerSecond is how many expressions may be tried a second for the headers of one organisation that are not remembered; a long one
	// counts as several. Headers take 6 in the mean, in 10 µs; those that are made up to take long take 30, in 0.3 ms.
	PerSecond int
	// Burst is how many may be tried at once before PerSecond holds, as at a cold start.
	Burst int
}

// DefaultLimits let an organisation have 10,000 new user agents a second, and of made up ones what half a processor can do.
var DefaultLimits = Limits{Remembered: 100_000, PerSecond: 70_000, Burst: 700_000}

// Agents tells the agents behind headers and remembers them. It may be used by several goroutines.
type Agents struct {
	parser *Parser
	limits Limits
	seeds  [2]maphash.Seed
	// remembered has the agents by two hashes of their headers, which only this process knows the seeds of.
	remembered *lru.Cache[[2]uint64, Agent]
	budgets    sync.Map // of *rate.Limiter, in expressions, by organisation
	waited     atomic.Int64
}

// shared is the parser of all agents: its rules are part of the program.
var shared = sync.OnceValues(New)

// NewAgents returns agents, which takes some 40 ms and 8 MB the first time.
func NewAgents(limits Limits) (*Agents, error) {
	parser, err := shared()
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
// has used up what it may take: it is to be asked again with the next request.
func (a *Agents) Look(organization string, h Headers) (Agent, bool) {
	h = h.Cut()
	key := a.key(h)
	if known, ok := a.remembered.Get(key); ok {
		return known, true
	}
	budget, now := a.budget(organization), time.Now()
	if budget.TokensAt(now) < 1 {
		a.waited.Add(1)
		return Agent{}, false
	}
	found, cost := a.parser.parse(h)
	// What it costs is known only now, so the budget may be overdrawn by one.
	budget.ReserveN(now, min(cost, a.limits.Burst))
	a.remembered.Add(key, found)
	return found, true
}

func (a *Agents) budget(organization string) *rate.Limiter {
	if known, ok := a.budgets.Load(organization); ok {
		return known.(*rate.Limiter)
	}
	fresh := rate.NewLimiter(rate.Limit(a.limits.PerSecond), a.limits.Burst)
	budget, _ := a.budgets.LoadOrStore(organization, fresh)
	return budget.(*rate.Limiter)
}

func (a *Agents) key(h Headers) (key [2]uint64) {
	for i, seed := range a.seeds {
		key[i] = maphash.Comparable(seed, h)
	}
	return key
}
