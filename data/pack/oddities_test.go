//go:build unix

package pack

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"longtail/data/picture"
	"longtail/data/picture/picturetest"
	"longtail/internal/fail"
)

// oddFolder is a folder of 12 classes with a long tail, every form of image, and whatever else lies in folders. It gives the images that
// are to be packed, and those that are to be named with a word of the reason.
func oddFolder(t testing.TB) (dir string, good int, bad map[string]string) {
	t.Helper()
	dir = t.TempDir()
	put := func(name string, content []byte) { write(t, filepath.Join(dir, filepath.FromSlash(name)), content) }
	link := func(target, name string) {
		if err := os.Symlink(target, filepath.Join(dir, filepath.FromSlash(name))); err != nil {
			t.Fatal(err)
		}
	}
	forms := picturetest.Valid()
	maps.Copy(forms, picturetest.Transparent())
	names := slices.Sorted(maps.Keys(forms))
	for class := range 12 {
		for i := range max(2, 150*3*3/(class+3)/(class+3)) {
			form := names[(i+class)%len(names)]
			put(fmt.Sprintf("class %02d/%03d %s", class, i, form), forms[form])
			good++
		}
	}
	for i := range 20 { // at any depth, with any name
		put(fmt.Sprintf("class 03/below/%d/ä ö.PNG", i), plain(i))
		good++
	}
	for _, name := range []string{"class 00/\n.png", "class 00/\xff\xfe.jpeg", "class 01/wrong extension.jpg", "class 02/'$(x).png", "class 04/-rf.png"} {
		put(name, plain(good))
		good++
	}
	link("below/0/ä ö.PNG", "class 03/a link within.png")
	good++
	for _, name := range []string{"class 00/.DS_Store", "class 00/._hidden.png", "class 01/Thumbs.db", "class 01/notes.txt", "class 01/README", ".git/HEAD", "loose.png", "class 02/scan.tiff"} {
		put(name, []byte("nothing"))
	}
	bad = map[string]string{
		"class 05/fifo.png": "no regular file", "class 05/out.png": "out of the folder", "class 05/password.jpg": "out of the folder",
		"class 05/nowhere.png": "to nothing", "class 05/linked": "link to a folder", "linked class": "link to a folder", "outer class": "out of the folder",
	}
	outside := t.TempDir()
	write(t, filepath.Join(outside, "secret.png"), plain(1))
	link(filepath.Join(outside, "secret.png"), "class 05/out.png")
	link("/etc/passwd", "class 05/password.jpg")
	link("nothing", "class 05/nowhere.png")
	link("../class 06", "class 05/linked")
	link("class 06", "linked class")
	link(outside, "outer class")
	if err := syscall.Mkfifo(filepath.Join(dir, "class 05", "fifo.png"), 0o666); err != nil {
		t.Fatal(err)
	}
	for name, b := range picturetest.Bad() {
		put("class 07/"+name, b.Content)
		bad["class 07/"+name] = b.Reason
	}
	return dir, good, bad
}

// A folder with everything that is found in folders: each damaged or hostile file is named with its reason, all else is packed, and
// what is skipped is counted.
func TestFolderOfOddities(t *testing.T) {
	dir, good, bad := oddFolder(t)
	if good < 440 {
		t.Fatalf("%d images", good)
	}
	o := options(t, dir)
	o.Test = "0.2"
	r, err := Pack(t.Context(), o)
	if fail.Code(err) != fail.CodeData {
		t.Fatal(err)
	}
	named := map[string]string{}
	for _, d := range r.Damaged {
		named[d.Name] = d.Reason
	}
	for name, reason := range bad {
		if !strings.Contains(named[name], reason) {
			t.Errorf("%q: reason %q, want %q", name, named[name], reason)
		}
		delete(named, name)
	}
	if len(named) > 0 {
		t.Errorf("named without need: %q", named)
	}
	o.SkipDamaged = true
	r, content := packed(t, o)
	if r.Train+r.Test != good || r.Classes != 12 || len(r.Damaged) != len(bad) {
		t.Errorf("%d + %d images of %d classes, %d damaged, want %d and %d", r.Train, r.Test, r.Classes, len(r.Damaged), good, len(bad))
	}
	if want := map[string]int{"hidden": 4, ".txt": 1, "other": 1, ".tiff": 1, "outside of the class folders": 1}; !maps.Equal(r.Skipped, want) {
		t.Errorf("skipped %v, want %v", r.Skipped, want)
	}
	names, err := ReadNames(o.Out)
	if err != nil || !slices.Contains(names, "class 00/\n.png") || !slices.Contains(names, "class 00/\xff\xfe.jpeg") {
		t.Errorf("%v: names of any bytes are not kept", err)
	}
	ds := load(t, o.Out)
	for i, name := range names[:ds.Train.Len()] { // every form shows the same corner
		if strings.HasSuffix(name, "exif5.jpg") || strings.HasSuffix(name, " cmyk.jpg") {
			if p := ds.Train.Image(i); p[0] > 70 || p[31] < 180 || p[1024] > 20 || p[2047] < 235 {
				t.Errorf("%s: red %d to %d, green %d to %d", name, p[0], p[31], p[1024], p[2047])
			}
		}
	}
	if bytes.Contains(content, []byte("root:")) {
		t.Error("a file outside of the folder was packed")
	}
}

// A list cannot name what lies outside of its root.
func TestListsStayWithinTheirRoot(t *testing.T) {
	outside := t.TempDir()
	write(t, filepath.Join(outside, "secret.png"), plain(1))
	dir := files(t, six, map[string]string{
		"l.txt": "in/0.png 0\nin/1.png 1\n../" + filepath.Base(outside) + "/secret.png 1\n" + outside + "/other.png 0\n/dev/zero 0\nin 0\nnowhere.png 0\n",
	})
	o := options(t, filepath.Join(dir, "l.txt"))
	r, err := Pack(t.Context(), o)
	if fail.Code(err) != fail.CodeData || len(r.Damaged) != 5 {
		t.Fatalf("%+v, %v", r, err)
	}
	o = options(t, filepath.Join(dir, "l.txt")) // absolute paths within the root are fine
	write(t, o.Source, []byte(filepath.Join(dir, "in", "0.png")+" 0\nin/1.png 1\n"))
	if r, _ := packed(t, o); r.Train != 2 {
		t.Errorf("%+v", r)
	}
}

// A file that could not be read is not taken for damaged once it can be.
func TestFilesThatBecomeReadable(t *testing.T) {
	source := folder(t, 5, 5)
	outside, later := filepath.Join(t.TempDir(), "other.png"), filepath.Join(source, "classa", "later.png")
	write(t, outside, plain(9))
	list := filepath.Join(source, "l.txt")
	write(t, list, []byte("classa/000.png 0\nclassa/later.png 0\nclassb/000.png 1\n"))
	if err := os.Symlink(outside, later); err != nil {
		t.Fatal(err)
	}
	o := options(t, list)
	if r, err := Pack(t.Context(), o); fail.Code(err) != fail.CodeData || len(r.Damaged) != 1 {
		t.Fatalf("%+v, %v", r, err)
	}
	info, err := os.Stat(outside)
	if err := errors.Join(err, os.Remove(later)); err != nil {
		t.Fatal(err)
	}
	write(t, later, plain(9)) // of the same length and time, so that nothing else tells the two apart
	if err := os.Chtimes(later, info.ModTime(), info.ModTime()); err != nil {
		t.Fatal(err)
	}
	remark := ""
	o.Remark = func(text string) { remark = text }
	if r, _ := packed(t, o); r.Train != 3 || r.Resumed != 0 || !strings.Contains(remark, "readable now") {
		t.Errorf("%+v, remark %q", r, remark)
	}
}

// A disk that is full is an error that says so; with room, the same call continues.
func TestFullDisk(t *testing.T) {
	signal.Ignore(syscall.SIGXFSZ)
	defer signal.Reset(syscall.SIGXFSZ)
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	o := options(t, folder(t, 20, 20))
	o.Size = 256 // so that the limit is above all other files that the test writes
	small := before
	small.Cur = pixelsAt + 25*3*256*256
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &small); err != nil {
		t.Fatal(err)
	}
	_, err := Pack(t.Context(), o)
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	if !errors.Is(err, syscall.EFBIG) || !strings.Contains(err.Error(), o.Out+".part") || !strings.Contains(err.Error(), "make room") {
		t.Fatalf("error %v", err)
	}
	r, got := packed(t, o)
	again := o
	again.Out = filepath.Join(t.TempDir(), "whole.pack")
	if _, want := packed(t, again); !bytes.Equal(got, want) || r.Resumed != 25 {
		t.Errorf("resumed after %d, the same bytes: %v", r.Resumed, bytes.Equal(got, want))
	}
}

// Images that are looked at one by one are the squares that packing makes of them, in the order of their names; what packing names as damaged has
// the same reason.
func TestFoundImagesAreThePackedOnes(t *testing.T) {
	dir, good, bad := oddFolder(t)
	o := options(t, dir)
	o.SkipDamaged = true
	report, content := packed(t, o)
	names, err := ReadNames(o.Out)
	if err != nil || report.Train != good {
		t.Fatal(report.Train, err)
	}
	bad["loose.png"], bad["nowhere.png"] = "no JPEG", "no such file"
	found, err := Find([]string{dir, filepath.Join(dir, "nowhere.png")})
	if err != nil {
		t.Fatal(err)
	}
	length, seen := 3*o.Size*o.Size, 0
	err = found.Squares(t.Context(), o.Size, o.Background, picture.DefaultLimits(), func(i int, square []byte, unfit error) error {
		name, err := filepath.Rel(dir, found.Names[i])
		if err != nil {
			return err
		}
		switch reason, isBad := bad[name]; {
		case isBad:
			if unfit == nil || !strings.Contains(unfit.Error(), reason) {
				t.Errorf("%q: %v, want %q", name, unfit, reason)
			}
		case unfit != nil || name != names[seen]:
			t.Errorf("%q in the place of %q: %v", name, names[seen], unfit)
		default:
			if !bytes.Equal(square, content[pixelsAt+seen*length:][:length]) {
				t.Errorf("%q is not the packed image", name)
			}
			seen++
		}
		return nil
	})
	if err != nil || seen != good || len(found.Names) != good+len(bad) {
		t.Errorf("%d of %d good images, %d in all: %v", seen, good, len(found.Names), err)
	}
	stop := errors.New("stop")
	if err := found.Squares(t.Context(), o.Size, o.Background, picture.DefaultLimits(), func(int, []byte, error) error { return stop }); err != stop {
		t.Errorf("stopped with %v", err)
	}
}
