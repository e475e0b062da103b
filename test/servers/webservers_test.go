package servers

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/streamlens/streamlens/pkg/processtest"
)

// nginx as Debian configures it.
func startNginx(t *testing.T, w *world) running {
	logs := w.folder(t, "log")
	plain, secure := processtest.FreePort(t), processtest.FreePort(t)
	site := w.file(t, "site.conf", fmt.Sprintf(`
%s
server {
	listen 127.0.0.1:%s; listen [::1]:%s;
	listen 127.0.0.1:%s ssl http2;
	ssl_certificate %s; ssl_certificate_key %s;
	root %s;
	access_log %s/access.log;
	access_log %s/streamlens.log streamlens;
}`, strings.ReplaceAll(snippet(t, "nginx.md", "log_format streamlens"), "access_log ", "# "), plain, plain, secure, w.cert, w.key, w.media, logs, logs))
	configuration := w.file(t, "nginx.conf", shipped(t, "/etc/nginx/nginx.conf",
		"/var/log/nginx", logs, "/run/nginx.pid", w.path("nginx.pid"), "/etc/nginx/sites-enabled/*", site))
	p := run(t, installed(t, "nginx"), "-c", configuration, "-g", "daemon off;")
	e := endpoints{http: "127.0.0.1:" + plain, http6: "[::1]:" + plain, https: "127.0.0.1:" + secure}
	e.ready(t, p)
	return running{
		endpoints: e,
		logs: []accessLog{
			{name: "nginx-combined", file: filepath.Join(logs, "access.log"), page: "nginx.md", shown: "/var/log/nginx/access.log",
				parse: byExpression(combined, clfTime), documented: bodies, format: "combined", has: columns{true, true, true, false}},
			{name: "nginx-json", file: filepath.Join(logs, "streamlens.log"), parse: parseJSON, documented: headersAndBodies,
				format: "nginx-json", has: columns{true, true, true, true}},
		},
		stop: func() { stop(t, p, syscall.SIGQUIT) },
		rotation: shipped(t, "/etc/logrotate.d/nginx", "/var/log/nginx/*.log", filepath.Join(logs, "access.log"),
			"invoke-rc.d nginx rotate", fmt.Sprintf("kill -USR1 %d", p.PID())),
	}
}

// Apache as Debian configures it, with the formats of httpd's own configuration beside it.
func startApache(t *testing.T, w *world) running {
	logs := w.folder(t, "log")
	plain, secure, h2c := processtest.FreePort(t), processtest.FreePort(t), processtest.FreePort(t)
	const shippedIn = "/etc/apache2"
	for _, folder := range []string{"mods-enabled", "conf-enabled"} {
		links, err := os.ReadDir(filepath.Join(shippedIn, folder))
		if err != nil {
			t.Fatal(err)
		}
		for _, link := range links {
			w.file(t, filepath.Join(folder, link.Name()), shipped(t, filepath.Join(shippedIn, folder, link.Name())))
		}
	}
	for _, module := range []string{"ssl.load", "socache_shmcb.load", "http2.load", "http2.conf"} {
		w.file(t, filepath.Join("mods-enabled", module), shipped(t, filepath.Join(shippedIn, "mods-available", module)))
	}
	w.file(t, "ports.conf", fmt.Sprintf("Listen 127.0.0.1:%s\nListen [::1]:%s\nListen 127.0.0.1:%s https\nListen 127.0.0.1:%s\n", plain, plain, secure, h2c))
	w.file(t, "sites-enabled/000-default.conf", fmt.Sprintf(`
ServerName localhost
LogFormat "%%h %%l %%u %%t \"%%r\" %%>s %%b" httpd_common
LogFormat "%%h %%l %%u %%t \"%%r\" %%>s %%b \"%%{Referer}i\" \"%%{User-Agent}i\"" httpd_combined
%s
%s
<Directory %s>
	Require all granted
</Directory>
<VirtualHost *>
	DocumentRoot %s
	CustomLog ${APACHE_LOG_DIR}/access.log combined
	CustomLog ${APACHE_LOG_DIR}/other_vhosts_access.log vhost_combined
	CustomLog ${APACHE_LOG_DIR}/common.log httpd_common
	CustomLog ${APACHE_LOG_DIR}/combined.log httpd_combined
	CustomLog ${APACHE_LOG_DIR}/streamlens.log streamlens
	CustomLog ${APACHE_LOG_DIR}/streamlens-cmcd.log streamlens_cmcd
</VirtualHost>
<VirtualHost *:%s>
	DocumentRoot %s
	SSLEngine on
	SSLCertificateFile %s
	SSLCertificateKeyFile %s
	CustomLog ${APACHE_LOG_DIR}/access.log combined
	CustomLog ${APACHE_LOG_DIR}/other_vhosts_access.log vhost_combined
	CustomLog ${APACHE_LOG_DIR}/common.log httpd_common
	CustomLog ${APACHE_LOG_DIR}/combined.log httpd_combined
	CustomLog ${APACHE_LOG_DIR}/streamlens.log streamlens
	CustomLog ${APACHE_LOG_DIR}/streamlens-cmcd.log streamlens_cmcd
</VirtualHost>
`, firstLine(snippet(t, "apache.md", "LogFormat", "streamlens.log")), firstLine(snippet(t, "apache.md", "LogFormat", "streamlens_cmcd")), w.media, w.media, secure, w.media, w.cert, w.key))
	environment := []string{
		"APACHE_RUN_USER=www-data", "APACHE_RUN_GROUP=www-data", "APACHE_PID_FILE=" + w.path("apache2.pid"),
		"APACHE_RUN_DIR=" + w.folder(t, "run"), "APACHE_LOCK_DIR=" + w.folder(t, "lock"), "APACHE_LOG_DIR=" + logs,
	}
	p := runWith(t, nil, environment, installed(t, "apache2"), "-d", w.dir, "-f", filepath.Join(shippedIn, "apache2.conf"), "-D", "FOREGROUND")
	e := endpoints{http: "127.0.0.1:" + plain, http6: "[::1]:" + plain, https: "127.0.0.1:" + secure, h2c: "127.0.0.1:" + h2c}
	e.ready(t, p)
	log := func(name, file, shown, expression, format string, documented func(exchange) (int64, int64), has columns) accessLog {
		return accessLog{name: name, file: filepath.Join(logs, file), page: "apache.md", shown: shown, parse: byExpression(expression, clfTime),
			documented: documented, format: format, has: has}
	}
	return running{
		endpoints: e,
		logs: []accessLog{
			log("apache-combined", "access.log", "/var/log/apache2/access.log", combined, "combined", sentByApache, columns{true, true, true, false}),
			log("apache-vhost-combined", "other_vhosts_access.log", "", `^\S+:\d+ (?P<address>\S+) \S+ \S+`+combinedRest, "apache-vhost-combined", sentByApache, columns{true, true, true, false}),
			log("httpd-common", "common.log", "", combined, "common", promisedByApache, columns{queries: true}),
			log("httpd-combined", "combined.log", "", combined, "combined", promisedByApache, columns{true, true, true, false}),
			log("apache-end", "streamlens.log", "", combined, "combined", sentByApache, columns{true, true, true, false}),
			log("apache-cmcd", "streamlens-cmcd.log", "/var/log/apache2/streamlens-cmcd.log", combined, "", sentByApache, columns{true, true, true, true}),
		},
		stop: func() { stop(t, p, syscall.SIGTERM) },
		rotation: shipped(t, "/etc/logrotate.d/apache2", "/var/log/apache2/*.log", filepath.Join(logs, "access.log"),
			"pgrep -f ^/usr/sbin/apache2 > /dev/null", "true",
			"invoke-rc.d apache2 reload 2>&1 | logger -t apache2.logrotate", fmt.Sprintf("kill -USR1 %d", p.PID())),
	}
}

// sentByApache is %O: all that was sent on the connection for the request. In HTTP/1.1 that is what TLS makes of it, with its
// handshake; in HTTP/2 frames and header, without TLS.
func sentByApache(x exchange) (from, to int64) {
	if x.TLS || x.Protocol == "HTTP/2.0" {
		const most = 8 << 10 // of handshake and frames
		return x.Body, x.Wire + most
	}
	return headersAndBodies(x)
}

// promisedByApache is %b: the body, also where the client left before its end.
func promisedByApache(x exchange) (from, to int64) {
	if x.Dropped {
		return 40_000_000, 40_000_000
	}
	return bodies(x)
}

// startLighttpd starts lighttpd as Debian configures it, with its module for access logs, and perhaps with the format of the page.
func startLighttpd(better bool) func(t *testing.T, w *world) running {
	return func(t *testing.T, w *world) running {
		logs := w.folder(t, "log")
		plain, secure := processtest.FreePort(t), processtest.FreePort(t)
		accesslog := w.file(t, "conf-enabled/10-accesslog.conf", shipped(t, "/etc/lighttpd/conf-available/10-accesslog.conf", "/var/log/lighttpd", logs))
		text := fmt.Sprintf("server.bind = \"127.0.0.1\"\n$SERVER[\"socket\"] == \"[::1]:%s\" { }\n", plain)
		e := endpoints{http: "127.0.0.1:" + plain, http6: "[::1]:" + plain, h2c: "127.0.0.1:" + plain}
		if exists("/usr/lib/lighttpd/mod_openssl.so") {
			text += fmt.Sprintf(`
server.modules += ( "mod_openssl" )
$SERVER["socket"] == "127.0.0.1:%s" { ssl.engine = "enable" ssl.pemfile = "%s" }
`, secure, w.both)
			e.https = "127.0.0.1:" + secure
		}
		log := accessLog{name: "lighttpd", file: filepath.Join(logs, "access.log"), page: "lighttpd.md", shown: "/var/log/lighttpd/access.log",
			parse: byExpression(combined, clfTime), documented: bodies, format: "lighttpd", has: columns{true, true, true, false}}
		if better {
			text += snippet(t, "lighttpd.md", "accesslog.escaping")
			log = accessLog{name: "lighttpd-json", file: log.file, parse: parseJSON, documented: sentByLighttpd, format: "nginx-json", has: columns{true, true, true, true}}
		}
		own := w.file(t, "conf-enabled/20-own.conf", text)
		configuration := w.file(t, "lighttpd.conf", shipped(t, "/etc/lighttpd/lighttpd.conf",
			`"/var/www/html"`, `"`+w.media+`"`, "/var/cache/lighttpd/uploads", w.folder(t, "uploads"), "/var/log/lighttpd", logs,
			"/run/lighttpd.pid", w.path("lighttpd.pid"), "= 80\n", "= "+plain+"\n",
			`include_shell "/usr/share/lighttpd/use-ipv6.pl " + server.port`, "",
			`include "/etc/lighttpd/conf-enabled/*.conf"`, fmt.Sprintf("include %q\ninclude %q", accesslog, own)))
		p := run(t, installed(t, "lighttpd"), "-D", "-f", configuration)
		e.ready(t, p)
		return running{
			endpoints: e, logs: []accessLog{log}, stop: func() { stop(t, p, syscall.SIGINT) },
			rotation: shipped(t, "/etc/logrotate.d/lighttpd", "/var/log/lighttpd/*.log", log.file,
				"if [ -x /usr/sbin/invoke-rc.d ]", "if true", "invoke-rc.d lighttpd reopen-logs", fmt.Sprintf("kill -HUP %d", p.PID())),
		}
	}
}

// sentByLighttpd is %O: header and body. In HTTP/2 the header is counted as it were in HTTP/1.1.
func sentByLighttpd(x exchange) (from, to int64) {
	if x.Protocol == "HTTP/2.0" {
		const most = 500
		return x.Body, x.Body + most
	}
	return headersAndBodies(x)
}

// H2O as Debian configures it, but without rotatelogs behind it.
func startH2O(t *testing.T, w *world) running {
	logs := w.folder(t, "log")
	plain, secure := processtest.FreePort(t), processtest.FreePort(t)
	configuration := w.file(t, "h2o.conf", fmt.Sprintf(`
access-log: %s/access.log
error-log: %s/error.log
pid-file: %s
listen: {host: 127.0.0.1, port: %s}
listen: {host: "::1", port: %s}
listen: {host: 127.0.0.1, port: %s, ssl: {certificate-file: %s, key-file: %s}}
hosts:
  default:
    paths:
      /:
        file.dir: %s
`, logs, logs, w.path("h2o.pid"), plain, plain, secure, w.cert, w.key, w.media))
	p := run(t, installed(t, "h2o"), "-m", "worker", "-c", configuration)
	e := endpoints{http: "127.0.0.1:" + plain, http6: "[::1]:" + plain, https: "127.0.0.1:" + secure, h2c: "127.0.0.1:" + plain}
	e.ready(t, p)
	return running{
		endpoints: e,
		logs: []accessLog{{name: "h2o", file: filepath.Join(logs, "access.log"), page: "h2o.md", shown: "/var/log/h2o/access.log",
			parse: byExpression(combined, clfTime), documented: bodies, format: "combined", has: columns{true, true, true, false},
			anonymous: map[string]bool{"dropped": true}}},
		stop: func() { stop(t, p, syscall.SIGTERM) },
	}
}

// Caddy with the log of its directive.
func startCaddy(t *testing.T, w *world) running {
	logs := w.folder(t, "log")
	plain, secure, h2c := processtest.FreePort(t), processtest.FreePort(t), processtest.FreePort(t)
	configuration := w.file(t, "Caddyfile", fmt.Sprintf(`
{
	admin off
	auto_https off
	storage file_system %s
	servers 127.0.0.1:%s {
		protocols h1 h2c
	}
}
http://:%s, http://:%s {
	bind 127.0.0.1 ::1
	root * %s
	file_server
	%s
}
https://localhost:%s {
	bind 127.0.0.1
	tls %s %s
	root * %s
	file_server
	log {
		output file %s/access.log
	}
}
`, w.folder(t, "storage"), h2c, plain, h2c, w.media, strings.ReplaceAll(snippet(t, "caddy.md", "output file"), "/var/log/caddy", logs), secure, w.cert, w.key, w.media, logs))
	p := runWith(t, nil, []string{"HOME=" + w.dir}, installed(t, "caddy"), "run", "--adapter", "caddyfile", "--config", configuration)
	e := endpoints{http: "127.0.0.1:" + plain, http6: "[::1]:" + plain, https: "127.0.0.1:" + secure, h2c: "127.0.0.1:" + h2c}
	e.ready(t, p)
	return running{
		endpoints: e,
		logs: []accessLog{{name: "caddy", file: filepath.Join(logs, "access.log"), page: "caddy.md", shown: "/var/log/caddy/access.log",
			parse: parseCaddy, documented: bodies, format: "caddy", has: columns{true, true, true, true}}},
		stop: func() { stop(t, p, syscall.SIGTERM) },
	}
}

func parseCaddy(line string) (entry, error) {
	var l struct {
		TS      float64 `json:"ts"`
		Request struct {
			IP     string `json:"client_ip"`
			Method string `json:"method"`
			URI    string `json:"uri"`
		} `json:"request"`
		Size   int64 `json:"size"`
		Status int   `json:"status"`
	}
	if err := jsonLine(line, &l); err != nil {
		return entry{}, err
	}
	return entry{address: l.Request.IP, method: l.Request.Method, target: l.Request.URI, status: l.Status, bytes: l.Size, time: secondsSince1970(l.TS)}, nil
}
