package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"

	"codeberg.org/go-pdf/fpdf"

	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/widget"
)

// Paper is a size of paper.
type Paper string

// The sizes of paper.
const (
	A4     Paper = "A4"
	Letter Paper = "Letter"
)

// ParsePaper returns the size of a name in any case, A4 if it is empty.
func ParsePaper(name string) (Paper, error) {
	switch strings.ToLower(name) {
	case "", "a4":
		return A4, nil
	case "letter":
		return Letter, nil
	}
	return "", fmt.Errorf("the paper %q is unknown: it is a4 or letter", name)
}

// Layout is how a PDF looks.
type Layout struct {
	Paper Paper
	Logo  []byte // PNG or JPEG, at the top of the first page; none if empty
}

// Lengths in mm.
const (
	margin       = 16.0
	lineHeight   = 4.2
	rowHeight    = 5.6
	footerHeight = 12.0
	chartHeight  = 50.0
	logoWidth    = 50.0
	logoHeight   = 14.0
	numberWidth  = 26.0
	narrowWidth  = 20.0 // of one of many columns
	gap          = 3.0  // between columns
	maxNameLines = 4
)

var (
	ink      = color{33, 37, 41}
	faint    = color{108, 117, 125}
	rule     = color{222, 226, 230}
	tileBack = color{246, 247, 249}
	// The colours of sent and received are those of the dashboards.
	sentColor     = color{61, 113, 217}
	receivedColor = color{255, 152, 48}
)

var (
	titleFace   = face{size: 18, bold: true, color: ink}
	headingFace = face{size: 11.5, bold: true, color: ink}
	textFace    = face{size: 8.5, color: ink}
	boldFace    = face{size: 8.5, bold: true, color: ink}
	faintFace   = face{size: 8.5, color: faint}
	smallFace   = face{size: 7, color: faint}
	totalFace   = face{size: 20, bold: true, color: ink}
	middleFace  = face{size: 14, bold: true, color: ink}
)

// page is a document while it is drawn.
type page struct {
	*typesetter
	report                  *Report
	paperWidth, paperHeight float64
	y                       float64 // how far the page is filled
}

// WritePDF writes the report as a PDF. Its charts are vectors, its text is text; it holds the fonts that it uses.
func (r *Report) WritePDF(w io.Writer, layout Layout) error {
	pdf := fpdf.New("P", "mm", string(layout.Paper), "")
	pdf.SetAutoPageBreak(false, 0)
	pdf.SetTitle(r.Title, true)
	pdf.SetAuthor(r.Organization, true)
	pdf.SetCreator("Streamlens", true)
	pdf.SetCreationDate(r.Made)
	pdf.SetModificationDate(r.Made)
	pdf.SetLang("en")
	// Without it, the order of objects changes from run to run.
	pdf.SetCatalogSort(true)
	letters, err := newTypesetter(pdf)
	if err != nil {
		return err
	}
	p := &page{typesetter: letters, report: r}
	p.add()
	p.paperWidth, p.paperHeight = pdf.GetPageSize()
	if len(layout.Logo) > 0 {
		if err := p.logo(layout.Logo); err != nil {
			return err
		}
	}
	p.head()
	p.totals()
	for i, c := range r.Histogram.Columns {
		p.need(chartHeight + 14)
		p.heading(title(shownColumn(c.Name)) + " per " + r.intervalName())
		p.histogram(r.Histogram, i)
	}
	for _, t := range r.Charts {
		for i, c := range t.Columns {
			p.need(chartHeight + 14)
			p.heading(r.chartTitle(t, c))
			p.histogram(t, i)
		}
	}
	for _, t := range r.Tables {
		p.table(t)
	}
	p.footers()
	if err := pdf.Output(w); err != nil {
		return fmt.Errorf("make the PDF: %w", err)
	}
	return nil
}

func (p *page) add() {
	p.pdf.AddPage()
	p.y = margin
}

// need begins a new page unless there is room for a height.
func (p *page) need(height float64) {
	if p.y+height > p.paperHeight-margin-footerHeight {
		p.add()
	}
}

func (p *page) end() float64 { return p.paperWidth - margin }

// head says what the report is about.
func (p *page) head() {
	r := p.report
	free := p.end() - margin - logoWidth - gap
	for _, line := range p.wrap(r.Title, titleFace, free, 2) {
		p.left(margin, p.y+6, line, titleFace)
		p.y += 8
	}
	for _, line := range p.wrap(r.Organization, headingFace, free, 2) {
		p.left(margin, p.y+4.5, line, headingFace)
		p.y += 6
	}
	p.y += 3
	const labels = 22.0
	for _, f := range r.facts() {
		// A list is read from left to right, whatever the scripts of its values are.
		value := leftToRight + strings.ReplaceAll(f[1], ", ", ", "+leftToRight)
		for i, line := range p.wrap(value, textFace, p.end()-margin-labels, maxNameLines) {
			if i == 0 {
				p.left(margin, p.y+3, f[0], faintFace)
			}
			p.left(margin+labels, p.y+3, line, textFace)
			p.y += lineHeight
		}
	}
	p.y += 3
}

// nothing says that there is nothing.
func (r *Report) nothing() string {
	if r.Kind == Event {
		return "Nothing in this range."
	}
	return "No usage in this range."
}

// chartTitle is the heading of a chart of one of the columns of a table.
func (r *Report) chartTitle(t Table, c Column) string {
	switch {
	case t.Names != "time":
		return t.Title + ": which part of the plays played longer than each time"
	case r.Interval == minuteInterval:
		return title(shownColumn(c.Name))
	case c.Unit == widget.Viewers:
		return title(shownColumn(c.Name)) + ", the greatest minute of each " + r.intervalName()
	}
	return title(shownColumn(c.Name)) + ", average of each " + r.intervalName()
}

// upright returns a table of one row with a row for each column that does not compare, and, beside, what does.
func (t Table) upright() Table {
	turned := Table{Name: t.Name, Title: t.Title, Names: " ", Columns: []Column{{Name: "result"}}}
	for i, c := range t.Columns {
		if c.BesideOf == "" {
			turned.Rows = append(turned.Rows, Row{Name: shownColumn(c.Name), Shown: shownColumn(c.Name), Values: []float64{t.Rows[0].Values[i]}, unit: c.Unit})
		}
	}
	return turned
}

// tilesPerLine is how many totals stand side by side.
const tilesPerLine = 4

// totals draws a tile for each total.
func (p *page) totals() {
	const height, space = 22.0, 4.0
	t, row := p.report.Totals, p.report.Totals.Rows[0]
	columns := slices.DeleteFunc(slices.Clone(t.Columns), func(c Column) bool { return c.BesideOf != "" })
	perLine := min(len(columns), tilesPerLine)
	width := (p.end() - margin - space*float64(perLine-1)) / float64(perLine)
	large := totalFace
	if perLine > 2 {
		large = middleFace
	}
	for i, c := range columns {
		if i > 0 && i%perLine == 0 {
			p.y += height + space
		}
		x := margin + float64(i%perLine)*(width+space)
		p.fill(x, p.y, width, height, tileBack)
		mark := columnColor(i)
		if p.report.Kind == Event {
			mark = sentColor
		}
		p.fill(x, p.y, 1.2, height, mark)
		value := row.Values[t.index(c.Name)]
		p.left(x+5, p.y+5.5, title(shownColumn(c.Name)), faintFace)
		p.left(x+5, p.y+13.5, cmp.Or(format(value, c.Unit), "–"), large)
		p.left(x+5, p.y+18.8, exactly(value, c.Unit), smallFace)
		p.right(x+width-3, p.y+5.5, t.compared(row, c), faintFace)
	}
	p.y += height + 4
}

// columnColor is the colour of sent, the first column of the widget, or received.
func columnColor(i int) color {
	if i == 0 {
		return sentColor
	}
	return receivedColor
}

func (p *page) fill(x, y, width, height float64, c color) {
	p.pdf.SetFillColor(c.red, c.green, c.blue)
	p.pdf.Rect(x, y, width, height, "F")
}

func (p *page) line(x1, y1, x2, y2 float64, c color) {
	p.pdf.SetDrawColor(c.red, c.green, c.blue)
	p.pdf.SetLineWidth(0.2)
	p.pdf.Line(x1, y1, x2, y2)
}

func (p *page) heading(text string) {
	p.left(margin, p.y+5, text, headingFace)
	p.y += 9
}

// table draws a table, on several pages if need be.
func (p *page) table(t Table) {
	p.need(14 + 3*rowHeight)
	p.y += 3
	p.heading(t.Title)
	if len(t.Rows) == 0 {
		p.left(margin, p.y+3, p.report.nothing(), faintFace)
		p.y += rowHeight
		return
	}
	if t.Names == "" {
		t = t.upright()
	}
	names := p.end() - margin - float64(len(t.Columns))*t.numberWidth() - gap
	p.tableHead(t)
	for _, row := range t.Rows {
		f := textFace
		if row.Name == Sum && row.Added {
			f = boldFace
		}
		lines := p.wrap(t.shown(row), f, names, maxNameLines)
		height := rowHeight + float64(max(len(lines), 1)-1)*lineHeight
		if p.y+height > p.paperHeight-margin-footerHeight {
			p.add()
			p.tableHead(t)
		}
		for i, line := range lines {
			p.left(margin, p.y+3.9+float64(i)*lineHeight, line, f)
		}
		for i, c := range t.Columns {
			if row.unit != "" {
				c.Unit = row.unit
			}
			p.right(p.columnEnd(t, i), p.y+3.9, shownValue(row.Values[i], c), f)
		}
		p.y += height
		p.line(margin, p.y, p.end(), p.y, rule)
	}
}

func (p *page) tableHead(t Table) {
	p.left(margin, p.y+3, t.Names, faintFace)
	for i, c := range t.Columns {
		p.right(p.columnEnd(t, i), p.y+3, c.shown(), faintFace)
	}
	p.y += 4.6
	p.line(margin, p.y, p.end(), p.y, faint)
}

// columnEnd is where the numbers of a column end.
func (p *page) columnEnd(t Table, i int) float64 {
	return p.end() - float64(len(t.Columns)-1-i)*t.numberWidth()
}

// numberWidth is how wide the columns of numbers are: names have the rest.
func (t Table) numberWidth() float64 {
	if len(t.Columns) > 5 {
		return narrowWidth
	}
	return numberWidth
}

// shown is how a column is headed: what compares stands behind what it compares.
func (c Column) shown() string {
	switch {
	case c.IsChange:
		return "change"
	case c.BesideOf != "":
		return "before"
	}
	return shownColumn(c.Name)
}

// shownColumn names the directions as the rest of the report does.
func shownColumn(name string) string {
	switch name {
	case measure.Playout, "sent":
		return "delivered"
	case measure.Ingest:
		return "received"
	case "value":
		return "usage"
	}
	return words(name)
}

// words sets the words apart of which a name is made: watched per play.
func words(name string) string {
	var b strings.Builder
	for _, c := range name {
		if unicode.IsUpper(c) {
			b.WriteByte(' ')
		}
		b.WriteRune(unicode.ToLower(c))
	}
	return b.String()
}

// shownValue writes a value as format does, with a sign if it says how much more or less something is.
func shownValue(value float64, c Column) string {
	if c.Name == "change" || c.IsChange {
		return signed(value, c.Unit)
	}
	return format(value, c.Unit)
}

// signed writes a value as format does, with a plus if it is more than 0.
func signed(value float64, unit widget.Unit) string {
	if value > 0 {
		return "+" + format(value, unit)
	}
	return format(value, unit)
}

// shown is how a row is named: as on the dashboards, a country with its code too.
func (t Table) shown(row Row) string {
	switch {
	case row.Shown == "":
		return row.Name
	case t.Names == measure.LabelCountry:
		return row.Shown + " (" + row.Name + ")"
	}
	return row.Shown
}

// footers writes at the foot of each page what the report is and which page of how many it is.
func (p *page) footers() {
	y := p.paperHeight - margin
	count := p.pdf.PageCount()
	about := p.report.Title + " · " + p.report.Organization
	for i := 1; i <= count; i++ {
		p.pdf.SetPage(i)
		p.line(margin, y-4.5, p.end(), y-4.5, rule)
		p.left(margin, y, p.wrap(about, smallFace, p.end()-margin-30, 1)[0], smallFace)
		p.right(p.end(), y, fmt.Sprintf("%d / %d", i, count), smallFace)
	}
}
