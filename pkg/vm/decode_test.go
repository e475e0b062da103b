package vm

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func TestDecode(t *testing.T) {
	const ok = `{"status":"success","isPartial":false,"data":{"resultType":"matrix","result":[%s]},"stats":{"seriesFetched": "7","executionTimeMsec":3}}`
	tests := []struct {
		name, result, want string
	}{
		{"nothing", ``, `[]`},
		{"a vector", `{"metric":{"a":"b","c":"d"},"value":[1795227000.25,"-5"]},{"metric":{"a":"e"},"value":[1795227000,"9007199254740993"]}`,
			`[{[{a b} {c d}] [{1795227000250 -5}]} {[{a e}] [{1795227000000 9007199254740993}]}]`},
		{"a matrix", `{"metric":{},"values":[[1,"1"],[2.001,"2"]]},{"values":[],"metric":{"x":"y"}}`, `[{[] [{1000 1} {2001 2}]} {[{x y}] []}]`},
		{"escapes", `{"metric":{"a":"\"\\","\u0062":"\\\\\"x\\"},"value":[1,"1"]}`, `[{[{a "\} {b \\"x\}] [{1000 1}]}]`},
		{"white space and more members", ` { "metric" : {"a" :"b"} , "more": [{"x":[1,null,true,"]"]}], "value" : [ 1 , "1" ] } `, `[{[{a b}] [{1000 1}]}]`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			answer, err := decode(200, fmt.Sprintf(ok, tt.result))
			if got := fmt.Sprint(answer.Series); err != nil || got != tt.want || answer.Fetched != 7 {
				t.Errorf("got %s, %d, %v, want %s", got, answer.Fetched, err, tt.want)
			}
		})
	}
}

// TestDecodeMany has more series than one piece of memory holds, of different lengths.
func TestDecodeMany(t *testing.T) {
	var result []string
	for i := range 3_000 {
		var points []string
		for j := range i % 7 {
			points = append(points, fmt.Sprintf(`[%d,"%d"]`, j, i*j))
		}
		result = append(result, fmt.Sprintf(`{"metric":{"n":"%d"},"values":[%s]}`, i, strings.Join(points, ",")))
	}
	answer, err := decode(200, `{"status":"success","data":{"result":[`+strings.Join(result, ",")+`]}}`)
	if err != nil || len(answer.Series) != len(result) {
		t.Fatalf("%d series, %v", len(answer.Series), err)
	}
	for i, s := range answer.Series {
		if s.Label("n") != strconv.Itoa(i) || len(s.Points) != i%7 {
			t.Fatalf("series %d is %v", i, s)
		}
		for j, p := range s.Points {
			if p != (Point{int64(j) * 1000, int64(i * j)}) {
				t.Fatalf("series %d has %v", i, s.Points)
			}
		}
	}
}

// FuzzDecode compares with encoding/json.
func FuzzDecode(f *testing.F) {
	f.Add(`{"status":"success","data":{"result":[{"metric":{"a":"\\\"b"},"value":[1.5,"2"]},{"metric":{},"values":[[1,"2"],[3,"4"]]}]}}`)
	f.Add(`{"status":"error","error":"x"}`)
	f.Add(`[[[[`)
	f.Add(strings.Repeat("[", 10_000))
	f.Fuzz(func(t *testing.T, body string) {
		answer, err := decode(200, body)
		if err != nil || !json.Valid([]byte(body)) {
			return // encoding/json is stricter about what nobody reads
		}
		var want struct {
			Data struct {
				Result []struct {
					Metric map[string]any
					Value  []any
					Values [][]any
				}
			}
		}
		if json.Unmarshal([]byte(body), &want) != nil || hasRepeatedOrOddKeys(body) {
			return
		}
		if len(answer.Series) != len(want.Data.Result) {
			t.Fatalf("%d series, want %d", len(answer.Series), len(want.Data.Result))
		}
		for i, s := range answer.Series {
			w := want.Data.Result[i]
			if w.Value != nil {
				w.Values = append(w.Values, w.Value)
			}
			if len(s.Labels) != len(w.Metric) || len(s.Points) != len(w.Values) {
				t.Fatalf("series %d is %v, want %v", i, s, w)
			}
			for _, l := range s.Labels {
				if text, ok := w.Metric[l.Name].(string); ok && text != l.Value {
					t.Fatalf("label %q is %q, want %q", l.Name, l.Value, text)
				}
			}
			for j, p := range s.Points {
				if text, ok := w.Values[j][1].(string); ok && text != strconv.FormatInt(p.Value, 10) && !strings.HasPrefix(text, "+") && !strings.HasPrefix(text, "-0") && !strings.HasPrefix(text, "0") {
					t.Fatalf("value %q is %d", text, p.Value)
				}
			}
		}
	})
}

// hasRepeatedOrOddKeys reports whether a text has keys that encoding/json understands in another way: it takes the last of equal ones,
// and does not tell upper from lower case.
func hasRepeatedOrOddKeys(body string) bool {
	var keys []string
	decoder := json.NewDecoder(strings.NewReader(body))
	for {
		token, err := decoder.Token()
		if err != nil {
			break
		}
		if text, ok := token.(string); ok {
			keys = append(keys, text)
		}
	}
	slices.Sort(keys)
	return len(slices.Compact(slices.Clone(keys))) != len(keys) || slices.ContainsFunc(keys, func(k string) bool { return k != strings.ToLower(k) })
}
