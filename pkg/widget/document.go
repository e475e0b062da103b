package widget

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// documentedColumn is a Column in the JSON of Document.
type documentedColumn struct {
	Name string `json:"name"`
	Unit Unit   `json:"unit"`
}

// documented is a Definition in the JSON of Document.
type documented struct {
	Type        string             `json:"type"`
	Title       string             `json:"title"`
	Description string             `json:"description"`
	Page        string             `json:"page"`
	Level       string             `json:"level"`
	Options     []string           `json:"options"`
	Metrics     []string           `json:"metrics"`
	Filters     []string           `json:"filters"`
	Columns     []documentedColumn `json:"columns"`
}

// Document returns all definitions as the JSON that the query editor is driven by, src/widgets.json.
func Document() ([]byte, error) {
	var all []documented
	for _, d := range All() {
		entry := documented{
			Type: d.Type, Title: d.Title, Description: d.Description, Page: d.Page, Level: string(d.Level),
			Options: append([]string{}, d.Options...), Metrics: d.Metrics(), Filters: d.Filters,
		}
		for _, c := range d.Columns {
			entry.Columns = append(entry.Columns, documentedColumn{c.Name, c.Unit})
		}
		all = append(all, entry)
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(all); err != nil {
		return nil, fmt.Errorf("document widgets: %w", err)
	}
	return b.Bytes(), nil
}
