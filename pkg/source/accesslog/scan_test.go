package accesslog

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

// scanned returns the texts that a scanner finds at two paths.
func scanned(line []byte) (found map[string]string, err error) {
	root := &node{}
	for _, c := range []column{{name: "a"}, {name: "b.c"}} {
		root.add(strings.Split(c.name, "."), &c)
	}
	found = map[string]string{}
	s := scanner{value: func(c *column, value []byte) error {
		found[c.name] = string(value)
		return nil
	}}
	if err := s.scan(line, root); err != nil {
		return nil, err
	}
	return found, s.err
}

func TestScan(t *testing.T) {
	for _, test := range []struct {
		line string
		want map[string]string
		err  error
	}{
		{`{"a":"x","b":{"c":5}}`, map[string]string{"a": "x", "b.c": "5"}, nil},
		{` { "b" : { "d" : [ 1 , { "c" : "}" } ] , "c" : 1.25e3 } , "a" : true } `, map[string]string{"a": "true", "b.c": "1.25e3"}, nil},
		{`{"a":"\"\\\/\n\t\r\b\f\u00e9\ud83d\ude00\ud83dx\u12"}`, map[string]string{"a": "\"\\/\n\t\r\b\f\u00e9\U0001F600\uFFFDx\\u12"}, nil},
		{`{"a":"\x22\xC3\xBC\q"}`, map[string]string{"a": `"ü\q`}, nil},
		{`{"\u0061":null,"b":["c"],"x":"\\","y":"\\\""}`, map[string]string{"a": ""}, nil},
		{`{"a":["x","y"],"b":{"c":[]}}`, map[string]string{"a": "x, y", "b.c": ""}, nil},
		{`{}`, map[string]string{}, nil},
		{`{"z":[[[{"a":1}]]],"zz":-1}`, map[string]string{}, nil},
		{`[]`, nil, errObject}, {``, nil, errObject}, {`"a"`, nil, errObject},
		{`{`, nil, errJSON}, {`{"a"`, nil, errJSON}, {`{"a":`, nil, errJSON}, {`{"a":"x`, nil, errJSON}, {`{"a":"x\"}`, nil, errJSON}, {`{"a":1`, nil, errJSON},
		{`{"a":1,}`, nil, errJSON}, {`{"a":1}x`, nil, errJSON}, {`{"a":1]`, nil, errJSON}, {`{"z":[1,2}`, nil, errJSON}, {`{"a":["x"`, nil, errJSON},
		{`{a:1}`, nil, errJSON}, {`{"a" 1}`, nil, errJSON}, {`{"z":}`, nil, errJSON}, {`{"a":}`, nil, errJSON}, {`{"a":[,"x"]}`, nil, errJSON},
	} {
		found, err := scanned([]byte(test.line))
		if !errors.Is(err, test.err) && (err == nil || test.err == nil || err.Error() != test.err.Error()) {
			t.Errorf("%s: got %v", test.line, err)
			continue
		}
		for path, want := range test.want {
			if got, ok := found[path]; !ok || got != want {
				t.Errorf("%s: got %q at %s, want %q", test.line, got, path, want)
			}
		}
		if len(found) != len(test.want) {
			t.Errorf("%s: got %q", test.line, found)
		}
	}
	// What is no text is refused, and the rest is read.
	if found, err := scanned([]byte(`{"a":{"x":1},"b":{"c":"y"}}`)); err == nil || found["b.c"] != "y" {
		t.Errorf("got %v %v", found, err)
	}
	deep := strings.Repeat(`{"b":`, 1000) + "1" + strings.Repeat("}", 1000)
	if _, err := scanned([]byte(deep)); err != nil {
		t.Errorf("deep: %v", err)
	}
}

// FuzzScan compares with encoding/json: what that reads the scanner reads too, and finds the same.
func FuzzScan(f *testing.F) {
	f.Add([]byte(`{"a":"x\u00e9","b":{"c":[1,{"d":"\\"}],"e":null}}`))
	f.Add([]byte(`{"b":{"c":"\ud83d\ude00"},"a":[]}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		found, err := scanned(line)
		var object map[string]any
		decoder := json.NewDecoder(bytes.NewReader(line))
		decoder.UseNumber()
		if !utf8.Valid(line) || !json.Valid(line) || decoder.Decode(&object) != nil || object == nil {
			return
		}
		text, ok := object["a"].(string)
		if ok && found["a"] != text && bytes.Count(line, []byte("a")) == 1 {
			t.Errorf("%s: got %q %v, want %q", line, found["a"], err, text)
		}
		if errors.Is(err, errJSON) || errors.Is(err, errObject) {
			t.Errorf("%s is valid: %v", line, err)
		}
	})
}
