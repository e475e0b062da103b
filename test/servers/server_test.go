package servers

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// server is a web server that can be run.
type server struct {
	name     string
	programs []string // that it needs
	packages string   // of Debian that have them, or how else to get them
	version  []string // command that prints its version
	of       string   // the line of the version has this text
	quick    bool     // runs in CI, where the programs are
	// start starts it and returns at once. What fails ends the test.
	start func(t *testing.T, w *world) running
}

// running is a server that runs.
type running struct {
	endpoints
	logs []accessLog
	// keeps is how long it keeps lines before it writes them. What it keeps when it ends may be lost.
	keeps time.Duration
	// stop ends it.
	stop func()
	// rotation is what Debian gives to logrotate for the first of the logs, made for this server; "" if nothing.
	rotation string
}

// accessLog is one of the logs that a server writes.
type accessLog struct {
	name  string // of the test, and of the organisation that gets the lines
	file  string
	page  string // of docs/sources, "" if none shows this log
	shown string // the path that the page shows
	parse parser
	// documented is what the server says that it logs for an exchange: from and to are the same where that is one number.
	documented func(x exchange) (from, to int64)
	format     string // what the program should take it for; "" where more than one would do
	has        columns
	// anonymous are the exchanges of which the server does not log the address.
	anonymous map[string]bool
}

// columns are what a log has of a request beside the rest.
type columns struct{ agents, referrers, queries, cmcd bool }

// world is what servers have to deliver, and the folder in which they work.
type world struct {
	dir      string // of the server: configuration, logs
	media    string // root of the files
	origin   string // host:port of a server of the same files, for proxies
	cert     string // of localhost, PEM
	key      string // of it
	both     string // both in one file
	modified time.Time
}

// segments are the files of the stream cam1, in bytes.
func segments() map[string]int {
	sizes := map[string]int{}
	for i := range 6 {
		sizes[fmt.Sprintf("hls/cam1/seg-%d.ts", i)] = 80_000 + 940*i*i%5000 + 188*i
	}
	sizes["hls/stu dio/seg-0.ts"] = 81_028
	sizes["hls/bühne/seg-1.ts"] = 83_660
	sizes["hello.txt"] = 5000
	return sizes
}

// newWorld writes the files, and starts an origin of them.
func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{dir: t.TempDir(), media: t.TempDir(), modified: time.Now().Add(-48 * time.Hour).Truncate(time.Second)}
	random := mathrand.NewChaCha8([32]byte{1})
	for name, size := range segments() {
		content := make([]byte, size)
		if _, err := random.Read(content); err != nil {
			t.Fatal(err)
		}
		w.write(t, name, content)
	}
	playlist := "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:0\n"
	for i := range 6 {
		playlist += fmt.Sprintf("#EXTINF:2.0,\nseg-%d.ts\n", i)
	}
	w.write(t, "hls/cam1/index.m3u8", []byte(playlist))
	w.write(t, "hls/cam1/seg-900.ts", bytes.Repeat([]byte("0123456789abcdef"), 40_000_000/16))
	// Servers give up their rights, and must reach all of it.
	for _, folder := range []string{w.dir, w.media} {
		for ; strings.HasPrefix(folder, filepath.Join(os.TempDir(), "Test")); folder = filepath.Dir(folder) {
			if err := os.Chmod(folder, 0o777); err != nil {
				t.Fatal(err)
			}
		}
	}
	w.writeCertificate(t)
	files := http.FileServer(http.Dir(w.media))
	origin := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/late/") {
			time.Sleep(time.Second)
		}
		files.ServeHTTP(rw, r)
	}))
	t.Cleanup(origin.Close)
	w.origin = strings.TrimPrefix(origin.URL, "http://")
	return w
}

// write writes a file that is some days old: what is new is not cached by all.
func (w *world) write(t *testing.T, name string, content []byte) {
	t.Helper()
	file := filepath.Join(w.media, name)
	err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, content, 0o644), os.Chtimes(file, w.modified, w.modified))
	if err != nil {
		t.Fatal(err)
	}
}

func (w *world) writeCertificate(t *testing.T) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certificate = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate})
	private = pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})
	w.cert, w.key, w.both = w.file(t, "cert.pem", string(certificate)), w.file(t, "key.pem", string(private)), w.file(t, "both.pem", string(certificate)+string(private))
}

// file writes a file of the server's folder and returns its path.
func (w *world) file(t *testing.T, name, content string) string {
	t.Helper()
	path := w.path(name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o777), os.WriteFile(path, []byte(content), 0o644)); err != nil {
		t.Fatal(err)
	}
	return path
}

// folder makes a folder in which every server may write, and returns its path.
func (w *world) folder(t *testing.T, name string) string {
	t.Helper()
	path := w.path(name)
	if err := errors.Join(os.MkdirAll(path, 0o777), os.Chmod(path, 0o777)); err != nil {
		t.Fatal(err)
	}
	return path
}

func (w *world) path(name string) string { return filepath.Join(w.dir, name) }

// shipped returns a file of the distribution with some of it replaced. Each text that is replaced must be there, so that what
// the distribution ships tomorrow is not taken for what it ships today.
func shipped(t *testing.T, file string, replace ...string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(replace); i += 2 {
		if !strings.Contains(string(text), replace[i]) {
			t.Fatalf("%s has no %q", file, replace[i])
		}
		text = []byte(strings.ReplaceAll(string(text), replace[i], replace[i+1]))
	}
	return string(text)
}

// freePort returns a port on which nothing listens, neither at 127.0.0.1 nor at ::1.
func freePort(t *testing.T) string {
	t.Helper()
	for range 100 {
		l4, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		_, port, _ := net.SplitHostPort(l4.Addr().String())
		l6, err := net.Listen("tcp6", "[::1]:"+port)
		l4.Close()
		if err != nil {
			continue
		}
		l6.Close()
		return port
	}
	t.Fatal("no port is free")
	return ""
}

// process is a program that runs.
type process struct {
	t      *testing.T
	name   string
	cmd    *exec.Cmd
	output lockedBuffer
	ended  chan error
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// run starts a program in a process group of its own, which is gone when the test ends.
func run(t *testing.T, out io.Writer, environment []string, command ...string) *process {
	t.Helper()
	p := &process{t: t, name: filepath.Base(command[0]), cmd: exec.Command(command[0], command[1:]...), ended: make(chan error, 1)}
	p.cmd.Env = append(os.Environ(), environment...)
	p.cmd.Stdout, p.cmd.Stderr = &p.output, &p.output
	if out != nil {
		p.cmd.Stdout = out
	}
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p.cmd.WaitDelay = 10 * time.Second
	if err := p.cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", p.name, err)
	}
	go func() { p.ended <- p.cmd.Wait() }()
	t.Cleanup(func() {
		// What has ended already cannot be killed, which is fine.
		_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	})
	return p
}

// stop sends a signal and waits until the program is gone. Many servers end with a status of their own.
func (p *process) stop(signal syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(signal); err != nil {
		p.t.Fatalf("stop %s: %v\n%s", p.name, err, p.output.String())
	}
	select {
	case <-p.ended:
	case <-time.After(30 * time.Second):
		p.t.Fatalf("%s does not end:\n%s", p.name, p.output.String())
	}
}

// ready waits until the server answers at all its addresses, by TLS where it should.
func (e endpoints) ready(t *testing.T, processes ...*process) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for _, to := range []struct {
		address string
		tls     bool
	}{{e.http, false}, {e.http6, false}, {e.https, true}, {e.h2c, false}} {
		for to.address != "" {
			err := connect(to.address, to.tls)
			if err == nil {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s: %v\n%s", to.address, err, outputs(processes))
			}
			for _, p := range processes {
				select {
				case ended := <-p.ended:
					t.Fatalf("%s ended: %v\n%s", p.name, ended, outputs(processes))
				default:
				}
			}
			time.Sleep(50 * time.Millisecond)
		}
	}
}

func outputs(processes []*process) string {
	var b strings.Builder
	for _, p := range processes {
		fmt.Fprintf(&b, "%s: %s\n", p.name, p.output.String())
	}
	return b.String()
}

// connect opens a connection and closes it, without a request that would be logged.
func connect(address string, secure bool) error {
	conn, err := net.DialTimeout("tcp", address, time.Second)
	if err != nil {
		return err
	}
	defer conn.Close()
	if !secure {
		return nil
	}
	return tls.Client(conn, &tls.Config{ServerName: "localhost", InsecureSkipVerify: true}).Handshake()
}

// waitFor waits until a condition holds.
func waitFor(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !condition(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("after 30 s not yet: %s", what)
		}
	}
}

// exists reports whether a file is there.
func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// lookProgram finds a program on the path, in the folders of the system and in bin of the repository.
func lookProgram(name string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	for _, folder := range []string{"/usr/sbin", "/usr/lib/trafficserver", "../../bin"} {
		if path := filepath.Join(folder, name); exists(path) {
			return filepath.Abs(path)
		}
	}
	return "", fmt.Errorf("%s is not installed", name)
}

// program returns the path of a program that is there.
func program(t *testing.T, name string) string {
	t.Helper()
	path, err := lookProgram(name)
	if err != nil {
		t.Skip(err)
	}
	return path
}
