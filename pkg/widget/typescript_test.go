package widget

import (
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestTypeScriptQuery holds the front end's type of a query to Query: the same fields, lists where Query has lists.
func TestTypeScriptQuery(t *testing.T) {
	source, err := os.ReadFile("../../src/query.ts")
	if err != nil {
		t.Fatal(err)
	}
	field := regexp.MustCompile(`(?m)^  (\w+)\??: ([^;]+);$`)
	written := map[string]bool{} // field to whether it is a list
	for _, name := range []string{"Filters", "StreamlensQuery"} {
		body := regexp.MustCompile(`(?s)export interface ` + name + ` [^{]*\{(.*?)\n\}`).FindSubmatch(source)
		if body == nil {
			t.Fatalf("src/query.ts has no interface %s", name)
		}
		for _, m := range field.FindAllSubmatch(body[1], -1) {
			written[string(m[1])] = strings.HasSuffix(string(m[2]), "[]")
		}
	}
	// Grafana's own DataQuery, which the interface extends, has these.
	inherited := []string{"refId", "queryType"}
	query := reflect.TypeFor[Query]()
	for i := range query.NumField() {
		name, _, _ := strings.Cut(query.Field(i).Tag.Get("json"), ",")
		if slices.Contains(inherited, name) || !query.Field(i).IsExported() {
			continue
		}
		list, ok := written[name]
		if want := query.Field(i).Type.Kind() == reflect.Slice; !ok || list != want {
			t.Errorf("%s is in src/query.ts: %v, as a list: %v; want a list: %v", name, ok, list, want)
		}
		delete(written, name)
	}
	delete(written, "live") // is for the data source: package plugin reads it
	for name := range written {
		t.Errorf("src/query.ts has the field %s, which Query lacks", name)
	}
}

// TestTypeScriptOutcomes holds the names of outcomes on the page of all plays to those of the widgets.
func TestTypeScriptOutcomes(t *testing.T) {
	source, err := os.ReadFile("../../src/dashboards/allplays.ts")
	if err != nil {
		t.Fatal(err)
	}
	written := map[string]string{}
	for _, m := range regexp.MustCompile(`text: '([^']+)', value: 'outcome=(\w+)'`).FindAllSubmatch(source, -1) {
		written[string(m[2])] = string(m[1])
	}
	if !maps.Equal(written, outcomeNames) {
		t.Errorf("src/dashboards/allplays.ts names outcomes %v, the widgets %v", written, outcomeNames)
	}
}
