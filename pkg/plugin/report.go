package plugin

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"

	"github.com/streamlens/streamlens/pkg/report"
	"github.com/streamlens/streamlens/pkg/widget"
)

// allValues is what Grafana writes into an address for a variable of which everything is chosen.
const allValues = "$__all"

// parallelReports is how many reports are made at a time, since a PDF takes more of the processor than any query does.
const parallelReports = 2

// report answers with the report of a range and its filters as a file.
func (d *Datasource) report(w http.ResponseWriter, r *http.Request) {
	d.download(w, r, []string{"country", "stream", "tag", "event", "referrer", "values", "where", "unit", "timezone", "interval", "compare", "format", "paper", "kind"},
		d.makeReport)
}

// export answers with what a widget answers, as a file.
func (d *Datasource) export(w http.ResponseWriter, r *http.Request) {
	d.download(w, r, append(widget.Parameters(), "format"), d.makeExport)
}

// file is what somebody downloads.
type file struct {
	name, mediaType string
	content         bytes.Buffer
	shown           bool // in the browser, not saved
}

// download answers with the file that is made of a request and of options, or with what is wrong.
func (d *Datasource) download(
	w http.ResponseWriter, r *http.Request, options []string,
	produce func(context.Context, widget.Request, url.Values) (*file, error),
) {
	if d.settingsErr != nil {
		answerError(w, r, backend.StatusBadRequest, d.settingsErr)
		return
	}
	request, chosen, err := downloadRequest(r.URL.RawQuery, options)
	if err != nil {
		answerError(w, r, backend.StatusBadRequest, err)
		return
	}
	request.Now = d.now().Truncate(time.Second)
	if request.Level, err = d.level.get(r.Context(), request.Now); err != nil {
		answerError(w, r, upstreamFailed(err).Status, err)
		return
	}
	made, err := produce(r.Context(), request, chosen)
	if cause := r.Context().Err(); cause != nil {
		answerError(w, r, upstreamFailed(cause).Status, cause)
		return
	}
	if err != nil {
		answerError(w, r, failed(r.Context(), err).Status, err)
		return
	}
	w.Header().Set("Content-Type", made.mediaType)
	disposition := "attachment"
	if made.shown {
		disposition = "inline"
	}
	w.Header().Set("Content-Disposition", mime.FormatMediaType(disposition, map[string]string{"filename": made.name}))
	w.Header().Set("Content-Length", strconv.Itoa(made.content.Len()))
	if _, err := made.content.WriteTo(w); err != nil {
		backend.Logger.FromContext(r.Context()).Error("File not sent", "error", err)
	}
}

// downloadRequest reads the parameters of a download: from and to, in ms since 1970 or in RFC 3339, and options: lists any number of
// times, each other once at most. A dashboard's variable may stand for each as Grafana writes it, var-country=DE. Of such a variable,
// everything or nothing chosen is no filter. It returns the options that are none of the query, too.
func downloadRequest(rawQuery string, options []string) (widget.Request, url.Values, error) {
	var request widget.Request
	// Grafana leaves the semicolons of a variable's values as they are, and Go refuses them.
	parameters, err := url.ParseQuery(strings.ReplaceAll(rawQuery, ";", "%3B"))
	if err != nil {
		return request, nil, fmt.Errorf("the parameters cannot be read: %w", err)
	}
	chosen := url.Values{}
	for parameter, values := range parameters {
		name, isVariable := strings.CutPrefix(parameter, "var-")
		if isVariable {
			values = valuesOfVariable(values)
		}
		if name != "from" && name != "to" && !slices.Contains(options, name) {
			return request, nil, fmt.Errorf("the parameter %q is unknown", parameter)
		}
		chosen[name] = append(chosen[name], values...)
	}
	others := url.Values{}
	for name, values := range chosen {
		if slices.Contains(widget.Parameters(), name) {
			if err := request.SetParameter(name, values); err != nil {
				return request, nil, err
			}
			continue
		}
		if others[name] = values; len(values) > 1 {
			return request, nil, fmt.Errorf("the parameter %s is there more than once", name)
		}
	}
	if request.From, err = moment(others, "from"); err != nil {
		return request, nil, err
	}
	request.To, err = moment(others, "to")
	return request, others, err
}

func valuesOfVariable(values []string) []string {
	if slices.Contains(values, allValues) {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(values), func(v string) bool { return v == "" })
}

func moment(parameters url.Values, name string) (time.Time, error) {
	text := parameters.Get(name)
	if ms, err := strconv.ParseInt(text, 10, 64); err == nil {
		return time.UnixMilli(ms), nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return t, fmt.Errorf("the parameter %s must be milliseconds since 1970 or a time in RFC 3339", name)
	}
	return t, nil
}

func (d *Datasource) makeReport(ctx context.Context, request widget.Request, options url.Values) (*file, error) {
	format, err := report.ParseFormat(options.Get("format"))
	if err != nil {
		return nil, badParameter{err}
	}
	kind, err := report.ParseKind(options.Get("kind"))
	if err != nil {
		return nil, badParameter{err}
	}
	var layout report.Layout
	if layout.Paper, err = report.ParsePaper(options.Get("paper")); err != nil {
		return nil, badParameter{err}
	}
	if layout.Logo, err = base64.StdEncoding.DecodeString(strings.Join(strings.Fields(d.settings.Logo), "")); err != nil {
		return nil, badParameter{fmt.Errorf("the logo in the data source's settings is no base64: %w", err)}
	}
	if err := report.CheckLogo(layout.Logo); err != nil {
		return nil, badParameter{err}
	}
	select {
	case d.reports <- struct{}{}:
		defer func() { <-d.reports }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	d.complete(&request)
	made, err := kind.Make(ctx, d.shared, request, report.DefaultTop)
	if err != nil {
		return nil, err
	}
	made.Title, made.Organization = kind.Title(), cmp.Or(d.settings.OrganizationName, d.settings.Organization)
	made.Fixed = d.settings.FixedFilters.String()
	f := &file{name: made.FileName(d.settings.Organization, format), mediaType: format.MediaType()}
	return f, made.Write(&f.content, format, layout)
}

func (d *Datasource) makeExport(ctx context.Context, request widget.Request, options url.Values) (*file, error) {
	write, mediaType := (*report.Export).WriteCSV, report.CSV.MediaType()
	format := cmp.Or(options.Get("format"), "csv")
	switch format {
	case "csv":
	case "json":
		write, mediaType = (*report.Export).WriteJSON, "application/json"
	default:
		return nil, badParameter{fmt.Errorf("the format %q is unknown: it is csv or json", format)}
	}
	d.complete(&request)
	frames, err := widget.Run(ctx, d.shared, request)
	if err != nil {
		return nil, err
	}
	zone, err := report.Zone(request.Timezone)
	if err != nil {
		return nil, err
	}
	made, err := report.NewExport(frames[0], zone)
	if err != nil {
		return nil, err
	}
	name := report.FileName(d.settings.Organization, request.QueryType, request.From, request.To, zone, format)
	f := &file{name: name, mediaType: mediaType}
	return f, write(made, &f.content)
}

// badParameter is an error of who asks.
type badParameter struct{ error }

func (badParameter) Is(target error) bool { return target == widget.ErrBadQuery }
