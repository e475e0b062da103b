package mediaserver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/streamlens/streamlens/pkg/event"
)

const (
	// answerTimeout is how long a server may take for one answer.
	answerTimeout = 10 * time.Second
	// maxAnswer is the size of the longest answer that is read: some 100,000 connections.
	maxAnswer = 64 << 20
	// pageSize is how many items of a list are asked for at once.
	pageSize = 1000
	// maxPages ends a list that has no end.
	maxPages = 1000
)

// errNotFound says that the server does not know the address.
var errNotFound = errors.New("404 Not Found")

// api asks a server over HTTP.
type api struct {
	base   *url.URL
	config Config
	client *http.Client
}

func newAPI(c Config) (api, error) {
	base, err := url.Parse(c.URL)
	if err != nil || base.Scheme != "http" && base.Scheme != "https" || base.Host == "" {
		return api{}, errors.New("URL of the media server: it is no HTTP address") // it may hold a password
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	// A new connection for each question lets a server with several processes answer from any of them, so that it is noticed.
	transport.DisableKeepAlives = c.Type == TypeNginxRTMP
	return api{base: base, config: c, client: &http.Client{Timeout: answerTimeout, Transport: transport}}, nil
}

// get returns the body of an answer, and how far the server's clock is behind this one if that is more than half a minute.
func (a *api) get(ctx context.Context, path string, query url.Values) (body []byte, clock time.Duration, err error) {
	u := *a.base
	if path != "" {
		u = *a.base.JoinPath(path)
	}
	if len(query) > 0 {
		u.RawQuery = query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), http.NoBody)
	if err != nil {
		return nil, 0, fmt.Errorf("ask %s: %w", u.Redacted(), err)
	}
	switch {
	case a.config.Username != "":
		req.SetBasicAuth(a.config.Username, a.config.Password)
	case a.config.Token != "":
		req.Header.Set("Authorization", "Bearer "+a.config.Token)
	}
	resp, err := a.client.Do(req)
	if err != nil {
		return nil, 0, fmt.Errorf("ask the media server: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusNotFound {
		return nil, 0, fmt.Errorf("%s: %w", u.Redacted(), errNotFound)
	}
	if resp.StatusCode != http.StatusOK {
		return nil, 0, fmt.Errorf("%s answers %s", u.Redacted(), resp.Status)
	}
	body, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return nil, 0, fmt.Errorf("read the answer of %s: %w", u.Redacted(), err)
	}
	if len(body) > maxAnswer {
		return nil, 0, fmt.Errorf("the answer of %s is longer than %d MiB", u.Redacted(), maxAnswer>>20)
	}
	if date, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		clock = time.Duration(event.ClockCorrection(time.Now().UnixMilli(), date.UnixMilli())) * time.Millisecond
	}
	return body, clock, nil
}

// redacted returns an address without its password.
func redacted(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Redacted()
}
