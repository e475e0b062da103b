package vm

import (
	"fmt"
	"strings"
	"testing"
)

// BenchmarkDecode decodes an answer with 100,000 streams, as of a breakdown, and one with 300 points for 100 names.
func BenchmarkDecode(b *testing.B) {
	answers := map[string]string{}
	var vector, matrix, values []string
	for i := range 100_000 {
		vector = append(vector, fmt.Sprintf(`{"metric":{"part":"1","stream":"stream-%d"},"value":[1795227000,"%d"]}`, i, i*1_000_003))
	}
	for i := range 300 {
		values = append(values, fmt.Sprintf(`[%d,"%d"]`, 1795227000+60*i, i*1_000_003))
	}
	for i := range 100 {
		matrix = append(matrix, fmt.Sprintf(`{"metric":{"part":"1","country":"%d"},"values":[%s]}`, i, strings.Join(values, ",")))
	}
	answers["vector"], answers["matrix"] = strings.Join(vector, ","), strings.Join(matrix, ",")
	for name, result := range answers {
		body := `{"status":"success","data":{"resultType":"` + name + `","result":[` + result + `]}}`
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				if _, err := decode(200, body); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
