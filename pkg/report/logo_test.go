package report

import (
	"bytes"
	"image"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/widget"
)

// noise is an image that cannot be made small.
func noise(width, height int) image.Image {
	img := image.NewNRGBA(image.Rect(0, 0, width, height))
	random := rand.New(rand.NewPCG(1, 2))
	for i := range img.Pix {
		img.Pix[i] = byte(random.Uint32())
	}
	return img
}

func encoded(t *testing.T, img image.Image, asJPEG bool) []byte {
	t.Helper()
	var b bytes.Buffer
	err := png.Encode(&b, img)
	if asJPEG {
		b.Reset()
		err = jpeg.Encode(&b, img, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestLogoForms(t *testing.T) {
	r := &Report{Title: "Usage report", Organization: "Acme", Zone: time.UTC, Unit: widget.UnitTraffic, Totals: Table{Rows: []Row{{}}}}
	without := len(pdf(t, r, Layout{Paper: A4}))
	tests := []struct {
		name   string
		logo   []byte
		most   int    // bytes that the PDF may grow by
		reason string // why it is refused
	}{
		{"PNG", encoded(t, image.NewRGBA64(image.Rect(0, 0, 30, 8)), false), 2000, ""},
		{"JPEG", encoded(t, image.NewGray(image.Rect(0, 0, 30, 8)), true), 2000, ""},
		{"a line", encoded(t, image.NewGray(image.Rect(0, 0, 4000, 1)), false), 3000, ""},
		{"larger than it is shown", encoded(t, noise(1300, 600), true), shownLogoWidth * shownLogoHeight * 4, ""},
		{"SVG", []byte("<svg/>"), 0, "neither PNG nor JPEG"},
		{"half a PNG", encoded(t, noise(30, 8), false)[:200], 0, "read the logo"},
		{"many bytes", append(encoded(t, noise(30, 8), false), make([]byte, MaxLogoBytes)...), 0, "bytes"},
		{"many pixels", encoded(t, image.NewGray(image.Rect(0, 0, 100_000, 200)), false), 0, "pixels"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "logo")
			if err := os.WriteFile(path, test.logo, 0o600); err != nil {
				t.Fatal(err)
			}
			content, err := ReadLogo(path)
			if test.reason != "" {
				if err == nil || !strings.Contains(err.Error(), test.reason) {
					t.Errorf("the error is %v, want one with %q", err, test.reason)
				}
				if err := r.WritePDF(&bytes.Buffer{}, Layout{Paper: A4, Logo: test.logo}); err == nil {
					t.Error("it became a logo")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			with := pdf(t, r, Layout{Paper: A4, Logo: content})
			if !bytes.Contains(with, []byte("/Subtype /Image")) || len(with) > without+test.most {
				t.Errorf("the PDF has %d bytes, %d without the logo", len(with), without)
			}
		})
	}
	if _, err := ReadLogo(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("no file is a logo")
	}
}
