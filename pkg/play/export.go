package play

import (
	"strconv"

	"github.com/streamlens/streamlens/pkg/event"
)

// SchemaVersion is the version of the columns of exported records. It changes when one goes or means something else, not when one is added.
const SchemaVersion = 1

// schemaColumn is the name of the column of the version.
const schemaColumn = "schema"

// Columns returns the names of the columns of Row: the version, and the fields of a record.
func Columns() []string {
	r := NewRecord()
	columns := []string{schemaColumn}
	for _, f := range r.texts() {
		columns = append(columns, string(f.name))
	}
	for _, f := range r.allNumbers() {
		columns = append(columns, string(f.name))
	}
	return append(columns, string(TimelineText))
}

// Row returns the record as texts, in the order of Columns. What is not known is empty.
func (r *Record) Row() []string {
	row := []string{strconv.Itoa(SchemaVersion)}
	for _, f := range r.texts() {
		row = append(row, *f.value)
	}
	for _, f := range r.allNumbers() {
		text := ""
		if *f.value != event.Absent {
			text = strconv.FormatInt(*f.value, 10)
		}
		row = append(row, text)
	}
	return append(row, timelineEncoding.EncodeToString(r.Timeline))
}

// Export appends the record to b as a line of JSON with the columns of Row; what is not known is left out.
func (r *Record) Export(b []byte) []byte {
	b = append(b, `{"`+schemaColumn+`":`...)
	b = strconv.AppendInt(b, SchemaVersion, 10)
	return r.fields(b, true)
}
