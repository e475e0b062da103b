package report

import (
	"bytes"
	"fmt"
	"image"
	_ "image/jpeg" // a form of logos
	"image/png"
	"io"
	"os"

	"codeberg.org/go-pdf/fpdf"
	"golang.org/x/image/draw"
)

// Limits of a logo. One with more pixels than MaxLogoPixels would be decoded in vain; one that is larger than it is shown, at 600
// pixels an inch, is made smaller.
const (
	MaxLogoBytes  = 1 << 20
	MaxLogoPixels = 16_000_000

	shownLogoWidth  = 1200
	shownLogoHeight = 340
)

// ReadLogo reads a logo and checks that it is an image: PNG or JPEG.
func ReadLogo(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, MaxLogoBytes+1))
	if err != nil {
		return nil, err
	}
	if err := CheckLogo(content); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return content, nil
}

// CheckLogo returns what is wrong with a logo, in words; none is right.
func CheckLogo(content []byte) error {
	if len(content) == 0 {
		return nil
	}
	_, err := decodeLogo(content)
	return err
}

func decodeLogo(content []byte) (image.Image, error) {
	if len(content) > MaxLogoBytes {
		return nil, fmt.Errorf("the logo has more than %d bytes", MaxLogoBytes)
	}
	size, _, err := image.DecodeConfig(bytes.NewReader(content))
	if err != nil {
		return nil, fmt.Errorf("the logo is neither PNG nor JPEG: %w", err)
	}
	if size.Width < 1 || size.Height < 1 || size.Width > MaxLogoPixels/size.Height {
		return nil, fmt.Errorf("the logo has %d × %d pixels: more than %d million, or none", size.Width, size.Height, MaxLogoPixels/1_000_000)
	}
	decoded, _, err := image.Decode(bytes.NewReader(content))
	if err != nil {
		return nil, fmt.Errorf("read the logo: %w", err)
	}
	return decoded, nil
}

// logo draws an image at the top right.
func (p *page) logo(content []byte) error {
	decoded, err := decodeLogo(content)
	if err != nil {
		return err
	}
	size := decoded.Bounds()
	shrink := min(1, shownLogoWidth/float64(size.Dx()), shownLogoHeight/float64(size.Dy()))
	// The PDF library knows neither interlaced images nor 16 bits per channel.
	plain := image.NewNRGBA(image.Rect(0, 0, max(1, int(float64(size.Dx())*shrink)), max(1, int(float64(size.Dy())*shrink))))
	draw.CatmullRom.Scale(plain, plain.Bounds(), decoded, size, draw.Src, nil)
	var encoded bytes.Buffer
	if err := png.Encode(&encoded, plain); err != nil {
		return fmt.Errorf("write the logo: %w", err)
	}
	scale := min(logoWidth/float64(size.Dx()), logoHeight/float64(size.Dy()))
	width, height := float64(size.Dx())*scale, float64(size.Dy())*scale
	options := fpdf.ImageOptions{ImageType: "PNG"}
	p.pdf.RegisterImageOptionsReader("logo", options, &encoded)
	p.pdf.ImageOptions("logo", p.end()-width, margin, width, height, false, options, 0, "")
	return nil
}
