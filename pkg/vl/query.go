package vl

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/streamlens/streamlens/pkg/play"
)

// MaxQueryText is how long a query may be that VictoriaLogs takes, in bytes.
const MaxQueryText = 16 << 10

// Operator is how a Filter compares.
type Operator string

// The operators. Those that compare numbers take one value.
const (
	Is      Operator = "="  // one of the values
	IsNot   Operator = "!=" // none of the values
	AtLeast Operator = ">="
	AtMost  Operator = "<="
)

// Filter lets only those records through whose field compares so with the values. An empty value stands for a field that is not there.
type Filter struct {
	Field    play.Field
	Operator Operator
	Values   []string
}

// text returns the filter in LogsQL. Values are quoted, so that they match only themselves.
func (f Filter) text() (string, error) {
	name := strconv.Quote(string(f.Field))
	switch f.Operator {
	case Is, IsNot:
		quoted := make([]string, len(f.Values))
		for i, v := range f.Values {
			quoted[i] = strconv.Quote(v)
		}
		// An empty list lets nothing through.
		in := name + ":in(" + strings.Join(quoted, ",") + ")"
		if f.Operator == IsNot {
			in = "!" + in
		}
		return in, nil
	case AtLeast, AtMost:
		if len(f.Values) != 1 {
			return "", fmt.Errorf("the filter on %s compares with %d values, not with one", f.Field, len(f.Values))
		}
		n, err := strconv.ParseInt(f.Values[0], 10, 64)
		if err != nil {
			return "", fmt.Errorf("the filter on %s compares with %q, which is no whole number", f.Field, f.Values[0])
		}
		return name + ":" + string(f.Operator) + strconv.FormatInt(n, 10), nil
	}
	return "", fmt.Errorf("the filter on %s has the unknown operator %q", f.Field, f.Operator)
}

// Sorting orders the records of an answer, by a stored field.
type Sorting struct {
	Field      play.Field
	Descending bool
}

// Sum is a number of the records of a group.
type Sum struct {
	Name     string // in the answer: letters only
	Function Function
	Fields   []play.Field // one, or several of Distinct, none of Count
	If       []Filter     // what counts, everything if empty
}

// Function is how a Sum is made. There are no others: what VictoriaLogs calls quantile and median are samples.
type Function string

// The functions.
const (
	Count     Function = "count"
	Total     Function = "sum" // of whole numbers; exact below 2^53
	Most      Function = "max"
	Distinct  Function = "count_uniq"
	Histogram Function = "histogram" // buckets as those of VictoriaMetrics
)

func (s Sum) text() (string, error) {
	names := make([]string, len(s.Fields))
	for i, f := range s.Fields {
		names[i] = strconv.Quote(string(f))
	}
	text := string(s.Function) + "(" + strings.Join(names, ",") + ")"
	if len(s.If) > 0 {
		condition, err := filtersText(s.If)
		if err != nil {
			return "", err
		}
		text += " if (" + condition + ")"
	}
	return text + " as " + strconv.Quote(s.Name), nil
}

// Question asks about the records of plays that ended in a range.
type Question struct {
	From, To time.Time // From ≤ end < To
	Filters  []Filter
	// Sums asks for a row for each value of the fields By, all records together if there are none; without Sums the answer has a row for
	// each record, with Fields.
	Sums   []Sum
	By     []play.Field
	Fields []play.Field
	Sort   Sorting // of records
	Limit  int     // of records, or of rows with Greatest; 0 for all
	Offset int     // of records
	// Greatest is the name of one of the Sums: the answer has the Limit rows with the greatest of it alone.
	Greatest string
	// Running asks about plays that run in place of those that ended, as they were last known. From and To are of when that was written.
	Running bool
}

// settled are the fields that a play has from its begin on, so that they can be filtered by before its newest part is found.
var settled = []play.Field{
	play.Organization, play.Session, play.Direction, play.Stream, play.Event, play.User, play.Address, play.Operator, play.Country, play.Region,
	play.Referrer, play.Collector,
}

// running returns what chooses the newest part of each play that runs.
func (q Question) running() (string, error) {
	// What changes is looked at in the newest part only.
	early, late := []Filter{{play.Kind, Is, []string{play.Part}}}, []Filter{{play.Outcome, Is, []string{play.Running}}}
	for _, f := range q.Filters {
		if slices.Contains(settled, f.Field) {
			early = append(early, f)
		} else {
			late = append(late, f)
		}
	}
	all, err := filtersText(early)
	if err != nil {
		return "", err
	}
	newest, err := filtersText(late)
	if err != nil {
		return "", err
	}
	return `{kind="` + play.Part + `"} ` + all + " | last 1 by (_time) partition by (" + names([]play.Field{play.Session, play.Begin}) + ") | filter " + newest, nil
}

func filtersText(filters []Filter) (string, error) {
	texts := make([]string, len(filters))
	for i, f := range filters {
		var err error
		if texts[i], err = f.text(); err != nil {
			return "", err
		}
	}
	return strings.Join(texts, " "), nil
}

// Text returns the question in LogsQL.
func (q Question) Text() (string, error) {
	// Where records were deleted VictoriaLogs may leave one without any field but its time, which would count.
	text := `{kind="` + play.Final + `"} kind:="` + play.Final + `"`
	if q.Running {
		var err error
		if text, err = q.running(); err != nil {
			return "", err
		}
	} else if len(q.Filters) > 0 {
		filters, err := filtersText(q.Filters)
		if err != nil {
			return "", err
		}
		text += " " + filters
	}
	if len(q.Sums) > 0 {
		sums := make([]string, len(q.Sums))
		for i, s := range q.Sums {
			var err error
			if sums[i], err = s.text(); err != nil {
				return "", err
			}
		}
		text += " | stats"
		if len(q.By) > 0 {
			text += " by (" + names(q.By) + ")"
		}
		text += " " + strings.Join(sums, ", ")
		if q.Greatest != "" {
			text += " | sort by (" + strconv.Quote(q.Greatest) + " desc) limit " + strconv.Itoa(q.Limit)
		}
	} else {
		if q.Sort.Field != "" {
			text += " | sort by (" + strconv.Quote(string(q.Sort.Field))
			if q.Sort.Descending {
				text += " desc"
			}
			// Equal ones in an order of their own, so that each is on one page only.
			text += ", " + names([]play.Field{play.Session, play.Begin}) + ")"
			if q.Offset > 0 {
				text += " offset " + strconv.Itoa(q.Offset)
			}
			if q.Limit > 0 {
				text += " limit " + strconv.Itoa(q.Limit)
			}
		}
		if len(q.Fields) > 0 {
			text += " | fields " + names(q.Fields)
		}
	}
	if len(text) > MaxQueryText {
		return "", fmt.Errorf("%w: its text of %d bytes is longer than %d; choose fewer values in the filters", ErrLimit, len(text), MaxQueryText)
	}
	return text, nil
}

func names(fields []play.Field) string {
	quoted := make([]string, len(fields))
	for i, f := range fields {
		quoted[i] = strconv.Quote(string(f))
	}
	return strings.Join(quoted, ",")
}

// Row is a row of an answer: what is absent is not in it.
type Row map[string]string

// Asker asks about plays, as Client does.
type Asker interface {
	Ask(ctx context.Context, q Question) ([]Row, error)
	Values(ctx context.Context, q Question, field play.Field, limit int) ([]string, error)
}

var _ Asker = (*Client)(nil)

// timeForm is RFC 3339 with ms.
const timeForm = "2006-01-02T15:04:05.000Z"

func (q Question) form(text string) url.Values {
	return url.Values{"query": {text}, "start": {q.From.UTC().Format(timeForm)}, "end": {q.To.UTC().Format(timeForm)}}
}

// Ask returns the rows of the answer to a question.
func (c *Client) Ask(ctx context.Context, q Question) ([]Row, error) {
	text, err := q.Text()
	if err != nil {
		return nil, err
	}
	return c.ask(ctx, q.form(text))
}

func (c *Client) ask(ctx context.Context, form url.Values) ([]Row, error) {
	body, err := c.send(ctx, http.MethodPost, "/select/logsql/query", formType, []byte(form.Encode()))
	if err != nil {
		return nil, err
	}
	if len(body) > 0 && body[len(body)-1] != '\n' {
		return nil, ErrCutOff
	}
	var rows []Row
	for line := range bytes.Lines(body) {
		row := Row{}
		if err := json.Unmarshal(line, &row); err != nil {
			return nil, fmt.Errorf("read the answer of VictoriaLogs: %w", err)
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// Values returns up to limit values that a field has in what a question asks for, in no order. The question's Sums and Fields do not
// matter.
func (c *Client) Values(ctx context.Context, q Question, field play.Field, limit int) ([]string, error) {
	text, err := Question{Filters: q.Filters}.Text()
	if err != nil {
		return nil, err
	}
	form := q.form(text)
	form.Set("field", string(field))
	form.Set("limit", strconv.Itoa(limit))
	body, err := c.send(ctx, http.MethodPost, "/select/logsql/field_values", formType, []byte(form.Encode()))
	if err != nil {
		return nil, err
	}
	var answer struct {
		Values []struct{ Value string }
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, fmt.Errorf("read the answer of VictoriaLogs: %w", err)
	}
	var values []string
	for _, v := range answer.Values {
		if v.Value != "" {
			values = append(values, v.Value)
		}
	}
	return values, nil
}

// Have returns which of some records are stored. The records are those of one or several organisations; only a client without Transport
// may ask so.
func (c *Client) Have(ctx context.Context, keys []play.Key, from, to time.Time) (map[play.Key]bool, error) {
	quoted := make([]string, len(keys))
	for i, k := range keys {
		quoted[i] = strconv.Quote(k.Session)
	}
	q := Question{From: from, To: to, Fields: []play.Field{play.Organization, play.Session, play.Begin}}
	text, err := q.Text()
	if err != nil {
		return nil, err
	}
	form := q.form(text)
	// A query has not the room for so many.
	form.Set("extra_filters", string(play.Session)+":in("+strings.Join(quoted, ",")+")")
	rows, err := c.ask(ctx, form)
	if err != nil {
		return nil, err
	}
	have := map[play.Key]bool{}
	for _, row := range rows {
		r, err := play.Read(row)
		if err != nil {
			return nil, err
		}
		have[r.Key()] = true
	}
	return have, nil
}
