// Package mediaservers runs real media servers, publishes and plays through them, and compares what Streamlens counts with the bytes that
// a proxy between client and server saw.
package mediaservers

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/event"
	"github.com/streamlens/streamlens/pkg/processtest"
	"github.com/streamlens/streamlens/pkg/source/accesslog"
	"github.com/streamlens/streamlens/pkg/source/mediaserver"
)

// interval is that of polls.
const interval = 2 * time.Second

// server is a media server that can be run.
type server struct {
	kind string
	// variable names the program in the environment; programs are its names on the path, and hint says where it is had.
	variable string
	programs []string
	hint     string
	// prepare writes the configuration into a folder and returns how the server is run, asked, published to and played. It listens on the
	// host, 127.0.0.1 or ::1.
	prepare func(t *testing.T, program, dir, host, hook string) run
	// lag is how old its counters are at most.
	lag time.Duration
	// hooks says that hooks tell final counters.
	hooks bool
}

// run is a server as it is run.
type run struct {
	command []string
	config  mediaserver.Config
	media   string // address of the port that publishers use
	format  string // of what ffmpeg publishes
	publish string // URL, with ADDRESS and STREAM in it
	readers []reader
	log     string // the access log of players, "" if there is none
}

// reader is a way to play.
type reader struct {
	protocol  string // as it counts
	address   string // of the port, the one of publishers if it is ""
	url       string // with ADDRESS and STREAM in it
	arguments []string
	datagrams bool // by UDP
	uncounted bool // the server does not count what it is sent
}

func fill(url, address, stream string) string {
	return strings.NewReplacer("ADDRESS", address, "STREAM", stream).Replace(url)
}

// sink adds up what counts.
type sink struct {
	mu    sync.Mutex
	known map[string]bool // broadcasts of before
	taken
}

type taken struct {
	ingest, playout int64
	byProtocol      map[string]int64  // playout
	byStream        map[string]int64  // ingest
	byAddress       map[string]int64  // both
	broadcasts      map[string]string // streams by id
}

func newSink() *sink { return &sink{known: map[string]bool{}, taken: newTaken()} }

func newTaken() taken {
	return taken{byProtocol: map[string]int64{}, byStream: map[string]int64{}, byAddress: map[string]int64{}, broadcasts: map[string]string{}}
}

// Take implements mediaserver.Sink.
func (s *sink) Take(lines []event.Usage, broadcasts []event.Batch, _ string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, u := range lines {
		s.byAddress[u.Address] += u.Bytes
		if u.Direction == "ingest" {
			s.ingest += u.Bytes
			s.byStream[u.Stream] += u.Bytes
		} else {
			s.playout += u.Bytes
			s.byProtocol[u.Protocol] += u.Bytes
		}
	}
	for _, b := range broadcasts {
		if !s.known[b.Session.ID] {
			s.broadcasts[b.Session.ID] = b.Session.Stream
		}
	}
	return nil
}

// take returns what counted since it was called last.
func (s *sink) take() taken {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.taken
	s.taken = newTaken()
	for id := range all.broadcasts {
		s.known[id] = true
	}
	return all
}

// proxy counts the bytes of the sockets of clients.
type proxy struct {
	address  string
	up, down atomic.Int64
	open     sync.WaitGroup // connections
}

// begun waits until a direction has some bytes of media of each stream, and reports whether that came to be.
func begun(count *atomic.Int64, streams int) bool {
	const handshakes = 8_000
	for deadline := time.Now().Add(20 * time.Second); count.Load() < int64(streams)*handshakes; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			return false
		}
	}
	return true
}

func newProxy(t *testing.T, to string) *proxy {
	t.Helper()
	host, _, err := net.SplitHostPort(to)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
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
			p.open.Go(func() { p.pass(client, to) })
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
	if half, ok := server.(*net.TCPConn); ok {
		_ = half.CloseWrite() // the server has closed it
	}
	select {
	case <-ended:
	case <-time.After(300 * time.Millisecond): // what is on its way; some servers go on until they are closed
	}
}

// newDatagramProxy counts datagrams with the headers of IP and UDP.
func newDatagramProxy(t *testing.T, to string) *proxy {
	t.Helper()
	const headers = 20 + 8
	l, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server, err := net.Dial("udp", to)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = l.Close(), server.Close() })
	p := &proxy{address: l.LocalAddr().String()}
	var client atomic.Value
	go func() {
		buffer := make([]byte, 64<<10)
		for {
			n, from, err := l.ReadFrom(buffer)
			if err != nil {
				return // the test has ended
			}
			client.Store(from)
			p.up.Add(int64(n + headers))
			_, _ = server.Write(buffer[:n]) // a datagram may be lost
		}
	}()
	go func() {
		buffer := make([]byte, 64<<10)
		for {
			n, err := server.Read(buffer)
			if err != nil {
				return // likewise
			}
			p.down.Add(int64(n + headers))
			_, _ = l.WriteTo(buffer[:n], client.Load().(net.Addr))
		}
	}()
	return p
}

func write(t *testing.T, file, text string) string {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil { //nolint:gosec // a server of another user reads it
		t.Fatal(err)
	}
	return file
}

// begin runs a program; stop ends it with the given signal and waits for it, or halts it and lets it go on.
func begin(t *testing.T, command []string, dir string) (stop func(os.Signal)) {
	t.Helper()
	p := processtest.New(t, command...)
	p.Dir = dir
	p.Run()
	return func(signal os.Signal) {
		p.Signal(signal)
		if signal == syscall.SIGSTOP || signal == syscall.SIGCONT { // which do not end it
			return
		}
		select {
		case <-p.Ended(): // the status says how it ended, which it was made to
		case <-time.After(3 * time.Second):
			p.Kill()
		}
	}
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
	*testing.T
	server *server
	run    run
	dir    string
	media  string // folder
	api    *front
	counts *sink
	others []other // pollers that ask otherwise
	stop   func(os.Signal)

	pollers []*mediaserver.Poller
	rows    []row
}

// other is a poller that asks the same server in another way.
type other struct {
	name   string
	counts *sink
}

// publish sends to streams for a while, and returns the bytes of the sockets.
func (b *bench) publish(length time.Duration, streams ...string) int64 {
	p, stop := b.publisher(streams...)
	time.Sleep(length)
	stop(os.Interrupt)
	p.open.Wait()
	return p.up.Load()
}

// publisher begins to send to streams, by default to alpha.
func (b *bench) publisher(streams ...string) (p *proxy, stop func(os.Signal)) {
	p = newProxy(b.T, b.run.media)
	file := "media.flv"
	if b.run.format == "mp3" {
		file = "media.mp3"
	}
	command := []string{"ffmpeg", "-nostdin", "-loglevel", "error", "-re", "-stream_loop", "-1", "-i", filepath.Join(b.media, file)}
	if len(streams) == 0 {
		streams = []string{"alpha"}
	}
	for _, stream := range streams {
		command = append(command, "-c", "copy", "-f", b.run.format, fill(b.run.publish, p.address, stream))
	}
	stop = begin(b.T, command, b.media)
	if !begun(&p.up, len(streams)) {
		b.Error("a publisher sends nothing")
	}
	return p, stop
}

// watch plays alpha for a while, and returns the bytes of the socket.
func (b *bench) watch(length time.Duration) int64 { return b.read(b.run.readers[0], length) }

func (b *bench) read(r reader, length time.Duration) int64 {
	to := cmp.Or(r.address, b.run.media)
	var p *proxy
	if r.datagrams {
		p = newDatagramProxy(b.T, to)
	} else {
		p = newProxy(b.T, to)
	}
	command := append([]string{"ffmpeg", "-nostdin", "-loglevel", "error"}, r.arguments...)
	stop := begin(b.T, append(command, "-i", fill(r.url, p.address, "alpha"), "-c", "copy", "-f", "null", "-"), b.media)
	if !begun(&p.down, 1) {
		b.Errorf("a player is sent nothing by %s", r.protocol)
	}
	time.Sleep(length)
	stop(os.Interrupt)
	p.open.Wait()
	if r.datagrams {
		time.Sleep(100 * time.Millisecond) // what is on its way
	}
	return p.down.Load()
}

// row is a case of a server as it went.
type row struct {
	kind, name                      string
	sent, ingest, received, playout int64 // truth and count of both directions
	publishers, broadcasts          int
}

// truth is what a case did.
type truth struct {
	publishers, watchers int
	sent, received       int64
	// unseen is for how long nobody polled what each did, beyond what polls miss.
	unseen time.Duration
	// short says that players came and went between two polls.
	short bool
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
		t.Skip("takes two minutes: go tool mage mediaServers")
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
