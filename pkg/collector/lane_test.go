package collector

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/config"
)

// laneRequest returns a request for the lane with a body, and more headers.
func laneRequest(body string, headers ...string) string {
	more := ""
	for _, header := range headers {
		more += header + "\r\n"
	}
	return fmt.Sprintf("POST /v1/events HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n%s\r\n%s", len(body), more, body)
}

// laneEnvelope returns a body with one good event.
func laneEnvelope(session string) string {
	return fmt.Sprintf(`{"accountId":"acme","accountKey":"pk_acme","client":{"kind":"h5live"},"sessionId":%q,"stream":"live","sentAt":%d,`+
		`"events":[{"seq":1,"ts":%[2]d,"type":"load"}]}`, session, time.Now().UnixMilli())
}

// reply is the answer to a request.
type reply struct {
	status int
	header http.Header // but for the date
	length int64
	body   string
	ends   bool   // whether it says that the connection ends
	next   int    // answers that follow it
	date   string // the header
}

// exchange sends a request in pieces on a new connection and returns its answer.
func exchange(t *testing.T, address string, pieces ...string) reply {
	t.Helper()
	connection := connect(t, address, "")
	defer connection.Close()
	if err := connection.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	for i, piece := range pieces {
		if i > 0 {
			time.Sleep(20 * time.Millisecond)
		}
		if _, err := io.WriteString(connection, piece); err != nil {
			t.Fatal(err)
		}
	}
	if half, ok := connection.(closeWriter); !ok || half.CloseWrite() != nil {
		t.Fatal("the connection cannot be ended by half")
	}
	reader := bufio.NewReader(connection)
	answer, err := http.ReadResponse(reader, &http.Request{Method: http.MethodPost})
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(reader)
	if err != nil {
		t.Fatal(err)
	}
	date := answer.Header.Get("Date")
	answer.Header.Del("Date")
	return reply{answer.StatusCode, answer.Header, answer.ContentLength, string(body), answer.Close, strings.Count(string(rest), "HTTP/1.1 "), date}
}

// TestLaneAnswersAsOthers sends the same requests to a port with a lane and to net/http alone.
func TestLaneAnswersAsOthers(t *testing.T) {
	c := start(t, nil)
	lane := c.open(t, config.Config{Listen: "127.0.0.1:0"}).publicListener.Addr().String()
	alone := c.Listener.Addr().String()
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := io.WriteString(w, laneEnvelope("packed")); err != nil || w.Close() != nil {
		t.Fatal("gzip")
	}
	long := laneRequest(laneEnvelope("long"), "X-Long: "+strings.Repeat("a", 2*laneBuffer))
	large := laneRequest(laneEnvelope("large") + strings.Repeat(" ", 2*smallBody))
	whole := laneRequest(laneEnvelope("pieces"))
	for _, test := range []struct {
		name   string
		pieces []string
		want   int
	}{
		{"a good report", []string{laneRequest(laneEnvelope("s"))}, http.StatusAccepted},
		{"one that came before", []string{laneRequest(laneEnvelope("s"))}, http.StatusAccepted},
		{"of the beacon", []string{strings.Replace(laneRequest(laneEnvelope("s")), " HTTP", "?stream=a%20b&c HTTP", 1)}, http.StatusAccepted},
		{"a query of other letters", []string{strings.Replace(laneRequest(laneEnvelope("s")), " HTTP", "?stream=ü HTTP", 1)}, http.StatusAccepted},
		{"of a page", []string{laneRequest(laneEnvelope("s"), "Content-Type: text/plain;charset=UTF-8", "Origin: https://site.example")}, http.StatusAccepted},
		{"kept alive", []string{laneRequest(laneEnvelope("s"), "Connection: Keep-Alive")}, http.StatusAccepted},
		{"packed", []string{laneRequest(packed.String(), "Content-Encoding: gzip")}, http.StatusAccepted},
		{"bytes that are not packed", []string{laneRequest("{}", "Content-Encoding: gzip")}, http.StatusBadRequest},
		{"an unknown packing", []string{laneRequest("{}", "Content-Encoding: br")}, http.StatusUnsupportedMediaType},
		{"a form", []string{laneRequest("a=b", "Content-Type: multipart/form-data; boundary=x")}, http.StatusUnsupportedMediaType},
		{"no body", []string{laneRequest("")}, http.StatusBadRequest},
		{"a wrong key", []string{laneRequest(strings.Replace(laneEnvelope("s"), "pk_acme", "pk_other", 1))}, http.StatusUnauthorized},
		{"the header in pieces", []string{whole[:30], whole[30:]}, http.StatusAccepted},
		{"the body in pieces", []string{whole[:len(whole)-50], whole[len(whole)-50 : len(whole)-20], whole[len(whole)-20:]}, http.StatusAccepted},
		{"the first byte alone", []string{whole[:1], whole[1:]}, http.StatusAccepted},
		{"a body that ends too early", []string{whole[:len(whole)-1]}, http.StatusBadRequest},
		{"a long header", []string{long}, http.StatusAccepted},
		{"a large body", []string{large}, http.StatusAccepted},
		{"two together", []string{laneRequest(laneEnvelope("s")) + whole}, http.StatusAccepted},
		{"another path behind one", []string{laneRequest(laneEnvelope("s")) + get}, http.StatusAccepted},
		{"an end that is asked for", []string{laneRequest(laneEnvelope("s"), "Connection: close") + whole}, http.StatusAccepted},
		{"an empty line behind the body", []string{whole + "\r\n"}, http.StatusAccepted},
		{"an empty line before the next", []string{whole + "\r\n" + whole}, http.StatusAccepted},
		{"an empty line before another path", []string{whole + "\r\n" + get}, http.StatusAccepted},
		{"an empty line in pieces", []string{whole, "\r", "\n", whole}, http.StatusAccepted},
		{"empty lines before a header in pieces", []string{whole, "\n\n" + whole[:30], whole[30:]}, http.StatusAccepted},
		{"an empty line too many", []string{whole + "\r\n\r\n\r\n" + whole}, http.StatusAccepted},
		{"an empty line behind what is lent", []string{post[:5] + "/v1/usage" + post[15:], "\r\n", whole}, http.StatusUnauthorized},
		{"an empty line behind what has no body", []string{get, "\r\n" + whole}, http.StatusNotFound},
		{"two lengths", []string{laneRequest("", "Content-Length: 1") + "a"}, http.StatusBadRequest},
		{"two hosts", []string{laneRequest("", "Host: b")}, http.StatusBadRequest},
		{"a space before the colon", []string{laneRequest("", "X-A : b")}, http.StatusBadRequest},
		{"a control character", []string{laneRequest("", "X-A: \x01")}, http.StatusBadRequest},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, want := exchange(t, lane, test.pieces...), exchange(t, alone, test.pieces...)
			if got.status != test.want {
				t.Errorf("answered %d %s, want %d", got.status, got.body, test.want)
			}
			if date, err := http.ParseTime(got.date); (err != nil || time.Since(date).Abs() > time.Minute) != (want.date == "") {
				t.Errorf("Date is %q, %v", got.date, err)
			}
			want.date = got.date
			want.ends = want.ends || test.name == "a body that ends too early" // where net/http leaves it unsaid
			if !reflect.DeepEqual(got, want) {
				t.Errorf("answered %+v\nwant     %+v", got, want)
			}
		})
	}
}

// TestLaneTakesWhatIsUsual looks which requests stay in the lane.
func TestLaneTakesWhatIsUsual(t *testing.T) {
	const usual = "POST /v1/events HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n"
	for _, test := range []struct {
		header string
		want   bool
	}{
		{usual, true},
		{usual + "{}", true},
		{strings.Replace(usual, "Host: a", "Host: a\r\nX-Forwarded-For: 1.2.3.4, 5.6.7.8\r\nx-forwarded-for: ::1\r\nCookie: a=\"b\"", 1), true},
		{strings.Replace(usual, "Host: a", "Host: a\r\nConnection: keep-alive", 1), true},
		{strings.Replace(usual, "Host: a", "Host: a\r\nConnection: keep-alive, X-Forwarded-For", 1), false},
		{strings.Replace(usual, "Host: a", "Host: a\r\nTransfer-Encoding: chunked", 1), false},
		{strings.Replace(usual, "Host: a", "Host: a\r\nTransfer-Encoding: identity", 1), false},
		{strings.Replace(usual, "Host: a", "Host: a\r\nExpect: 100-continue", 1), false},
		{strings.Replace(usual, "Host: a", "Host: a\r\nUpgrade: h2c", 1), false},
		{strings.Replace(usual, "Host: a", "Host: a\r\nX-A: b\r\n c", 1), false},
		{strings.Replace(usual, "Host: a", "Host: a\r\nX-A: b\nX-B: c", 1), false},
		{strings.Replace(usual, "Host: a", "Host: a\r\nX-A: b\rX-B: c", 1), false},
		{strings.Replace(usual, "Host: a", "Host: a\r\nX-A: \x00", 1), false},
		{strings.Replace(usual, "Host: a", "Host: a\r\nno colon", 1), false},
		{strings.Replace(usual, "Host: a", "Host: a b", 1), false},
		{strings.Replace(usual, "Host: a", "X-A: a", 1), false},
		{strings.Replace(usual, ": 2", ": +2", 1), false},
		{strings.Replace(usual, ": 2", ": 2, 2", 1), false},
		{strings.Replace(usual, ": 2", ": 0x2", 1), false},
		{strings.Replace(usual, ": 2", ":", 1), false},
		{strings.Replace(usual, ": 2", ": 16384", 1), true},
		{strings.Replace(usual, ": 2", ": 16385", 1), false},
		{strings.Replace(usual, ": 2", ": 99999999999999999999", 1), false},
		{strings.Replace(usual, "Content-Length: 2\r\n", "", 1), false},
		{strings.Replace(usual, "1.1", "1.0", 1), false},
		{strings.Replace(usual, "POST ", "post ", 1), false},
		{strings.Replace(usual, "/v1/events", "/v1/events?stream=a%20b", 1), true},
		{strings.Replace(usual, "/v1/events", "/v1/events?a?b#c%zz;", 1), true},
		{strings.Replace(usual, "/v1/events", "/v1/events?", 1), false},
		{strings.Replace(usual, "/v1/events", "/v1/events?a b", 1), false},
		{strings.Replace(usual, "/v1/events", "/v1/events?\x80", 1), false},
		{strings.Replace(usual, "/v1/events", "/v1/events/", 1), false},
		{strings.Replace(usual, "/v1/events", "/v1/eventsa", 1), false},
		{strings.Replace(usual, "/v1/events", "/v1/events%3Fa", 1), false},
		{strings.Replace(usual, "/v1/events", "/v1/usage", 1), false},
		{strings.Replace(usual, "POST ", "POST  ", 1), false},
		{"\r\n" + usual, false},
		{usual[:len(usual)-2], false},
	} {
		if _, _, got := takenByLane([]byte(test.header)); got != test.want {
			t.Errorf("taken %v, want %v: %q", got, test.want, test.header)
		}
	}
}

// TestLengthsThatAreLent looks how long a body may be said to be.
func TestLengthsThatAreLent(t *testing.T) {
	for text, want := range map[string]bool{"0": true, "0002": true, "4611686018427387903": true, "4611686018427387904": false, "9223372036854775807": false} {
		if _, got := lengthOf(text); got != want {
			t.Errorf("%s bytes are usual: %v", text, got)
		}
	}
}

// takenByLane returns what the lane reads of a request, if it takes it.
func takenByLane(come []byte) (header http.Header, length int64, taken bool) {
	line, end := headerEnd(come)
	if end < 0 {
		return nil, 0, false
	}
	e := &laneExchange{header: http.Header{}}
	length, usual := e.readHeader(string(come[line : end-2]))
	return e.header, length, usual && isForLane(come[:line], length)
}

// FuzzLane compares what the lane takes with what net/http reads.
func FuzzLane(f *testing.F) {
	f.Add("", []byte("Host: a\r\nContent-Length: 2"))
	f.Add("?stream=a%zz", []byte("Host: a\r\nContent-Length: 2\r\nTransfer-Encoding: chunked"))
	f.Add("?", []byte("Host: a\r\nConnection: close\r\ncontent-length: 02\r\nX:"))
	f.Fuzz(func(t *testing.T, query string, lines []byte) {
		text := []byte(laneMethod + lanePath + query + laneProtocol + string(lines) + "\r\n\r\n{}")
		header, length, taken := takenByLane(text)
		if !taken {
			return
		}
		request, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(text)))
		if err != nil {
			t.Fatalf("net/http refuses %q: %v", text, err)
		}
		host := header["Host"]
		delete(header, "Host")
		if request.URL.Path != lanePath || request.URL.RawQuery != strings.TrimPrefix(query, "?") || request.ContentLength != length || len(request.TransferEncoding) > 0 || request.Close || len(host) != 1 || request.Host != host[0] ||
			!reflect.DeepEqual(request.Header, header) {
			t.Errorf("%q: %d bytes, %v, of host %q; net/http reads %+v", text, length, header, host, request)
		}
	})
}

// TestLentConnectionsComeBack looks where a connection is after what net/http has answered.
func TestLentConnectionsComeBack(t *testing.T) {
	const body = "POST /v1/usage HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"
	for _, test := range []struct {
		name   string
		pieces []string
		want   bool // whether the next report is served in the lane
	}{
		{"another path", []string{get}, true},
		{"one after the other", []string{get, post, get, get, post}, true},
		{"another path with a body", []string{body + "12345"}, true},
		{"a body in pieces", []string{body, "12", "345"}, true},
		{"a body larger than the lane has", []string{strings.Replace(post, ": 0", ": 20000", 1) + strings.Repeat(" ", 20_000)}, true},
		{"a long header", []string{long}, false},
		{"a header in pieces", []string{get[:20], get[20:]}, false},
		{"two together", []string{get + get}, false},
		{"a body with the next request", []string{body + "12345" + get}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			address, known, refused := listenWith(t, 10, func(w http.ResponseWriter, r *http.Request) {
				_, inLane := w.(*laneAnswer)
				w.Header().Set("In-Lane", strconv.FormatBool(inLane))
				if _, err := io.Copy(io.Discard, r.Body); err != nil {
					w.WriteHeader(http.StatusBadRequest)
				}
			})
			connection := connect(t, address, "")
			test.pieces = append(test.pieces, post)
			text := strings.Join(test.pieces, "")
			for _, piece := range test.pieces {
				if _, err := io.WriteString(connection, piece); err != nil {
					t.Fatal(err)
				}
				time.Sleep(20 * time.Millisecond)
			}
			if err := connection.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
				t.Fatal(err)
			}
			reader := bufio.NewReader(connection)
			inLane := ""
			for range strings.Count(text, " HTTP/1.1") {
				response, err := http.ReadResponse(reader, nil)
				if err != nil {
					t.Fatal(err)
				}
				if err := response.Body.Close(); err != nil || response.StatusCode != http.StatusOK {
					t.Errorf("answered %s, %v", response.Status, err)
				}
				inLane = response.Header.Get("In-Lane")
			}
			if inLane != strconv.FormatBool(test.want) {
				t.Errorf("the next report is served in the lane: %s", inLane)
			}
			known.waitFor(t, 1, 0)
			refused.wait(t, "http", 0)
		})
	}
}

// TestLentConnectionStaysBusy lends a connection, and looks whether it may be closed as one that waits before net/http has read the request.
func TestLentConnectionStaysBusy(t *testing.T) {
	known := newConnections(10, func(string, int) {})
	conn, client := net.Pipe()
	defer conn.Close()
	defer client.Close()
	served := &connection{Conn: conn, inLane: true}
	known.add(served)
	known.begin(served)
	known.accept(t.Context(), lentOf(&laneConnection{connection: served}, []byte(get), int64(len(get))))
	known.waitFor(t, 0, 1)
}

// TestLentConnectionGetsTheNextRequestEarly sends a request while the one before it is answered.
func TestLentConnectionGetsTheNextRequestEarly(t *testing.T) {
	answer := make(chan struct{})
	address, known, _ := listenWith(t, 10, func(http.ResponseWriter, *http.Request) { <-answer })
	connection := connect(t, address, get)
	known.waitFor(t, 0, 1)
	if _, err := io.WriteString(connection, strings.Replace(get, "GET", "HEAD", 1)); err != nil {
		t.Fatal(err)
	}
	time.Sleep(50 * time.Millisecond)
	close(answer)
	if err := connection.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	reader := bufio.NewReader(connection)
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		response, err := http.ReadResponse(reader, &http.Request{Method: method})
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
	}
	if !answers(t, connection, post) {
		t.Error("the connection is served no more")
	}
}

// TestLaneSendsToThoseWhoReadLate lets answers be larger than what the kernel takes at once.
func TestLaneSendsToThoseWhoReadLate(t *testing.T) {
	body := strings.Repeat("0123456789abcdef", 1<<20)
	address, known, _ := listenWith(t, 10, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, body) // the client may be gone
	})
	connection := connect(t, address, "")
	for range 2 {
		if err := connection.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(connection, post); err != nil {
			t.Fatal(err)
		}
		known.waitFor(t, 0, 1)
		time.Sleep(100 * time.Millisecond)
		response, err := http.ReadResponse(bufio.NewReader(connection), nil)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil || string(got) != body {
			t.Fatalf("the answer has %d bytes, %v, want %d", len(got), err, len(body))
		}
	}
}

// TestHandlerLearnsThatALentClientIsGone closes a connection while its request is answered.
func TestHandlerLearnsThatALentClientIsGone(t *testing.T) {
	gone := make(chan error, 1)
	address, known, _ := listenWith(t, 10, func(_ http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
		gone <- r.Context().Err()
	})
	connection := connect(t, address, get)
	known.waitFor(t, 0, 1)
	connection.Close()
	select {
	case err := <-gone:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("the request ended with %v", err)
		}
	case <-time.After(5 * time.Second):
		t.Error("the handler was not told")
	}
	known.waitFor(t, 0, 0)
}

func TestLaneClosesAfterAPanic(t *testing.T) {
	address, known, _ := listen(t, 10)
	connection := connect(t, address, strings.Replace(post, "\r\n\r\n", "\r\nX-Panic: 1\r\n\r\n", 1))
	if err := connection.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(connection); err != nil || len(text) > 0 {
		t.Errorf("got %q, %v, want an end", text, err)
	}
	known.waitFor(t, 0, 0)
}

// TestShutdownAnswersWhatHasBegun lets a port end with connections that wait and one whose body is on its way.
func TestShutdownAnswersWhatHasBegun(t *testing.T) {
	c := start(t, nil)
	if _, err := c.server.Handler(); err != nil {
		t.Fatal(err)
	}
	opened, err := c.server.openPorts(t.Context(), config.Config{Listen: "127.0.0.1:0"}, unguarded)
	if err != nil {
		t.Fatal(err)
	}
	opened.serve()
	address := opened.publicListener.Addr().String()
	request := laneRequest(laneEnvelope("s"))
	var waiting []net.Conn
	for _, text := range []string{request, get} {
		connection := connect(t, address, "")
		answers(t, connection, text)
		waiting = append(waiting, connection)
	}
	busy := connect(t, address, request[:len(request)-1])
	opened.lane.known.waitFor(t, 2, 1)
	ended := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 10*time.Second)
		defer cancel()
		ended <- opened.shutdown(ctx)
	}()
	for _, connection := range waiting {
		if err := connection.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
			t.Fatal(err)
		}
		if _, err := connection.Read(make([]byte, 1)); err == nil {
			t.Error("a connection that waited got something")
		}
	}
	if _, err := io.WriteString(busy, request[len(request)-1:]); err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(busy), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusAccepted || !answer.Close {
		t.Errorf("what had begun is answered %s, and the connection stays: %v", answer.Status, !answer.Close)
	}
	if err := <-ended; err != nil {
		t.Errorf("shut down: %v", err)
	}
}
