// Package picture turns image files into squares of bytes that a network is trained on: JPEG, PNG, WebP and the first frame of a GIF,
// by content and not by name.
//
// [Inspect] reads sizes and decodes no pixel; [Square] refuses what [Limits] exclude before it decodes. The square is the centre of the
// image, as high and wide as its short side, resampled to the wanted size with the bicubic filter (a = -1/2) stretched to the
// reduction, in the fixed-point arithmetic of Pillow: its bytes are those of
//
//	im.resize((size, size), Image.BICUBIC, box=centre)
//
// with the rows resampled before the columns, and depend on no machine. Transparent pixels are laid on a background before, 16 bits rounded to 8, grey and CMYK made RGB; EXIF's
// orientation is applied after. Colour profiles are ignored.
package picture

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"

	"golang.org/x/image/vp8l"
	"golang.org/x/image/webp"
)

// ParseColour is the colour that six hexadecimal digits name, RRGGBB.
func ParseColour(text string) (colour [3]byte, err error) {
	rgb, err := hex.DecodeString(text)
	if err != nil || len(rgb) != len(colour) {
		return colour, errors.New("a colour is six hexadecimal digits, RRGGBB")
	}
	return [3]byte(rgb), nil
}

// Limits bound what is decoded.
type Limits struct {
	Bytes  int64 // of a file
	Pixels int64 // width times height
}

// DefaultLimits take what cameras make: files of 256 MiB, 50 million pixels.
func DefaultLimits() Limits { return Limits{Bytes: 256 << 20, Pixels: 50_000_000} }

// Info is what a file says of its image.
type Info struct {
	Format        string // jpeg, png, webp or gif
	Width, Height int    // as stored, before the orientation is applied
	Orientation   int    // of EXIF, 1 to 8; 1 where the file has none
	Memory        int64  // bytes that decoding takes, about
}

// ErrFormat is the error of a file that is no JPEG, PNG, WebP or GIF.
var ErrFormat = errors.New("it is no JPEG, PNG, WebP or GIF")

// Inspect reads what a file says of its image, without decoding it. An image beyond the limits is an error.
func Inspect(file []byte, limits Limits) (Info, error) {
	if int64(len(file)) > limits.Bytes {
		return Info{}, fmt.Errorf("the file has %d bytes, more than the limit of %d", len(file), limits.Bytes)
	}
	info, err := inspect(file)
	switch pixels := int64(info.Width) * int64(info.Height); {
	case err != nil:
		return Info{}, err
	case info.Width < 1 || info.Height < 1:
		return Info{}, fmt.Errorf("the image has %d x %d pixels", info.Width, info.Height)
	case pixels > limits.Pixels:
		return Info{}, fmt.Errorf("%d x %d pixels are more than the limit of %d million", info.Width, info.Height, limits.Pixels/1_000_000)
	}
	return info, nil
}

func inspect(file []byte) (Info, error) {
	switch {
	case len(file) == 0:
		return Info{}, errors.New("the file is empty")
	case bytes.HasPrefix(file, []byte("\xff\xd8\xff")):
		return inspectJPEG(file)
	case bytes.HasPrefix(file, []byte("\x89PNG\r\n\x1a\n")):
		return inspectPNG(file)
	case bytes.HasPrefix(file, []byte("GIF8")):
		c, err := gif.DecodeConfig(bytes.NewReader(file))
		return Info{Format: "gif", Width: c.Width, Height: c.Height, Orientation: 1, Memory: int64(c.Width) * int64(c.Height)}, err
	case len(file) >= 12 && string(file[:4]) == "RIFF" && string(file[8:12]) == "WEBP":
		return inspectWebP(file)
	}
	return Info{}, ErrFormat
}

// Square is the centre of the image in a file as [3, size, size] bytes: red, green and blue planes. Transparent pixels are laid on the
// background.
func Square(file []byte, size int, background [3]byte, limits Limits) (square []byte, err error) {
	info, err := Inspect(file, limits)
	if err != nil {
		return nil, err
	}
	defer func() { // decoders read what strangers made
		if p := recover(); p != nil {
			square, err = nil, fmt.Errorf("the decoder of %s failed: %v", info.Format, p)
		}
	}()
	img, err := decode(file, info)
	if err != nil {
		return nil, err
	}
	canvas := img.Bounds()
	if info.Format == "gif" { // its frame may cover a part of the canvas
		canvas = image.Rect(0, 0, info.Width, info.Height)
	}
	if canvas.Dx() != info.Width || canvas.Dy() != info.Height {
		return nil, fmt.Errorf("the image has %d x %d pixels and its header says %d x %d", canvas.Dx(), canvas.Dy(), info.Width, info.Height)
	}
	return orient(centre(rowsOf(img, canvas, background), info.Width, info.Height, size), size, info.Orientation), nil
}

func decode(file []byte, info Info) (image.Image, error) {
	r := bytes.NewReader(file)
	switch info.Format {
	case "jpeg":
		return jpeg.Decode(r)
	case "png":
		return png.Decode(r)
	case "gif":
		return gif.Decode(r)
	}
	if chunk, ok := webpChunk(file, "VP8L"); ok { // whatever an extended header says of transparency
		return vp8l.Decode(bytes.NewReader(chunk))
	}
	m, err := webp.Decode(r)
	if err != nil {
		return nil, err
	}
	return fromVideo(m)
}
