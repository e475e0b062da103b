package vm_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/vm"
	"github.com/streamlens/streamlens/pkg/vm/vmtest"
)

func TestYoungerClaim(t *testing.T) {
	url := vmtest.Start(t)
	now := time.Now()
	mine := vm.NewClaim(now.Add(-time.Hour))
	write := func(organization, collector string, c vm.Claim) {
		t.Helper()
		if err := vm.WriteClaim(t.Context(), http.DefaultClient, url, organization, collector, c); err != nil {
			t.Fatal(err)
		}
		vmtest.Flush(t, url)
	}
	check := func(when string, want bool) {
		t.Helper()
		got, err := vm.YoungerClaim(t.Context(), newClient(t, url, "acme"), "mine", mine, now)
		if err != nil || got != want {
			t.Errorf("%s: %t, %v, want %t", when, got, err, want)
		}
	}
	check("nothing written", false)
	write("acme", "mine", mine)
	write("acme", "mine", vm.NewClaim(now.Add(-2*time.Hour)))
	write("acme", "other", vm.NewClaim(now))
	write("beta", "mine", vm.NewClaim(now))
	check("older, of another name, of another organisation", false)
	for _, claim := range []vm.Claim{mine + 1, vm.NewClaim(now.Add(-time.Minute)), vm.NewClaim(now.Add(time.Minute))} {
		write("acme", "mine", claim)
		check("younger", true)
		mine = claim // a restart
		check("after a restart", false)
	}
}
