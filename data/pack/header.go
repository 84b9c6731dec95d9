package pack

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"

	"longtail/internal/disk"
)

// Header describes a packed file.
type Header struct {
	Version     int       `json:"version"`
	Tool        string    `json:"tool"` // the program that wrote it, with its version
	Size        int       `json:"size"` // rows and columns of every image
	Classes     []string  `json:"classes"`
	Train       []int     `json:"train"` // [C] training images of each class
	Test        []int     `json:"test"`  // [C] test images of each class
	TestPart    string    `json:"test_part"`
	Background  string    `json:"background"`         // behind transparent pixels, RRGGBB
	LeftOut     int       `json:"left_out,omitempty"` // damaged images
	Mean        []float64 `json:"mean"`               // of each channel over the training images, a byte counting as byte / 255
	Deviation   []float64 `json:"deviation"`          // likewise
	BlockImages int       `json:"block_images"`
	Labels      section   `json:"labels"`
	Names       section   `json:"names"`
	Blocks      section   `json:"blocks"`

	Checksum string `json:"-"` // SHA-256 of the header's text, hexadecimal
}

// section is a part of a file.
type section struct {
	Offset int64  `json:"offset"`
	Length int64  `json:"length"`
	SHA256 string `json:"sha256"`
}

func newSection(offset int64, content []byte) section {
	sum := sha256.Sum256(content)
	return section{offset, int64(len(content)), hex.EncodeToString(sum[:])}
}

// maxHeaderBytes bounds a header: a million classes with long names.
const maxHeaderBytes = 1 << 28

// errNoPack is the error of a file that is something else.
var errNoPack = errors.New("it is no packed file, or not a whole one")

// images is N, the number of images.
func (h *Header) images() int64 { return int64(sum(h.Train)) + int64(sum(h.Test)) }

// imageBytes is the length of one image.
func (h *Header) imageBytes() int64 { return 3 * int64(h.Size) * int64(h.Size) }

// blockCount is how many blocks n images fill.
func (h *Header) blockCount(n int64) int64 {
	return (n + int64(h.BlockImages) - 1) / int64(h.BlockImages)
}

func sum(counts []int) (total int) {
	for _, n := range counts {
		total += n
	}
	return total
}

// encode is the header's text and the preamble that leads to it, for a header that is to lie at an offset.
func (h *Header) encode(offset int64) (text, start []byte, err error) {
	if text, err = json.Marshal(h); err != nil {
		return nil, nil, fmt.Errorf("describing the packed file: %w", err)
	}
	start = append(start, magic...)
	start = binary.LittleEndian.AppendUint32(start, version)
	start = binary.LittleEndian.AppendUint32(start, 0)
	start = binary.LittleEndian.AppendUint64(start, uint64(offset))
	start = binary.LittleEndian.AppendUint64(start, uint64(len(text)))
	sum := sha256.Sum256(text)
	h.Checksum = hex.EncodeToString(sum[:])
	return text, append(start, sum[:]...), nil
}

// readHeader reads and checks the header of a file of a length.
func readHeader(r io.ReaderAt, length int64) (*Header, error) {
	start := make([]byte, preamble)
	if _, err := r.ReadAt(start, 0); err != nil || !bytes.HasPrefix(start, []byte(magic)) {
		return nil, errNoPack
	}
	if v := binary.LittleEndian.Uint64(start[8:]); v != version { // with the zeros behind it
		return nil, fmt.Errorf("its format has version %d, this program reads %d", v, version)
	}
	offset, n := binary.LittleEndian.Uint64(start[16:]), binary.LittleEndian.Uint64(start[24:])
	if n > maxHeaderBytes || offset > math.MaxInt64/2 || int64(offset)+int64(n) != length {
		return nil, fmt.Errorf("it has %d bytes and its header ends at %d", length, offset+n)
	}
	text := make([]byte, n)
	if _, err := r.ReadAt(text, int64(offset)); err != nil {
		return nil, err
	}
	sum := sha256.Sum256(text)
	if !bytes.Equal(sum[:], start[32:]) {
		return nil, errors.New("its header is damaged")
	}
	h := &Header{Checksum: hex.EncodeToString(sum[:])}
	if err := disk.Decode(text, h); err != nil {
		return nil, fmt.Errorf("its header: %w", err)
	}
	return h, h.check(int64(offset))
}

// check finds a header that contradicts itself, for one at an offset.
func (h *Header) check(offset int64) error {
	c := len(h.Classes)
	if h.Version != version || h.Size < MinSize || h.Size > MaxSize || h.BlockImages < 1 || h.BlockImages > blockSize {
		return fmt.Errorf("its header has version %d, size %d, %d images a block", h.Version, h.Size, h.BlockImages)
	}
	if c < 2 || len(h.Train) != c || len(h.Test) != c || len(h.Mean) != 3 || len(h.Deviation) != 3 {
		return fmt.Errorf("its header has %d classes with %d and %d counts", c, len(h.Train), len(h.Test))
	}
	for class := range c {
		if h.Train[class] < 1 || h.Test[class] < 0 || h.Train[class] > math.MaxInt32 || h.Test[class] > math.MaxInt32 {
			return fmt.Errorf("its header has %d training and %d test images of class %d", h.Train[class], h.Test[class], class)
		}
	}
	n := h.images()
	if n > math.MaxInt32 {
		return fmt.Errorf("its header has %d images", n)
	}
	end := pixelsAt + n*h.imageBytes()
	for _, s := range []struct {
		name   string
		is     section
		length int64 // -1: any
	}{{"labels", h.Labels, 4 * n}, {"names", h.Names, -1}, {"blocks", h.Blocks, sha256.Size * h.blockCount(n)}} {
		if s.is.Offset != end || s.is.Length < 0 || s.is.Length > offset || s.length >= 0 && s.is.Length != s.length {
			return fmt.Errorf("its %s lie at %d with %d bytes", s.name, s.is.Offset, s.is.Length)
		}
		end += s.is.Length
	}
	if end != offset {
		return fmt.Errorf("its header lies at %d and its content ends at %d", offset, end)
	}
	return nil
}

// read is the content of a section, checked.
func (s section) read(r io.ReaderAt) ([]byte, error) {
	content := make([]byte, s.Length)
	if _, err := r.ReadAt(content, s.Offset); err != nil {
		return nil, err
	}
	if newSection(s.Offset, content).SHA256 != s.SHA256 {
		return nil, fmt.Errorf("the %d bytes from %d on are damaged", s.Length, s.Offset)
	}
	return content, nil
}
