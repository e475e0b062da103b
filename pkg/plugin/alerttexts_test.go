package plugin_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"text/template"
)

// alertValue is what Grafana's templates know of a number of a rule.
type alertValue struct {
	Labels map[string]string
	Value  float64
}

// TestAlertTexts fills in the texts of every rule as Grafana does: with its numbers, and with none, as while the rule fails or has no data.
// Grafana drops a text in which a function fails.
func TestAlertTexts(t *testing.T) {
	files, err := filepath.Glob("../../provisioning/alerting/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("there are the files %v: %v", files, err)
	}
	for _, file := range files {
		for _, rule := range alertRules(t, file) {
			numbers := map[string]alertValue{}
			for _, question := range rule.Data {
				numbers[question.RefID] = alertValue{Value: 7}
			}
			for name, text := range rule.Annotations {
				t.Run(rule.UID+"/"+name, func(t *testing.T) {
					if got := fill(t, text, numbers); strings.Contains(got, "unknown number") {
						t.Errorf("with numbers: %s", got)
					}
					got := fill(t, text, nil)
					if strings.Contains(text, "$values") != strings.Contains(got, "unknown number") || strings.Contains(got, "<nil>") {
						t.Errorf("without numbers: %s", got)
					}
				})
			}
		}
	}
}

type alertRule struct {
	UID  string `json:"uid"`
	Data []struct {
		RefID string `json:"refId"`
	} `json:"data"`
	Annotations map[string]string `json:"annotations"`
}

func alertRules(t *testing.T, file string) []alertRule {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var provisioned struct {
		Groups []struct {
			Rules []alertRule `json:"rules"`
		} `json:"groups"`
	}
	if err := json.Unmarshal(content, &provisioned); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	var rules []alertRule
	for _, group := range provisioned.Groups {
		rules = append(rules, group.Rules...)
	}
	return rules
}

// fill expands a text with the options of Grafana and functions that fail where Prometheus' functions do.
func fill(t *testing.T, text string, values map[string]alertValue) string {
	t.Helper()
	number := func(value any) (string, error) {
		if _, ok := value.(float64); !ok {
			return "", fmt.Errorf("%v is no number", value)
		}
		return fmt.Sprint(value), nil
	}
	parsed, err := template.New("alert").Option("missingkey=invalid").Funcs(template.FuncMap{
		"humanize": number, "humanize1024": number, "humanizeDuration": number, "humanizePercentage": number,
		"urlquery":    url.QueryEscape,
		"externalURL": func() string { return "https://grafana.example/" },
	}).Parse("{{- $labels := .Labels -}}{{- $values := .Values -}}" + text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	labels := map[string]string{}
	for _, name := range []string{"collector", "code", "country", "field", "file", "instance", "organization", "reason", "server", "stream", "type"} {
		labels[name] = "some " + name
	}
	var filled strings.Builder
	if err := parsed.Execute(&filled, map[string]any{"Labels": labels, "Values": values}); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return filled.String()
}
