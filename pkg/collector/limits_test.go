package collector

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/tenant"
)

// reasonOf returns the reason of a refusal and how long it tells to wait, "" of nil.
func reasonOf(t *testing.T, err error) (string, time.Duration) {
	t.Helper()
	if err == nil {
		return "", 0
	}
	var refused *refusal
	if !errors.As(err, &refused) {
		t.Fatalf("%v is no refusal", err)
	}
	return refused.Reason, refused.retryAfter
}

func TestLimiters(t *testing.T) {
	o := tenant.NewOrganization("acme")
	o.Limits.EventsPerSecond, o.Limits.EventsPerSecondPerAddress = 4000, 2000
	here, there := netip.MustParsePrefix("203.0.113.1/32"), netip.MustParsePrefix("203.0.113.2/32")
	now := time.Now()
	tests := []struct {
		name string
		take []sender // a batch of 1,000 events of each
		want string   // the reason for which the last is refused, "" = it is not
		wait time.Duration
	}{
		{"an address", []sender{{&o, "a", 0, here}, {&o, "a", 0, here}}, "", 0},
		{"an address too much", []sender{{&o, "a", 0, here}, {&o, "a", 0, here}, {&o, "a", 0, here}}, "rate_address", time.Second / 2},
		{"two addresses", []sender{{&o, "a", 0, here}, {&o, "a", 0, here}, {&o, "a", 0, there}}, "", 0},
		{"an account too much", []sender{{&o, "a", 500, here}, {&o, "a", 500, there}}, "rate_account", 2 * time.Second},
		{"two accounts", []sender{{&o, "a", 500, here}, {&o, "b", 500, there}}, "", 0},
		{"an account and an address too much", []sender{{&o, "a", 1500, here}, {&o, "b", 0, here}, {&o, "a", 1500, here}}, "rate_address", time.Second / 2},
		{"a server", []sender{{organization: &o}, {organization: &o}, {organization: &o}, {organization: &o}}, "", 0},
		{"an organisation too much", []sender{{organization: &o}, {organization: &o}, {organization: &o}, {organization: &o}, {&o, "a", 0, here}}, "rate", time.Second / 4},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			l := newLimiters()
			last := len(test.take) - 1
			for _, s := range test.take[:last] {
				if err := l.take(now, s, 1000); err != nil {
					t.Fatalf("a batch before the last is refused: %v", err)
				}
			}
			reason, wait := reasonOf(t, l.take(now, test.take[last], 1000))
			if reason != test.want || (wait-test.wait).Abs() > time.Millisecond {
				t.Fatalf("the last batch is refused by %q for %v, want %q for %v", reason, wait, test.want, test.wait)
			}
			// What was told is true: a little sooner nothing goes, then it does. A refusal takes nothing.
			if wait > 0 {
				if reason, _ := reasonOf(t, l.take(now.Add(wait-time.Millisecond), test.take[last], 1000)); reason != test.want {
					t.Errorf("before the wait is over, the answer is %q", reason)
				}
				if err := l.take(now.Add(wait+time.Millisecond), test.take[last], 1000); err != nil {
					t.Errorf("after the wait: %v", err)
				}
			}
		})
	}
}

func TestLimitersAfterReload(t *testing.T) {
	l := newLimiters()
	before, after := tenant.NewOrganization("acme"), tenant.NewOrganization("acme")
	before.Limits.EventsPerSecond, after.Limits.EventsPerSecond = 1000, 10_000
	now := time.Now()
	if err := l.take(now, sender{organization: &before}, 1000); err != nil {
		t.Fatal(err)
	}
	if err := l.take(now, sender{organization: &before}, 1000); err == nil {
		t.Fatal("the old limit is not kept")
	}
	if err := l.take(now.Add(100*time.Millisecond), sender{organization: &after}, 1); err != nil {
		t.Fatal(err)
	}
	if err := l.take(now.Add(200*time.Millisecond), sender{organization: &after}, 1000); err != nil {
		t.Errorf("the new limit does not hold: %v", err)
	}
}

func TestLimitersForgetAddresses(t *testing.T) {
	o := tenant.NewOrganization("acme")
	network := func(i int) netip.Prefix {
		return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), 32)
	}
	l, now := newLimiters(), time.Now()
	take := func(i, n int) error { return l.take(now, sender{&o, "a", 0, network(i)}, n) }
	for i := range addressesKnown + 1000 {
		if err := take(i, 1); err != nil {
			t.Fatal(err)
		}
		if i%1000 == 0 {
			now = now.Add(time.Microsecond)
		}
	}
	if n := len(l.addresses); n != addressesKnown {
		t.Errorf("%d addresses are known, want %d", n, addressesKnown)
	}

	l = newLimiters()
	perSecond := o.Limits.EventsPerSecondPerAddress
	for _, i := range []int{1, 2} {
		if err := take(i, perSecond*i/2); err != nil { // the first a half of a burst, the second a whole one
			t.Fatal(err)
		}
	}
	now = now.Add(restedInterval - 100*time.Millisecond)
	if err := take(3, 1); err != nil {
		t.Fatal(err)
	}
	now = now.Add(101 * time.Millisecond)
	if err := take(4, 1); err != nil {
		t.Fatal(err)
	}
	if n := len(l.addresses); n != 1 {
		t.Errorf("%d addresses are known after a second, want only the new one", n)
	}
}

func TestNetwork(t *testing.T) {
	c := start(t, nil)
	for forwarded, want := range map[string]string{
		"203.0.113.7":                 "203.0.113.7/32",
		"2001:db8:1:2:3:4:5:6":        "2001:db8:1:2::/64",
		"::ffff:203.0.113.7":          "203.0.113.7/32",
		"198.51.100.1, 2001:db8::1":   "2001:db8::/64",
		"no address":                  "127.0.0.1/32",
		strings.Repeat("1.2.3.4,", 9): "127.0.0.1/32",
	} {
		r := &http.Request{RemoteAddr: "127.0.0.1:9", Header: http.Header{"X-Forwarded-For": {forwarded}}}
		if got := c.server.network(r).String(); got != want {
			t.Errorf("%q is %s, want %s", forwarded, got, want)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	c := start(t, func(o *tenant.Organization) { o.Limits.EventsPerSecondPerAddress = 400 })
	body := envelope(strings.TrimSuffix(strings.Repeat(loadEvent+",", 1000), ","))
	if status, _ := c.post(t, "/v1/events", body); status != http.StatusAccepted {
		t.Fatalf("the first batch answers %d", status)
	}
	status, a := c.post(t, "/v1/events", body)
	// 1,000 events take 2.5 s, of which a little has passed.
	if retry := a.header.Get("Retry-After"); status != http.StatusTooManyRequests || retry != "3" || !strings.Contains(a.Error, "address") {
		t.Errorf("answers %d, %q, Retry-After %q", status, a.Error, retry)
	}
	if status, _ := c.post(t, "/v1/events", body, "X-Forwarded-For", "203.0.113.9"); status != http.StatusAccepted {
		t.Errorf("another address answers %d", status)
	}
}

func TestGuesses(t *testing.T) {
	c := start(t, nil)
	line := fmt.Sprintf(`{"ts":%d,"stream":"live","direction":"ingest","protocol":"rtmp","bytes":5}`, time.Now().UnixMilli())
	post := func(key, from string) int {
		status, _ := c.post(t, "/v1/usage", line, "Authorization", "Bearer "+key, "X-Forwarded-For", from)
		return status
	}
	if status := post("sk_acme", "203.0.113.1"); status != http.StatusAccepted {
		t.Fatalf("the right key answers %d", status)
	}
	for i := range guessBurst {
		if status := post(fmt.Sprintf("sk_%d", i), "203.0.113.1"); status != http.StatusUnauthorized {
			t.Fatalf("guess %d answers %d", i, status)
		}
	}
	for name, test := range map[string]struct {
		key, from string
		want      int
	}{
		"one guess more":                         {"sk_x", "203.0.113.1", http.StatusTooManyRequests},
		"the key that was right there":           {"sk_acme", "203.0.113.1", http.StatusAccepted},
		"the right key from elsewhere":           {"sk_acme", "203.0.113.2", http.StatusAccepted},
		"no key, of who does not guess":          {"", "203.0.113.1", http.StatusUnauthorized},
		"a wrong key of another who has guessed": {"sk_y", "203.0.113.3", http.StatusUnauthorized},
	} {
		if status := post(test.key, test.from); status != test.want {
			t.Errorf("%s answers %d, want %d", name, status, test.want)
		}
	}
	if status, _ := c.post(t, "/v1/hooks/srs/hk_x", "{}", "X-Forwarded-For", "203.0.113.1"); status != http.StatusTooManyRequests {
		t.Errorf("a hook's key from there answers %d", status)
	}
}

// TestGuessesHideTheRightKey checks that who guesses too often does not learn that a guess is right.
func TestGuessesHideTheRightKey(t *testing.T) {
	g, err := newGuesses()
	if err != nil {
		t.Fatal(err)
	}
	network, now := netip.MustParsePrefix("203.0.113.1/32"), time.Now()
	wrong := func() error { return tenant.ErrUnknownSecretKey }
	right := func() error { return nil }
	for i := range guessBurst {
		if err := g.try(now, network, fmt.Sprint(i), wrong); !errors.Is(err, tenant.ErrUnknownSecretKey) {
			t.Fatalf("guess %d: %v", i, err)
		}
	}
	if reason, wait := reasonOf(t, g.try(now, network, "right", right)); reason != "guesses" || wait > guessInterval || wait <= 0 {
		t.Errorf("the right key: %q for %v", reason, wait)
	}
	if err := g.try(now.Add(guessInterval), network, "right", right); err != nil {
		t.Errorf("the right key after the wait: %v", err)
	}
}
