// Program charts draws the charts of the benchmark of growth: charts POINTS FOLDER reads the file POINTS and writes an SVG picture for
// each chart in it into FOLDER.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"image/color"
	"log"
	"os"
	"path/filepath"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"
)

// chart is a picture with lines; x is logarithmic if Logarithmic is set.
type chart struct {
	File        string
	Title, X, Y string
	Logarithmic bool
	Lines       []struct {
		Name   string
		Points [][2]float64
	}
}

const width, height = 15 * vg.Centimeter, 9 * vg.Centimeter

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: charts POINTS FOLDER")
	}
	if err := draw(os.Args[1], os.Args[2]); err != nil {
		log.Fatal(err)
	}
}

func draw(points, folder string) error {
	content, err := os.ReadFile(points)
	if err != nil {
		return err
	}
	var charts []chart
	if err := json.Unmarshal(content, &charts); err != nil {
		return fmt.Errorf("%s: %w", points, err)
	}
	var errs []error
	for _, c := range charts {
		errs = append(errs, c.draw(filepath.Join(folder, c.File+".svg")))
	}
	return errors.Join(errs...)
}

func (c *chart) draw(name string) error {
	p := plot.New()
	// Pages may be dark, but the letters are black.
	p.BackgroundColor = color.White
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = c.Title, c.X, c.Y
	p.Title.Padding = vg.Points(6)
	p.Legend.Top, p.Legend.Left = true, true
	p.Y.Min = 0
	if c.Logarithmic {
		p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: -1}
	}
	p.Add(plotter.NewGrid())
	for i, l := range c.Lines {
		points := make(plotter.XYs, len(l.Points))
		for j, point := range l.Points {
			points[j] = plotter.XY{X: point[0], Y: point[1]}
		}
		drawn, marks, err := plotter.NewLinePoints(points)
		if err != nil {
			return fmt.Errorf("%s: %w", c.File, err)
		}
		drawn.Color, drawn.Width = plotutil.Color(i), vg.Points(1.5)
		marks.Color, marks.Shape = plotutil.Color(i), plotutil.Shape(i)
		p.Add(drawn, marks)
		p.Legend.Add(l.Name, drawn, marks)
	}
	p.Y.Max *= 1.1 // the legend is above the lines
	p.Y.Min = 0
	return p.Save(width, height, name)
}
