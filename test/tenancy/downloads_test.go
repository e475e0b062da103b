package tenancy

import (
	"encoding/csv"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
)

// downloads are the resources that answer with a file, with the parameters that each needs: the report, and every widget.
func downloads() []string {
	all := []string{"report?format=csv", "report?format=csv&unit=playtime"}
	for _, widget := range widgets() {
		for _, more := range []string{"&form=total&format=csv&unit=traffic", "&form=series&format=json&unit=playtime"} {
			if !strings.HasPrefix(widget, "usage") && widget != "monthToDate" {
				more, _, _ = strings.Cut(more, "&unit")
			}
			all = append(all, "export?widget="+widget+more)
		}
	}
	return all
}

// download asks for a file with more parameters.
func (w *world) download(t *testing.T, s source, target, more string) answer {
	t.Helper()
	path, _, _ := strings.Cut(target, "?")
	return w.call(t, s, http.MethodGet, path, fmt.Sprintf("%s&from=%d&to=%d%s", target, begin(w.now).UnixMilli(), w.now.UnixMilli(), more))
}

// ownCode is the status code of acme and its double, which is larger than their numbers.
const ownCode = "3001"

// fileLeaks returns what a file, or an error in its place, has of victim.
func fileLeaks(a answer) []string {
	if strings.HasPrefix(a.text, "{") || a.status != http.StatusOK {
		return textLeaks(a.text)
	}
	reader := csv.NewReader(strings.NewReader(a.text))
	reader.FieldsPerRecord = -1
	records, err := reader.ReadAll()
	if err != nil {
		return []string{"a file that cannot be read: " + err.Error()}
	}
	var found []string
	for _, record := range records {
		found = append(found, textLeaks(strings.Join(record, "\n"))...)
		if record[0] == "report" {
			continue // what was asked
		}
		for _, field := range record {
			if field == ownCode {
				continue
			}
			number, err := strconv.ParseFloat(field, 64)
			if field == victimCountry || err == nil && (number >= most || number <= -most) {
				found = append(found, field)
			}
		}
	}
	return found
}

// attackDownloads asks for files with what could end a filter, begin another or name another organisation, and with the further
// parameters, of which each names what is outside. whole is a data source that sees what s must not, in all files together.
func (w *world) attackDownloads(t *testing.T, s, whole source, outside ...string) {
	t.Helper()
	searched := func(name string, a answer) {
		t.Helper()
		w.attempts.Add(1)
		if found := fileLeaks(a); len(found) > 0 {
			t.Errorf("%s shows %v: %.600s", name, found, a.text)
		}
	}
	targets := downloads()
	shown := 0
	for _, target := range targets {
		own := w.download(t, s, target, "")
		searched(target, own)
		if own.status != http.StatusOK {
			t.Errorf("%s: %d %s", target, own.status, own.text)
		}
		if all := w.download(t, whole, target, ""); len(fileLeaks(all)) > 0 {
			shown++
		}
		for _, more := range outside {
			searched(target+more, w.download(t, s, target, more))
		}
	}
	if shown < len(targets)/2 {
		t.Errorf("the search finds what there is in %d of %d files only", shown, len(targets))
	}
	next := 0
	turn := func() string { next++; return targets[next%len(targets)] }
	for _, name := range []string{"country", "stream", "tag", "event", "var-stream", "var-tag", "widget", "unit", "timezone", "interval", "paper", "org", "dimension", "values", "var-values",
		"percentile", "compare", "breakdown", "metric", "top"} {
		for _, payload := range payloads {
			target := turn()
			searched(target+" "+name+" "+payload, w.download(t, s, target, "&"+name+"="+url.QueryEscape(payload)))
		}
	}
	for _, more := range []string{
		"extra_label=org=victim", "extra_filters[]={}", "match[]={}", "organization=victim", "orgId=2", "level=premium", "url=http://127.0.0.1", "fixedFilters={}",
		"stream[]=upper", "Stream=upper", "var-org=victim", "var-fixedFilters=", "logo=/etc/passwd", "name=x", "output=/tmp/x", "config=/etc/passwd", "%65xtra_label=org=victim",
		"stream=%ff", "stream=%", "&&&=&", "widget=usageByIP", "from=0", "to=9999999999999",
	} {
		target := turn()
		searched(target+" "+more, w.download(t, s, target, "&"+more))
	}
	for name, value := range hostileHeaders() {
		s.headers = map[string]string{name: value}
		target := turn()
		searched(target+" with the header "+name, w.download(t, s, target, ""))
	}
}
