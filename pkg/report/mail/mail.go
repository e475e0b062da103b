// Package mail sends reports by SMTP (RFC 5321).
package mail

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"
)

// Security is how the connection to a server is protected.
type Security string

// The ways. There is none that goes on without TLS where a server offers none: whoever is in between could take it away.
const (
	StartTLS Security = "starttls" // RFC 3207, demanded
	TLS      Security = "tls"      // from the first byte, RFC 8314
	Plain    Security = "none"     // for this machine alone
)

// Port returns the usual port (RFC 6409, RFC 8314).
func (s Security) Port() int {
	switch s {
	case TLS:
		return 465
	case Plain:
		return 25
	}
	return 587
}

// patience is how long a server may take for one step. RFC 5321 (section 4.5.3.2) lets it take some minutes; the next attempt comes
// soon.
const patience = time.Minute

// Server is where mails are handed in.
type Server struct {
	Host     string
	Port     int
	Security Security
	Username string // empty = without authentication
	Password string
	// Roots are the authorities whose certificates are believed; nil = those of the system.
	Roots *x509.CertPool
}

// Roots returns the authorities of a PEM file's content.
func Roots(content []byte) (*x509.CertPool, error) {
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(content) {
		return nil, errors.New("there is no certificate in PEM form")
	}
	return roots, nil
}

// Check returns what is wrong with the server, in words.
func (s Server) Check() error {
	switch s.Security {
	case StartTLS, TLS:
	case Plain:
		if ip := net.ParseIP(s.Host); s.Host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			return fmt.Errorf("security %s is for this machine alone (localhost, 127.0.0.1, ::1): use %s or %s", Plain, StartTLS, TLS)
		}
	default:
		return fmt.Errorf("security is %q: it is %s, %s or %s", s.Security, StartTLS, TLS, Plain)
	}
	if s.Port < 1 || s.Port > 65535 {
		return fmt.Errorf("port is %d: it is 1 to 65535", s.Port)
	}
	return nil
}

// Message is a mail with files.
type Message struct {
	From    string   // an address, perhaps with a name: Reports <reports@site.example>
	To      []string // at least one
	Subject string
	Text    string
	// ID is what the Message-ID begins with. Servers and mailboxes may take equal ones for one mail.
	ID    string
	Date  time.Time
	Files []File
}

// File is attached to a mail.
type File struct {
	Name    string
	Type    string // its media type
	Content []byte
}

// Send hands a message in. Without an error, the server has taken it for everybody that it is to. With one nobody has got it, unless
// the connection broke just before the server's answer to the whole message.
func Send(ctx context.Context, server Server, message Message) error {
	if err := server.Check(); err != nil {
		return err
	}
	built, err := message.build()
	if err != nil {
		return err
	}
	timeout := patience
	if deadline, ok := ctx.Deadline(); ok {
		timeout = min(timeout, time.Until(deadline))
	}
	options := []gomail.Option{
		gomail.WithPort(server.Port), gomail.WithTimeout(timeout),
		gomail.WithTLSConfig(&tls.Config{ServerName: server.Host, RootCAs: server.Roots, MinVersion: tls.VersionTLS12}),
	}
	switch server.Security {
	case TLS:
		options = append(options, gomail.WithSSL())
	case Plain:
		options = append(options, gomail.WithTLSPolicy(gomail.NoTLS))
	default:
		options = append(options, gomail.WithTLSPolicy(gomail.TLSMandatory))
	}
	if server.Username != "" {
		options = append(options, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover),
			gomail.WithUsername(server.Username), gomail.WithPassword(server.Password))
	}
	client, err := gomail.NewClient(server.Host, options...)
	if err != nil {
		return fmt.Errorf("mail: %w", err)
	}
	connection, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return fmt.Errorf("mail: %w", err)
	}
	// A server that takes the message and then hangs up has taken it.
	defer func() { _ = client.CloseWithSMTPClient(connection) }()
	if err := client.SendWithSMTPClient(connection, built); err != nil && !built.IsDelivered() {
		return fmt.Errorf("mail: %w", err)
	}
	return nil
}

func (m Message) build() (*gomail.Msg, error) {
	from, err := netmail.ParseAddress(m.From)
	if err != nil {
		return nil, fmt.Errorf("mail: from %q: %w", m.From, err)
	}
	built := gomail.NewMsg()
	built.FromMailAddress(from)
	for _, address := range m.To {
		to, err := netmail.ParseAddress(address)
		if err != nil {
			return nil, fmt.Errorf("mail: to %q: %w", address, err)
		}
		built.AddToMailAddress(to)
	}
	built.Subject(m.Subject)
	built.SetDateWithValue(m.Date)
	built.SetMessageIDWithValue(m.ID + from.Address[strings.LastIndexByte(from.Address, '@'):])
	// No answer of somebody who is away (RFC 3834).
	built.SetGenHeader("Auto-Submitted", "auto-generated")
	built.SetBodyString(gomail.TypeTextPlain, m.Text)
	for _, f := range m.Files {
		err := built.AttachReader(f.Name, bytes.NewReader(f.Content), gomail.WithFileContentType(gomail.ContentType(f.Type)))
		if err != nil {
			return nil, fmt.Errorf("mail: attach %s: %w", f.Name, err)
		}
	}
	return built, nil
}
