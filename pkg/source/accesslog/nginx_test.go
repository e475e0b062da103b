package accesslog_test

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/source/accesslog"
)

// TestNginx lets a real nginx write the log format of the documentation, and the combined one, and decodes them.
func TestNginx(t *testing.T) {
	program, err := exec.LookPath("nginx")
	if err != nil {
		t.Skip("nginx is not installed")
	}
	page, err := os.ReadFile("../../../docs/sources/nginx.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := regexp.MustCompile(`(?s)log_format streamlens .*?;\n`).Find(page)
	if documented == nil {
		t.Fatal("the documentation has no log format")
	}
	folder := t.TempDir()
	media := bytes.Repeat([]byte("0123456789"), 1000)
	if err := os.WriteFile(filepath.Join(folder, "großes studio-7.ts"), media, 0o644); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	host := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	configuration := fmt.Sprintf(`daemon off; master_process off; pid nginx.pid; error_log error.log;
events {}
http {
  client_body_temp_path a; proxy_temp_path b; fastcgi_temp_path c; uwsgi_temp_path d; scgi_temp_path e;
  %s
  server { listen %s; root %s; access_log combined.log combined; access_log json.log streamlens; }
}`, documented, host, folder)
	if err := os.WriteFile(filepath.Join(folder, "nginx.conf"), []byte(configuration), 0o644); err != nil {
		t.Fatal(err)
	}
	nginx := exec.Command(program, "-p", folder, "-c", "nginx.conf")
	var output bytes.Buffer
	nginx.Stdout, nginx.Stderr = &output, &output
	if err := nginx.Start(); err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequest(http.MethodGet, "http://"+host+"/gro%C3%9Fes%20studio-7.ts?CMCD=sid%3D%22a%22", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Referer", "https://site.example/watch")
	request.Header.Set("User-Agent", `"quoted" back\slash ünï`)
	request.Header.Set("CMCD-Session", `sid="a",v=2`)
	var response *http.Response
	for range 100 {
		if response, err = http.DefaultClient.Do(request); err == nil {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, output.String())
	}
	if err := response.Body.Close(); err != nil {
		t.Fatal(err)
	}
	now := time.Now().UnixMilli()
	// At the end of nginx its logs are whole.
	if err := nginx.Process.Signal(syscall.SIGQUIT); err != nil {
		t.Fatal(err)
	}
	http.DefaultClient.CloseIdleConnections()
	if err := nginx.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, output.String())
	}
	for _, log := range []struct {
		format, file string
		want         accesslog.CMCD
		least, most  int64
	}{
		{"nginx-combined", "combined.log", accesslog.CMCD{Query: `sid="a"`}, 10_000, 10_000},
		{"nginx-json", "json.log", accesslog.CMCD{Query: `sid="a"`, Session: `sid="a",v=2`}, 10_100, 10_500},
	} {
		text, err := os.ReadFile(filepath.Join(folder, log.file))
		if err != nil {
			t.Fatal(err)
		}
		line, rest, _ := strings.Cut(string(text), "\n")
		var r accesslog.Request
		ok, err := decoder(t, accesslog.Format{Name: log.format}).Decode([]byte(line), &r)
		if !ok || err != nil || rest != "" {
			t.Fatalf("%s: %v %v", text, ok, err)
		}
		if r.Time < now-2000 || r.Time > now+1000 || r.Bytes < log.least || r.Bytes > log.most {
			t.Errorf("%s: got the time %d and %d bytes", line, r.Time, r.Bytes)
		}
		r.Time, r.Bytes = 0, 0
		want := accesslog.Request{
			Method: http.MethodGet, Status: 200, Path: "/großes studio-7.ts", Query: "CMCD=sid%3D%22a%22", Address: address("127.0.0.1"),
			Referrer: "https://site.example/watch", UserAgent: `"quoted" back\slash ünï`, Direction: measure.Playout, CMCD: log.want,
		}
		if r != want {
			t.Errorf("%s:\ngot  %+v\nwant %+v", line, r, want)
		}
	}
}
