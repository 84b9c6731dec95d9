package picture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image/color"
	"image/jpeg"
	"image/png"

	"golang.org/x/image/webp"
)

// inspectJPEG reads the size of a JPEG, and its orientation from the APP1 segments before the first scan.
func inspectJPEG(file []byte) (Info, error) {
	c, err := jpeg.DecodeConfig(bytes.NewReader(file))
	if err != nil {
		return Info{}, err
	}
	info := Info{Format: "jpeg", Width: c.Width, Height: c.Height, Orientation: 1}
	bytesPerPixel := int64(4)
	for rest := file[2:]; len(rest) >= 4; {
		for len(rest) > 4 && rest[0] == 0xff && rest[1] == 0xff { // padding
			rest = rest[1:]
		}
		marker, length := rest[1], int(binary.BigEndian.Uint16(rest[2:]))
		if rest[0] != 0xff || marker == 0xda || length < 2 || 2+length > len(rest) {
			break
		}
		segment := rest[4 : 2+length]
		switch exif, ok := bytes.CutPrefix(segment, []byte("Exif\x00\x00")); {
		case marker == 0xe1 && ok && info.Orientation == 1:
			info.Orientation = orientation(exif)
		case marker == 0xc2: // progressive: coefficients are kept until the end
			bytesPerPixel = 16
		}
		rest = rest[2+length:]
	}
	info.Memory = bytesPerPixel * int64(c.Width) * int64(c.Height)
	return info, nil
}

// inspectPNG reads the size of a PNG, and its orientation from the chunk eXIf.
func inspectPNG(file []byte) (Info, error) {
	c, err := png.DecodeConfig(bytes.NewReader(file))
	if err != nil {
		return Info{}, err
	}
	bytesPerPixel := int64(4)
	if c.ColorModel == color.NRGBA64Model || c.ColorModel == color.RGBA64Model {
		bytesPerPixel = 8
	}
	info := Info{Format: "png", Width: c.Width, Height: c.Height, Orientation: 1, Memory: 2 * bytesPerPixel * int64(c.Width) * int64(c.Height)} // twice where it is interlaced
	for rest := file[8:]; len(rest) >= 12; {
		length := uint64(binary.BigEndian.Uint32(rest))
		if length > uint64(len(rest)-12) {
			break
		}
		if string(rest[4:8]) == "eXIf" {
			info.Orientation = orientation(rest[8 : 8+length])
		}
		rest = rest[12+length:]
	}
	return info, nil
}

// inspectWebP reads the size of a WebP. That of an extended header must be the frame's: decoders make room by either.
func inspectWebP(file []byte) (Info, error) {
	if chunk, ok := webpChunk(file, "VP8X"); ok && len(chunk) >= 1 && chunk[0]&2 != 0 {
		return Info{}, errors.New("animated WebP images are not supported")
	}
	info := Info{Format: "webp", Orientation: 1}
	if chunk, ok := webpChunk(file, "VP8L"); ok && len(chunk) >= 5 && chunk[0] == 0x2f {
		bits := binary.LittleEndian.Uint32(chunk[1:])
		info.Width, info.Height = int(bits&0x3fff)+1, int(bits>>14&0x3fff)+1
	} else if chunk, ok := webpChunk(file, "VP8 "); ok && len(chunk) >= 10 {
		info.Width, info.Height = int(binary.LittleEndian.Uint16(chunk[6:])&0x3fff), int(binary.LittleEndian.Uint16(chunk[8:])&0x3fff)
	} else {
		return Info{}, errors.New("the WebP file has no whole image")
	}
	c, err := webp.DecodeConfig(bytes.NewReader(file))
	if _, extended := webpChunk(file, "VP8X"); extended && err == nil && (c.Width != info.Width || c.Height != info.Height) {
		err = fmt.Errorf("the extended header says %d x %d pixels and the frame has %d x %d", c.Width, c.Height, info.Width, info.Height)
	}
	if err != nil {
		return Info{}, err
	}
	if chunk, ok := webpChunk(file, "EXIF"); ok {
		info.Orientation = orientation(bytes.TrimPrefix(chunk, []byte("Exif\x00\x00")))
	}
	info.Memory = 12 * int64(info.Width) * int64(info.Height)
	return info, nil
}

// webpChunk is the first chunk of a kind in a WebP file.
func webpChunk(file []byte, kind string) (chunk []byte, ok bool) {
	for rest := file[12:]; len(rest) >= 8; {
		length := uint64(binary.LittleEndian.Uint32(rest[4:]))
		if length > uint64(len(rest)-8) {
			return nil, false
		}
		if string(rest[:4]) == kind {
			return rest[8 : 8+length], true
		}
		rest = rest[min(8+length+length&1, uint64(len(rest))):]
	}
	return nil, false
}

// orientation is the value of the tag 0x0112 in the first directory of EXIF's TIFF; 1 where there is none, or no number from 1 to 8.
func orientation(tiff []byte) int {
	if len(tiff) < 8 {
		return 1
	}
	var order binary.ByteOrder = binary.LittleEndian
	switch string(tiff[:4]) {
	case "II*\x00":
	case "MM\x00*":
		order = binary.BigEndian
	default:
		return 1
	}
	at := uint64(order.Uint32(tiff[4:]))
	if at+2 > uint64(len(tiff)) {
		return 1
	}
	entries := tiff[at+2:]
	for range order.Uint16(tiff[at:]) {
		if len(entries) < 12 {
			break
		}
		if order.Uint16(entries) == 0x0112 && order.Uint16(entries[2:]) == 3 {
			if v := int(order.Uint16(entries[8:])); v >= 1 && v <= 8 {
				return v
			}
			break
		}
		entries = entries[12:]
	}
	return 1
}
