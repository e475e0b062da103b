package mediaservers

import (
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/processtest"
	"github.com/streamlens/streamlens/pkg/source/mediaserver"
)

func port(address string) string {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	return port
}

// servers are those that are known how to run.
func servers() []server {
	return []server{
		{
			kind: mediaserver.TypeIcecast, variable: "ICECAST", programs: []string{"icecast2", "icecast"}, hint: "apt install icecast2",
			lag: 5 * time.Second, prepare: icecast,
		},
		{
			kind: mediaserver.TypeLal, variable: "LAL", programs: []string{"lalserver"}, hint: "build app/lalserver of its repository",
			hooks: true, prepare: lal,
		},
		{
			kind: mediaserver.TypeGo2rtc, variable: "GO2RTC", programs: []string{"go2rtc"}, hint: "build its repository",
			prepare: go2rtc,
		},
		{
			kind: mediaserver.TypeNodeMediaServer, variable: "NODE_MEDIA_SERVER", programs: []string{"node-media-server"},
			hint: "npm install --global node-media-server@4", hooks: true, prepare: nodeMediaServer,
		},
		{
			kind: mediaserver.TypeNginxRTMP, variable: "NGINX", programs: []string{"nginx"}, hint: "apt install libnginx-mod-rtmp",
			prepare: nginxRTMP,
		},
		{
			kind: mediaserver.TypeMediaMTX, variable: "MEDIAMTX", programs: []string{"mediamtx"}, hint: "get a release of it",
			prepare: mediaMTX,
		},
		{
			kind: mediaserver.TypeSRS, variable: "SRS", programs: []string{"srs"}, hint: "build its repository",
			hooks: true, prepare: srs,
		},
	}
}

func icecast(t *testing.T, program, dir, host, _ string) run {
	address := processtest.FreeAddressOf(t, host)
	file := write(t, filepath.Join(dir, "icecast.xml"), fmt.Sprintf(`<icecast>
<authentication><source-password>source</source-password><admin-user>admin</admin-user><admin-password>secret</admin-password></authentication>
<limits><sources>40</sources><burst-size>8192</burst-size></limits>
<hostname>localhost</hostname><location>here</location><admin>admin@example.com</admin>
<listen-socket><port>%s</port><bind-address>%[3]s</bind-address></listen-socket>
<paths><basedir>%[2]s</basedir><logdir>%[2]s</logdir><webroot>%[2]s</webroot><adminroot>%[2]s</adminroot></paths>
<logging><accesslog>access.log</accesslog><errorlog>error.log</errorlog></logging>
<security><chroot>0</chroot><changeowner><user>nobody</user><group>nogroup</group></changeowner></security>
</icecast>`, port(address), dir, host))
	return run{
		command: []string{program, "-c", file}, media: address, format: "mp3", publish: "icecast://source:source@ADDRESS/STREAM",
		readers: []reader{{protocol: "icecast", url: "http://ADDRESS/STREAM"}},
		config:  mediaserver.Config{URL: "http://" + address, Username: "admin", Password: "secret"},
	}
}

func lal(t *testing.T, program, dir, host, hook string) run {
	media, api, web, rtsp := processtest.FreeAddressOf(t, host), processtest.FreeAddressOf(t, host), processtest.FreeAddressOf(t, host), processtest.FreeAddressOf(t, host)
	file := write(t, filepath.Join(dir, "lal.json"), fmt.Sprintf(`{"conf_version":"v0.4.1","rtmp":{"enable":true,"addr":"%s"},
"default_http":{"http_listen_addr":"%s"},"httpflv":{"enable":true,"url_pattern":"/","gop_num":1},"hls":{"enable":false},"httpts":{"enable":false},"rtsp":{"enable":true,"addr":"%[6]s"},
"record":{"enable_flv":false,"enable_mpegts":false},"relay_push":{"enable":false},"static_relay_pull":{"enable":false},
"http_api":{"enable":true,"addr":"%[3]s"},"server_id":"1","http_notify":{"enable":true,"on_pub_start":"%[4]s?event=on_pub_start",
"on_pub_stop":"%[4]s?event=on_pub_stop","on_sub_start":"%[4]s?event=on_sub_start","on_sub_stop":"%[4]s?event=on_sub_stop",
"on_server_start":"%[4]s?event=on_server_start"},"pprof":{"enable":false},
"log":{"level":1,"filename":"%[5]s/lal.log","is_to_stdout":true}}`, media, web, api, hook, dir, rtsp))
	return run{
		command: []string{program, "-c", file}, media: media, format: "flv", publish: "rtmp://ADDRESS/live/STREAM", config: mediaserver.Config{URL: "http://" + api},
		readers: []reader{
			{protocol: "rtmp", url: "rtmp://ADDRESS/live/STREAM"},
			{protocol: "rtsp", address: rtsp, url: "rtsp://ADDRESS/live/STREAM", arguments: overTCP},
			{protocol: "flv", address: web, url: "http://ADDRESS/live/STREAM.flv", uncounted: true},
		},
	}
}

// overTCP has ffmpeg play RTSP over the connection that it asks by.
var overTCP = []string{"-rtsp_transport", "tcp"}

func go2rtc(t *testing.T, program, dir, host, _ string) run {
	media, api, rtsp := processtest.FreeAddressOf(t, host), processtest.FreeAddressOf(t, host), processtest.FreeAddressOf(t, host)
	var streams strings.Builder
	for _, name := range append([]string{"alpha", "beta"}, thirty()...) {
		fmt.Fprintf(&streams, "  %s: \"\"\n", name)
	}
	file := write(t, filepath.Join(dir, "go2rtc.yaml"), fmt.Sprintf(`
api: {listen: "%s"}
rtmp: {listen: "%s"}
rtsp: {listen: "%s"}
webrtc: {listen: ""}
streams:
%s`, api, media, rtsp, &streams))
	return run{
		command: []string{program, "-config", file}, media: media, format: "flv", publish: "rtmp://ADDRESS/STREAM", config: mediaserver.Config{URL: "http://" + api},
		readers: []reader{
			{protocol: "flv", address: api, url: "http://ADDRESS/api/stream.flv?src=STREAM"},
			{protocol: "rtsp", address: rtsp, url: "rtsp://ADDRESS/STREAM", arguments: overTCP},
		},
	}
}

func nodeMediaServer(t *testing.T, program, dir, host, hook string) run {
	media, api := processtest.FreeAddressOf(t, host), processtest.FreeAddressOf(t, host)
	file := write(t, filepath.Join(dir, "config.json"), fmt.Sprintf(`{"bind":"%[5]s","notify":{"url":"%[1]s"},"store":{"path":"%s/data"},
"auth":{"jwt":{"secret":"s","users":[{"username":"admin","password":"secret","role":"admin"}]}},"rtmp":{"port":%s},"http":{"port":%s},
"record":{"auto":false,"path":"%[2]s/record"}}`, hook, dir, port(media), port(api), host))
	return run{
		command: []string{"node", program, "-c", file}, media: media, format: "flv", publish: "rtmp://ADDRESS/live/STREAM",
		config: mediaserver.Config{URL: "http://" + api, Username: "admin", Password: "secret"},
		readers: []reader{
			{protocol: "rtmp", url: "rtmp://ADDRESS/live/STREAM"},
			{protocol: "flv", address: api, url: "http://ADDRESS/live/STREAM.flv"},
		},
	}
}

func nginxRTMP(t *testing.T, program, dir, host, _ string) run {
	media, web := processtest.FreeAddressOf(t, host), processtest.FreeAddressOf(t, host)
	file := write(t, filepath.Join(dir, "nginx.conf"), fmt.Sprintf(`
load_module /usr/lib/nginx/modules/ngx_rtmp_module.so;
daemon off;
worker_processes 1;
pid %[1]s/pid;
error_log %[1]s/error.log;
events {}
rtmp {
  access_log %[1]s/rtmp.log;
  server { listen %[2]s; application live { live on; } }
}
http {
  access_log off;
  client_body_temp_path %[1]s/body;
  proxy_temp_path %[1]s/proxy;
  fastcgi_temp_path %[1]s/fastcgi;
  uwsgi_temp_path %[1]s/uwsgi;
  scgi_temp_path %[1]s/scgi;
  server { listen %[3]s; location /stat { rtmp_stat all; } }
}`, dir, media, web))
	return run{
		command: []string{program, "-c", file, "-e", filepath.Join(dir, "error.log")}, media: media, format: "flv",
		publish: "rtmp://ADDRESS/live/STREAM", readers: []reader{{protocol: "rtmp", url: "rtmp://ADDRESS/live/STREAM"}},
		config: mediaserver.Config{URL: "http://" + web + "/stat"}, log: filepath.Join(dir, "rtmp.log"),
	}
}

func mediaMTX(t *testing.T, program, dir, host, _ string) run {
	media, api, rtsp, hls, srt := processtest.FreeAddressOf(t, host), processtest.FreeAddressOf(t, host), processtest.FreeAddressOf(t, host), processtest.FreeAddressOf(t, host), processtest.FreeAddressOf(t, host)
	file := write(t, filepath.Join(dir, "mediamtx.yml"), fmt.Sprintf(`
api: yes
apiAddress: "%s"
rtmpAddress: "%s"
rtspAddress: "%s"
rtspTransports: [tcp]
hlsAddress: "%s"
srtAddress: "%s"
webrtc: no
moq: no
paths: {all_others: {}}
`, api, media, rtsp, hls, srt))
	return run{
		command: []string{program, file}, media: media, format: "flv", publish: "rtmp://ADDRESS/STREAM", config: mediaserver.Config{URL: "http://" + api},
		readers: []reader{
			{protocol: "rtmp", url: "rtmp://ADDRESS/STREAM"},
			{protocol: "rtsp", address: rtsp, url: "rtsp://ADDRESS/STREAM", arguments: overTCP},
			{protocol: "hls", address: hls, url: "http://ADDRESS/STREAM/index.m3u8"},
			{protocol: "srt", address: srt, url: "srt://ADDRESS?streamid=read:STREAM&mode=caller", datagrams: true},
		},
	}
}

func srs(t *testing.T, program, dir, host, hook string) run {
	media, api := processtest.FreeAddressOf(t, host), processtest.FreeAddressOf(t, host)
	file := write(t, filepath.Join(dir, "srs.conf"), fmt.Sprintf(`
listen %s;
daemon off;
pid %s/srs.pid;
srs_log_tank console;
http_api { enabled on; listen %s; }
vhost __defaultVhost__ {
  http_hooks { enabled on; on_publish %[4]s; on_unpublish %[4]s; on_play %[4]s; on_stop %[4]s; on_close %[4]s; }
}`, media, dir, api, hook))
	return run{
		command: []string{program, "-c", file}, media: media, format: "flv", publish: "rtmp://ADDRESS/live/STREAM", config: mediaserver.Config{URL: "http://" + api},
		readers: []reader{{protocol: "rtmp", url: "rtmp://ADDRESS/live/STREAM"}},
	}
}
