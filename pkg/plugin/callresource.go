package plugin

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/backend/resource/httpadapter"

	"github.com/streamlens/streamlens/pkg/widget"
)

// resources returns the handler of what the front end asks beside queries, values, and of what is downloaded: report, export and schedule. All
// of it reads.
//
// Whoever may query the data source may call it, a Viewer too, since it tells no more than queries do: it reads through the client
// that forces the data source's organisation. Roles are not asked: Grafana says Admin for its alert scheduler and for public
// dashboards, and lets every Viewer of a Grafana organisation query each of its data sources. Nothing is written, so that nobody can
// write by way of Grafana; servers write to the collector, with the organisation's secret key.
func (d *Datasource) resources() backend.CallResourceHandler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /values", d.values)
	mux.HandleFunc("GET /report", d.report)
	mux.HandleFunc("GET /export", d.export)
	mux.HandleFunc("GET /schedule", d.schedule)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		answerError(w, r, backend.StatusNotFound, fmt.Errorf("there is no resource %s %s", r.Method, r.URL.Path))
	})
	return httpadapter.New(mux)
}

// values answers with the values that a filter may have, as a JSON list of texts.
func (d *Datasource) values(w http.ResponseWriter, r *http.Request) {
	if d.settingsErr != nil {
		answerError(w, r, backend.StatusBadRequest, d.settingsErr)
		return
	}
	label, request, err := valuesRequest(r.URL.RawQuery)
	if err != nil {
		answerError(w, r, backend.StatusBadRequest, err)
		return
	}
	request.Now = d.now().Truncate(time.Second)
	values, err := widget.Values(r.Context(), d.shared, label, request)
	if err != nil {
		response := failed(r.Context(), err)
		answerError(w, r, response.Status, err)
		return
	}
	answer(w, r, http.StatusOK, values)
}

// valuesRequest reads the parameters label, from and to (ms since 1970), and the filters, each any number of times.
func valuesRequest(rawQuery string) (label string, request widget.Request, err error) {
	parameters, err := url.ParseQuery(rawQuery)
	if err != nil {
		return "", request, fmt.Errorf("the parameters cannot be read: %w", err)
	}
	single := []string{"label", "from", "to"}
	for name, values := range parameters {
		switch name {
		case "country":
			request.Country = values
		case "stream":
			request.Stream = values
		case "tag":
			request.Tag = values
		case "event":
			request.Event = values
		case "referrer":
			request.Referrer = values
		default:
			if !slices.Contains(single, name) {
				return "", request, fmt.Errorf("the parameter %q is unknown", name)
			}
		}
	}
	for _, name := range single {
		if len(parameters[name]) != 1 {
			return "", request, fmt.Errorf("the parameter %s is needed, once", name)
		}
	}
	if request.From, err = milliseconds(parameters, "from"); err != nil {
		return "", request, err
	}
	request.To, err = milliseconds(parameters, "to")
	return parameters.Get("label"), request, err
}

func milliseconds(parameters url.Values, name string) (time.Time, error) {
	ms, err := strconv.ParseInt(parameters.Get(name), 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("the parameter %s must be milliseconds since 1970", name)
	}
	return time.UnixMilli(ms), nil
}

// answerError answers with the collector's form of errors, which Grafana's front end understands too.
func answerError(w http.ResponseWriter, r *http.Request, status backend.Status, err error) {
	answer(w, r, int(status), map[string]string{"error": err.Error()})
}

func answer(w http.ResponseWriter, r *http.Request, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(body); err != nil {
		backend.Logger.FromContext(r.Context()).Error("Answer not sent", "error", err)
	}
}
