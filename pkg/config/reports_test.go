package config

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/streamlens/streamlens/pkg/report/mail"
)

func TestLoadReports(t *testing.T) {
	got, err := load(t, `
organizations:
  - {id: acme, name: "Acme Broadcasting", logo: /etc/streamlens/acme.png}
smtp: {host: mail.site.example, username: reports}
reports:
  - name: acme-monthly
    every: month
    at: "07:30"
    timezone: Europe/Berlin
    title: Streams
    country: [DE, FR]
    unit: playtime
    compare: month
    top: 50
    formats: [pdf, csv]
    paper: letter
    folder: /srv/reports
    mail: {from: "Reports <reports@site.example>", to: [a@site.example], subject: October}
  - {name: daily, every: day, folder: /srv/reports}
`)
	if err != nil {
		t.Fatal(err)
	}
	if o := got.Organizations[0]; o.Name != "Acme Broadcasting" || o.Logo != "/etc/streamlens/acme.png" {
		t.Errorf("the organisation is %+v", o)
	}
	want := []Report{
		{
			Name: "acme-monthly", Organization: "acme", Every: "month", At: "07:30", Timezone: "Europe/Berlin", Title: "Streams",
			Country: []string{"DE", "FR"}, Unit: "playtime", Compare: "month", Top: 50, Formats: []string{"pdf", "csv"}, Paper: "letter", Folder: "/srv/reports",
			Mail: ReportMail{From: "Reports <reports@site.example>", To: []string{"a@site.example"}, Subject: "October"},
		},
		{
			Name: "daily", Organization: "acme", Every: "day", At: "06:00", Title: "Usage report", Top: 20, Formats: []string{"pdf"},
			Folder: "/srv/reports",
		},
	}
	if !reflect.DeepEqual(got.Reports, want) {
		t.Errorf("got  %+v\nwant %+v", got.Reports, want)
	}
	if server := (SMTP{Host: "mail.site.example", Port: 587, Security: mail.StartTLS, Username: "reports"}); got.SMTP != server {
		t.Errorf("got  %+v\nwant %+v", got.SMTP, server)
	}
	if ports := []int{mail.StartTLS.Port(), mail.TLS.Port(), mail.Plain.Port()}; !reflect.DeepEqual(ports, []int{587, 465, 25}) {
		t.Errorf("the ports are %d", ports)
	}
}

func TestLoadReportsRefuses(t *testing.T) {
	const two = "organizations: [{id: acme}, {id: other}]\n"
	const one = "organizations: [{id: acme}]\n"
	report := func(more string) string { return "reports:\n  - {name: a, every: day, folder: /x, " + more + "}\n" }
	tests := []struct{ name, text, want string }{
		{"no organisation", two + report(""), "3: reports[0].organization must be"},
		{"another organisation", one + report("organization: nobody"), "reports[0].organization must be"},
		{"no name", one + "reports: [{every: day, folder: /x}]\n", "reports[0].name must be"},
		{"a path for a name", one + "reports: [{name: ../x, every: day, folder: /x}]\n", "reports[0].name must be"},
		{"a name twice", one + "reports:\n  - {name: a, every: day, folder: /x}\n  - {name: a, every: month, folder: /x}\n", "4: reports[1].name is there twice"},
		{"no length", one + "reports: [{name: a, folder: /x}]\n", `every is ""`},
		{"an unknown length", one + "reports: [{name: a, every: year, folder: /x}]\n", `every is "year"`},
		{"a time that is none", one + report(`at: "25:00"`), `at is "25:00"`},
		{"an unknown zone", one + report("timezone: Moon"), `timezone is "Moon"`},
		{"an unknown unit", one + report("unit: bits"), "unit must be"},
		{"an unknown kind", one + report("kind: party"), `the kind "party" is unknown`},
		{"a unit of an event", one + report("kind: event, unit: traffic"), "unit is for the kind usage"},
		{"an event without premium", one + report("kind: event"), "reports[0].kind event needs an organisation of the level premium"},
		{"an unknown comparison", one + report("compare: year"), "compare must be one of previous, day, week, month"},
		{"an unknown paper", one + report("paper: a5"), `the paper "a5"`},
		{"an unknown format", one + report("formats: [html]"), `the format "html"`},
		{"no rows", one + report("top: -1"), "top is -1"},
		{"an unknown key", one + report("fromat: pdf"), `unknown key "fromat"`},
		{"nowhere", one + "reports: [{name: a, every: day}]\n", "the report goes nowhere"},
		{"mail without a server", one + report("mail: {from: a@b.example, to: [c@d.example]}"), "reports[0].mail needs smtp.host"},
		{"no sender", one + report("mail: {to: [c@d.example]}"), `mail: "" is no address`},
		{"a receiver that is none", one + report("mail: {from: a@b.example, to: [nobody]}"), `mail: "nobody" is no address`},
		{"no host", one + "smtp: {port: 25}\n", "smtp.host must be"},
		{"an unknown security", one + "smtp: {host: a, security: ssl}\n", `security is "ssl"`},
		{"no security beyond this machine", one + "smtp: {host: mail.example, security: none}\n", "for this machine alone"},
		{"no security beyond this machine, by address", one + "smtp: {host: 192.0.2.1, security: none}\n", "for this machine alone"},
		{"a port that is none", one + "smtp: {host: a, port: 70000}\n", "port is 70000"},
		{"a password", one + "smtp: {host: a, password: secret}\n", `unknown key "password"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := load(t, test.text)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("the error is %v, want one with %q", err, test.want)
			}
		})
	}
}

func TestSMTPServer(t *testing.T) {
	folder := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	tests := []struct {
		name, variable string
		smtp           SMTP
		password       string
		problem        string
	}{
		{"nobody", "secret", SMTP{}, "", ""},
		{"from a file", "other", SMTP{Username: "u", PasswordFile: write("password", "se cret \n")}, "se cret ", ""},
		{"from the environment", "secret", SMTP{Username: "u"}, "secret", ""},
		{"no password", "", SMTP{Username: "u"}, "", "password of smtp.username is missing"},
		{"an empty file", "secret", SMTP{Username: "u", PasswordFile: write("empty", "\n")}, "", "password of smtp.username is missing"},
		{"no file", "secret", SMTP{Username: "u", PasswordFile: filepath.Join(folder, "none")}, "", "smtp.passwordFile"},
		{"no authorities", "", SMTP{Authorities: filepath.Join(folder, "none")}, "", "smtp.authorities"},
		{"authorities that are none", "", SMTP{Authorities: write("ca.pem", "x")}, "", "no certificate in PEM form"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv(passwordVariable, test.variable)
			server, err := test.smtp.Server()
			if problem := ""; err != nil || test.problem != "" {
				if err != nil {
					problem = err.Error()
				}
				if test.problem == "" || !strings.Contains(problem, test.problem) {
					t.Errorf("the error is %q, want one with %q", problem, test.problem)
				}
				return
			}
			if server.Password != test.password {
				t.Errorf("the password is %q, want %q", server.Password, test.password)
			}
		})
	}
}
