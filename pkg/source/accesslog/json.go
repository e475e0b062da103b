package accesslog

import "strings"

// jsonDecoder decodes lines that are JSON objects.
type jsonDecoder struct {
	record
	scanner scanner
	root    *node
}

// jsonFormat makes decoders of JSON with the columns, whose names are the paths to them: the keys with dots between them. Keys
// of headers are found in any case in which servers write them.
func jsonFormat(added escapes, columns ...column) func(Format) (Decoder, error) {
	root := &node{}
	for _, c := range columns {
		root.add(strings.Split(c.name, "."), &c)
	}
	return func(f Format) (Decoder, error) {
		d := &jsonDecoder{record: newRecord(f), root: root}
		d.escapes = added
		d.scanner.value = d.set
		return d, nil
	}
}

func (n *node) add(path []string, c *column) {
	if len(path) == 0 {
		n.column = c
		return
	}
	if n.keys == nil {
		n.keys = map[string]*node{}
	}
	next := n.keys[path[0]]
	if next == nil {
		next = &node{}
		n.keys[path[0]] = next
		if lower := strings.ToLower(path[0]); n.keys[lower] == nil {
			n.keys[lower] = next
		}
	}
	next.add(path[1:], c)
}

// Decode implements Decoder.
func (d *jsonDecoder) Decode(line []byte, r *Request) (bool, error) {
	line, err := trim(line)
	if err != nil || len(line) == 0 {
		*r = Request{Left: LeftBlank}
		return false, err
	}
	if line[0] != '{' {
		line = afterSyslog(line)
	}
	d.reset(r)
	if err := d.scanner.scan(line, d.root); err != nil {
		return false, err
	}
	if d.scanner.err != nil && d.left == "" {
		return false, d.scanner.err
	}
	return d.finish()
}
