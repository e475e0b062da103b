package measure

import "strings"

// labelEscapes are those of Prometheus' text format.
var labelEscapes = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)

// WriteLabel writes a label in Prometheus' text format, with a comma behind it.
func WriteLabel(b *strings.Builder, name, value string) {
	b.WriteString(name)
	b.WriteString(`="`)
	b.WriteString(labelEscapes.Replace(value))
	b.WriteString(`",`)
}
