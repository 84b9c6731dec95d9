package cifar

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/md5"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"longtail/data"
	"longtail/internal/fail"
	"longtail/internal/rng"
)

// small is a data set like CIFAR-10 with a few images, and the bytes of its files.
type small struct {
	set
	contents map[string][]byte
	packed   []byte // its tar.gz
}

// newSmall makes one with two training files, of 3 classes with 8 training and 4 test images each.
func newSmall(t testing.TB, labelBytes, label int) *small {
	t.Helper()
	a := &archive{name: "small.tar.gz", folder: "small", labelBytes: labelBytes}
	s := &small{contents: map[string][]byte{}}
	s.set = *newSet("small", []string{"a", "b", "c"}, 8, 4, &source{a, label})
	for i, f := range []struct {
		name    string
		records int
		into    *[]file
	}{{"one.bin", 12, &a.train}, {"two.bin", 12, &a.train}, {"test.bin", 12, &a.test}} {
		raw := smallFile(uint32(i), f.records, labelBytes)
		s.contents[f.name] = raw
		sum := sha256.Sum256(raw)
		*f.into = append(*f.into, file{f.name, f.records, hex.EncodeToString(sum[:])})
	}
	s.packed = pack(t, s.entries())
	sum := md5.Sum(s.packed)
	a.md5, a.size = hex.EncodeToString(sum[:]), int64(len(s.packed))
	return s
}

// smallFile is random pixels with labels 0, 1, 2, 0 ... in every label byte.
func smallFile(number uint32, records, labelBytes int) []byte {
	random := rng.New(1, rng.Bench, number, 0)
	raw := make([]byte, records*(labelBytes+imageBytes))
	for i := range raw {
		if at := i % (labelBytes + imageBytes); at < labelBytes {
			raw[i] = byte(i / (labelBytes + imageBytes) % 3)
		} else {
			raw[i] = byte(random.Uint32())
		}
	}
	return raw
}

// entry is one thing in a tar file.
type entry struct {
	name string
	kind byte
	body []byte
}

// entries are what an official archive has: the folder, a file that is not wanted, the files.
func (s *small) entries() []entry {
	a := s.source.archive
	all := []entry{{a.folder + "/", tar.TypeDir, nil}, {path.Join(a.folder, "readme.html"), tar.TypeReg, []byte("<p>")}}
	for _, f := range a.files() {
		all = append(all, entry{path.Join(a.folder, f.name), tar.TypeReg, s.contents[f.name]})
	}
	return all
}

func pack(t testing.TB, entries []entry) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for _, e := range entries {
		h := &tar.Header{Name: e.name, Typeflag: e.kind, Mode: 0o644, Size: int64(len(e.body))}
		if e.kind == tar.TypeSymlink {
			h.Linkname, h.Size = "/etc/passwd", 0
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if h.Size > 0 {
			if _, err := w.Write(e.body); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// lay writes the files into a new data folder.
func (s *small) lay(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "small"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, raw := range s.contents {
		write(t, filepath.Join(dir, "small", name), raw)
	}
	return dir
}

func write(t testing.TB, path string, raw []byte) {
	t.Helper()
	if err := os.WriteFile(path, raw, 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestImagesComeFromFilesAndFromTheArchive(t *testing.T) {
	for label := range 2 {
		s := newSmall(t, 2, label)
		packed := t.TempDir()
		write(t, filepath.Join(packed, "small.tar.gz"), s.packed)
		for _, dir := range []string{s.lay(t), packed} {
			c, err := s.read(t.Context(), dir, true, "hint")
			if err != nil {
				t.Fatal(err)
			}
			m, err := c.Images(t.Context(), false, []int32{1, 13, 23})
			if err != nil {
				t.Fatal(err)
			}
			second := s.contents["two.bin"][1*(2+imageBytes)+2:][:imageBytes]
			if !bytes.Equal(m.Image(1), second) || m.Labels[1] != 1 || m.Len() != 3 || m.Classes != 3 {
				t.Errorf("label byte %d: image 13 is not the second of the second file", label)
			}
			if len(c.Labels(false)) != 24 || len(c.Labels(true)) != 12 {
				t.Errorf("%d and %d labels", len(c.Labels(false)), len(c.Labels(true)))
			}
		}
	}
}

func TestDamageIsADataErrorThatNamesTheFile(t *testing.T) {
	flip := func(raw []byte) []byte { raw = bytes.Clone(raw); raw[5000] ^= 1; return raw }
	for _, c := range []struct {
		name   string
		change func(path string, raw []byte) error
		want   string
	}{
		{"truncated", func(p string, raw []byte) error { return os.Truncate(p, 100) }, "truncated: 100 bytes found, 36876 expected"},
		{"too long", func(p string, raw []byte) error { return os.WriteFile(p, append(raw, 0), 0o644) }, "too long: 36877 bytes found"},
		{"bit-flipped", func(p string, raw []byte) error { return os.WriteFile(p, flip(raw), 0o644) }, "damaged: SHA-256"},
		{"missing", func(p string, raw []byte) error { return os.Remove(p) }, "no such file; expected 36876 bytes there, or small.tar.gz"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSmall(t, 1, 0)
			dir := s.lay(t)
			path := filepath.Join(dir, "small", "two.bin")
			if err := c.change(path, bytes.Clone(s.contents["two.bin"])); err != nil {
				t.Fatal(err)
			}
			_, err := s.read(t.Context(), dir, true, fetchHint("cifar10", dir))
			if fail.Code(err) != fail.CodeData {
				t.Fatalf("error %v, want a data error", err)
			}
			for _, want := range []string{path, c.want, "longtail data fetch cifar10 --data-dir " + dir, "longtail data verify"} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q is not in: %v", want, err)
				}
			}
		})
	}
}

func TestHintLeavesOutAFolderThatWasNotNamed(t *testing.T) {
	if hint := fetchHint("cifar10", ""); strings.Contains(hint, "--data-dir") {
		t.Error(hint)
	}
}

func TestLabelsOutsideTheClassesAreErrors(t *testing.T) {
	s := newSmall(t, 1, 0)
	raw := bytes.Clone(s.contents["one.bin"])
	raw[4*(1+imageBytes)] = 3
	if _, err := s.source.labels(raw, 3); err == nil || !strings.Contains(err.Error(), "record 4 has label 3") {
		t.Errorf("error %v, want one about record 4", err)
	}
}

func TestMissingSetNamesTheFolderAndTheCommand(t *testing.T) {
	dir := t.TempDir()
	_, err := data.Load(t.Context(), data.Spec{Dataset: "cifar100", Imbalance: 10, Dir: dir})
	if fail.Code(err) != fail.CodeData || !strings.Contains(err.Error(), filepath.Join(dir, "cifar-100-binary", "train.bin")) ||
		!strings.Contains(err.Error(), "longtail data fetch cifar100") {
		t.Errorf("error %v", err)
	}
}

// With $LONGTAIL_DATA the real files are read: sizes, checksums, label order and the labels of all three sets.
func TestRealFiles(t *testing.T) {
	dir := os.Getenv(data.FolderVariable)
	if dir == "" {
		t.Skipf("$%s is not set", data.FolderVariable)
	}
	for _, name := range []string{"cifar10", "cifar20", "cifar100"} {
		set, err := data.Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		reports, err := set.Verify(dir)
		if err != nil {
			t.Fatal(err)
		}
		if reports[0].State == data.FileMissing {
			t.Logf("%s is not in %s", name, dir)
			continue
		}
		spec := data.Spec{Dataset: name, Imbalance: 100}
		d, err := data.Load(t.Context(), spec)
		if err != nil {
			t.Fatal(err)
		}
		want, err := data.Counts(spec)
		if err != nil {
			t.Fatal(err)
		}
		total := 0
		for _, n := range want {
			total += n
		}
		if d.Train.Len() != total || d.Test.Len() != 10000 {
			t.Errorf("%s: %d training and %d test images, want %d and 10000", name, d.Train.Len(), d.Test.Len(), total)
		}
	}
}

// With $LONGTAIL_DATA, the subsets of data.split=ldam are those that imbalance_cifar.py of LDAM-DRW draws with NumPy's seed 0: the
// SHA-256 of its sorted indices as little-endian int32.
func TestLDAMSubsetsOfTheRealFiles(t *testing.T) {
	dir := os.Getenv(data.FolderVariable)
	if dir == "" {
		t.Skipf("$%s is not set", data.FolderVariable)
	}
	for spec, want := range map[data.Spec]string{
		{Dataset: "cifar10", Imbalance: 100}:                   "dae91164db550e9c",
		{Dataset: "cifar10", Imbalance: 10}:                    "5a6b9600d675fec6",
		{Dataset: "cifar10", Imbalance: 50}:                    "e400ebda101b0cf1",
		{Dataset: "cifar10", Imbalance: 100, Profile: "step"}:  "86b0023616003cc7",
		{Dataset: "cifar10", Imbalance: 10, Profile: "step"}:   "3da0df4bc8658014",
		{Dataset: "cifar10", Imbalance: 50, Profile: "step"}:   "c199293a3c862b8b",
		{Dataset: "cifar100", Imbalance: 50}:                   "4c782d0ae4d5c00e",
		{Dataset: "cifar100", Imbalance: 50, Profile: "step"}:  "8aaaa56a3775966f",
		{Dataset: "cifar100", Imbalance: 100}:                  "7e9a72fc42004519",
		{Dataset: "cifar100", Imbalance: 10}:                   "16ea54bf2db783cb",
		{Dataset: "cifar100", Imbalance: 10, Profile: "step"}:  "eca05ae10d24d768",
		{Dataset: "cifar100", Imbalance: 100, Profile: "step"}: "24d4f6faaf56409b",
	} {
		spec.Draw = data.LDAMDraw
		d, err := data.Load(t.Context(), spec)
		if fail.Code(err) == fail.CodeData {
			t.Logf("%s is not in %s", spec.Dataset, dir)
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		h := sha256.New()
		for _, i := range d.Split.Indices {
			h.Write(binary.LittleEndian.AppendUint32(nil, uint32(i)))
		}
		if got := hex.EncodeToString(h.Sum(nil))[:16]; got != want {
			t.Errorf("%+v: %s, want %s", spec, got, want)
		}
	}
}

// The published counts of the paper's three sets: all classes are equal, and CIFAR-20 reads the files of CIFAR-100.
func TestSetsAreThePublishedOnes(t *testing.T) {
	for name, want := range map[string]struct{ classes, train, test int }{"cifar10": {10, 5000, 1000}, "cifar20": {20, 2500, 500}, "cifar100": {100, 500, 100}} {
		s, err := data.Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		if len(s.Classes) != want.classes || len(slices.Compact(slices.Sorted(slices.Values(s.Classes)))) != want.classes ||
			s.Train[0] != want.train || s.Test[want.classes-1] != want.test || s.Drawn || (s.FilesOf == "cifar100") != (name == "cifar20") {
			t.Errorf("%+v", s)
		}
	}
}
