package hostile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"time"
)

// The keys of the organisation that is attacked. The account's key is in every page that plays, so attackers have it; those who
// have the secret key are customers who mean ill.
const (
	account    = "acme"
	accountKey = "pk_acme"
	secretKey  = "sk_acme_0123456789"
)

// The addresses from which attacks and the good client come, which nobody else has: what comes through trusted proxies with
// headers that cannot be read counts as that of the proxy, 127.0.0.1.
const (
	attackerAddress = "127.0.0.2"
	goodAddress     = "127.0.0.3"
)

// target is the collector that is attacked.
type target struct {
	address string // host:port
	client  *http.Client
	files   int // that this process may have open
}

func newTarget(address string, files int) *target {
	return &target{
		address: address,
		files:   files,
		client: &http.Client{Timeout: 40 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
			Transport: &http.Transport{DialContext: dialer(attackerAddress).DialContext, MaxIdleConnsPerHost: 64, DisableCompression: true}},
	}
}

// dialer opens connections from an address.
func dialer(address string) *net.Dialer {
	return &net.Dialer{Timeout: 5 * time.Second, LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)},
		// Else the system looks for a port that is free for every peer, which takes long when many are in use.
		Control: func(_, _ string, raw syscall.RawConn) error {
			var err error
			return errors.Join(raw.Control(func(socket uintptr) {
				err = syscall.SetsockoptInt(int(socket), syscall.IPPROTO_IP, bindAddressNoPort, 1)
			}), err)
		}}
}

// bindAddressNoPort is IP_BIND_ADDRESS_NO_PORT of Linux, which syscall lacks.
const bindAddressNoPort = 24

// dial opens a connection from the attackers' address, also when the time of the attack ends meanwhile.
func (t *target) dial(ctx context.Context) (net.Conn, error) {
	return dialer(attackerAddress).DialContext(context.WithoutCancel(ctx), "tcp", t.address)
}

// connections opens so many connections, each with a request that is answered at once, or as many as come before ctx is done.
// They must be closed.
func (t *target) connections(ctx context.Context, count int) ([]net.Conn, error) {
	opened := make([]net.Conn, count)
	err := together(ctx, 32, count, func(i int) error {
		var err error
		if opened[i], err = t.dial(ctx); err != nil {
			return err
		}
		_, err = io.WriteString(opened[i], "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
		return err
	})
	var all []net.Conn
	for _, connection := range opened {
		if connection != nil {
			all = append(all, connection)
		}
	}
	return all, err
}

func closeAll(connections []net.Conn) {
	for _, connection := range connections {
		_ = connection.Close() // the collector may have closed it
	}
}

// post posts a body and returns the status, and 0 if the collector hangs up. An error is one of the attack itself.
func (t *target) post(ctx context.Context, path string, body []byte, headers ...string) (int, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+t.address+path, bytes.NewReader(body))
	if err != nil {
		return 0, fmt.Errorf("attack: %w", err)
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := t.client.Do(request)
	if err != nil {
		return 0, nil // what is refused while it is sent may be cut off
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return 0, nil
	}
	return response.StatusCode, nil
}

// raw sends bytes as they are and returns the status line of the answer, and "" if there is none. after is what comes behind
// the first answer.
func (t *target) raw(ctx context.Context, text string) (status, after string, err error) {
	connection, err := t.dial(ctx)
	if err != nil {
		return "", "", fmt.Errorf("attack: %w", err)
	}
	defer connection.Close()
	if err := connection.SetDeadline(time.Now().Add(2 * time.Second)); err != nil {
		return "", "", fmt.Errorf("attack: %w", err)
	}
	// What is refused while it is sent may be cut off.
	_, _ = io.WriteString(connection, text)
	answer := make([]byte, 0, 64<<10)
	buffer := make([]byte, 16<<10)
	for len(answer) < 1<<20 {
		n, err := connection.Read(buffer)
		answer = append(answer, buffer[:n]...)
		if err != nil {
			break
		}
	}
	status, rest, _ := strings.Cut(string(answer), "\r\n")
	if i := strings.LastIndex(rest, "HTTP/1.1 "); i >= 0 {
		after = rest[i:]
	}
	return status, after, nil
}

// together calls do for the numbers below count, so many at the same time, until ctx is done. It returns the first error of
// each that do returned one, but none that comes because ctx is done.
func together(ctx context.Context, workers, count int, do func(i int) error) error {
	errs := make([]error, workers)
	next := make(chan int)
	var all sync.WaitGroup
	for worker := range workers {
		all.Go(func() {
			for i := range next {
				if err := do(i); err != nil && errs[worker] == nil && ctx.Err() == nil {
					errs[worker] = err
				}
			}
		})
	}
feed:
	for i := range count {
		select {
		case next <- i:
		case <-ctx.Done():
			break feed
		}
	}
	close(next)
	all.Wait()
	return errors.Join(errs...)
}

// forever is a count that ends with the time of the attack.
const forever = 1 << 30

// wait waits until the time of the attack is over.
func wait(ctx context.Context) { <-ctx.Done() }

// envelope is a body of /v1/events with one event.
func envelope(session, stream, event string) []byte {
	return fmt.Appendf(nil, `{"accountId":%q,"accountKey":%q,"client":{"kind":"hlsjs"},"sessionId":%q,"stream":%q,"events":[%s]}`,
		account, accountKey, session, stream, event)
}

// load is an event of now.
func load() string { return fmt.Sprintf(`{"seq":1,"ts":%d,"type":"load"}`, time.Now().UnixMilli()) }
