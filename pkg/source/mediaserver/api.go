package mediaserver

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	// maxAnswer is the size of the longest answer that is read: some 100,000 connections.
	maxAnswer = 64 << 20
	// pageSize is how many items of a list are asked for at once.
	pageSize = 1000
	// maxPages ends a list that has no end.
	maxPages = 1000
	// maxRequests is how many questions are asked at once; no server has more lists.
	maxRequests = 12
	// maxRedirects is how often an answer may name another address.
	maxRedirects = 5
	// skewKept is by how much a server's clock may differ before its times are corrected: it is only known to the second.
	skewKept = 2 * time.Second
)

// The reasons for which a server cannot be polled, as they are counted.
const (
	ReasonUnreachable = "unreachable" // no connection
	ReasonTimeout     = "timeout"     // no answer in time
	ReasonTLS         = "tls"         // no certificate that is trusted, or no TLS
	ReasonAuth        = "auth"        // 401 or 403
	ReasonNotFound    = "not_found"   // 404
	ReasonStatus      = "status"      // another status than 200
	ReasonRedirect    = "redirect"    // to another host, or without TLS
	ReasonAnswer      = "answer"      // that of another product, or of a version that is not known
	ReasonWorkers     = "workers"     // nginx has several
	ReasonRestarted   = "restarted"   // between two questions of one poll
)

// Reasons are all of them.
func Reasons() []string {
	return []string{ReasonUnreachable, ReasonTimeout, ReasonTLS, ReasonAuth, ReasonNotFound, ReasonStatus, ReasonRedirect, ReasonAnswer,
		ReasonWorkers, ReasonRestarted}
}

// failure is an error with its reason. It does not name the address that was asked, which errors around it do: lists are asked for at
// once, so that the same cause shows at one address or another.
type failure struct {
	reason string
	status int // of the answer, 0 if that is not the reason
	err    error
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

func failed(reason, format string, args ...any) error {
	return &failure{reason: reason, err: fmt.Errorf(format, args...)}
}

// reasonOf returns the reason of an error of a poll.
func reasonOf(err error) string {
	var known *failure
	var timeout net.Error
	switch {
	case errors.As(err, &known):
		return known.reason
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return ReasonTimeout
	case errors.As(err, new(*tls.CertificateVerificationError)), errors.As(err, new(tls.RecordHeaderError)), errors.As(err, new(tls.AlertError)),
		errors.Is(err, http.ErrSchemeMismatch):
		return ReasonTLS
	case errors.As(err, new(*net.OpError)), errors.As(err, new(*net.DNSError)), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return ReasonUnreachable
	}
	return ReasonAnswer
}

// isStatus reports whether a server answered with a status that is no answer.
func isStatus(err error, status int) bool {
	var known *failure
	return errors.As(err, &known) && known.status == status
}

// api asks a server over HTTP.
type api struct {
	base   *url.URL
	config Config
	client *http.Client

	mu     sync.Mutex
	notice string // of the current poll
}

func parseURL(address string) (*url.URL, error) {
	base, err := url.Parse(address)
	if err != nil || base.Scheme != "http" && base.Scheme != "https" || base.Host == "" {
		return nil, errors.New("URL of the media server: it is no HTTP address") // it may hold a password
	}
	return base, nil
}

func newAPI(c Config) (*api, error) {
	base, err := parseURL(c.URL)
	if err != nil {
		return nil, err
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = maxRequests
	p, _ := productOf(c.Type)
	transport.DisableKeepAlives = p.fresh
	if c.CA != "" {
		pem, err := os.ReadFile(c.CA)
		if err != nil {
			return nil, fmt.Errorf("certificates that are trusted: %w", err)
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("certificates that are trusted: %s has no certificate in PEM form", c.CA)
		}
		transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: pool}
	}
	a := &api{base: base, config: c}
	a.client = &http.Client{Transport: transport, CheckRedirect: a.redirect}
	return a, nil
}

// redirect follows a server to another address of the same host, which it keeps for the operator.
func (a *api) redirect(req *http.Request, via []*http.Request) error {
	from := via[0].URL
	switch {
	case len(via) > maxRedirects:
		return failed(ReasonRedirect, "the media server redirects in a circle")
	case !strings.EqualFold(req.URL.Hostname(), from.Hostname()):
		return failed(ReasonRedirect, "the media server redirects to the host %s, which is not followed: name that address as its url", req.URL.Hostname())
	case from.Scheme == "https" && req.URL.Scheme != "https":
		return failed(ReasonRedirect, "the media server redirects to an address without TLS, which is not followed")
	}
	notice := fmt.Sprintf("it redirects %s to %s", plainURL(from), plainURL(req.URL))
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.notice == "" || notice < a.notice { // answers come in any order
		a.notice = notice
	}
	return nil
}

// plainURL returns an address without what may be secret in it: user, password and query.
func plainURL(u *url.URL) string {
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

// takeNotice returns what the operator should know of the answers since it was called last.
func (a *api) takeNotice() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	notice := a.notice
	a.notice = ""
	return notice
}

// answer is what a server says.
type answer struct {
	body []byte
	// clock is how far the server's clock is behind this one, 0 if that is little.
	clock time.Duration
	// about names the answer in errors.
	about string
}

// get asks for a path below the server's URL, "" for the URL itself.
func (a *api) get(ctx context.Context, path string, query url.Values) (answer, error) {
	return a.ask(ctx, http.MethodGet, path, query, nil, nil)
}

// ask sends a request. Its body is JSON, nil for none. A header that is given takes the place of the configured user and token.
func (a *api) ask(ctx context.Context, method, path string, query url.Values, body []byte, header http.Header) (answer, error) {
	u := *a.base
	if path != "" {
		u = *a.base.JoinPath(path)
	}
	if len(query) > 0 {
		u.RawQuery = query.Encode()
	}
	about := plainURL(&u)
	req, err := http.NewRequestWithContext(ctx, method, u.String(), bytes.NewReader(body))
	if err != nil {
		return answer{}, fmt.Errorf("ask %s: %w", about, err)
	}
	switch {
	case header != nil:
		req.Header = header
	case a.config.Username != "":
		req.SetBasicAuth(a.config.Username, a.config.Password)
	case a.config.Token != "":
		req.Header.Set("Authorization", "Bearer "+a.config.Token)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	asked := time.Now()
	resp, err := a.client.Do(req)
	if err != nil {
		var wrapped *url.Error // it names the address with its query
		if errors.As(err, &wrapped) {
			err = wrapped.Err
		}
		return answer{}, fmt.Errorf("ask %s: %w", about, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return answer{}, fmt.Errorf("%s %w", about, refused(resp))
	}
	got := answer{about: about}
	if kind := resp.Header.Get("Content-Type"); kind != "" {
		got.about += " (" + label(kind, maxContentType) + ")"
	}
	if got.body, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1)); err != nil {
		return got, fmt.Errorf("read the answer of %s: %w", about, err)
	}
	if len(got.body) > maxAnswer {
		return got, fmt.Errorf("the answer of %s %w", about, failed(ReasonAnswer, "is longer than %d MiB", maxAnswer>>20))
	}
	if date, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		// The date is cut to seconds, and is that of some time between the question and the answer.
		middle := asked.Add(time.Since(asked) / 2)
		if skew := middle.Sub(date.Add(time.Second / 2)); skew.Abs() > skewKept {
			got.clock = skew.Round(time.Second)
		}
	}
	return got, nil
}

// refused is the error of an answer with another status than 200.
func refused(resp *http.Response) error {
	f := failure{ReasonStatus, resp.StatusCode, fmt.Errorf("answers %s", resp.Status)}
	switch resp.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden:
		f.reason, f.err = ReasonAuth, fmt.Errorf("answers %s: are username and password, or the token, right?", resp.Status)
	case http.StatusNotFound:
		f.reason, f.err = ReasonNotFound, fmt.Errorf("answers %s: is this the address of the server's API, and is the API switched on?", resp.Status)
	}
	return &f
}

// maxContentType is how many bytes of a content type an error names.
const maxContentType = 60

// json decodes an answer.
func (a *answer) json(into any) error {
	if err := json.Unmarshal(a.body, into); err != nil {
		return failed(ReasonAnswer, "the answer of %s cannot be read: %w", a.about, err)
	}
	return nil
}

// unknown is the error of an answer that is of another product, which the reason says.
func (a *answer) unknown(why string) error {
	return fmt.Errorf("the answer of %s %w", a.about, failed(ReasonAnswer, "is not that of %s", why))
}

// together asks several questions at once, and returns the first error.
func together(ctx context.Context, questions ...func(context.Context) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(maxRequests)
	for _, ask := range questions {
		group.Go(func() error { return ask(ctx) })
	}
	return group.Wait()
}

// firstThen asks one question, and the others when it is answered, or soon if it is not.
func (a *api) firstThen(ctx context.Context, first func(context.Context) error, rest ...func(context.Context) error) error {
	group, ctx := errgroup.WithContext(ctx)
	answered := make(chan struct{})
	group.Go(func() error {
		defer close(answered)
		return first(ctx)
	})
	timer := time.NewTimer(a.config.Interval / 10)
	defer timer.Stop()
	select {
	case <-answered:
	case <-timer.C:
	}
	if ctx.Err() == nil {
		group.Go(func() error { return together(ctx, rest...) })
	}
	return group.Wait()
}

// pages asks for all pages of a list: for the first, which says how many there are, and for the others at once.
func pages(ctx context.Context, page func(ctx context.Context, number int) (count int, err error)) error {
	count, err := page(ctx, 0)
	if err != nil {
		return err
	}
	if count > maxPages {
		return failed(ReasonAnswer, "a list has %d pages; at most %d are read", count, maxPages)
	}
	var rest []func(context.Context) error
	for number := 1; number < count; number++ {
		rest = append(rest, func(ctx context.Context) error {
			_, err := page(ctx, number)
			return err
		})
	}
	return together(ctx, rest...)
}
