package widget

import (
	"cmp"
	"context"
	"slices"

	"github.com/streamlens/streamlens/pkg/vm"
)

// maxGreatest is up to how many rows it is worth letting VictoriaMetrics choose the greatest: of many more nearly all are listed.
const maxGreatest = 10_000

// readGreatest reads the rows that are listed of the two directions of usage, and of all others the sum, so that not every address goes
// from VictoriaMetrics to here. Reads are ingest and playout, and both together order the rows. A tenth more than is listed is read, because
// names settle the order of equal ones. It returns nil if that does not tell which rows are listed: then all must be read.
func (res *result) readGreatest(ctx context.Context, asker vm.Asker, reads []read, in []interval) (*table, error) {
	top := res.request.Top
	if top > maxGreatest || res.nothing {
		return nil, nil
	}
	ingest, both := reads[0], read{measure: reads[0].measure, greatest: top + top/10 + 1}
	found, err := res.read(ctx, asker, []read{both, ingest}, in)
	if err != nil {
		return nil, err
	}
	total := func(r *row) float64 { return r.numbers[0][0] }
	others, some := found.byName[""]
	known := slices.DeleteFunc(slices.Clone(found.rows), func(r *row) bool { return r == others || total(r) == 0 })
	slices.SortFunc(known, func(a, b *row) int { return cmp.Compare(total(b), total(a)) })
	if some && (len(known) <= top || total(known[top-1]) == total(known[len(known)-1])) {
		return nil, nil
	}
	t := newTable(reads, 1)
	t.minutes = found.minutes
	add := func(r *row, both, ingest float64) {
		r.numbers[0][0] += ingest
		r.numbers[1][0] += both - ingest
	}
	for _, r := range known {
		add(t.row(r.name), total(r), r.numbers[1][0])
	}
	if some {
		t.beyond = t.newRow("")
		add(t.beyond, total(others), 0)
		for _, r := range found.rows {
			if r != others && total(r) == 0 {
				add(t.beyond, 0, r.numbers[1][0])
			}
		}
	}
	return t, nil
}
