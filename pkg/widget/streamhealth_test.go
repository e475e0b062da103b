package widget

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/tenant"
)

// TestWorstStreamsFirst has streams in several kinds of trouble, of many viewers and of few.
func TestWorstStreamsFirst(t *testing.T) {
	of := func(stream string, id measure.ID, value int64, dimensions ...string) fact {
		return fact{measure: id, at: clock("10:05"), country: "DE", stream: stream, dimensions: dimensions, value: value}
	}
	// watched are so many viewers in one minute, who stall for a part of it.
	watched := func(stream string, viewers, stalled float64) []fact {
		all := viewers * float64(time.Minute.Milliseconds())
		return []fact{
			of(stream, measure.Viewing, int64(all)), of(stream, measure.Buffering, int64(all*stalled)),
			of(stream, measure.Playing, int64(all*(1-stalled)), measure.Playout, "hls"),
		}
	}
	facts := append(watched("fine", 500, 0.004), watched("bad", 15, 0.13)...)
	facts = append(facts, watched("one viewer", 1, 0.3)...)
	facts = append(facts, watched("no stall", 20, 0)...)
	facts = append(facts, of("does not start", measure.Outcomes, 25, measure.OutcomeStartFailure), of("does not start", measure.Statuses, 25, "404", "true"),
		of("few attempts", measure.Outcomes, 2, measure.OutcomeStartFailure), of("silent", measure.Latency, 3000))
	frames, err := Run(t.Context(), store(t, facts), Request{Query: Query{QueryType: "streamHealth"}, From: clock("10:00"), To: clock("11:00"),
		Now: clock("12:00"), Level: tenant.Premium})
	if err != nil {
		t.Fatal(err)
	}
	// 25 attempts of which none played are five times the limit, 13 % of stalls 2.6 times, 30 % of one viewer instead of ten 0.6 times, two attempts
	// instead of 20 half of it.
	want := `stream | viewers | bufferingRatio | startFailures | latency | errors
does not start | 0 | - | 1 | - | 25
bad | 15 | 0.13 | - | - | 0
one viewer | 1 | 0.3 | - | - | 0
few attempts | 0 | - | 1 | - | 0
fine | 500 | 0.004 | - | - | 0
no stall | 20 | 0 | - | - | 0
silent | 0 | - | - | 3 | 0`
	if got := text(frames); got != want {
		t.Errorf("got\n%s", got)
	}
}

// TestLimitsAreThoseOfTheAlertRules reads the rules that are provisioned.
func TestLimitsAreThoseOfTheAlertRules(t *testing.T) {
	type model struct {
		Expression string `json:"expression"`
		Conditions []struct {
			Evaluator struct {
				Params []float64 `json:"params"`
			} `json:"evaluator"`
		} `json:"conditions"`
	}
	rules := map[string][]model{}
	for _, name := range []string{"streams.json", "premium.json"} {
		text, err := os.ReadFile("../../provisioning/alerting/" + name)
		if err != nil {
			t.Fatal(err)
		}
		var file struct {
			Groups []struct {
				Rules []struct {
					UID  string `json:"uid"`
					Data []struct {
						Model model `json:"model"`
					} `json:"data"`
				} `json:"rules"`
			} `json:"groups"`
		}
		if err := json.Unmarshal(text, &file); err != nil {
			t.Fatal(err)
		}
		for _, rule := range file.Groups[0].Rules {
			for _, d := range rule.Data {
				rules[rule.UID] = append(rules[rule.UID], d.Model)
			}
		}
	}
	for _, test := range []struct {
		rule  string
		limit float64
		least string
	}{
		{"streamlens-buffering-stream", bufferingLimit, "$viewers >= 10"},
		{"streamlens-buffering-country", bufferingLimit, "$viewers >= 10"},
		{"streamlens-start-failures", startFailuresLimit, "$attempts >= 20"},
		{"streamlens-exits-before-start", exitsLimit, "$attempts >= 20"},
	} {
		var fires, least bool
		for _, m := range rules[test.rule] {
			if len(m.Conditions) > 0 {
				fires = m.Conditions[0].Evaluator.Params[0] == test.limit
			}
			least = least || strings.Contains(m.Expression, test.least)
		}
		if !fires || !least {
			t.Errorf("%s fires at another limit than %g, or not from %s on", test.rule, test.limit, test.least)
		}
	}
	if leastViewers != 10 || leastAttempts != 20 {
		t.Error("other numbers of viewers or attempts than those of the rules")
	}
}
