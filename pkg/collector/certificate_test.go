package collector

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/config"
)

// writeCertificate writes a certificate of 127.0.0.1 with the serial number, and its key, over the files.
func writeCertificate(t *testing.T, files config.TLS, serial int64) *x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(serial),
		Subject:               pkix.Name{CommonName: "collector"},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(time.Hour),
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA:                  true,
		BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	keyBytes, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range []struct {
		path, kind string
		bytes      []byte
	}{{files.Certificate, "CERTIFICATE", der}, {files.Key, "PRIVATE KEY", keyBytes}} {
		if err := os.WriteFile(file.path, pem.EncodeToMemory(&pem.Block{Type: file.kind, Bytes: file.bytes}), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	written, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return written
}

func certificateFiles(t *testing.T) config.TLS {
	t.Helper()
	directory := t.TempDir()
	return config.TLS{Certificate: filepath.Join(directory, "site.pem"), Key: filepath.Join(directory, "site.key")}
}

func TestCertificateIsRenewed(t *testing.T) {
	files := certificateFiles(t)
	writeCertificate(t, files, 1)
	now := time.Now()
	var log strings.Builder
	c, err := openCertificate(files, func() time.Time { return now }, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	serial := func() int64 {
		t.Helper()
		got, err := c.get(&tls.ClientHelloInfo{})
		if err != nil {
			t.Fatal(err)
		}
		return got.Leaf.SerialNumber.Int64()
	}
	// Clocks of file systems are coarse, so each change gets a modification time of its own.
	changes := 0
	touch := func() {
		t.Helper()
		changes++
		for _, path := range []string{files.Certificate, files.Key} {
			if err := os.Chtimes(path, time.Time{}, now.Add(time.Duration(changes)*time.Second)); err != nil {
				t.Fatal(err)
			}
		}
	}

	writeCertificate(t, files, 2)
	touch()
	now = now.Add(certificateInterval - time.Millisecond)
	if got := serial(); got != 1 {
		t.Errorf("before the interval has passed: certificate %d, want 1", got)
	}
	now = now.Add(time.Millisecond)
	if got := serial(); got != 2 {
		t.Errorf("after the interval: certificate %d, want 2", got)
	}

	if err := os.WriteFile(files.Certificate, []byte("broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	touch()
	for range 2 {
		now = now.Add(certificateInterval)
		if got := serial(); got != 2 {
			t.Errorf("a broken file: certificate %d, want 2", got)
		}
	}
	if got := strings.Count(log.String(), "refused"); got != 1 {
		t.Errorf("the broken file is logged %d times, want once:\n%s", got, log.String())
	}

	if err := os.Remove(files.Certificate); err != nil {
		t.Fatal(err)
	}
	now = now.Add(certificateInterval)
	if got := serial(); got != 2 {
		t.Errorf("no file: certificate %d, want 2", got)
	}

	writeCertificate(t, files, 3)
	touch()
	now = now.Add(certificateInterval)
	if got := serial(); got != 3 {
		t.Errorf("a whole file again: certificate %d, want 3", got)
	}
}

func TestOpenCertificateRefuses(t *testing.T) {
	files, other := certificateFiles(t), certificateFiles(t)
	writeCertificate(t, files, 1)
	writeCertificate(t, other, 2)
	for _, test := range []struct {
		name  string
		files config.TLS
		want  string
	}{
		{"no file", config.TLS{Certificate: files.Certificate + ".old", Key: files.Key}, "no such file"},
		{"key of another", config.TLS{Certificate: files.Certificate, Key: other.Key}, "private key does not match"},
		{"the wrong way round", config.TLS{Certificate: files.Key, Key: files.Certificate}, "failed to find"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := openCertificate(test.files, time.Now, slog.New(slog.DiscardHandler))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one with %q", err, test.want)
			}
		})
	}
}
