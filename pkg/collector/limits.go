package collector

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"golang.org/x/time/rate"

	"github.com/streamlens/streamlens/pkg/enrich"
	"github.com/streamlens/streamlens/pkg/event"
	"github.com/streamlens/streamlens/pkg/tenant"
)

const (
	// addressesKnown is how many addresses have a limit of their own at a time, some 200 bytes each. If there are more, one is
	// forgotten, which begins anew.
	addressesKnown = 50_000
	// restedInterval is how often the addresses are forgotten that may send a full burst again, and manyInterval where there are many.
	restedInterval = 10 * time.Second
	manyInterval   = time.Second
	// guessers is how many addresses are known to have sent wrong secret keys, and rightKeys how many keys to be right.
	guessers  = 10_000
	rightKeys = 10_000
	// guessBurst is how many wrong secret keys an address may send at once, guessInterval after how long it may send one more.
	guessBurst    = 20
	guessInterval = 3 * time.Second
)

// sender is who sends events.
type sender struct {
	organization *tenant.Organization
	// account is "" for servers, which are under the limit of their organisation only.
	account          string
	accountPerSecond int          // 0 = no limit of its own
	network          netip.Prefix // of its address
}

// place is an address from which an organisation gets events.
type place struct {
	organization string
	network      netip.Prefix
}

// limiters bounds the events per second of organisations, accounts and addresses, with bursts of one second and at least of
// one full batch.
type limiters struct {
	mu            sync.Mutex
	organizations map[string]*limiter
	accounts      map[string]*limiter
	addresses     map[place]*limiter // those that have sent lately
	rested        time.Time          // when those were forgotten that had not
}

func newLimiters() *limiters {
	return &limiters{organizations: map[string]*limiter{}, accounts: map[string]*limiter{}, addresses: map[place]*limiter{}}
}

// limiter limits to so many a second.
type limiter struct {
	*rate.Limiter
	perSecond int
}

// bound is a limit that a sender is under.
type bound struct {
	limiter          *limiter
	reason, sentence string // of a refusal
}

// take takes n events from what the sender may send now. A refusal takes nothing; it names the limit for which the sender
// must wait longest. A batch with nothing good in it counts as one event.
func (l *limiters) take(now time.Time, s sender, n int) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	bounds := append(make([]bound, 0, 3), bound{l.organization(now, s.organization), "rate",
		"the organisation sends more events a second than its limit"})
	if s.account != "" && s.accountPerSecond > 0 {
		bounds = append(bounds, bound{l.account(now, s), "rate_account", "the account sends more events a second than its limit"})
	}
	if perSecond := s.organization.Limits.EventsPerSecondPerAddress; s.account != "" && perSecond > 0 {
		bounds = append(bounds, bound{l.address(now, s, perSecond), "rate_address",
			"the address sends more events a second than the limit of one address; a proxy must be one of the trustedProxies"})
	}
	var (
		refused event.Refusal
		longest time.Duration
	)
	for _, b := range bounds {
		if b.limiter.TokensAt(now) >= float64(b.events(n)) {
			continue
		}
		reservation := b.limiter.ReserveN(now, b.events(n))
		wait := reservation.DelayFrom(now)
		reservation.CancelAt(now)
		if wait > longest {
			longest, refused = wait, event.Refusal{Reason: b.reason, Error: b.sentence}
		}
	}
	if longest > 0 {
		return &refusal{http.StatusTooManyRequests, refused, longest}
	}
	for _, b := range bounds {
		b.limiter.AllowN(now, b.events(n))
	}
	return nil
}

// events returns how many events a batch of n takes of the limit.
func (b bound) events(n int) int { return min(max(n, 1), burst(b.limiter.perSecond)) }

func (l *limiters) organization(now time.Time, o *tenant.Organization) *limiter {
	one := l.organizations[o.ID]
	if one == nil {
		one = newLimiter(o.Limits.EventsPerSecond)
		l.organizations[o.ID] = one
	}
	return adjusted(now, one, o.Limits.EventsPerSecond)
}

func (l *limiters) account(now time.Time, s sender) *limiter {
	one := l.accounts[s.account]
	if one == nil {
		one = newLimiter(s.accountPerSecond)
		l.accounts[strings.Clone(s.account)] = one // it may be a part of a body
	}
	return adjusted(now, one, s.accountPerSecond)
}

func (l *limiters) address(now time.Time, s sender, perSecond int) *limiter {
	if passed := now.Sub(l.rested); passed >= restedInterval || passed >= manyInterval && len(l.addresses) > addressesKnown/4 {
		l.rested = now
		maps.DeleteFunc(l.addresses, func(_ place, one *limiter) bool { return one.TokensAt(now) >= float64(burst(one.perSecond)) })
	}
	from := place{s.organization.ID, s.network}
	one := l.addresses[from]
	if one == nil {
		one = newLimiter(perSecond)
		if len(l.addresses) >= addressesKnown {
			for other := range l.addresses {
				delete(l.addresses, other)
				break
			}
		}
		l.addresses[from] = one
	}
	return adjusted(now, one, perSecond)
}

func newLimiter(perSecond int) *limiter {
	return &limiter{rate.NewLimiter(rate.Limit(perSecond), burst(perSecond)), perSecond}
}

// burst returns how many events may be sent at once under a limit.
func burst(perSecond int) int { return max(perSecond, event.MaxEvents) }

// adjusted gives a limiter the limit of now, which a reload may have changed.
func adjusted(now time.Time, one *limiter, perSecond int) *limiter {
	if one.perSecond != perSecond {
		one.perSecond = perSecond
		one.SetLimitAt(now, rate.Limit(perSecond))
		one.SetBurstAt(now, burst(perSecond))
	}
	return one
}

// network returns the address that a request comes from, as limits see it: an IPv6 network of /64 is one address, because one
// subscriber has all of it.
func (s *Server) network(r *http.Request) netip.Prefix {
	address := enrich.ClientIP(r.RemoteAddr, r.Header.Values("X-Forwarded-For"), s.settings.Load().trustedProxies)
	bits := 32
	if address.Is6() {
		bits = 64
	}
	network, err := address.Prefix(bits)
	if err != nil {
		return netip.Prefix{} // all peers without an address are one
	}
	return network
}

// limitPlayers takes n events from what an account and the address of the request may send now.
func (s *Server) limitPlayers(r *http.Request, o *tenant.Organization, account string, n int) error {
	return s.limiters.take(time.Now(), sender{o, account, s.Directory.EventsPerSecond(account), s.network(r)}, n)
}

// guesses slows those who guess secret keys. A key that was right from an address goes on to work there: who guesses behind
// the same proxy as a server must not lock it out.
type guesses struct {
	mu     sync.Mutex
	wrong  *simplelru.LRU[netip.Prefix, *rate.Limiter]
	proven *simplelru.LRU[provenKey, struct{}]
}

// provenKey is a key that was right from an address.
type provenKey struct {
	network netip.Prefix
	hash    [sha256.Size]byte
}

func newGuesses() (*guesses, error) {
	wrong, err := simplelru.NewLRU[netip.Prefix, *rate.Limiter](guessers, nil)
	if err != nil {
		return nil, fmt.Errorf("wrong keys: %w", err)
	}
	proven, err := simplelru.NewLRU[provenKey, struct{}](rightKeys, nil)
	if err != nil {
		return nil, fmt.Errorf("right keys: %w", err)
	}
	return &guesses{wrong: wrong, proven: proven}, nil
}

// try calls check, which returns an error if the key is wrong, unless too many keys from the network were.
func (g *guesses) try(now time.Time, network netip.Prefix, key string, check func() error) error {
	if key == "" {
		return check() // who forgot the key does not guess
	}
	this := provenKey{network, sha256.Sum256([]byte(key))}
	g.mu.Lock()
	defer g.mu.Unlock()
	limiter, failed := g.wrong.Get(network)
	if failed && !g.proven.Contains(this) {
		reservation := limiter.ReserveN(now, 1)
		wait := reservation.DelayFrom(now)
		reservation.CancelAt(now)
		if wait > 0 {
			return &refusal{http.StatusTooManyRequests, event.Refusal{Reason: "guesses",
				Error: "too many wrong keys came from the address"}, wait}
		}
	}
	err := check()
	if err == nil {
		g.proven.Add(this, struct{}{})
		return nil
	}
	if !failed {
		limiter = rate.NewLimiter(rate.Every(guessInterval), guessBurst)
		g.wrong.Add(network, limiter)
	}
	limiter.AllowN(now, 1)
	return err
}

// bySecretKey returns the organisation whose server sends a request.
func (s *Server) bySecretKey(r *http.Request) (*tenant.Organization, error) {
	var organization *tenant.Organization
	key := secretKey(r)
	err := s.guesses.try(time.Now(), s.network(r), key, func() (err error) {
		organization, err = s.Directory.BySecretKey(key)
		return err
	})
	return organization, err
}
