package vltest

import (
	"io"
	"log"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
	"testing"
)

// Faulty is a proxy in front of VictoriaLogs: of the requests that write it loses the answers of some, and cuts the bodies of others off.
type Faulty struct {
	URL    string
	Faults atomic.Int64
	proxy  http.Handler
}

// faultyOf is of how many requests that write one loses its answer and one its body.
const faultyOf = 6

// StartFaulty starts a proxy in front of the VictoriaLogs at a URL, until the test ends.
func StartFaulty(t testing.TB, target string) *Faulty {
	t.Helper()
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(u)
	quiet := log.New(io.Discard, "", 0) // it is meant to fail
	proxy.ErrorLog = quiet
	f := &Faulty{proxy: proxy}
	server := httptest.NewUnstartedServer(f)
	server.Config.ErrorLog = quiet
	server.Start()
	t.Cleanup(server.Close)
	f.URL = server.URL
	return f
}

// ServeHTTP implements http.Handler.
func (f *Faulty) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/insert/jsonline" {
		switch rand.IntN(faultyOf) {
		case 0: // the answer is lost
			f.Faults.Add(1)
			f.proxy.ServeHTTP(&lostAnswer{header: http.Header{}}, r)
			panic(http.ErrAbortHandler)
		case 1: // the body is cut off
			f.Faults.Add(1)
			r.Body = http.MaxBytesReader(nil, r.Body, 1+rand.Int64N(max(r.ContentLength, 2)))
			r.ContentLength = -1
			f.proxy.ServeHTTP(&lostAnswer{header: http.Header{}}, r)
			panic(http.ErrAbortHandler)
		}
	}
	f.proxy.ServeHTTP(w, r)
}

type lostAnswer struct{ header http.Header }

func (l *lostAnswer) Header() http.Header         { return l.header }
func (l *lostAnswer) Write(b []byte) (int, error) { return len(b), nil }
func (l *lostAnswer) WriteHeader(int)             {}
