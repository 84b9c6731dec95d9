// Package picturetest has images for tests: one picture in every form that package picture reads, and files that are no images or would
// be too large.
package picturetest

import (
	"bytes"
	"embed"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
)

//go:embed testdata/*.jpg testdata/*.webp testdata/*.png
var files embed.FS

// Width and height of Base.
const (
	Width  = 60
	Height = 40
)

// Base is what all images show: red rises to the right, green downwards.
func Base() *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, Width, Height))
	for y := range Height {
		for x := range Width {
			m.SetNRGBA(x, y, color.NRGBA{uint8(255 * x / (Width - 1)), uint8(255 * y / (Height - 1)), 128, 255})
		}
	}
	return m
}

// Clear is Base with nothing but transparency in its columns from 50 on.
func Clear() *image.NRGBA {
	m := Base()
	for y := range Height {
		for x := 50; x < Width; x++ {
			m.SetNRGBA(x, y, color.NRGBA{1, 2, 3, 0})
		}
	}
	return m
}

// Valid are images that show Base, by name; those of Transparent show Clear.
func Valid() map[string][]byte {
	all := map[string][]byte{
		"plain.png": PNG(Base()), "plain.jpg": JPEG(Base()), "sixteen.png": PNG(sixteen(Base())), "first.gif": GIF(Base(), 2),
	}
	for _, name := range []string{"cmyk.jpg", "progressive.jpg", "lossy.webp", "lossless.webp", "turned.webp", "turned.png"} {
		all[name] = file(name)
	}
	for orientation := 1; orientation <= 8; orientation++ {
		all["exif"+string(rune('0'+orientation))+".jpg"] = Oriented(Base(), orientation)
	}
	return all
}

// Transparent are images that show Clear, by name.
func Transparent() map[string][]byte {
	return map[string][]byte{
		"alpha.png": PNG(Clear()), "alpha.webp": file("alpha.webp"), "alpha_lossless.webp": file("alpha_lossless.webp"), "sixteen_alpha.png": PNG(sixteen(Clear())),
	}
}

// Bad are files that are no images, damaged ones, or more than a decoder should touch, by name, with a word of the reason.
func Bad() map[string]struct {
	Content []byte
	Reason  string
} {
	whole := PNG(Base())
	flipped := bytes.Clone(whole)
	flipped[len(flipped)/2] ^= 1
	jpg := JPEG(Base())
	webp := file("lossless.webp")
	type bad = struct {
		Content []byte
		Reason  string
	}
	return map[string]bad{
		"empty.png":      {nil, "empty"},
		"text.jpg":       {[]byte("<html>not found</html>"), "no JPEG"},
		"cut.png":        {whole[:len(whole)/2], "png: "},
		"cut.jpg":        {jpg[:len(jpg)*2/3], "JPEG format"},
		"cut.webp":       {webp[:len(webp)/2], "no whole image"},
		"bits.png":       {flipped, "corrupt"},
		"huge.png":       {HugePNG(60_000, 60_000), "60000 x 60000 pixels"},
		"animated.webp":  {file("animated.webp"), "animated"},
		"disagrees.webp": {disagreeing(), "extended header"},
		"marker.jpg":     {[]byte("\xff\xd8\xff\xe0"), "EOF"},
	}
}

func file(name string) []byte {
	content, err := files.ReadFile("testdata/" + name)
	if err != nil {
		panic(err) // it is embedded
	}
	return content
}

// PNG encodes an image.
func PNG(m image.Image) []byte {
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		panic(err) // memory takes everything
	}
	return b.Bytes()
}

// JPEG encodes an image.
func JPEG(m image.Image) []byte {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: 95}); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// GIF encodes an image as the first of some frames; the others are empty.
func GIF(m image.Image, frames int) []byte {
	var colours color.Palette
	for r := range 16 {
		for g := range 16 {
			colours = append(colours, color.NRGBA{uint8(17 * r), uint8(17 * g), 128, 255})
		}
	}
	all := &gif.GIF{}
	for f := range frames {
		p := image.NewPaletted(m.Bounds(), colours)
		for y := range p.Rect.Dy() {
			for x := range p.Rect.Dx() {
				if f == 0 {
					p.Set(x, y, m.At(x, y))
				}
			}
		}
		all.Image, all.Delay = append(all.Image, p), append(all.Delay, 10)
	}
	var b bytes.Buffer
	if err := gif.EncodeAll(&b, all); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// sixteen is an image with 16 bits a channel.
func sixteen(m *image.NRGBA) image.Image {
	to := image.NewNRGBA64(m.Rect)
	for y := range m.Rect.Dy() {
		for x := range m.Rect.Dx() {
			c := m.NRGBAAt(x, y)
			to.SetNRGBA64(x, y, color.NRGBA64{257 * uint16(c.R), 257 * uint16(c.G), 257 * uint16(c.B), 257 * uint16(c.A)})
		}
	}
	return to
}

// Oriented is a JPEG that shows an image where EXIF's orientation is applied.
func Oriented(m *image.NRGBA, orientation int) []byte {
	w, h := m.Rect.Dx(), m.Rect.Dy()
	stored := image.NewNRGBA(image.Rect(0, 0, w, h))
	if orientation >= 5 {
		stored = image.NewNRGBA(image.Rect(0, 0, h, w))
	}
	for y := range h {
		for x := range w {
			row, column := []int{y, y, h - 1 - y, h - 1 - y, x, w - 1 - x, w - 1 - x, x}[orientation-1], []int{x, w - 1 - x, w - 1 - x, x, y, y, h - 1 - y, h - 1 - y}[orientation-1]
			stored.SetNRGBA(column, row, m.NRGBAAt(x, y))
		}
	}
	exif := []byte("Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00")
	exif = append(exif, byte(orientation), 0, 0, 0, 0, 0, 0)
	segment := binary.BigEndian.AppendUint16([]byte{0xff, 0xe1}, uint16(2+len(exif)))
	plain := JPEG(stored)
	return bytes.Join([][]byte{plain[:2], segment, exif, plain[2:]}, nil)
}

// HugePNG is a small file whose header tells of a huge image.
func HugePNG(width, height uint32) []byte {
	header := binary.BigEndian.AppendUint32(nil, width)
	header = append(binary.BigEndian.AppendUint32(header, height), 8, 2, 0, 0, 0)
	file := []byte("\x89PNG\r\n\x1a\n")
	for _, chunk := range []struct {
		kind    string
		content []byte
	}{{"IHDR", header}, {"IDAT", bytes.Repeat([]byte{0}, 900)}, {"IEND", nil}} {
		body := append([]byte(chunk.kind), chunk.content...)
		file = binary.BigEndian.AppendUint32(file, uint32(len(chunk.content)))
		file = binary.BigEndian.AppendUint32(append(file, body...), crc32.ChecksumIEEE(body))
	}
	return file
}

// disagreeing is a WebP whose extended header tells of another size than its frame has.
func disagreeing() []byte {
	content := bytes.Clone(file("alpha.webp"))
	if i := bytes.Index(content, []byte("VP8X")); i > 0 {
		content[i+12] = 7 // width - 1
	}
	return content
}
