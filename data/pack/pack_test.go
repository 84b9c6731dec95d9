package pack

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"longtail/data"
	"longtail/data/picture/picturetest"
	"longtail/internal/fail"
	"longtail/internal/rng"
)

// write writes a file and the folders above it.
func write(t testing.TB, path string, content []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o666); err != nil {
		t.Fatal(err)
	}
}

// plain is a small PNG of one colour.
func plain(n int) []byte {
	m := image.NewRGBA(image.Rect(0, 0, 40, 36))
	for i := range m.Pix {
		m.Pix[i] = byte(n * (i%4 + 1))
		if i%4 == 3 {
			m.Pix[i] = 255
		}
	}
	return picturetest.PNG(m)
}

// folder makes a folder of classes with so many images each.
func folder(t testing.TB, counts ...int) string {
	t.Helper()
	dir := t.TempDir()
	for class, n := range counts {
		for i := range n {
			write(t, filepath.Join(dir, fmt.Sprintf("class%c", 'a'+class), fmt.Sprintf("%03d.png", i)), plain(10*class+i))
		}
	}
	return dir
}

// options pack a source into a file of the test's own.
func options(t testing.TB, source string) Options {
	return Options{Source: source, Size: 32, Out: filepath.Join(t.TempDir(), "images.pack"), Tool: "test"}
}

// packed packs, and gives the file's bytes.
func packed(t testing.TB, o Options) (*Report, []byte) {
	t.Helper()
	r, err := Pack(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(o.Out)
	if err != nil {
		t.Fatal(err)
	}
	return r, content
}

// load is the data set in a file, whole and in the order of the file.
func load(t testing.TB, path string) *data.Dataset {
	t.Helper()
	ds, err := data.Load(t.Context(), data.Spec{Dataset: path, Imbalance: data.Natural})
	if err != nil {
		t.Fatal(err)
	}
	return ds
}

func TestFolderBecomesADataSet(t *testing.T) {
	o := options(t, folder(t, 9, 3, 5))
	o.Test = "0.3"
	r, _ := packed(t, o)
	if r.Train != 11 || r.Test != 6 || r.Classes != 3 || len(r.Damaged) != 0 { // 9 - 3, 3 - 1, 5 - 2 of halves up
		t.Errorf("%+v", r)
	}
	ds := load(t, o.Out)
	if want := []string{"classa", "classb", "classc"}; !slices.Equal(ds.ClassNames, want) || ds.Name != "images.pack" {
		t.Errorf("%s: classes %v, want %v", ds.Name, ds.ClassNames, want)
	}
	if ds.Train.Len() != 11 || ds.Test.Len() != 6 || ds.Train.Height != 32 || ds.Split.Source != r.Checksum || ds.Split.Profile != "natural" {
		t.Errorf("%d and %d images of %d pixels, source %q, profile %s", ds.Train.Len(), ds.Test.Len(), ds.Train.Height, ds.Split.Source, ds.Split.Profile)
	}
	names, err := ReadNames(o.Out)
	if err != nil {
		t.Fatal(err)
	}
	for i := range ds.Train.Len() {
		var class byte
		var number int
		if _, err := fmt.Sscanf(names[i], "class%c/%d.png", &class, &number); err != nil {
			t.Fatal(names[i], err)
		}
		label := int(class - 'a')
		if int(ds.Train.Labels[i]) != label || ds.Train.Image(i)[0] != byte(10*label+number) {
			t.Errorf("image %d is %s: label %d, first byte %d", i, names[i], ds.Train.Labels[i], ds.Train.Image(i)[0])
		}
	}
	if err := ds.Test.Intact([]int32{4, -1, 0}); err != nil {
		t.Error(err)
	}
}

// The bytes do not depend on the threads, and neither on whether and where the call was interrupted.
func TestInterruptedCallsResumeToTheSameBytes(t *testing.T) {
	source := folder(t, 40, 30)
	write(t, filepath.Join(source, "classb", "007.png"), []byte("no image"))
	o := options(t, source)
	o.Test, o.SkipDamaged, o.Size = "0.2", true, 160 // 13 images a block
	whole, want := packed(t, o)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for _, stop := range []int{1, 13, 20, 69} {
		again := o
		again.Out = filepath.Join(t.TempDir(), "again.pack")
		ctx, cancel := context.WithCancel(t.Context())
		again.Progress = func(done, total int) {
			if done == stop {
				cancel()
			}
		}
		if r, err := Pack(ctx, again); fail.Code(err) != fail.CodeInterrupted || r.Checksum != "" {
			t.Fatalf("interrupted after %d: %+v, %v", stop, r, err)
		}
		if _, err := os.Stat(again.Out); !errors.Is(err, os.ErrNotExist) {
			t.Fatalf("a file that is not whole has the name of one: %v", err)
		}
		again.Progress = nil
		r, got := packed(t, again)
		if !bytes.Equal(got, want) || r.Checksum != whole.Checksum || r.Resumed < stop {
			t.Errorf("interrupted after %d: %d bytes, want %d; resumed after %d", stop, len(got), len(want), r.Resumed)
		}
		if left, _ := os.ReadDir(filepath.Dir(again.Out)); len(left) != 1 {
			t.Errorf("left behind: %v", left)
		}
	}
}

// A part that was changed, or whose images were, is not continued.
func TestChangedPartsAreBegunAnew(t *testing.T) {
	source := folder(t, 20, 20)
	o := options(t, source)
	_, want := packed(t, o)
	for name, change := range map[string]func(part string) error{
		"bytes": func(part string) error {
			content, err := os.ReadFile(part)
			if err != nil {
				return err
			}
			content[pixelsAt+7]++
			return os.WriteFile(part, content, 0o666)
		},
		"length": func(part string) error { return os.Truncate(part, pixelsAt+100) },
		"state":  func(part string) error { return os.WriteFile(statePath(part), []byte(`{"done":1e9}`), 0o666) },
		"image": func(string) error {
			return os.WriteFile(filepath.Join(source, "classa", "000.png"), append(plain(0), "trailer"...), 0o666)
		},
	} {
		again := o
		again.Out = filepath.Join(t.TempDir(), "again.pack")
		ctx, cancel := context.WithCancel(t.Context())
		again.Progress = func(done, total int) {
			if done == 25 {
				cancel()
			}
		}
		if _, err := Pack(ctx, again); err == nil {
			t.Fatal("it was not interrupted")
		}
		if err := change(again.Out + ".part"); err != nil {
			t.Fatal(err)
		}
		remark := ""
		again.Progress, again.Remark = nil, func(text string) { remark = text }
		if r, got := packed(t, again); !bytes.Equal(got, want) || r.Resumed != 0 || !strings.Contains(remark, "begun anew") {
			t.Errorf("%s: resumed after %d, same bytes %v, remark %q", name, r.Resumed, bytes.Equal(got, want), remark)
		}
	}
}

func TestDamagedImagesAreNamedAndLeftOutOnRequest(t *testing.T) {
	source := folder(t, 10, 10)
	for name, bad := range picturetest.Bad() {
		write(t, filepath.Join(source, "classa", name), bad.Content)
	}
	o := options(t, source)
	r, err := Pack(t.Context(), o)
	if fail.Code(err) != fail.CodeData || !strings.Contains(err.Error(), "--skip-damaged") || len(r.Damaged) != len(picturetest.Bad()) {
		t.Fatalf("%d damaged, %v", len(r.Damaged), err)
	}
	for _, d := range r.Damaged {
		if want := picturetest.Bad()[filepath.Base(d.Name)].Reason; want == "" || !strings.Contains(d.Reason, want) {
			t.Errorf("%+v, want %q", d, want)
		}
	}
	o.SkipDamaged = true
	r, _ = packed(t, o) // with what the first call decoded
	if h, err := ReadHeader(o.Out); err != nil || r.Train != 20 || r.Resumed != 20+len(r.Damaged) || h.LeftOut != len(r.Damaged) {
		t.Errorf("%+v, %v", r, err)
	}
	only := folder(t, 3, 0)
	write(t, filepath.Join(only, "classb", "x.png"), nil)
	o = options(t, only)
	o.SkipDamaged = true
	if _, err := Pack(t.Context(), o); fail.Code(err) != fail.CodeData || !strings.Contains(err.Error(), `all training images of "classb" are damaged`) {
		t.Errorf("a class that is damaged whole: %v", err)
	}
}

// Each byte counts: a file with one changed is refused when it is opened, or when the image is used.
func TestDamagedFilesAreNoticed(t *testing.T) {
	o := options(t, folder(t, 4, 4))
	_, content := packed(t, o)
	for at := 0; at < len(content); at += 1 + at/7 {
		if at >= preamble && at < pixelsAt {
			continue // nothing lies there
		}
		changed := bytes.Clone(content)
		changed[at] ^= 0x10
		path := filepath.Join(t.TempDir(), "changed.pack")
		write(t, path, changed)
		ds, err := data.Load(t.Context(), data.Spec{Dataset: path, Imbalance: data.Natural})
		if err == nil {
			err = ds.Train.Intact([]int32{0, 1, 2, 3, 4, 5, 6, 7})
		}
		if err == nil { // the names of the images are not read then
			err = verify(path)[0].Err
		}
		if fail.Code(err) != fail.CodeData || !strings.Contains(err.Error(), path) {
			t.Fatalf("byte %d: %v", at, err)
		}
	}
	for _, length := range []int{0, 63, 5000, len(content) - 1} {
		path := filepath.Join(t.TempDir(), "cut.pack")
		write(t, path, content[:length])
		if _, err := data.Lookup(path); fail.Code(err) != fail.CodeData {
			t.Errorf("cut to %d bytes: %v", length, err)
		}
	}
	if r := verify(o.Out)[0]; r.State != data.FileOK {
		t.Errorf("%+v", r)
	}
	if _, err := data.Lookup("nowhere.pack"); fail.Code(err) != fail.CodeData {
		t.Errorf("a file that is not there: %v", err)
	}
	if _, err := data.Lookup("some/folder"); fail.Code(err) != fail.CodeUsage || !strings.Contains(err.Error(), ".pack") {
		t.Errorf("a folder: %v", err)
	}
}

func TestImpossibleOptions(t *testing.T) {
	source := folder(t, 2, 2)
	there := filepath.Join(t.TempDir(), "there.pack")
	write(t, there, nil)
	for want, change := range map[string]func(*Options){
		"--size 31":          func(o *Options) { o.Size = 31 },
		"--size 257":         func(o *Options) { o.Size = 257 },
		"ends in .pack":      func(o *Options) { o.Out = "x.bin" },
		"--test 1":           func(o *Options) { o.Test = "1" },
		"--test NaN":         func(o *Options) { o.Test = "NaN" },
		"there is such":      func(o *Options) { o.Out = there },
		"itself":             func(o *Options) { o.ClassNames = "names.txt" },
		"reading the source": func(o *Options) { o.Source = "nowhere" },
	} {
		o := options(t, source)
		change(&o)
		if _, err := Pack(t.Context(), o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	o := options(t, source)
	o.Out, o.Force = there, true
	packed(t, o)
}

// Mean and deviation are those of the training images.
func TestMomentsOfTheTrainingImages(t *testing.T) {
	dir := t.TempDir()
	for i, c := range []color.NRGBA{{0, 50, 100, 255}, {200, 50, 120, 255}} {
		m := image.NewNRGBA(image.Rect(0, 0, 32, 32))
		for k := range 32 * 32 {
			m.SetNRGBA(k%32, k/32, c)
		}
		write(t, filepath.Join(dir, fmt.Sprint(i), "a.png"), picturetest.PNG(m))
	}
	o := options(t, dir)
	packed(t, o)
	h, err := ReadHeader(o.Out)
	if err != nil {
		t.Fatal(err)
	}
	for c, want := range [][2]float64{{100, 100}, {50, 0}, {110, 10}} {
		if m, d := 255*h.Mean[c], 255*h.Deviation[c]; m < want[0]-1e-9 || m > want[0]+1e-9 || d < want[1]-1e-6 || d > want[1]+1e-6 {
			t.Errorf("channel %d: %v and %v, want %v", c, m, d, want)
		}
	}
	s, err := data.Lookup(o.Out)
	if err != nil {
		t.Fatal(err)
	}
	in, err := s.NewInput(data.StandardInput)
	if x := in.Scale[0]*200 + in.Shift[0]; err != nil || x < 0.999 || x > 1.001 {
		t.Errorf("red 200 becomes %v, %v; want 1", x, err)
	}
}

// Images that have the wanted size already keep every byte.
func TestImagesOfTheirOwnSizeAreKept(t *testing.T) {
	random := rng.New(3, rng.Bench, 0, 0)
	dir := t.TempDir()
	var want [][]byte
	for i := range 4 {
		m := image.NewNRGBA(image.Rect(0, 0, 36, 36))
		planes := make([]byte, 3*36*36)
		for k := range 36 * 36 {
			w := random.Uint32()
			m.SetNRGBA(k%36, k/36, color.NRGBA{byte(w), byte(w >> 8), byte(w >> 16), 255})
			planes[k], planes[36*36+k], planes[2*36*36+k] = byte(w), byte(w>>8), byte(w>>16)
		}
		write(t, filepath.Join(dir, fmt.Sprint(i%2), fmt.Sprintf("%d.png", i)), picturetest.PNG(m))
		want = append(want, planes)
	}
	o := options(t, dir)
	o.Size = 36
	packed(t, o)
	ds := load(t, o.Out)
	for i, k := range []int{0, 2, 1, 3} {
		if !bytes.Equal(ds.Train.Image(i), want[k]) {
			t.Errorf("image %d is changed", i)
		}
	}
}

// What passes for a header keeps every later read within the file.
func FuzzHeader(f *testing.F) {
	o := options(f, folder(f, 2, 3))
	_, content := packed(f, o)
	f.Add(content)
	f.Add(content[:100])
	f.Fuzz(func(t *testing.T, content []byte) {
		h, err := readHeader(bytes.NewReader(content), int64(len(content)))
		if err != nil {
			return
		}
		if end := pixelsAt + h.images()*h.imageBytes(); end > int64(len(content)) {
			t.Fatalf("pixels end at %d of %d bytes", end, len(content))
		}
		for _, s := range []section{h.Labels, h.Names, h.Blocks} {
			if s.Offset < 0 || s.Length < 0 || s.Offset+s.Length > int64(len(content)) {
				t.Fatalf("a section lies at %d with %d bytes of %d", s.Offset, s.Length, len(content))
			}
		}
	})
}
