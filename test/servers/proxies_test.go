package servers

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/processtest"
)

// startHAProxy starts HAProxy as Debian configures it, with rsyslog that writes its lines as Debian's does. The option httplog of
// its defaults may be replaced by another, and the frontend may have more: what a page shows.
func startHAProxy(option, page string, log accessLog) func(t *testing.T, w *world) running {
	return func(t *testing.T, w *world) running {
		logs := w.folder(t, "log")
		plain, secure, h2c := processtest.FreePort(t), processtest.FreePort(t), processtest.FreePort(t)
		rsyslog := installed(t, "rsyslogd")
		socket := w.path("dev-log")
		syslog := run(t, rsyslog, "-n", "-i", w.path("rsyslog.pid"), "-f", w.file(t, "rsyslog.conf", fmt.Sprintf(`
module(load="imuxsock" SysSock.Use="off")
input(type="imuxsock" Socket=%q)
$FileCreateMode 0644
%s
`, socket, shipped(t, "/etc/rsyslog.d/49-haproxy.conf", "$AddUnixListenSocket /var/lib/haproxy/dev/log", "", "/var/log/haproxy.log", filepath.Join(logs, "haproxy.log")))))
		waitFor(t, "rsyslogd listens", func() bool { return exists(socket) })
		if err := os.Chmod(socket, 0o777); err != nil {
			t.Fatal(err)
		}
		to, global, more := "", "", ""
		if page != "" {
			to = " len 8192"
			global = strings.NewReplacer("global\n", "", "log /dev/log", "log "+socket).Replace(snippet(t, page, "global"))
			more = strings.ReplaceAll(snippet(t, page, "log-format"), "frontend web\n", "")
		} else {
			global = "log " + socket + " local0"
		}
		configuration := w.file(t, "haproxy.cfg", shipped(t, "/etc/haproxy/haproxy.cfg",
			"log /dev/log\tlocal0", global+"\n\tlog stdout"+to+" format raw local0",
			"log /dev/log\tlocal1 notice", "", "chroot /var/lib/haproxy", "", "/run/haproxy/admin.sock", w.path("admin.sock"), "\tdaemon\n", "",
			"option\thttplog", option)+fmt.Sprintf(`
frontend web
	bind 127.0.0.1:%s
	bind [::1]:%s
	bind 127.0.0.1:%s ssl crt %s alpn h2,http/1.1
	bind 127.0.0.1:%s proto h2
%s
	default_backend origin
backend origin
	server o %s
`, plain, plain, secure, w.both, h2c, more, w.origin))
		stdout, err := os.Create(filepath.Join(logs, "stdout.log"))
		if err != nil {
			t.Fatal(err)
		}
		defer stdout.Close() // the process has its own handle
		p := runWith(t, stdout, nil, installed(t, "haproxy"), "-db", "-f", configuration)
		e := endpoints{http: "127.0.0.1:" + plain, slow: "127.0.0.1:" + plain, http6: "[::1]:" + plain, https: "127.0.0.1:" + secure, h2c: "127.0.0.1:" + h2c}
		e.ready(t, p, syslog)
		log.file, log.documented = stdout.Name(), sentByHAProxy
		inSyslog := log
		inSyslog.name, inSyslog.file = log.name+"-syslog", filepath.Join(logs, "haproxy.log")
		inSyslog.parse = func(line string) (entry, error) {
			_, text, _ := strings.Cut(line, "]: ")
			return log.parse(text)
		}
		return running{
			endpoints: e,
			logs:      []accessLog{log, inSyslog},
			rotation: shipped(t, "/etc/logrotate.d/haproxy", "/var/log/haproxy.log", inSyslog.file,
				"[ ! -x /usr/lib/rsyslog/rsyslog-rotate ] || /usr/lib/rsyslog/rsyslog-rotate", fmt.Sprintf("kill -HUP %d", syslog.PID())),
			stop: func() {
				stop(t, p, syscall.SIGTERM)
				stop(t, syslog, syscall.SIGTERM)
			},
		}
	}
}

// sentByHAProxy is %B: header and body as the origin sent them, which is not quite what HAProxy sends.
func sentByHAProxy(x exchange) (from, to int64) {
	const most = 400 // bytes of header that HAProxy adds or leaves out
	return x.Body, x.Body + most
}

// startVarnish starts Varnish and varnishncsa as Debian's units do.
func startVarnish(t *testing.T, w *world) running {
	logs := w.folder(t, "log")
	plain := processtest.FreePort(t)
	_, originPort, err := net.SplitHostPort(w.origin)
	if err != nil {
		t.Fatal(err)
	}
	vcl := w.file(t, "default.vcl", shipped(t, "/etc/varnish/default.vcl", `"8080"`, `"`+originPort+`"`))
	instance := w.folder(t, "varnish")
	p := run(t, installed(t, "varnishd"), "-j", "none", "-n", instance, "-F", "-a", "127.0.0.1:"+plain, "-a", "[::1]:"+plain,
		"-p", "feature=+http2", "-f", vcl, "-s", "malloc,256m")
	e := endpoints{http: "127.0.0.1:" + plain, slow: "127.0.0.1:" + plain, http6: "[::1]:" + plain, h2c: "127.0.0.1:" + plain}
	e.ready(t, p)
	access, asJSON := filepath.Join(logs, "varnishncsa.log"), filepath.Join(logs, "json.log")
	writers := []*processtest.Process{
		run(t, installed(t, "varnishncsa"), "-n", instance, "-a", "-w", access),
		run(t, "sh", "-c", "exec "+strings.NewReplacer("varnishncsa ", installed(t, "varnishncsa")+" -n "+instance+" ",
			"/var/log/varnish/streamlens.log", asJSON).Replace(snippet(t, "varnish.md", "varnishncsa -a"))),
	}
	waitFor(t, "varnishncsa writes", func() bool {
		response, err := http.Get("http://" + e.http + "/hello.txt")
		if err != nil {
			return false
		}
		response.Body.Close()
		for _, file := range []string{access, asJSON} {
			if written, err := os.Stat(file); err != nil || written.Size() == 0 {
				return false
			}
		}
		return true
	})
	return running{
		endpoints: e,
		logs: []accessLog{
			{name: "varnish", file: access, page: "varnish.md", shown: "/var/log/varnish/varnishncsa.log",
				parse: byExpression(combined, clfTime), documented: bodies, format: "combined", has: columns{true, true, true, false}},
			{name: "varnish-json", file: asJSON, parse: parseJSON, documented: headersAndBodies, format: "nginx-json", has: columns{true, true, true, true}},
		},
		stop: func() {
			stop(t, p, syscall.SIGTERM)
			for _, writer := range writers {
				stop(t, writer, syscall.SIGTERM)
			}
		},
	}
}

// startSquid starts Squid as an accelerator, with the log that it writes by default.
func startSquid(t *testing.T, w *world) running {
	logs := w.folder(t, "log")
	plain := processtest.FreePort(t)
	host, originPort, err := net.SplitHostPort(w.origin)
	if err != nil {
		t.Fatal(err)
	}
	configuration := w.file(t, "squid.conf", fmt.Sprintf(`
http_port 127.0.0.1:%s accel defaultsite=localhost
http_port [::1]:%s accel defaultsite=localhost
cache_peer %s parent %s 0 no-query originserver
http_access allow all
access_log daemon:%s/access.log squid
access_log daemon:%s/combined.log combined
%s
cache_log %s/cache.log
pid_filename %s
coredump_dir %s
pinger_enable off
shutdown_lifetime 1 second
`, plain, plain, host, originPort, logs, logs, strings.ReplaceAll(snippet(t, "squid.md", "logformat"), "/var/log/squid", logs), logs, w.path("squid.pid"), logs))
	p := run(t, installed(t, "squid"), "-N", "-f", configuration)
	e := endpoints{http: "127.0.0.1:" + plain, slow: "127.0.0.1:" + plain, http6: "[::1]:" + plain}
	e.ready(t, p)
	return running{
		endpoints: e,
		logs: []accessLog{
			{name: "squid", file: filepath.Join(logs, "access.log"), page: "squid.md", shown: "/var/log/squid/access.log", documented: headersAndBodies, format: "squid",
				parse: byExpression(`^(?P<time>\S+) +\d+ (?P<address>\S+) [A-Z_]+/(?P<status>\d+) (?P<bytes>\d+) (?P<method>\S+) (?P<target>\S+) `, "")},
			{name: "squid-combined", file: filepath.Join(logs, "combined.log"), documented: headersAndBodies, format: "squid-combined",
				parse: byExpression(combined, clfTime), has: columns{agents: true, referrers: true}},
			{name: "squid-json", file: filepath.Join(logs, "streamlens.log"), documented: headersAndBodies, format: "nginx-json",
				parse: parseJSON, has: columns{true, true, true, true}},
		},
		stop: func() { stop(t, p, syscall.SIGTERM) },
		rotation: shipped(t, "/etc/logrotate.d/squid", "/var/log/squid/*.log", filepath.Join(logs, "access.log"),
			"test ! -e /run/squid.pid || test ! -x /usr/sbin/squid || /usr/sbin/squid -k rotate", fmt.Sprintf("kill -USR1 %d", p.PID())),
	}
}

// startTrafficServer starts Apache Traffic Server with Debian's files in a folder of its own.
func startTrafficServer(t *testing.T, w *world) running {
	plain, secure := processtest.FreePort(t), processtest.FreePort(t)
	const shippedIn = "/etc/trafficserver"
	etc, logs := w.folder(t, "etc"), w.folder(t, "log")
	if err := os.CopyFS(etc, os.DirFS(shippedIn)); err != nil {
		t.Fatal(err)
	}
	records := shipped(t, filepath.Join(shippedIn, "records.config"), "STRING 8080 8080:ipv6", fmt.Sprintf(
		"STRING %s:ip-in=127.0.0.1 %s:ipv6:ip-in=[::1] %s:ip-in=127.0.0.1:ssl", plain, plain, secure))
	w.file(t, "etc/records.config", records+fmt.Sprintf("\nCONFIG proxy.config.ssl.server.cert.path STRING %s\nCONFIG proxy.config.ssl.server.private_key.path STRING %s\n", w.dir, w.dir))
	w.file(t, "etc/ssl_multicert.config", "dest_ip=* ssl_cert_name=both.pem\n")
	w.file(t, "etc/remap.config", fmt.Sprintf("map / http://%s/\n", w.origin))
	w.file(t, "etc/storage.config", w.folder(t, "cache")+" 256M\n")
	more := snippet(t, "traffic-server.md", "logging:", "name: streamlens")
	w.file(t, "etc/logging.yaml", shipped(t, filepath.Join(shippedIn, "logging.yaml"), "      mode: binary\n", `      mode: binary
    - filename: squid
      format: squid
      mode: ascii
    - filename: common
      format: common
      mode: ascii
`+logsOf(more), "logging:\n  formats:\n", "logging:\n  formats:\n"+formatsOf(more)))
	runroot := w.file(t, "runroot.yaml", fmt.Sprintf("prefix: %s\nexec_prefix: /usr\nbindir: /usr/bin\nsbindir: /usr/sbin\nsysconfdir: %s\ndatadir: %s\nincludedir: /usr/include\nlibdir: /usr/lib/trafficserver\nlibexecdir: /usr/lib/trafficserver/modules\nlocalstatedir: %s\nruntimedir: %s\nlogdir: %s\ncachedir: %s\n",
		w.dir, etc, w.folder(t, "data"), w.folder(t, "run"), w.folder(t, "run"), logs, w.path("cache")))
	p := run(t, installed(t, "traffic_server"), "--run-root="+runroot)
	e := endpoints{http: "127.0.0.1:" + plain, slow: "127.0.0.1:" + plain, http6: "[::1]:" + plain, https: "127.0.0.1:" + secure}
	e.ready(t, p)
	native := `^(?P<time>\S+) (?P<duration>\d+) (?P<address>\S+) [A-Z_]+/(?P<status>\d+) (?P<bytes>\d+) (?P<method>\S+) (?P<target>\S+) `
	ascii := filepath.Join(logs, "readable.log")
	return running{
		endpoints: e,
		logs: []accessLog{
			{name: "traffic-server", file: ascii, documented: headersAndBodies, format: "trafficserver", parse: byExpression(native, ""), has: columns{queries: true}},
			{name: "traffic-server-ascii", file: filepath.Join(logs, "squid.log"), page: "traffic-server.md", shown: "/var/log/trafficserver/squid.log",
				documented: headersAndBodies, format: "trafficserver", parse: byExpression(native, ""), has: columns{queries: true}},
			{name: "traffic-server-common", file: filepath.Join(logs, "common.log"), documented: bodies, format: "common", parse: byExpression(combined, clfTime),
				has: columns{queries: true}},
			{name: "traffic-server-cmcd", file: filepath.Join(logs, "streamlens.log"), page: "traffic-server.md", shown: "/var/log/trafficserver/streamlens.log",
				documented: headersAndBodies, has: columns{true, true, true, true},
				parse: byExpression(`^(?P<time>\S+) (?P<duration>\d+) (?P<address>\S+) (?P<status>\d+) (?P<bytes>\d+) (?P<method>\S+) (?P<target>\S+) `, "")},
		},
		keeps: 12 * time.Second,
		stop: func() {
			stop(t, p, syscall.SIGTERM)
			readable, err := exec.Command(installed(t, "traffic_logcat"), filepath.Join(logs, "squid.blog")).Output()
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(ascii, readable, 0o600); err != nil {
				t.Fatal(err)
			}
		},
	}
}

// formatsOf and logsOf are the entries of the two lists of a logging.yaml.
func formatsOf(yaml string) string {
	_, rest, _ := strings.Cut(yaml, "formats:\n")
	formats, _, _ := strings.Cut(rest, "  logs:\n")
	return formats
}

func logsOf(yaml string) string {
	_, logs, _ := strings.Cut(yaml, "  logs:\n")
	return logs
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return line
}

// startTraefik starts Traefik with the log of the page, or with the one that it writes by default.
func startTraefik(asJSON bool) func(t *testing.T, w *world) running {
	return func(t *testing.T, w *world) running {
		logs := w.folder(t, "log")
		plain, secure := processtest.FreePort(t), processtest.FreePort(t)
		log := accessLog{name: "traefik", file: filepath.Join(logs, "access.log"), documented: bodies, format: "traefik", has: columns{queries: true},
			parse: byExpression(combined+` .* (?P<duration>\d+)ms$`, clfTime)}
		accessLogs := fmt.Sprintf("accessLog:\n  filePath: %s\n", log.file)
		if asJSON {
			log = accessLog{name: "traefik-json", file: log.file, page: "traefik.md", shown: "/var/log/traefik/access.log", documented: bodies,
				format: "traefik-json", has: columns{true, true, true, true}, parse: parseTraefik}
			accessLogs = strings.ReplaceAll(snippet(t, "traefik.md", "filePath"), "/var/log/traefik", logs)
		}
		dynamic := w.file(t, "dynamic.yaml", fmt.Sprintf(`
http:
  routers:
    plain: {rule: "PathPrefix(%[1]c/%[1]c)", service: origin}
    secure: {rule: "PathPrefix(%[1]c/%[1]c)", service: origin, tls: {}}
  services:
    origin: {loadBalancer: {servers: [{url: "http://%s"}]}}
tls:
  stores:
    default: {defaultCertificate: {certFile: %s, keyFile: %s}}
`, '`', w.origin, w.cert, w.key))
		static := w.file(t, "traefik.yaml", fmt.Sprintf(`
entryPoints:
  plain: {address: "127.0.0.1:%s"}
  plain6: {address: "[::1]:%s"}
  secure: {address: "127.0.0.1:%s"}
providers: {file: {filename: %s}}
global: {checkNewVersion: false, sendAnonymousUsage: false}
%s`, plain, plain, secure, dynamic, accessLogs))
		p := run(t, installed(t, "traefik"), "--configFile="+static)
		e := endpoints{http: "127.0.0.1:" + plain, slow: "127.0.0.1:" + plain, http6: "[::1]:" + plain, https: "127.0.0.1:" + secure, h2c: "127.0.0.1:" + plain}
		e.ready(t, p)
		time.Sleep(2 * time.Second) // it listens before it knows its routes
		return running{endpoints: e, logs: []accessLog{log}, stop: func() { stop(t, p, syscall.SIGTERM) }}
	}
}

func parseTraefik(line string) (entry, error) {
	var l struct {
		Start    time.Time     `json:"StartUTC"`
		Duration time.Duration `json:"Duration"`
		Host     string        `json:"ClientHost"`
		Method   string        `json:"RequestMethod"`
		Path     string        `json:"RequestPath"`
		Status   int           `json:"DownstreamStatus"`
		Bytes    int64         `json:"DownstreamContentSize"`
	}
	err := jsonLine(line, &l)
	return entry{address: l.Host, method: l.Method, target: l.Path, status: l.Status, bytes: l.Bytes, time: l.Start, duration: l.Duration}, err
}
