package vm_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/vm"
	"github.com/streamlens/streamlens/pkg/vm/vmtest"
)

func TestTargetIsVictoriaMetrics(t *testing.T) {
	begin := time.Now()
	url := vmtest.Start(t)
	target := vm.Target{URL: url, Client: http.DefaultClient, Packed: new(vm.Packed)}
	now := time.Now().Truncate(time.Minute)
	for stream, value := range []int{4000, 900, 50} { // a shorter text in the memory of a longer one, too
		text := fmt.Appendf(nil, "written{org=\"acme\",stream=\"%d\"} %d %d\n", stream, value, now.UnixMilli())
		if err := target.Write(t.Context(), text); err != nil {
			t.Fatal(err)
		}
	}
	vmtest.Flush(t, url)
	client, err := vm.NewClient(url, http.DefaultClient)
	if err != nil {
		t.Fatal(err)
	}
	series, err := client.Query(t.Context(), "sum(written)", now, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(series) != 1 || series[0].Points[0].Value != 4950 {
		t.Errorf("stored %+v, want 4950", series)
	}
	started, err := target.Started(t.Context())
	if err != nil || started < begin.Unix() || started > time.Now().Unix() {
		t.Errorf("started at %d, %v; want about %d", started, err, begin.Unix())
	}
}

func TestTargetThatDoesNotSayWhenItStarted(t *testing.T) {
	for _, status := range []int{http.StatusOK, http.StatusNotFound} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
		if started, err := (vm.Target{URL: server.URL, Client: http.DefaultClient}).Started(t.Context()); started != 0 || err != nil {
			t.Errorf("with status %d: started at %d, %v; want 0", status, started, err)
		}
		server.Close()
	}
}

func TestTargetThatRefuses(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "busy", http.StatusServiceUnavailable)
	}))
	defer server.Close()
	var refused *vm.StatusError
	err := vm.Target{URL: server.URL, Client: http.DefaultClient}.Write(t.Context(), []byte("x 1 1\n"))
	if !errors.As(err, &refused) || refused.Code != http.StatusServiceUnavailable {
		t.Errorf("the error is %v", err)
	}
	away := vm.Target{URL: "http://127.0.0.1:1", Client: http.DefaultClient}
	if _, err := away.Started(t.Context()); !errors.As(err, new(*vm.UnreachableError)) {
		t.Errorf("asked when it started: %v", err)
	}
	if err := away.Write(t.Context(), []byte("x 1 1\n")); !errors.As(err, new(*vm.UnreachableError)) {
		t.Errorf("written to: %v", err)
	}
}
