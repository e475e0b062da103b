package collector

import (
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/config"
	"github.com/streamlens/streamlens/pkg/tenant"
	"github.com/streamlens/streamlens/pkg/vm/vmtest"
)

func TestCopiedDataDirectory(t *testing.T) {
	url := vmtest.Start(t)
	configuration := func() config.Config {
		return config.Config{VictoriaMetrics: config.VictoriaMetrics{URL: url}, Organizations: []tenant.Organization{{ID: "acme"}, {ID: "beta"}}}
	}
	begin := func(name string) *claim {
		t.Helper()
		c := newClaim(name, http.DefaultClient, configuration, slog.New(slog.DiscardHandler))
		look(t, c, false)
		time.Sleep(2 * time.Millisecond) // the next is younger
		return c
	}
	first, other := begin("a"), begin("b")
	vmtest.Flush(t, url)
	look(t, first, false)
	copied := begin("a")
	vmtest.Flush(t, url)
	look(t, copied, false)
	look(t, other, false)

	handler := first.guard(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	post := func(method string) *httptest.ResponseRecorder {
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, httptest.NewRequest(method, "/v1/events", nil))
		return recorder
	}
	if r := post(http.MethodPost); r.Code != http.StatusOK || first.check() != nil {
		t.Fatalf("before it is known: %d, %v", r.Code, first.check())
	}
	first.run(t.Context()) // returns because the name is lost
	if !errors.Is(first.check(), errClaimed) || copied.check() != nil {
		t.Errorf("the first: %v, its copy: %v", first.check(), copied.check())
	}
	if r := post(http.MethodPost); r.Code != http.StatusServiceUnavailable || r.Header().Get("Retry-After") == "" || !strings.Contains(r.Body.String(), "copy") {
		t.Errorf("afterwards: %d %s", r.Code, r.Body)
	}
	if r := post(http.MethodGet); r.Code != http.StatusOK {
		t.Errorf("operators are answered %d", r.Code)
	}
}

func look(t *testing.T, c *claim, want bool) {
	t.Helper()
	lost, err := c.look(t.Context())
	if err != nil || lost != want {
		t.Fatalf("%s: %t, %v, want %t", c.collector, lost, err, want)
	}
}
