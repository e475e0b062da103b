// Package smtptest starts a real SMTP server for tests: that of the Go module emersion/go-smtp, on this machine, with TLS.
package smtptest

import (
	"crypto/tls"
	"encoding/pem"
	"io"
	"log"
	"net"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// Username and Password are those that a server with authentication takes.
const (
	Username = "reports"
	Password = "open sesame"
)

// Options say how a server behaves.
type Options struct {
	ImplicitTLS bool                  // TLS from the first byte, not by STARTTLS
	NoTLS       bool                  // neither way
	Demand      bool                  // nobody sends without authentication
	Refuse      func(to string) error // of a recipient
	RefuseData  func(n int) error     // of the n-th message, from 1, after it was read
	HangUp      bool                  // after a message was taken
}

// Server is a running server.
type Server struct {
	Port int
	CA   []byte // the certificate of its authority, PEM

	options Options
	mu      sync.Mutex
	tries   int
	mails   []Mail
}

// Mail is what the server has taken.
type Mail struct {
	From    string
	To      []string
	Content []byte
	TLS     bool
}

// Host is the name of each server.
const Host = "127.0.0.1"

// Start starts a server that runs until the test ends.
func Start(t testing.TB, options Options) *Server {
	t.Helper()
	// The certificate of the standard library's tests is of 127.0.0.1, and its own authority.
	certified := httptest.NewTLSServer(nil)
	config := &tls.Config{Certificates: certified.TLS.Certificates}
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certified.Certificate().Raw})
	certified.Close()
	listener, err := net.Listen("tcp", Host+":0")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{Port: listener.Addr().(*net.TCPAddr).Port, CA: ca, options: options}
	server := smtp.NewServer(s)
	server.Domain = Host
	server.ErrorLog = log.New(io.Discard, "", 0)
	server.AllowInsecureAuth = options.NoTLS
	switch {
	case options.ImplicitTLS:
		listener = tls.NewListener(listener, config)
	case !options.NoTLS:
		server.TLSConfig = config
	}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	t.Cleanup(func() {
		// A server that has just begun to serve does not know its listener yet, so that both are closed, and one of them twice.
		_ = server.Close()
		_ = listener.Close()
		<-done
	})
	return s
}

// Mails returns what the server has taken so far.
func (s *Server) Mails() []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.mails)
}

// NewSession implements smtp.Backend.
func (s *Server) NewSession(c *smtp.Conn) (smtp.Session, error) {
	return &session{server: s, conn: c}, nil
}

type session struct {
	server        *Server
	conn          *smtp.Conn
	authenticated bool
	mail          Mail
}

func (s *session) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, username, password string) error {
		if username != Username || password != Password {
			return smtp.ErrAuthFailed
		}
		s.authenticated = true
		return nil
	}), nil
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	if s.server.options.Demand && !s.authenticated {
		return smtp.ErrAuthRequired
	}
	_, encrypted := s.conn.TLSConnectionState()
	s.mail = Mail{From: from, TLS: encrypted}
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if refuse := s.server.options.Refuse; refuse != nil {
		if err := refuse(to); err != nil {
			return err
		}
	}
	s.mail.To = append(s.mail.To, to)
	return nil
}

func (s *session) Data(r io.Reader) error {
	content, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	s.server.tries++
	if refuse := s.server.options.RefuseData; refuse != nil {
		if err := refuse(s.server.tries); err != nil {
			return err
		}
	}
	s.mail.Content = content
	s.server.mails = append(s.server.mails, s.mail)
	if s.server.options.HangUp {
		// The answer to the message is still sent, then nothing more.
		time.AfterFunc(200*time.Millisecond, func() { _ = s.conn.Conn().Close() })
	}
	return nil
}

func (s *session) Reset() {
	if s.server.options.HangUp && len(s.server.Mails()) > 0 {
		_ = s.conn.Conn().Close()
	}
}

func (s *session) Logout() error { return nil }
