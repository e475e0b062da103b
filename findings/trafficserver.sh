# What the findings about Traffic Server have in common; they source it behind lib.sh. It serves what an origin has, at the port $port.
# https_port and certificate are of TLS, and logging is the content of logging.yaml.
trafficserver() { # LOGGING
  packages trafficserver=9.2.5+ds-0+deb12u4 libhwloc15=2.9.0-1 libpcre3=2:8.39-15 libyaml-cpp0.7=0.7.0+dfsg-8+b1 \
    lighttpd=1.4.69-1 libnettle8=3.8.1-2
  port=$(free_port)
  https_port=$(free_port)
  local origin path
  origin=$(free_port)
  mkdir -p "$folder/www" "$folder/log" "$folder/run" "$folder/cache" "$folder/data"
  head -c 80000 /dev/zero >"$folder/www/seg-1.ts"
  cat >"$folder/lighttpd.conf" <<END
server.modules = ("mod_staticfile")
server.document-root = "$folder/www"
server.bind = "127.0.0.1"
server.port = $origin
END
  start lighttpd -D -m "$folder/root/usr/lib/lighttpd" -f "$folder/lighttpd.conf" 2>/dev/null
  listening "$origin"
  openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=localhost -keyout "$folder/key.pem" -out "$folder/cert.pem" 2>/dev/null
  cat "$folder/cert.pem" "$folder/key.pem" >"$folder/both.pem"
  cp -r "$folder/root/etc/trafficserver" "$folder/etc"
  sed -i "s|STRING 8080 8080:ipv6|STRING $port:ip-in=127.0.0.1 $https_port:ip-in=127.0.0.1:ssl|" "$folder/etc/records.config"
  cat >>"$folder/etc/records.config" <<END
CONFIG proxy.config.ssl.server.cert.path STRING $folder
CONFIG proxy.config.ssl.server.private_key.path STRING $folder
END
  echo "dest_ip=* ssl_cert_name=both.pem" >"$folder/etc/ssl_multicert.config"
  echo "map / http://127.0.0.1:$origin/" >"$folder/etc/remap.config"
  echo "$folder/cache 64M" >"$folder/etc/storage.config"
  echo "$1" >"$folder/etc/logging.yaml"
  chmod -R a+rwX "$folder/etc" "$folder/log" "$folder/run" "$folder/cache" "$folder/data"
  path=$folder/root/usr
  cat >"$folder/runroot.yaml" <<END
prefix: $folder
exec_prefix: $path
bindir: $path/bin
sbindir: $path/sbin
sysconfdir: $folder/etc
datadir: $folder/data
includedir: $path/include
libdir: $path/lib/trafficserver
libexecdir: $path/lib/trafficserver/modules
localstatedir: $folder/run
runtimedir: $folder/run
logdir: $folder/log
cachedir: $folder/cache
END
  start traffic_server --run-root="$folder/runroot.yaml" >/dev/null 2>&1
  listening "$port"
  listening "$https_port"
}
