package pack

import (
	"context"
	"encoding/hex"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"longtail/data/picture"
	"longtail/internal/disk"
	"longtail/internal/fail"

	"golang.org/x/sync/semaphore"
)

// Options say what to pack, and how.
type Options struct {
	Source      string // folder with a folder a class, or with train and test; list; CSV; JSON
	Test        string // fraction of each class that becomes test images, or their source; empty: none, or the folder test
	Seed        uint64 // draws the fraction
	Root        string // folder that the paths of lists are relative to; empty: the list's own
	ClassNames  string // file with a name a line, for lists; empty: the labels are the names
	PathColumn  string // of CSV; empty: path
	LabelColumn string // of CSV; empty: label

	Size        int     // rows and columns, MinSize to MaxSize
	Background  [3]byte // behind transparent pixels
	Limits      picture.Limits
	Out         string // path of the packed file
	SkipDamaged bool   // leaves damaged images out; without it they are an error
	Force       bool   // replaces a file at Out
	Tool        string // the program's name and version, which the file records

	Progress func(done, total int) // is told after each image; nil: nothing is told
	Remark   func(string)          // is told what is worth knowing, in a line for people; nil: nothing is told

	testFraction float64
	testSource   string
}

// Report is what a call packed.
type Report struct {
	Out      string         `json:"out"`
	Checksum string         `json:"checksum,omitempty"` // SHA-256, as in Header; empty of a file that is not whole
	Size     int            `json:"size"`
	Classes  int            `json:"classes"`
	Train    int            `json:"train"` // images
	Test     int            `json:"test"`
	Resumed  int            `json:"resumed"` // images that an earlier call had done
	Skipped  map[string]int `json:"skipped"` // files that are no images, by kind
	Damaged  []Damage       `json:"damaged"` // in the order of their discovery
}

// check finds impossible options, and reads what Test means.
func (o *Options) check() error {
	if o.Size < MinSize || o.Size > MaxSize {
		return fail.Usage("--size %d: images are packed in %d to %d rows and columns\nuse for example --size 64", o.Size, MinSize, MaxSize)
	}
	if !strings.HasSuffix(o.Out, Extension) {
		return fail.Usage("--out %s: the name of a packed file ends in %s\nuse for example --out images%[2]s", o.Out, Extension)
	}
	if o.Limits == (picture.Limits{}) {
		o.Limits = picture.DefaultLimits()
	}
	if fraction, err := strconv.ParseFloat(o.Test, 64); err == nil {
		if math.IsNaN(fraction) || fraction <= 0 || fraction >= 1 {
			return fail.Usage("--test %s: the part of the test images is a fraction above 0 and below 1\nuse for example --test 0.2", o.Test)
		}
		o.testFraction = fraction
	} else {
		o.testSource = o.Test
	}
	if !o.Force && disk.Exists(o.Out) {
		return fail.Usage("--out %s: there is such a file\nremove it, name another one, or give --force to replace it", o.Out)
	}
	if o.Remark == nil {
		o.Remark = func(string) {}
	}
	if o.Progress == nil {
		o.Progress = func(int, int) {}
	}
	return nil
}

// Pack makes a packed file. The report is there with an error too, where images were looked at: damaged images are a data error after all of
// them were found, with their names in the report. After an interrupt, a full disk or a crash the same call continues.
func Pack(ctx context.Context, o Options) (*Report, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	p, err := newPlan(&o)
	if err != nil {
		return nil, err
	}
	w, err := newWriter(o.Out, p.key(&o, o.Tool), o.Size, func(i int) bool { return p.readable(i, o.Limits.Bytes) }, o.Remark)
	if err != nil {
		return nil, err
	}
	defer w.file.Close()
	report := &Report{Out: o.Out, Size: o.Size, Classes: len(p.classes), Resumed: w.state.Done, Skipped: p.skipped, Damaged: []Damage{}}
	err = p.pack(ctx, &o, w)
	report.Damaged = append(report.Damaged, p.damaged...)
	for _, b := range w.state.Damaged {
		report.Damaged = append(report.Damaged, Damage{p.items[b.Item].name, b.Reason})
	}
	if err != nil {
		if ctx.Err() != nil {
			err = fail.Interrupted("interrupted after %d of %d images; %s has them\ngive the same command again to continue", w.state.Done, len(p.items), w.path)
		}
		return report, err
	}
	if n := len(report.Damaged); n > 0 && !o.SkipDamaged {
		return report, fail.Data("%d of %d images are damaged or unsafe\nrepair or remove them, or give --skip-damaged to leave them out; what was done is kept in %s", n, len(p.items)+len(p.damaged), w.path)
	}
	h := &Header{
		Version: version, Tool: o.Tool, Size: o.Size, Classes: p.classes, TestPart: p.testPart,
		Background: hex.EncodeToString(o.Background[:]), LeftOut: len(report.Damaged),
	}
	if err := w.finish(p, h, o.Out); err != nil {
		return report, err
	}
	report.Checksum, report.Train, report.Test = h.Checksum, sum(h.Train), sum(h.Test)
	return report, nil
}

// Preview is what Pack would do: no image is opened, and nothing is written.
func Preview(o Options) (*Report, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	p, err := newPlan(&o)
	if err != nil {
		return nil, err
	}
	train, test := p.counts(func(int) bool { return true })
	r := &Report{Out: o.Out, Size: o.Size, Classes: len(p.classes), Train: sum(train), Test: sum(test), Skipped: p.skipped, Damaged: p.damaged}
	if r.Damaged == nil {
		r.Damaged = []Damage{}
	}
	return r, nil
}

// Bytes is how large the pixels of a report's images are.
func (r *Report) Bytes() int64 { return 3 * int64(r.Size) * int64(r.Size) * int64(r.Train+r.Test) }

// pack decodes all items that are not done, on all cores, and adds them in their order. What was added is saved, however it ends.
func (p *plan) pack(ctx context.Context, o *Options, w *writer) (err error) {
	roots := make([]*os.Root, len(p.roots))
	for i, path := range p.roots {
		if roots[i], err = os.OpenRoot(path); err != nil {
			return fail.Data("reading the folder: %w", err)
		}
		defer roots[i].Close()
	}
	first := w.state.Done
	square := func(ctx context.Context, i int, memory *semaphore.Weighted) ([]byte, error) {
		it := p.items[first+i]
		return o.square(ctx, roots[it.root], it.name, memory)
	}
	err = inOrder(ctx, len(p.items)-first, square, func(_ int, square []byte, bad error) error {
		if err := w.add(square, !p.items[w.state.Done].test, bad); err != nil {
			return err
		}
		o.Progress(w.state.Done, len(p.items))
		return nil
	})
	if saveErr := w.saveNow(true); saveErr != nil && err == nil {
		err = saveErr
	}
	return err
}

// unreadError is the error of a file that cannot be read, whatever is in it.
type unreadError struct{ error }

func (u *unreadError) Unwrap() error { return u.error }

// readable reports whether the file of an item can be read.
func (p *plan) readable(i int, limit int64) bool {
	root, err := os.OpenRoot(p.roots[p.items[i].root])
	if err != nil {
		return false
	}
	defer root.Close()
	_, err = readImage(root, p.items[i].name, limit)
	return err == nil
}

// largeFile is the length from which files are read and decoded one at a time.
const largeFile = 8 << 20

// square reads and decodes an image, when there is room for it.
func (o *Options) square(ctx context.Context, root *os.Root, name string, memory *semaphore.Weighted) ([]byte, error) {
	need := int64(0)
	if info, err := root.Stat(filepath.FromSlash(name)); err == nil && info.Size() > largeFile {
		need = decoding
		if err := memory.Acquire(ctx, need); err != nil {
			return nil, err
		}
		defer release(memory, need)
	}
	content, err := readImage(root, name, o.Limits.Bytes)
	if err != nil {
		return nil, &unreadError{err}
	}
	info, err := picture.Inspect(content, o.Limits)
	if err != nil {
		return nil, err
	}
	if need == 0 {
		need = min(info.Memory+int64(len(content)), decoding)
		if err := memory.Acquire(ctx, need); err != nil {
			return nil, err
		}
		defer release(memory, need)
	}
	square, err := picture.Square(content, o.Size, o.Background, o.Limits)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", info.Format, err)
	}
	return square, nil
}

// release gives room back. That of a large image is collected at once, so that the room of two is not held at a time.
func release(memory *semaphore.Weighted, need int64) {
	if need == decoding {
		runtime.GC()
	}
	memory.Release(need)
}
