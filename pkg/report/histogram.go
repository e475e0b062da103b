package report

import (
	"math"
	"strconv"
)

// intervalNames name the usual intervals of the histogram, and labelLayouts are how their starts are written.
var (
	intervalNames = map[string]string{"1h": "hour", "24h": "day", "1d": "day", "1M": "month"}
	labelLayouts  = map[string]string{"hour": "15:04", "day": "2 Jan", "month": "Jan 2006"}
)

// intervalName says how long the histogram's intervals are.
func (r *Report) intervalName() string {
	if name, ok := intervalNames[r.Interval]; ok {
		return name
	}
	return r.Interval
}

// histogram draws a column of the histogram: a bar for each interval.
func (p *page) histogram(column int) {
	rows, unit := p.report.Histogram.Rows, p.report.Histogram.Columns[column].Unit
	most := 0.0
	for _, r := range rows {
		most = max(most, r.Values[column])
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
		p.center(x+width/2, y+height/2, "No usage in this range.", faintFace)
	}
	slot := width / float64(len(rows))
	for i, r := range rows {
		bar := height * r.Values[column] / max(top, 1)
		if bar > 0 {
			p.fill(x+(float64(i)+0.1)*slot, bottom-bar, slot*0.8, bar, columnColor(column))
		}
	}
	p.line(x, bottom, p.end(), bottom, faint)
	p.timeLabels(x, bottom, slot)
	p.y = bottom + labelHeight + 3
}

// timeLabels writes under the axis when intervals begin, as many as have room.
func (p *page) timeLabels(x, y, slot float64) {
	kind := p.report.intervalName()
	layout, ok := labelLayouts[kind]
	if !ok {
		layout = "2 Jan 15:04"
	}
	rows := p.report.Histogram.Rows
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
