package pack

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"

	"longtail/data"
	"longtail/internal/disk"
	"longtail/internal/fail"
)

// ReadHeader reads and checks the header of a packed file. A file that is missing, damaged or something else is a data error that names it.
func ReadHeader(path string) (*Header, error) {
	f, h, err := openFile(path)
	if err != nil {
		return nil, err
	}
	return h, f.Close()
}

func openFile(path string) (*os.File, *Header, error) {
	f, err := disk.Open(path, math.MaxInt64)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, fail.Data("packed file %s: %w\nname a file of longtail data pack, or make one", path, fs.ErrNotExist)
	}
	if err != nil {
		return nil, nil, fail.Data("packed file: %w\nname a file of longtail data pack", err)
	}
	info, err := f.Stat()
	var h *Header
	if err == nil {
		h, err = readHeader(f, info.Size())
	}
	if err != nil {
		f.Close()
		return nil, nil, damaged(path, err)
	}
	return f, h, nil
}

func damaged(path string, err error) error {
	return fail.Data("packed file %s: %w\nmake it again with longtail data pack, or restore it from a copy", path, err)
}

// open describes a packed file as a data set.
func open(path string) (*data.Set, error) {
	h, err := ReadHeader(path)
	if err != nil {
		return nil, err
	}
	return &data.Set{
		Name: filepath.Base(path), Classes: h.Classes, Channels: 3, Height: h.Size, Width: h.Size,
		Train: h.Train, Test: h.Test, Source: h.Checksum, Mean: h.Mean, Deviation: h.Deviation, Background: h.Background,
		Open:   func(context.Context, data.Spec, bool) (data.Pool, error) { return openPool(path, h.Checksum) },
		Names:  func() ([]string, error) { return ReadNames(path) },
		Verify: func(string) ([]data.FileReport, error) { return verify(path), nil },
	}, nil
}

// pool is a packed file with its pixels mapped.
type pool struct {
	path   string
	header *Header
	pixels []byte  // [N, 3, size, size]
	labels []int32 // [N]
	sums   []byte  // SHA-256 of each block
	train  int     // training images, the first ones

	mutex sync.Mutex
	good  []atomic.Bool // blocks that were compared with their checksums
}

// openPool maps a packed file, which must have a checksum: it may have been replaced since its header was read.
func openPool(path, checksum string) (*pool, error) {
	f, h, err := openFile(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if h.Checksum != checksum {
		return nil, damaged(path, errors.New("it was replaced by another one while it was opened"))
	}
	p := &pool{path: path, header: h, train: sum(h.Train)}
	n := h.images()
	p.good = make([]atomic.Bool, h.blockCount(n))
	labels, err := h.Labels.read(f)
	if err == nil {
		p.sums, err = h.Blocks.read(f)
	}
	end := pixelsAt + n*h.imageBytes()
	if err == nil && end > math.MaxInt {
		err = errors.New("it is larger than the address space")
	}
	var content []byte
	if err == nil {
		content, err = mapFile(f, end)
	}
	if err != nil {
		return nil, damaged(path, err)
	}
	p.pixels = content[pixelsAt:]
	p.labels = make([]int32, n)
	for i := range p.labels {
		p.labels[i] = int32(binary.LittleEndian.Uint32(labels[4*i:]))
	}
	return p, nil
}

// Labels are those of all training or all test images.
func (p *pool) Labels(test bool) []int32 {
	if test {
		return p.labels[p.train:]
	}
	return p.labels[:p.train]
}

// Images points to images of the file; no pixel is read.
func (p *pool) Images(_ context.Context, test bool, indices []int32) (data.Images, error) {
	h := p.header
	m := data.Images{
		Pixels: p.pixels, Rows: slices.Clone(indices), Labels: make([]int32, len(indices)), Check: p.check, File: p.path,
		Classes: len(h.Classes), Channels: 3, Height: h.Size, Width: h.Size,
	}
	for i := range m.Rows {
		if test {
			m.Rows[i] += int32(p.train)
		}
		m.Labels[i] = p.labels[m.Rows[i]]
	}
	return m, nil
}

// check compares the block of an image with its checksum, once.
func (p *pool) check(row int32) error {
	b := int(row) / p.header.BlockImages
	if p.good[b].Load() {
		return nil
	}
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.good[b].Load() {
		return nil
	}
	if err := p.compare(b); err != nil {
		return damaged(p.path, err)
	}
	p.good[b].Store(true)
	return nil
}

// compare compares a block with its checksum.
func (p *pool) compare(b int) error {
	length := p.header.BlockImages * int(p.header.imageBytes())
	block := p.pixels[b*length : min((b+1)*length, len(p.pixels))]
	var sum [sha256.Size]byte
	if err := disk.ReadMapped(p.pixels, func() { sum = sha256.Sum256(block) }); err != nil {
		return err
	}
	if sum != [sha256.Size]byte(p.sums[b*sha256.Size:]) {
		first := b * p.header.BlockImages
		return fmt.Errorf("images %d to %d are damaged: their block has another checksum", first, min(first+p.header.BlockImages, len(p.labels))-1)
	}
	return nil
}

// verify compares every byte of a packed file with its checksums.
func verify(path string) []data.FileReport {
	report := data.FileReport{Path: path, State: data.FileOK}
	if report.Err = verifyFile(path); report.Err != nil {
		report.State = data.FileDamaged
	}
	return []data.FileReport{report}
}

func verifyFile(path string) error {
	h, err := ReadHeader(path)
	if err != nil {
		return err
	}
	p, err := openPool(path, h.Checksum)
	if err != nil {
		return err
	}
	for b := range p.good {
		if err := p.compare(b); err != nil {
			return err
		}
	}
	_, err = ReadNames(path)
	return err
}

// ReadNames are the paths of all images of a packed file within their source, training images first. They are what file systems hold, so
// that they may be any bytes.
func ReadNames(path string) ([]string, error) {
	f, h, err := openFile(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := h.Names.read(f)
	if err != nil {
		return nil, damaged(path, err)
	}
	names := make([]string, h.images())
	for i := range names {
		length, n := binary.Uvarint(text)
		if n < 1 || length > uint64(len(text)-n) {
			return nil, damaged(path, fmt.Errorf("the name of image %d is cut off", i))
		}
		names[i], text = string(text[n:n+int(length)]), text[n+int(length):]
	}
	return names, nil
}
