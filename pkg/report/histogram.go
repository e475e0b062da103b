package report

import (
	"math"
	"strconv"
)

// intervalNames name the usual intervals of the histogram, and labelLayouts are how their starts are written.
var (
	intervalNames = map[string]string{"1m": "minute", "5m": "5 minutes", "1h": "hour", "24h": "day", "1d": "day", "1M": "month"}
	labelLayouts  = map[string]string{"hour": "15:04", "day": "2 Jan", "month": "Jan 2006"}
)

// intervalName says how long the histogram's intervals are.
func (r *Report) intervalName() string {
	if name, ok := intervalNames[r.Interval]; ok {
		return name
	}
	return r.Interval
}

// histogram draws a column of a table: a bar for each row, which is an interval or has a name.
func (p *page) histogram(t Table, column int) {
	rows, unit := t.Rows, t.Columns[column].Unit
	most := 0.0
	for _, r := range rows {
		if !math.IsNaN(r.Values[column]) {
			most = max(most, r.Values[column])
		}
	}
	scale := stepOf(most, unit)
	tick, count := ticks(most, scale)
	decimals := 0
	for digits := tick / scale.length; decimals < 3 && math.Abs(digits-math.Round(digits)) > 1e-6; decimals++ {
		digits *= 10
	}
	top := tick * float64(count)

	const axisWidth, labelHeight = 18.0, 7.0
	x, y, width, height := margin+axisWidth, p.y, p.end()-margin-axisWidth, chartHeight-labelHeight
	bottom := y + height
	if most > 0 {
		for i := range count + 1 {
			value := tick * float64(i)
			at := bottom - height*value/top
			p.line(x, at, p.end(), at, rule)
			p.right(x-1.5, at+0.9, group(strconv.FormatFloat(value/scale.length, 'f', decimals, 64))+" "+scale.name, smallFace)
		}
	} else {
		p.center(x+width/2, y+height/2, p.report.nothing(), faintFace)
	}
	slot := width / float64(len(rows))
	for i, r := range rows {
		bar := height * r.Values[column] / top
		if most > 0 && bar > 0 {
			p.fill(x+(float64(i)+0.1)*slot, bottom-bar, slot*0.8, bar, columnColor(column))
		}
	}
	p.line(x, bottom, p.end(), bottom, faint)
	if len(rows) > 0 && rows[0].Start.IsZero() {
		p.nameLabels(rows, x, bottom, slot)
	} else {
		p.timeLabels(rows, x, bottom, slot)
	}
	p.y = bottom + labelHeight + 3
}

// nameLabels writes under the axis the names of rows, as many as have room.
func (p *page) nameLabels(rows []Row, x, y, slot float64) {
	const room = 14.0
	free := x
	for i, r := range rows {
		middle := x + (float64(i)+0.5)*slot
		if middle-room/2 < free-room/2 {
			continue
		}
		free = middle + room
		p.line(middle, y, middle, y+0.8, faint)
		p.center(middle, y+3.6, r.Name, smallFace)
	}
}

// timeLabels writes under the axis when intervals begin, as many as have room.
func (p *page) timeLabels(rows []Row, x, y, slot float64) {
	kind := p.report.intervalName()
	layout, ok := labelLayouts[kind]
	if !ok {
		layout = "2 Jan 15:04"
	}
	every := 1
	for _, n := range []int{1, 2, 3, 6, 7, 12, 14, 24, 28} {
		if every = n; slot*float64(n) >= p.labelRoom(layout) {
			break
		}
	}
	for slot*float64(every) < p.labelRoom(layout) {
		every *= 2
	}
	for i := 0; i < len(rows); i += every {
		start := rows[i].Start.In(p.report.Zone)
		middle := x + (float64(i)+0.5)*slot
		p.line(middle, y, middle, y+0.8, faint)
		p.center(middle, y+3.6, start.Format(layout), smallFace)
		if newDay := i == 0 || start.YearDay() != rows[i-every].Start.In(p.report.Zone).YearDay(); kind == "hour" && newDay {
			p.center(middle, y+6.6, start.Format("2 Jan"), smallFace)
		}
	}
}

// labelRoom is the room that a label of a layout needs: half as much again as it is wide.
func (p *page) labelRoom(layout string) float64 { return 1.5 * p.width(layout, smallFace) }
