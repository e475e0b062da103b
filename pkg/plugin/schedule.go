package plugin

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"go.yaml.in/yaml/v4"

	"github.com/streamlens/streamlens/pkg/report"
	"github.com/streamlens/streamlens/pkg/widget"
)

// scheduledReport is an entry under reports in streamlens.yaml.
type scheduledReport struct {
	Name         string        `yaml:"name"`
	Organization string        `yaml:"organization"`
	Every        string        `yaml:"every"`
	Timezone     string        `yaml:"timezone,omitempty"`
	Unit         string        `yaml:"unit,omitempty"`
	Country      []string      `yaml:"country,omitempty,flow"`
	Tag          []string      `yaml:"tag,omitempty,flow"`
	Stream       []string      `yaml:"stream,omitempty,flow"`
	Event        []string      `yaml:"event,omitempty,flow"`
	Formats      []string      `yaml:"formats,flow"`
	Mail         scheduledMail `yaml:"mail"`
}

type scheduledMail struct {
	From string   `yaml:"from"`
	To   []string `yaml:"to,flow"`
}

const scheduleHead = `# A plugin of Grafana cannot send mail by itself. Whoever runs Streamlens puts this under "reports" in
# streamlens.yaml, with the sender that the mail server allows: see "On a schedule" in docs/reports.md.
`

// schedule answers with what to put into streamlens.yaml so that the report of a dashboard, with its filters, is mailed to who asks.
func (d *Datasource) schedule(w http.ResponseWriter, r *http.Request) {
	d.download(w, r, []string{"country", "stream", "tag", "event", "unit", "timezone", "every"}, d.makeSchedule)
}

var notInNames = regexp.MustCompile(`[^a-z0-9_-]+`)

func (d *Datasource) makeSchedule(ctx context.Context, request widget.Request, options url.Values) (*file, error) {
	if fixed := d.settings.FixedFilters.String(); fixed != "" {
		return nil, badParameter{fmt.Errorf("this data source shows only what has %s, and a scheduled report would show all of the organization: "+
			"ask whoever runs Streamlens for one", fixed)}
	}
	every := cmp.Or(options.Get("every"), "week")
	adjective, ok := map[string]string{"day": "daily", "week": "weekly", "month": "monthly"}[every]
	if !ok {
		return nil, badParameter{fmt.Errorf("every %q is unknown: it is day, week or month", every)}
	}
	zone, err := report.Zone(request.Timezone)
	if err != nil || request.Timezone == "browser" {
		return nil, badParameter{fmt.Errorf("the time zone %q is unknown: it is a name such as UTC or Europe/Berlin", request.Timezone)}
	}
	to := "you@site.example"
	if user := backend.UserFromContext(ctx); user != nil && strings.Contains(user.Email, "@") {
		to = user.Email
	}
	name := notInNames.ReplaceAllString(strings.ToLower(d.settings.Organization), "-")
	text, err := yaml.Marshal(map[string][]scheduledReport{"reports": {{
		Name: name[:min(len(name), 50)] + "-" + adjective, Organization: d.settings.Organization, Every: every, Timezone: zone.String(),
		Unit: request.Unit, Country: request.Country, Tag: request.Tag, Stream: request.Stream, Event: request.Event, Formats: []string{"pdf"},
		Mail: scheduledMail{From: "Streamlens <reports@site.example>", To: []string{to}},
	}}})
	if err != nil {
		return nil, fmt.Errorf("write the schedule: %w", err)
	}
	f := &file{name: name + "-" + adjective + ".yaml", mediaType: "text/plain; charset=utf-8", shown: true}
	f.content.WriteString(scheduleHead)
	f.content.Write(text)
	return f, nil
}
