package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/streamlens/streamlens/pkg/report/mail/smtptest"
	"github.com/streamlens/streamlens/pkg/vm/vmtest"
)

// bureau is an installation that delivers the reports of yesterday.
type bureau struct {
	folder        string // of everything
	configuration string // path
}

func newBureau(t *testing.T, database string, smtp *smtptest.Server, reports string) *bureau {
	t.Helper()
	b := &bureau{folder: t.TempDir()}
	b.configuration = filepath.Join(b.folder, "streamlens.yaml")
	authorities := filepath.Join(b.folder, "ca.pem")
	if err := os.WriteFile(authorities, smtp.CA, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(b.folder, "out"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("STREAMLENS_SMTP_PASSWORD", smtptest.Password)
	content := fmt.Sprintf(`victoriametrics: {url: %q}
dataDir: %q
organizations: [{id: acme, name: Acme Broadcasting}, {id: victim}]
smtp: {host: %q, port: %d, username: %s, authorities: %q}
reports:
%s`, database, filepath.Join(b.folder, "data"), smtptest.Host, smtp.Port, smtptest.Username, authorities,
		strings.ReplaceAll(reports, "OUT", filepath.Join(b.folder, "out")))
	if err := os.WriteFile(b.configuration, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *bureau) run(t *testing.T) (log string, err error) {
	t.Helper()
	command := reportCommand()
	var output bytes.Buffer
	command.SetOut(&output)
	command.SetErr(&output)
	command.SetArgs([]string{"--config", b.configuration, "--scheduled"})
	err = command.ExecuteContext(t.Context())
	return output.String(), err
}

// forget lets a pause end at once.
func (b *bureau) endPauses(t *testing.T) {
	t.Helper()
	path := filepath.Join(b.folder, "data", scheduleFolder, "delivered.json")
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var records map[string]map[string]any
	if err := json.Unmarshal(content, &records); err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		delete(r, "again")
	}
	if content, err = json.Marshal(records); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func (b *bureau) files(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(b.folder, "out"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestScheduledReports(t *testing.T) {
	database := vmtest.Start(t)
	vmtest.Import(t, database, everySeries([]string{"192.0.2.1"}))
	// The whole message is refused once, as by a server that asks for patience.
	smtpServer := smtptest.Start(t, smtptest.Options{Demand: true, RefuseData: func(n int) error {
		if n == 1 {
			return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 7, 1}, Message: "greylisted"}
		}
		return nil
	}})
	b := newBureau(t, database, smtpServer, `  - name: acme-daily
    organization: acme
    every: day
    at: "00:00"
    formats: [pdf, csv]
    folder: OUT
    mail: {from: reports@site.example, to: [a@site.example, b@site.example]}
`)
	log, err := b.run(t)
	if err == nil || !strings.Contains(err.Error(), "greylisted") || strings.Contains(log, smtptest.Password) {
		t.Fatalf("the error is %v, the log\n%s", err, log)
	}
	yesterday := time.Now().UTC().AddDate(0, 0, -1).Format(time.DateOnly)
	want := []string{"acme-daily-" + yesterday + ".csv", "acme-daily-" + yesterday + ".pdf"}
	if got := b.files(t); !slices.Equal(got, want) {
		t.Fatalf("the folder has %q, want %q", got, want)
	}
	// The failure waits, and what is in the folder is there.
	if log, err := b.run(t); err != nil || len(smtpServer.Mails()) > 0 {
		t.Fatalf("%d mails, %v\n%s", len(smtpServer.Mails()), err, log)
	}
	b.endPauses(t)
	for range 3 {
		if log, err := b.run(t); err != nil {
			t.Fatalf("%v\n%s", err, log)
		}
		b.endPauses(t)
	}
	mails := smtpServer.Mails()
	if len(mails) != 1 || !mails[0].TLS || !slices.Equal(mails[0].To, []string{"a@site.example", "b@site.example"}) {
		t.Fatalf("the mails are %d: %.300v", len(mails), mails)
	}
	day, err := time.Parse(time.DateOnly, yesterday)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"Subject: Usage report, Acme Broadcasting, " + day.Format("2 January 2006"), `filename="` + want[0] + `"`, `filename="` + want[1] + `"`,
		"Delivered ", "Received ", "Message-ID: <streamlens-",
	} {
		if !strings.Contains(string(mails[0].Content), want) {
			t.Errorf("the mail lacks %q:\n%.3000s", want, mails[0].Content)
		}
	}
}

// TestScheduledReportIsTheReport compares the file of a schedule with that of the command for the same range.
func TestScheduledReportIsTheReport(t *testing.T) {
	database := vmtest.Start(t)
	vmtest.Import(t, database, everySeries([]string{"192.0.2.1"}))
	b := newBureau(t, database, smtptest.Start(t, smtptest.Options{}), `  - {name: daily, organization: acme, every: day, at: "00:00", formats: [csv], folder: OUT, stream: [live, live2], timezone: Asia/Kolkata}
`)
	if log, err := b.run(t); err != nil {
		t.Fatalf("%v\n%s", err, log)
	}
	content, err := os.ReadFile(filepath.Join(b.folder, "out", b.files(t)[0]))
	if err != nil {
		t.Fatal(err)
	}
	zone, err := time.LoadLocation("Asia/Kolkata")
	if err != nil {
		t.Fatal(err)
	}
	year, month, day := time.Now().In(zone).Date()
	to := time.Date(year, month, day, 0, 0, 0, 0, zone)
	want, err := reportOf(t, database, "--org", "acme", "--name", "Acme Broadcasting", "--format", "csv", "-o", "-", "--stream", "live,live2",
		"--timezone", "Asia/Kolkata", "--from", to.AddDate(0, 0, -1).Format(time.RFC3339), "--to", to.Format(time.RFC3339))
	if err != nil {
		t.Fatal(err)
	}
	// They were made at two moments.
	made := func(csv string) string {
		lines := strings.Split(csv, "\n")
		return strings.Join(slices.DeleteFunc(lines, func(l string) bool { return strings.HasPrefix(l, "report,made,") }), "\n")
	}
	if made(string(content)) != made(want) {
		t.Errorf("the file has\n%s\nwant\n%s", content, want)
	}
}

func TestScheduledReportsOfNothing(t *testing.T) {
	b := newBureau(t, "http://127.0.0.1:1", smtptest.Start(t, smtptest.Options{}), "  []\n")
	if _, err := b.run(t); err == nil || !strings.Contains(err.Error(), "has no reports") {
		t.Errorf("the error is %v", err)
	}
	b = newBureau(t, "http://127.0.0.1:1", smtptest.Start(t, smtptest.Options{}),
		"  - {name: daily, organization: acme, every: day, folder: OUT}\n")
	if _, err := b.run(t); err == nil || !strings.Contains(err.Error(), "VictoriaMetrics cannot be reached") || len(b.files(t)) > 0 {
		t.Errorf("files %q, the error is %v", b.files(t), err)
	}
}
