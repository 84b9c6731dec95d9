package pack

import (
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"time"

	"longtail/internal/disk"
	"longtail/internal/fail"
)

// saveEvery is how often the state is written: so much work is lost where a process is killed.
const saveEvery = 5 * time.Second

// writer appends images to a file that becomes the packed one when all are there.
type writer struct {
	path     string // of the part
	file     *os.File
	state    *state
	size     int    // rows and columns
	perBlock int    // images
	block    []byte // images of the block that is being filled, which are in the file already
	saved    time.Time
}

// newWriter opens the part of a packed file and continues what an earlier call with the same key left, unless a file that could not be
// read then is readable now. remark is told why it cannot continue.
func newWriter(out, key string, size int, readable func(item int) bool, remark func(string)) (*writer, error) {
	path := out + ".part"
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, disk.WriteError(path, err)
	}
	if err := disk.Lock(f); errors.Is(err, disk.ErrLocked) {
		f.Close()
		return nil, fail.Usage("%s is being written by another process\nwait for it, or name another file with --out", path)
	}
	imageBytes := int64(3 * size * size)
	w := &writer{path: path, file: f, size: size, perBlock: int(max(blockSize/imageBytes, 1)), saved: time.Now()}
	begun, why := readState(path, key)
	if begun != nil {
		if w.block, err = begun.restore(f, imageBytes, w.perBlock); err != nil {
			begun, why = nil, err.Error()
		}
	}
	if begun != nil && slices.ContainsFunc(begun.Damaged, func(b badItem) bool { return b.Unread && readable(b.Item) }) {
		begun, why = nil, "files that could not be read are readable now"
	}
	if why != "" {
		remark(fmt.Sprintf("%s cannot be continued: %s; it is begun anew", path, why))
	}
	if w.state = begun; begun == nil {
		w.state, w.block = &state{Key: key, Damaged: []badItem{}, Blocks: []string{}}, nil
	}
	end := pixelsAt + int64(w.state.images())*imageBytes
	if err := errors.Join(w.file.Truncate(end), seek(w.file, end)); err != nil {
		return nil, errors.Join(disk.WriteError(path, err), f.Close())
	}
	return w, nil
}

func seek(f *os.File, at int64) error {
	_, err := f.Seek(at, io.SeekStart)
	return err
}

// add takes the next item: its image [3, size, size], or the reason why it has none.
func (w *writer) add(image []byte, train bool, bad error) error {
	s := w.state
	if bad != nil {
		s.Damaged = append(s.Damaged, badItem{s.Done, bad.Error(), errors.As(bad, new(*unreadError))})
		s.Done++
		return w.saveNow(false)
	}
	if _, err := w.file.Write(image); err != nil {
		return disk.WriteError(w.path, err)
	}
	w.block = append(w.block, image...)
	s.Done++
	if train {
		plane := len(image) / 3
		for c := range 3 {
			for _, v := range image[c*plane : (c+1)*plane] {
				s.Sums[c] += uint64(v)
				s.Squares[c] += uint64(v) * uint64(v)
			}
		}
	}
	if len(w.block) == w.perBlock*len(image) {
		s.Blocks, w.block = append(s.Blocks, hash(w.block)), w.block[:0]
	}
	return w.saveNow(false)
}

// saveNow writes the state where it is time, or must be.
func (w *writer) saveNow(must bool) error {
	if !must && time.Since(w.saved) < saveEvery {
		return nil
	}
	if err := w.file.Sync(); err != nil {
		return disk.WriteError(w.path, err)
	}
	w.state.Tail = hash(w.block)
	w.saved = time.Now()
	return w.state.write(w.path)
}

// finish writes what follows the images, and gives the file its name.
func (w *writer) finish(p *plan, h *Header, out string) error {
	bad := map[int]bool{}
	for _, b := range w.state.Damaged {
		bad[b.Item] = true
	}
	h.Train, h.Test = p.counts(func(i int) bool { return !bad[i] })
	if empty := empties(p.classes, h.Train); empty != "" {
		return fail.Data("all training images of %s are damaged\nrepair them, or remove the classes", empty)
	}
	h.BlockImages = w.perBlock
	h.Mean, h.Deviation = w.state.moments(float64(sum(h.Train)) * float64(w.size*w.size))
	var labels, names, blocks []byte
	for i, it := range p.items {
		if !bad[i] {
			labels = binary.LittleEndian.AppendUint32(labels, uint32(it.class))
			names = append(binary.AppendUvarint(names, uint64(len(it.name))), it.name...)
		}
	}
	sums := w.state.Blocks
	if len(w.block) > 0 {
		sums = append(slices.Clone(sums), hash(w.block))
	}
	for _, sum := range sums {
		raw, _ := hex.DecodeString(sum) // of hash, or compared with one by restore
		blocks = append(blocks, raw...)
	}
	at := pixelsAt + h.images()*h.imageBytes()
	for _, s := range []struct {
		content []byte
		is      *section
	}{{labels, &h.Labels}, {names, &h.Names}, {blocks, &h.Blocks}} {
		*s.is = newSection(at, s.content)
		if _, err := w.file.WriteAt(s.content, at); err != nil {
			return disk.WriteError(w.path, err)
		}
		at += int64(len(s.content))
	}
	text, start, err := h.encode(at)
	if err != nil {
		return err
	}
	if _, err := w.file.WriteAt(text, at); err != nil {
		return disk.WriteError(w.path, err)
	}
	return w.rename(start, out)
}

// rename makes the part a whole file: its preamble comes last, behind all that it stands for.
func (w *writer) rename(start []byte, out string) error {
	err := w.file.Sync()
	if err == nil {
		_, err = w.file.WriteAt(start, 0)
	}
	if err == nil {
		err = w.file.Sync()
	}
	if err == nil {
		err = os.Rename(w.path, out)
	}
	if err == nil {
		err = errors.Join(os.Remove(statePath(w.path)), disk.SyncFolder(filepath.Dir(cmp.Or(out, "."))))
	}
	if err != nil {
		return disk.WriteError(w.path, err)
	}
	return nil
}

// moments are mean and deviation of each channel over so many pixels, a byte counting as byte / 255. The sums are whole numbers, so that
// they do not depend on the order of the images.
func (s *state) moments(pixels float64) (mean, deviation []float64) {
	for c := range 3 {
		m := float64(s.Sums[c]) / pixels
		square := float64(m * m)
		v := max(float64(s.Squares[c])/pixels-square, 0)
		mean, deviation = append(mean, m/255), append(deviation, math.Sqrt(v)/255)
	}
	return mean, deviation
}
