package config

import (
	"errors"
	"fmt"
	netmail "net/mail"
	"os"
	"slices"
	"strings"

	"github.com/streamlens/streamlens/pkg/report"
	"github.com/streamlens/streamlens/pkg/report/mail"
	"github.com/streamlens/streamlens/pkg/report/schedule"
	"github.com/streamlens/streamlens/pkg/tenant"
	"github.com/streamlens/streamlens/pkg/widget"
)

// Report is a report on a schedule: of each whole day, week or month, by mail, into a folder, or both.
type Report struct {
	// Name is that of its files, and the schedule knows it by it: 1 to 64 of a-z, 0-9, _ and -.
	Name string `yaml:"name"`
	// Organization may be left out if there is only one.
	Organization string `yaml:"organization"`
	Every        string `yaml:"every"` // day, week (from Monday) or month
	// At is the time of the day after the period at which the report is made; default 06:00.
	At string `yaml:"at"`
	// Timezone is that of At and of the days, such as Europe/Berlin; default UTC.
	Timezone string `yaml:"timezone"`

	Kind    string   `yaml:"kind"`  // usage, or event, which needs the level premium; default usage
	Title   string   `yaml:"title"` // default that of the kind
	Country []string `yaml:"country"`
	Tag     []string `yaml:"tag"`
	Stream  []string `yaml:"stream"`
	Event   []string `yaml:"event"`
	Unit    string   `yaml:"unit"`    // traffic or playtime; default traffic
	Compare string   `yaml:"compare"` // previous, day, week or month: the earlier range that is put beside; default none
	// Top is how many protocols, countries and streams are listed; default report.DefaultTop.
	Top int `yaml:"top"`

	Formats []string `yaml:"formats"` // pdf, csv; default pdf
	Paper   string   `yaml:"paper"`   // a4 or letter; default a4

	Folder string     `yaml:"folder"` // where files are written; default none
	Mail   ReportMail `yaml:"mail"`
}

// ReportMail is the mail with which a report is sent.
type ReportMail struct {
	From    string   `yaml:"from"`
	To      []string `yaml:"to"`      // default none: no mail is sent
	Subject string   `yaml:"subject"` // the period is added; default the title and the organisation's name
}

// Calendar returns the periods of the report.
func (r Report) Calendar() (schedule.Calendar, error) {
	return schedule.NewCalendar(r.Every, r.At, r.Timezone)
}

// Query returns what the report is about.
func (r Report) Query() widget.Query {
	return widget.Query{Country: r.Country, Tag: r.Tag, Stream: r.Stream, Event: r.Event, Unit: r.Unit, Compare: r.Compare, Timezone: r.Timezone}
}

// passwordVariable is the environment variable with the password of SMTP.
const passwordVariable = "STREAMLENS_SMTP_PASSWORD"

// SMTP is a server that takes mails.
type SMTP struct {
	Host     string        `yaml:"host"`
	Port     int           `yaml:"port"`     // default 587, with security tls 465, with none 25
	Security mail.Security `yaml:"security"` // starttls, tls, or on this machine none; default starttls
	Username string        `yaml:"username"` // default "": without authentication
	// PasswordFile is the path of a file with the password alone. Without it, the password is in the environment variable
	// STREAMLENS_SMTP_PASSWORD.
	PasswordFile string `yaml:"passwordFile"`
	// Authorities is the path of a PEM file with the certificates of authorities that are believed; default those of the system.
	Authorities string `yaml:"authorities"`
}

// Server returns the server with the password and the authorities, which are read now.
func (s SMTP) Server() (mail.Server, error) {
	server := mail.Server{Host: s.Host, Port: s.Port, Security: s.Security, Username: s.Username}
	if s.Username != "" {
		if server.Password = os.Getenv(passwordVariable); s.PasswordFile != "" {
			content, err := os.ReadFile(s.PasswordFile)
			if err != nil {
				return server, fmt.Errorf("smtp.passwordFile: %w", err)
			}
			server.Password = strings.TrimRight(string(content), "\r\n")
		}
		if server.Password == "" {
			return server, fmt.Errorf("the password of smtp.username is missing: name a file in smtp.passwordFile, or set %s", passwordVariable)
		}
	}
	if s.Authorities != "" {
		content, err := os.ReadFile(s.Authorities)
		if err != nil {
			return server, fmt.Errorf("smtp.authorities: %w", err)
		}
		if server.Roots, err = mail.Roots(content); err != nil {
			return server, fmt.Errorf("smtp.authorities: %s: %w", s.Authorities, err)
		}
	}
	return server, nil
}

// checkReports fills in the defaults of reports and SMTP, and adds what is wrong with them.
func (c *Config) checkReports(add func(message string, path ...any)) {
	for i := range c.Reports {
		r := &c.Reports[i]
		if r.Organization = c.theOrganization(r.Organization); r.Organization == "" {
			add(fmt.Sprintf("reports[%d].organization must be the id of an organisation", i), "reports", i, "organization")
		}
		if !tenant.ValidID(r.Name) {
			add(fmt.Sprintf("reports[%d].name must be 1 to 64 of a-z, 0-9, _ and -", i), "reports", i, "name")
		} else if slices.ContainsFunc(c.Reports[:i], func(o Report) bool { return o.Name == r.Name }) {
			add(fmt.Sprintf("reports[%d].name is there twice", i), "reports", i, "name")
		}
		r.fillIn()
		for _, problem := range r.problems() {
			add(fmt.Sprintf("reports[%d]: %v", i, problem), "reports", i)
		}
		if r.Kind == string(report.Event) && slices.ContainsFunc(c.Organizations, func(o tenant.Organization) bool { return o.ID == r.Organization && o.Level != tenant.Premium }) {
			add(fmt.Sprintf("reports[%d].kind event needs an organisation of the level premium", i), "reports", i, "kind")
		}
		if len(r.Mail.To) > 0 && c.SMTP.Host == "" {
			add(fmt.Sprintf("reports[%d].mail needs smtp.host", i), "reports", i, "mail")
		}
	}
	if c.SMTP == (SMTP{}) {
		return
	}
	if c.SMTP.Security == "" {
		c.SMTP.Security = mail.StartTLS
	}
	if c.SMTP.Port == 0 {
		c.SMTP.Port = c.SMTP.Security.Port()
	}
	if c.SMTP.Host == "" {
		add("smtp.host must be the name of a server", "smtp", "host")
		return
	}
	server := mail.Server{Host: c.SMTP.Host, Port: c.SMTP.Port, Security: c.SMTP.Security}
	if err := server.Check(); err != nil {
		add(fmt.Sprintf("smtp: %v", err), "smtp")
	}
}

func (r *Report) fillIn() {
	if r.At == "" {
		r.At = "06:00"
	}
	if r.Title == "" {
		r.Title = report.Kind(r.Kind).Title()
	}
	if r.Top == 0 {
		r.Top = report.DefaultTop
	}
	if len(r.Formats) == 0 {
		r.Formats = []string{string(report.PDF)}
	}
}

// problems returns everything that is wrong with the report alone.
func (r *Report) problems() []error {
	var problems []error
	check := func(err error) {
		if err != nil {
			problems = append(problems, err)
		}
	}
	_, err := r.Calendar()
	check(err)
	_, err = report.ParsePaper(r.Paper)
	check(err)
	kind, err := report.ParseKind(r.Kind)
	check(err)
	if kind == report.Event && r.Unit != "" {
		check(errors.New("unit is for the kind usage: events have none"))
	}
	for _, f := range r.Formats {
		_, err := report.ParseFormat(f)
		check(err)
	}
	if r.Unit != "" && r.Unit != widget.UnitTraffic && r.Unit != widget.UnitPlaytime {
		check(fmt.Errorf("unit must be %s or %s", widget.UnitTraffic, widget.UnitPlaytime))
	}
	if r.Compare != "" && !slices.Contains(widget.Comparisons(), r.Compare) {
		check(fmt.Errorf("compare must be one of %s", strings.Join(widget.Comparisons(), ", ")))
	}
	if r.Top < 1 {
		check(fmt.Errorf("top is %d: it is at least 1", r.Top))
	}
	if r.Folder == "" && len(r.Mail.To) == 0 {
		check(errors.New("the report goes nowhere: it needs folder, mail.to or both"))
	}
	if len(r.Mail.To) > 0 {
		for _, address := range append([]string{r.Mail.From}, r.Mail.To...) {
			if _, err := netmail.ParseAddress(address); err != nil {
				check(fmt.Errorf("mail: %q is no address", address))
			}
		}
	}
	return problems
}
