package doctor

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/streamlens/streamlens/pkg/tenant"
	"github.com/streamlens/streamlens/pkg/vm"
	"github.com/streamlens/streamlens/pkg/widget"
)

const (
	// lookBack is how far back the last data is looked for.
	lookBack = 24 * time.Hour
	// moment is how times are shown.
	moment = "2006-01-02 15:04 MST"
	// nowhereShare is the share of loads without a country from which on addresses are likely to be those of a proxy, of at least
	// enoughLoads.
	nowhereShare = 0.5
	enoughLoads  = 20
	// protocol is the label by which the widgets of usage tell series apart.
	protocol = "protocol"
)

// sources are the kinds of sources, and the widget that counts what each brings, by protocol.
var sources = []struct{ about, queryType, unit string }{
	{"players", "usagePlayout", widget.UnitPlaytime},
	{"publishers", "usageIngest", widget.UnitPlaytime},
	{"servers and logs, delivered", "usagePlayout", widget.UnitTraffic},
	{"servers and logs, received", "usageIngest", widget.UnitTraffic},
}

// arrivals says when each kind of source has brought something last, and whether viewers' addresses are those of viewers.
func arrivals(ctx context.Context, client *vm.Client, o tenant.Organization, now time.Time) []Finding {
	request := widget.Request{From: now.Add(-lookBack), To: now, Now: now, Level: o.Level}
	var findings []Finding
	something := false
	for _, source := range sources {
		about := fmt.Sprintf("%s of %s", source.about, o.ID)
		request.Query = widget.Query{QueryType: source.queryType, Unit: source.unit, Form: widget.FormSeries, Interval: "1m"}
		frames, err := widget.Run(ctx, client, request)
		if err != nil {
			findings = append(findings, Finding{Wrong, about, err.Error(), ""})
			continue
		}
		last := lastOf(frames)
		says := "nothing in the last 24 hours"
		if len(last) > 0 {
			something = true
			says = "last data: " + strings.Join(last, ", ")
		}
		findings = append(findings, Finding{Fine, about, says, ""})
	}
	if !something {
		findings = append(findings, Finding{Doubtful, "organisation " + o.ID, "nothing was counted in the last 24 hours",
			"Connect a player, a server or a log: docs/sources has a page for each. What is refused shows as " +
				"streamlens_collector_refused_total in the collector's metrics, with the reason."})
	}
	request.Query = widget.Query{QueryType: "loadsByCountry"}
	frames, err := widget.Run(ctx, client, request)
	if err != nil {
		return append(findings, Finding{Wrong, "viewers of " + o.ID, err.Error(), ""})
	}
	return append(findings, places(o.ID, frames)...)
}

// lastOf returns for each number of time series its name and the last minute in which it was not 0, in their order.
func lastOf(frames data.Frames) []string {
	var last []string
	for _, frame := range frames {
		if len(frame.Fields) == 0 {
			continue
		}
		for _, field := range frame.Fields[1:] {
			for row := field.Len() - 1; row >= 0; row-- {
				value, err := field.NullableFloatAt(row)
				if err != nil || value == nil || *value == 0 {
					continue
				}
				if at, ok := frame.Fields[0].At(row).(time.Time); ok {
					last = append(last, fmt.Sprintf("%s %s", field.Labels[protocol], at.UTC().Format(moment)))
				}
				break
			}
		}
	}
	return last
}

// places doubts addresses of which most have no country.
func places(organization string, frames data.Frames) []Finding {
	var all, nowhere float64
	for _, frame := range frames {
		for row := range frame.Rows() {
			loads, err := frame.Fields[1].NullableFloatAt(row)
			if err != nil || loads == nil {
				continue
			}
			all += *loads
			if country, ok := frame.Fields[0].ConcreteAt(row); ok && country == "ZZ" {
				nowhere += *loads
			}
		}
	}
	if all < enoughLoads || nowhere < nowhereShare*all {
		return nil
	}
	return []Finding{{Doubtful, "viewers of " + organization, fmt.Sprintf("%.0f of %.0f loads of the last 24 hours are from no country", nowhere, all),
		"If players reach the collector through a proxy, balancer or container network, list its addresses under trustedProxies; else see geoip."}}
}
