package widget

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend/gtime"
)

// ParameterWidget is the parameter of an address that names the widget.
const ParameterWidget = "widget"

// Parameters returns the names that the fields of a Query have as parameters of an address: those of its JSON, but that the query type is
// ParameterWidget.
func Parameters() []string {
	var names []string
	for f := range reflect.TypeFor[Query]().Fields() {
		if name := parameterOf(f); name != "" {
			names = append(names, name)
		}
	}
	return names
}

// parameterOf returns the parameter of a field of a Query, "" if it has none.
func parameterOf(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	switch name {
	case "refId":
		return ""
	case "queryType":
		return ParameterWidget
	}
	return name
}

// SetParameter sets the field of a parameter to its values: a list takes them all, anything else one. The error is of the kind ErrBadQuery.
func (q *Query) SetParameter(name string, values []string) error {
	of := reflect.ValueOf(q).Elem()
	for f := range of.Type().Fields() {
		if parameterOf(f) != name || name == "" {
			continue
		}
		field := of.FieldByIndex(f.Index)
		if list, ok := field.Addr().Interface().(*[]string); ok {
			*list = append(*list, values...)
			return nil
		}
		switch len(values) {
		case 0:
			return nil
		case 1:
		default:
			return badQuery("the parameter %s is there more than once", name)
		}
		switch target := field.Addr().Interface().(type) {
		case *string:
			*target = values[0]
		case *int:
			if values[0] == "" {
				return nil
			}
			n, err := strconv.Atoi(values[0])
			if err != nil {
				return badQuery("the parameter %s must be a number", name)
			}
			*target = n
		default:
			return fmt.Errorf("the field %s of a query has a type that no parameter has", f.Name)
		}
		return nil
	}
	names := Parameters()
	slices.Sort(names)
	return badQuery("the parameter %q is unknown: there are %s", name, strings.Join(names, ", "))
}

// ParseTime reads a time in RFC 3339, in ms since 1970, or in Grafana's form now-24h.
func ParseTime(s string, now time.Time) (time.Time, error) {
	if ms, err := strconv.ParseInt(s, 10, 64); err == nil {
		return time.UnixMilli(ms), nil
	}
	rest, relative := strings.CutPrefix(s, "now")
	if !relative {
		t, err := time.Parse(time.RFC3339, s)
		if err != nil {
			return t, badQuery("%q is neither like now-24h nor a time in RFC 3339 nor milliseconds since 1970", s)
		}
		return t, nil
	}
	if rest == "" {
		return now, nil
	}
	d, err := gtime.ParseDuration(rest[1:])
	if err != nil || (rest[0] != '-' && rest[0] != '+') {
		return now, badQuery("%q is neither like now-24h nor a time in RFC 3339 nor milliseconds since 1970", s)
	}
	if rest[0] == '-' {
		d = -d
	}
	return now.Add(d), nil
}
