// Package mediaservers runs real media servers, publishes and plays through them, and compares what Streamlens counts with the bytes that
// a proxy between client and server saw.
package mediaservers

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/event"
	"github.com/streamlens/streamlens/pkg/source/accesslog"
	"github.com/streamlens/streamlens/pkg/source/mediaserver"
)

// interval is that of polls.
const interval = time.Second

// server is a media server that can be run.
type server struct {
	kind string
	// variable names the program in the environment; programs are its names on the path, and hint says where it is had.
	variable string
	programs []string
	hint     string
	// prepare writes the configuration into a folder and returns how the server is run, asked, published to and played.
	prepare func(t *testing.T, program, dir, hook string) run
	// lag is how old its counters are at most.
	lag time.Duration
}

// run is a server as it is run.
type run struct {
	command []string
	config  mediaserver.Config
	media   string // address of the port that publishers and players use
	play    string // the same for players if it is another one
	format  string // of what ffmpeg publishes
	publish string // URL, with %s for the address
	playURL string
	log     string // the access log of players, "" if there is none
}

// sink adds up what counts.
type sink struct {
	mu         sync.Mutex
	sums       map[string]int64
	broadcasts map[string]bool
}

// Take implements mediaserver.Sink.
func (s *sink) Take(lines []event.Usage, broadcasts []event.Batch, _ string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, u := range lines {
		s.sums[u.Direction] += u.Bytes
	}
	for _, b := range broadcasts {
		s.broadcasts[b.Session.ID] = true
	}
	return nil
}

// take returns the sums since it was called last.
func (s *sink) take() (ingest, playout int64, broadcasts int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ingest, playout, broadcasts = s.sums["ingest"], s.sums["playout"], len(s.broadcasts)
	clear(s.sums)
	clear(s.broadcasts)
	return ingest, playout, broadcasts
}

// proxy counts the bytes of the sockets of clients.
type proxy struct {
	address  string
	up, down atomic.Int64
}

func newProxy(t *testing.T, to string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	p := &proxy{address: l.Addr().String()}
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return // the test has ended
			}
			go p.pass(client, to)
		}
	}()
	return p
}

// pass copies until one side has ended.
func (p *proxy) pass(client net.Conn, to string) {
	defer client.Close()
	server, err := net.Dial("tcp", to)
	if err != nil {
		return // the client sees it
	}
	defer server.Close()
	ended := make(chan struct{}, 2)
	pipe := func(to io.Writer, from io.Reader, count *atomic.Int64) {
		buffer := make([]byte, 32<<10)
		for {
			n, err := from.Read(buffer)
			count.Add(int64(n))
			if err != nil {
				break
			}
			_, _ = to.Write(buffer[:n]) // what the server has sent counts, whether the client still reads it or not
		}
		ended <- struct{}{}
	}
	go pipe(server, client, &p.up)
	go pipe(client, server, &p.down)
	<-ended
	time.Sleep(20 * time.Millisecond) // what is on its way
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func write(t *testing.T, file, text string) string {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil { //nolint:gosec // a server of another user reads it
		t.Fatal(err)
	}
	return file
}

// begin runs a program; stop ends it with the given signal and waits for it.
func begin(t *testing.T, command []string, dir string) (stop func(os.Signal)) {
	t.Helper()
	said, err := os.CreateTemp(t.TempDir(), "said")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, said, said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var once sync.Once
	stop = func(signal os.Signal) {
		once.Do(func() {
			_ = cmd.Process.Signal(signal) // it may have ended by itself
			timer := time.AfterFunc(3*time.Second, func() { _ = cmd.Process.Kill() })
			defer timer.Stop()
			_ = cmd.Wait() // the status says how it ended, which it was made to
		})
	}
	t.Cleanup(func() {
		stop(os.Kill)
		if t.Failed() {
			text, _ := os.ReadFile(said.Name())
			t.Logf("%s said:\n%s", command[0], text[max(0, len(text)-2000):])
		}
	})
	return stop
}

func await(t *testing.T, address string) {
	t.Helper()
	for deadline := time.Now().Add(15 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		c, err := net.Dial("tcp", address)
		if err == nil {
			_ = c.Close()
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("nobody listens on %s after 15 s: %v", address, err)
		}
	}
}

// makeMedia writes some seconds of test picture and sound, and of sound alone.
func makeMedia(t *testing.T, dir string) {
	t.Helper()
	for file, arguments := range map[string][]string{
		"media.flv": {"-f", "lavfi", "-i", "testsrc=size=320x180:rate=25", "-f", "lavfi", "-i", "sine", "-t", "10", "-c:v", "libx264", "-preset", "ultrafast",
			"-b:v", "400k", "-g", "25", "-pix_fmt", "yuv420p", "-c:a", "aac"},
		"media.mp3": {"-f", "lavfi", "-i", "sine", "-t", "10", "-c:a", "libmp3lame", "-b:a", "128k"},
	} {
		arguments = append(append([]string{"-nostdin", "-loglevel", "error"}, arguments...), filepath.Join(dir, file))
		if output, err := exec.Command("ffmpeg", arguments...).CombinedOutput(); err != nil {
			t.Fatalf("ffmpeg: %v\n%s", err, output)
		}
	}
}

// bench is one server that is played through.
type bench struct {
	t     *testing.T
	run   run
	media string // folder
}

// publish sends for a while, and returns the bytes of the socket.
func (b *bench) publish(length time.Duration) int64 {
	p := newProxy(b.t, b.run.media)
	file := "media.flv"
	if b.run.format == "mp3" {
		file = "media.mp3"
	}
	stop := begin(b.t, []string{"ffmpeg", "-nostdin", "-loglevel", "error", "-re", "-stream_loop", "-1", "-i", filepath.Join(b.media, file), "-c", "copy",
		"-f", b.run.format, fmt.Sprintf(b.run.publish, p.address)}, b.media)
	time.Sleep(length)
	stop(os.Interrupt)
	time.Sleep(50 * time.Millisecond)
	return p.up.Load()
}

// watch plays for a while, and returns the bytes of the socket.
func (b *bench) watch(length time.Duration) int64 {
	to := b.run.play
	if to == "" {
		to = b.run.media
	}
	p := newProxy(b.t, to)
	stop := begin(b.t, []string{"ffmpeg", "-nostdin", "-loglevel", "error", "-i", fmt.Sprintf(b.run.playURL, p.address), "-c", "copy", "-f", "null", "-"}, b.media)
	time.Sleep(length)
	stop(os.Interrupt)
	time.Sleep(50 * time.Millisecond)
	return p.down.Load()
}

// row is a case of a server as it went.
type row struct {
	kind, name                      string
	sent, ingest, received, playout int64 // truth and count of both directions
	publishers, broadcasts          int
}

func (r row) String() string {
	part := func(truth, counted int64) string {
		if truth == 0 {
			return "– | –"
		}
		return fmt.Sprintf("%d | %d (%+.1f %%)", truth, counted, 100*float64(counted-truth)/float64(truth))
	}
	return fmt.Sprintf("| %s | %s | %s | %s | %d of %d |", r.kind, r.name, part(r.sent, r.ingest), part(r.received, r.playout), r.broadcasts, r.publishers)
}

// TestMediaServers plays through every server that the machine has.
func TestMediaServers(t *testing.T) {
	if os.Getenv("MEDIA_SERVERS") == "" {
		t.Skip("takes half a minute: go tool mage mediaServers")
	}
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("needs ffmpeg")
	}
	media := t.TempDir()
	makeMedia(t, media)
	var mu sync.Mutex
	var rows []row
	t.Run("servers", func(t *testing.T) {
		for _, s := range servers() {
			t.Run(s.kind, func(t *testing.T) {
				t.Parallel()
				program := s.find()
				if program == "" {
					t.Skipf("there is no %s: %s, or %s names it", s.programs[0], s.hint, s.variable)
				}
				mine := s.play(t, program, media)
				mu.Lock()
				defer mu.Unlock()
				rows = append(rows, mine...)
			})
		}
	})
	slices.SortStableFunc(rows, func(a, b row) int { return cmp.Compare(a.kind, b.kind) })
	fmt.Println("| server | case | sent by publishers | counted | sent to players | counted | broadcasts |")
	fmt.Println("| --- | --- | --- | --- | --- | --- | --- |")
	for _, r := range rows {
		fmt.Println(r)
	}
}

// checkLog reads the access log of two players, in the format that it is found to have, and compares it with the bytes that they were
// sent: it has all but the handshakes of RTMP.
func checkLog(t *testing.T, file, kind string, received int64) row {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	found, err := accesslog.Detect(text, nil)
	if err != nil {
		t.Fatal(err)
	}
	d, err := accesslog.NewDecoder(found.Format)
	if err != nil {
		t.Fatal(err)
	}
	r := row{kind: kind, name: "its access log, " + found.Format.Name, received: received}
	for line := range bytes.Lines(text) {
		var request accesslog.Request
		counts, err := d.Decode(bytes.TrimSpace(line), &request)
		if err != nil {
			t.Errorf("%s: %v", line, err)
		}
		if counts {
			r.playout += request.Bytes
		}
	}
	t.Log(r)
	if handshakes := 2 * int64(3073); r.playout > received || r.playout < received-handshakes-1024 {
		t.Errorf("the log has %d of the %d bytes that were sent", r.playout, received)
	}
	return r
}

// find returns where the server's program is, "" if it is not there.
func (s *server) find() string {
	if named := os.Getenv(s.variable); named != "" {
		return named
	}
	for _, name := range s.programs {
		if found, err := exec.LookPath(name); err == nil {
			return found
		}
	}
	return ""
}

// play runs the server through the cases.
func (s *server) play(t *testing.T, program, media string) []row {
	dir, err := os.MkdirTemp("", "mediaserver") // which a server that gives its rights away can read
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o777); err != nil { //nolint:gosec // the same
		t.Fatal(err)
	}
	var poller atomic.Pointer[mediaserver.Poller]
	hooks := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			var answer mediaserver.HookAnswer
			if answer, err = poller.Load().Hook(mediaserver.HookRequest{Header: r.Header, Query: r.URL.Query(), Body: body}); err == nil {
				for name, value := range answer.Header {
					w.Header().Set(name, value)
				}
				_, _ = io.WriteString(w, answer.Body)
				return
			}
		}
		t.Errorf("a hook is refused: %v\n%s", err, body)
	}))
	defer hooks.Close()
	b := &bench{t, s.prepare(t, program, dir, hooks.URL+"/hook"), media}
	c := b.run.config
	c.Type, c.Organization, c.Interval = s.kind, "acme", interval
	asked, err := mediaserver.New(c)
	if err != nil {
		t.Fatal(err)
	}
	counts := &sink{sums: map[string]int64{}, broadcasts: map[string]bool{}}
	p := mediaserver.NewPoller(c, asked, "", counts, slog.New(slog.NewTextHandler(t.Output(), nil)))
	poller.Store(p)
	stop := begin(t, b.run.command, dir)
	await(t, b.run.media)
	ctx, cancel := context.WithCancel(t.Context())
	var polls sync.WaitGroup
	polls.Go(func() { p.Run(ctx) })
	defer func() {
		cancel()
		polls.Wait()
	}()
	time.Sleep(interval + interval/2)

	var rows []row
	check := func(name string, publishers, watchers int, sent, received int64) {
		time.Sleep(2*interval + s.lag)
		ingest, playout, broadcasts := counts.take()
		r := row{s.kind, name, sent, ingest, received, playout, publishers, broadcasts}
		rows = append(rows, r)
		t.Log(r)
		if ingest > sent || playout > received {
			t.Errorf("%s: more is counted than there was: %v", name, r)
		}
		if broadcasts != publishers {
			t.Errorf("%s: %d broadcasts of %d publishers", name, broadcasts, publishers)
		}
		// What a connection does after the last poll that saw it is lost, and what the protocol adds is not counted by all.
		rate := 90_000.0 // bytes a second, with what a player is sent at once when it begins
		if b.run.format == "mp3" {
			rate = 20_000
		}
		lost := int64((interval + s.lag).Seconds() * rate)
		if ingest < sent*9/10-lost*int64(publishers) || playout < received*9/10-lost*int64(watchers) {
			t.Errorf("%s: too little is counted: %v", name, r)
		}
	}

	var players sync.WaitGroup
	var first, second int64
	players.Go(func() {
		time.Sleep(1500 * time.Millisecond)
		first = b.watch(6 * time.Second)
	})
	players.Go(func() {
		time.Sleep(4 * time.Second)
		second = b.watch(3 * time.Second)
	})
	sent := b.publish(9 * time.Second)
	players.Wait()
	check("one publisher, two players", 1, 2, sent, first+second)
	if b.run.log != "" {
		rows = append(rows, checkLog(t, b.run.log, s.kind, first+second))
	}

	sent = 0
	for range 3 {
		sent += b.publish(2500 * time.Millisecond)
		time.Sleep(1500 * time.Millisecond)
	}
	check("a publisher that comes back twice", 3, 0, sent, 0)

	again := make(chan struct{})
	go func() {
		defer close(again)
		time.Sleep(4 * time.Second)
		stop(os.Kill)
	}()
	sent = b.publish(5 * time.Second)
	<-again
	begin(t, b.run.command, dir)
	await(t, b.run.media)
	sent += b.publish(5 * time.Second)
	check("the server is killed and started again", 2, 0, sent, 0)
	return rows
}
