package mail

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	netmail "net/mail"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/streamlens/streamlens/pkg/report/mail/smtptest"
)

// pdf stands for a report: bytes of every value.
var pdf = func() []byte {
	content := make([]byte, 70_000)
	for i := range content {
		content[i] = byte(i * i / 7)
	}
	return content
}()

func message() Message {
	return Message{
		From: "Streamlens reports <reports@site.example>", To: []string{"a@site.example", "Béatrice <b@site.example>"},
		Subject: "Usage report, Ακμή & Co., October 2026", Text: "Sent 902 GB\n.\n東京\n", ID: "streamlens-1",
		Date:  time.Date(2026, 11, 1, 6, 0, 0, 0, time.UTC),
		Files: []File{{"acme-2026-10.pdf", "application/pdf", pdf}, {"acme-2026-10.csv", "text/csv; charset=utf-8", []byte("a,b\n")}},
	}
}

// serverOf returns how to reach a test's server.
func serverOf(t *testing.T, s *smtptest.Server, security Security) Server {
	t.Helper()
	roots, err := Roots(s.CA)
	if err != nil {
		t.Fatal(err)
	}
	return Server{Host: smtptest.Host, Port: s.Port, Security: security, Roots: roots}
}

func TestSend(t *testing.T) {
	tests := []struct {
		name     string
		options  smtptest.Options
		security Security
		login    bool
	}{
		{"STARTTLS", smtptest.Options{}, StartTLS, false},
		{"TLS", smtptest.Options{ImplicitTLS: true}, TLS, false},
		{"with authentication", smtptest.Options{Demand: true}, StartTLS, true},
		{"plain, on this machine", smtptest.Options{NoTLS: true}, Plain, false},
		{"a server that hangs up", smtptest.Options{HangUp: true}, StartTLS, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := smtptest.Start(t, test.options)
			server := serverOf(t, s, test.security)
			if test.login {
				server.Username, server.Password = smtptest.Username, smtptest.Password
			}
			if err := Send(t.Context(), server, message()); err != nil {
				t.Fatal(err)
			}
			mails := s.Mails()
			if len(mails) != 1 {
				t.Fatalf("%d mails", len(mails))
			}
			if mails[0].TLS != (test.security != Plain) {
				t.Errorf("TLS: %t", mails[0].TLS)
			}
			if mails[0].From != "reports@site.example" || !slices.Equal(mails[0].To, []string{"a@site.example", "b@site.example"}) {
				t.Errorf("from %s to %q", mails[0].From, mails[0].To)
			}
			checkContent(t, mails[0].Content)
		})
	}
}

// checkContent reads a mail as its receiver does.
func checkContent(t *testing.T, content []byte) {
	t.Helper()
	got, err := netmail.ReadMessage(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(got.Header.Get("Subject"))
	if err != nil || subject != message().Subject {
		t.Errorf("subject %q, %v", subject, err)
	}
	for name, want := range map[string]string{
		"Message-Id": "<streamlens-1@site.example>", "Auto-Submitted": "auto-generated", "Date": "Sun, 01 Nov 2026 06:00:00 +0000",
	} {
		if value := got.Header.Get(name); value != want {
			t.Errorf("%s is %q, want %q", name, value, want)
		}
	}
	_, parameters, err := mime.ParseMediaType(got.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	parts := multipart.NewReader(got.Body, parameters["boundary"])
	for _, want := range []struct{ name, content string }{
		{"", "Sent 902 GB\r\n.\r\n東京\r\n"}, {"acme-2026-10.pdf", string(pdf)}, {"acme-2026-10.csv", "a,b\n"},
	} {
		part, err := parts.NextRawPart()
		if err != nil {
			t.Fatal(err)
		}
		decoders := map[string]io.Reader{
			"base64": base64.NewDecoder(base64.StdEncoding, part), "quoted-printable": quotedprintable.NewReader(part),
		}
		decoded, err := io.ReadAll(decoders[part.Header.Get("Content-Transfer-Encoding")])
		if err != nil || part.FileName() != want.name || strings.TrimSpace(string(decoded)) != strings.TrimSpace(want.content) {
			t.Errorf("part %q has %.100q, %v", part.FileName(), decoded, err)
		}
	}
	if _, err := parts.NextRawPart(); !errors.Is(err, io.EOF) {
		t.Errorf("there is another part, %v", err)
	}
}

func TestNobodyGetsWhatFails(t *testing.T) {
	unknown := &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such user"}
	later := &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "try again later"}
	wrongPassword := func(s *Server) { s.Username, s.Password = smtptest.Username, "wrong" }
	noRoots := func(s *Server) { s.Roots = nil }
	otherName := func(s *Server) { s.Host = "localhost" }
	tests := []struct {
		name     string
		options  smtptest.Options
		security Security
		change   func(*Server)
		want     string
	}{
		{"no TLS offered", smtptest.Options{NoTLS: true}, StartTLS, nil, "STARTTLS"},
		{"no TLS where it is from the first byte", smtptest.Options{}, TLS, nil, "tls"},
		{"an unknown authority", smtptest.Options{}, StartTLS, noRoots, "certificate"},
		{"another name", smtptest.Options{}, StartTLS, otherName, "certificate"},
		{"a wrong password", smtptest.Options{Demand: true}, StartTLS, wrongPassword, "Authentication failed"},
		{"no authentication", smtptest.Options{Demand: true}, StartTLS, nil, "authenticate"},
		{"one recipient of two is unknown", smtptest.Options{Refuse: func(to string) error {
			if to == "b@site.example" {
				return unknown
			}
			return nil
		}}, StartTLS, nil, "no such user"},
		{"the whole message is refused", smtptest.Options{RefuseData: func(int) error { return later }}, StartTLS, nil, "try again later"},
		{"plain beyond this machine", smtptest.Options{NoTLS: true}, Plain, func(s *Server) { s.Host = "mail.example" }, "for this machine alone"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := smtptest.Start(t, test.options)
			server := serverOf(t, s, test.security)
			if test.change != nil {
				test.change(&server)
			}
			err := Send(t.Context(), server, message())
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("the error is %v, want one with %q", err, test.want)
			}
			if err != nil && strings.Contains(err.Error(), "wrong") {
				t.Errorf("the error shows the password: %v", err)
			}
			if mails := s.Mails(); len(mails) > 0 {
				t.Errorf("%d mails were taken", len(mails))
			}
		})
	}
}

func TestServerAway(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	server := Server{Host: smtptest.Host, Port: port, Security: StartTLS}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := Send(ctx, server, message()); err == nil { // it listens and says nothing
		t.Error("a silent server has taken a mail")
	}
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	if err := Send(t.Context(), server, message()); err == nil {
		t.Error("nobody has taken a mail")
	}
}

func TestHeadersCannotBeAdded(t *testing.T) {
	s := smtptest.Start(t, smtptest.Options{})
	m := message()
	m.Subject = "report\r\nBcc: victim@site.example\r\n\r\nbody"
	m.Files[0].Name = "a\"\r\nX-Evil: 1\r\n.pdf"
	if err := Send(t.Context(), serverOf(t, s, StartTLS), m); err != nil {
		t.Fatal(err)
	}
	content := string(s.Mails()[0].Content)
	for _, evil := range []string{"\nBcc:", "\nX-Evil"} {
		if strings.Contains(content, evil) {
			t.Errorf("%q is a line of\n%.2000s", evil, content)
		}
	}
	for _, address := range []string{"a@site.example\r\nBcc: c@site.example", "", "nobody", "a@site.example, b@site.example"} {
		m := message()
		m.To = []string{address}
		if err := Send(t.Context(), serverOf(t, s, StartTLS), m); err == nil {
			t.Errorf("%q is an address", address)
		}
		m = message()
		m.From = address
		if err := Send(t.Context(), serverOf(t, s, StartTLS), m); err == nil {
			t.Errorf("%q is a sender", address)
		}
	}
	if n := len(s.Mails()); n != 1 {
		t.Errorf("%d mails", n)
	}
}
