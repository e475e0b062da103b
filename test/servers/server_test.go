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
	"syscall"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/processtest"
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

// run starts a program in a process group of its own, which is gone when the test ends.
func run(t *testing.T, command ...string) *processtest.Process {
	t.Helper()
	return runWith(t, nil, nil, command...)
}

// runWith is run with a place for what the program writes, and more in its environment.
func runWith(t *testing.T, out io.Writer, environment []string, command ...string) *processtest.Process {
	t.Helper()
	p := processtest.New(t, command...)
	p.Stdout, p.Environment, p.Grouped = out, environment, true
	p.Run()
	return p
}

// stop sends a signal and waits until the program is gone. Many servers end with a status of their own.
func stop(t *testing.T, p *processtest.Process, signal syscall.Signal) {
	t.Helper()
	err := p.Stop(signal)
	if _, ended := errors.AsType[*exec.ExitError](err); err != nil && !ended {
		t.Error(err)
	}
}

// ready waits until the server answers at all its addresses, by TLS where it should.
func (e endpoints) ready(t *testing.T, processes ...*processtest.Process) {
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
				case <-p.Ended():
					t.Fatalf("%s ended\n%s", p.Command[0], outputs(processes))
				default:
				}
			}
			time.Sleep(50 * time.Millisecond)
		}
	}
}

func outputs(processes []*processtest.Process) string {
	var b strings.Builder
	for _, p := range processes {
		fmt.Fprintf(&b, "%s: %s\n", p.Command[0], p.Output.String())
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

// installed returns the path of a program that is there.
func installed(t *testing.T, name string) string {
	t.Helper()
	path, err := lookProgram(name)
	if err != nil {
		t.Skip(err)
	}
	return path
}
