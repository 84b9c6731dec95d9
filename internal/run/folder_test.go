package run

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"longtail/internal/fail"
	"longtail/internal/metrics"

	"github.com/google/go-cmp/cmp"
)

func open(t *testing.T, dir string) *Folder {
	t.Helper()
	f, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

func TestOneProcessHasAFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	f := open(t, dir)
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), "another process") || !strings.Contains(err.Error(), dir) {
		t.Fatalf("the second gets %v", err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, dir)
}

func TestStrangeFoldersAreRefused(t *testing.T) {
	dir := t.TempDir()
	put(t, filepath.Join(dir, "thesis.tex"), "x")
	if _, err := Open(dir); fail.Code(err) != fail.CodeUsage || !strings.Contains(err.Error(), "thesis.tex") {
		t.Errorf("a folder of other things: %v", err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("something was left in a folder of other things: %v", entries)
	}
	if _, err := Open(filepath.Join(dir, "thesis.tex")); fail.Code(err) != fail.CodeUsage {
		t.Errorf("a file: %v", err)
	}
	put(t, filepath.Join(dir, ConfigFile), "")
	open(t, dir)
}

func TestUnwritableFolderIsNamed(t *testing.T) {
	dir := "/proc/longtail-test" // no one may make a folder there
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), "out=FOLDER") {
		t.Errorf("%v", err)
	}
}

func TestLeftoversOfAKilledProcessAreRemoved(t *testing.T) {
	dir := t.TempDir()
	leftovers := []string{".config.yaml.123", "checkpoints/.last.safetensors.9"}
	for _, name := range leftovers {
		put(t, filepath.Join(dir, name), "half")
	}
	f := open(t, dir)
	for _, name := range leftovers {
		if f.Has(name) {
			t.Errorf("%s is still there", name)
		}
	}
	put(t, filepath.Join(dir, ".config.yaml.swp"), "")
	f.Close()
	if _, err := Open(dir); fail.Code(err) != fail.CodeUsage {
		t.Errorf("another program's hidden file: %v", err)
	}
	if !f.Has(".config.yaml.swp") {
		t.Error("another program's hidden file was removed")
	}
}

// full is a file on a disk with room for a few bytes.
type full struct {
	*os.File
	room int
}

func (f full) WriteAt(p []byte, at int64) (int, error) {
	n, _ := f.File.WriteAt(p[:f.room], at)
	return n, syscall.ENOSPC
}

func TestFullDiskLeavesWholeLines(t *testing.T) {
	path := filepath.Join(t.TempDir(), MetricsFile)
	put(t, path, "{}\n")
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := writeLineAt(full{f, 5}, []byte("{\"epoch\":1}\n"), 3); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("%v", err)
	}
	if text, _ := os.ReadFile(path); string(text) != "{}\n" {
		t.Errorf("%q", text)
	}
}

func TestEpochsAreAppendedCutAndRead(t *testing.T) {
	f := open(t, t.TempDir())
	var want []Epoch
	var lines []byte
	for i := range 4 {
		want = append(want, Epoch{Epoch: float64(i + 1), Step: 10 * (i + 1), LR: 0.1, Train: Score{Loss: 1.0 / 3, PerClass: []float64{0.5}}})
		var err error
		if lines, err = f.AppendEpoch(lines, want[i]); err != nil {
			t.Fatal(err)
		}
	}
	read := func() []Epoch {
		t.Helper()
		got, err := ReadEpochs(f.Path(MetricsFile))
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if diff := cmp.Diff(want, read()); diff != "" {
		t.Error(diff)
	}
	torn, err := os.OpenFile(f.Path(MetricsFile), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(torn, `{"epoch": 5, "st`)
	torn.Close()
	if got := read(); len(got) != 4 {
		t.Errorf("%d epochs before a torn line", len(got))
	}
	if _, err := f.AppendEpoch(lines, Epoch{Epoch: 5, Step: 50}); err != nil {
		t.Fatal(err)
	}
	if got := read(); len(got) != 5 || got[4].Step != 50 {
		t.Errorf("a line after a torn one: %+v", got)
	}
	for _, n := range []int{5, 2, 0} {
		if _, err := f.CutEpochs(n, ""); err != nil {
			t.Fatal(err)
		}
		if got := read(); len(got) != n {
			t.Errorf("cut to %d: %d", n, len(got))
		}
	}
	if _, err := f.CutEpochs(1, ""); fail.Code(err) != fail.CodeData || !strings.Contains(err.Error(), MetricsFile) {
		t.Errorf("fewer lines than the checkpoint has: %v", err)
	}
}

func TestDamagedEpochsStayAsTheyAre(t *testing.T) {
	f := open(t, t.TempDir())
	for _, text := range []string{"{\"step\":1}\nx\n{\"step\":3}\n", "{\"step\":1}\n{\"step\":1}\n", "{\"step\":1,\"new\":1}\n\n"} {
		put(t, f.Path(MetricsFile), text)
		if _, err := f.CutEpochs(2, ""); fail.Code(err) != fail.CodeData {
			t.Errorf("%q: %v", text, err)
		}
		if _, err := ReadEpochs(f.Path(MetricsFile)); fail.Code(err) != fail.CodeData || !strings.Contains(err.Error(), "line") {
			t.Errorf("%q: %v", text, err)
		}
		if now, _ := os.ReadFile(f.Path(MetricsFile)); string(now) != text {
			t.Errorf("%q became %q", text, now)
		}
	}
	if err := os.Remove(f.Path(MetricsFile)); err != nil {
		t.Fatal(err)
	}
	if _, err := f.CutEpochs(0, ""); err != nil {
		t.Errorf("no file and no epochs: %v", err)
	}
	if _, err := f.CutEpochs(1, ""); fail.Code(err) != fail.CodeData {
		t.Errorf("no file: %v", err)
	}
}

func exampleSummary() Summary {
	r := NewResult(1, 10, metrics.FromFlat([]int64{3, 1, 2, 2}, 2), 2, 4)
	return Summary{Version: 1, Steps: 10, ClassNames: []string{"a", "b"}, Counts: []int{2, 1}, TestCounts: []int{4, 4}, Last: r, Best: r}
}

func TestSummaryIsReadAsWritten(t *testing.T) {
	f := open(t, t.TempDir())
	want := exampleSummary()
	if err := f.WriteJSON(SummaryFile, want); err != nil {
		t.Fatal(err)
	}
	got, err := ReadSummary(f.Dir)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, *got); diff != "" {
		t.Error(diff)
	}
}

func TestDamagedSummaryNamesTheFile(t *testing.T) {
	f := open(t, t.TempDir())
	if _, err := ReadSummary(f.Dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a run that is not finished: %v", err)
	}
	broken := exampleSummary()
	broken.Best.Confusion = broken.Best.Confusion[:1]
	if err := f.WriteJSON(SummaryFile, broken); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"", "{}", `{"version":2}`, `{"version":1,"counts":[1]}`, `{"extra":1}`} {
		if _, err := ReadSummary(f.Dir); fail.Code(err) != fail.CodeData || !strings.Contains(err.Error(), f.Path(SummaryFile)) {
			t.Errorf("before %q: %v", text, err)
		}
		put(t, f.Path(SummaryFile), text)
	}
}

func TestForgedNumbersAndNamesAreRefused(t *testing.T) {
	for want, forge := range map[string]func(*Summary){
		"last: error is 0.1":          func(s *Summary) { s.Last.Error = 0.1 },
		"best: accuracy is -5":        func(s *Summary) { s.Best.Accuracy = -5 },
		"per_class of class 1":        func(s *Summary) { s.Last.PerClass = []float64{0.75, 1} },
		"loss is -1":                  func(s *Summary) { s.Last.Loss = -1 },
		"last: step 9 of a run of 10": func(s *Summary) { s.Last.Step = 9 },
		"test_counts says 5":          func(s *Summary) { s.TestCounts = []int{5, 4} },
		`dataset: "../../X" cannot`:   func(s *Summary) { s.Dataset = "../../X" },
		`model: "\x1b[31m" cannot`:    func(s *Summary) { s.Model = "\x1b[31m" },
		"class_names: ":               func(s *Summary) { s.ClassNames = []string{"a", "b\a"} },
		"best: its error":             func(s *Summary) { s.Best = NewResult(1, 9, metrics.FromFlat([]int64{2, 2, 2, 2}, 2), 2, 4) },
	} {
		f, s := open(t, t.TempDir()), exampleSummary()
		forge(&s)
		if err := f.WriteJSON(SummaryFile, s); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadSummary(f.Dir); fail.Code(err) != fail.CodeData || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), f.Path(SummaryFile)) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

func TestScoreOfAConfusionMatrix(t *testing.T) {
	s := NewScore(metrics.FromFlat([]int64{3, 1, 0, 0, 2, 2, 0, 0, 0}, 3).Tally(3), 4)
	want := Score{Loss: 0.5, Error: 0.375, Accuracy: 0.625, PerClass: []float64{0.75, 0.5, 0}}
	if diff := cmp.Diff(want, s); diff != "" {
		t.Error(diff)
	}
	if s := NewScore(metrics.NewTally(2), 0); s.Loss != 0 || s.Error != 0 || len(s.PerClass) != 2 {
		t.Errorf("without samples: %+v", s)
	}
}

func TestPartsOfARunAreJoined(t *testing.T) {
	avx2 := Part{Arithmetic: "cpu avx2", Version: "1", Commit: "a"}
	same := avx2
	same.FromStep, same.Host = 7, "elsewhere"
	generic := Part{FromStep: 9, Arithmetic: "cpu generic", Version: "1", Commit: "a"}
	build := Part{FromStep: 12, Arithmetic: "cpu generic", Version: "1", Commit: "b"}
	all, changed := Join(nil, avx2)
	if len(all) != 1 || changed != nil {
		t.Errorf("a new run: %v, changed %v", all, changed)
	}
	if all, changed = Join(all, same); len(all) != 1 || changed != nil {
		t.Errorf("the same arithmetic elsewhere: %v, changed %v", all, changed)
	}
	if all, changed = Join(all, generic); len(all) != 2 || changed == nil || changed.Arithmetic != "cpu avx2" {
		t.Errorf("another instruction set: %v, changed %v", all, changed)
	}
	if all, changed = Join(all, build); len(all) != 3 || changed == nil || changed.Commit != "a" {
		t.Errorf("another build: %v, changed %v", all, changed)
	}
	// a part that was killed before its first checkpoint took no part
	again := build
	again.FromStep, again.Commit = 9, "c"
	if all, changed = Join(all, again); len(all) != 2 || all[1] != again || changed == nil || changed.Arithmetic != "cpu avx2" {
		t.Errorf("after a part without a checkpoint: %v, changed %v", all, changed)
	}
	first := generic
	first.FromStep = 0
	if all, changed = Join(all, first); len(all) != 1 || changed != nil {
		t.Errorf("a run that starts again: %v, changed %v", all, changed)
	}
}

func TestEnvironmentNamesProcessor(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cpuinfo")
	put(t, path, "processor\t: 0\nmodel name\t: Fast CPU @ 3 GHz\n")
	if got := cpuModel(path); got != "Fast CPU @ 3 GHz" {
		t.Errorf("processor %q", got)
	}
	if e := NewEnvironment(); e.Cores < 1 || e.Go == "" || !slices.Equal(e.Command, os.Args) {
		t.Errorf("%+v", e)
	}
}

func FuzzEpochs(f *testing.F) {
	f.Add([]byte("{\"epoch\":1,\"step\":5,\"lr\":0.1,\"train\":{\"loss\":1,\"error\":0,\"accuracy\":1,\"per_class\":[1]}}\n"), 1)
	f.Add([]byte("{\"step\":1}\n{\"step\":2}\n{\"st"), 2)
	f.Fuzz(func(t *testing.T, text []byte, n int) {
		epochs, size, err := parseEpochs(text, n)
		if err != nil {
			return
		}
		if n >= 0 && len(epochs) != n || size > len(text) || size > 0 && text[size-1] != '\n' {
			t.Fatalf("%d epochs in %d bytes, want %d", len(epochs), size, n)
		}
		again, _, err := parseEpochs(text[:size], -1)
		if err != nil || len(again) != len(epochs) {
			t.Fatalf("the part that was kept has %d epochs, not %d: %v", len(again), len(epochs), err)
		}
	})
}

func FuzzSummary(f *testing.F) {
	f.Add([]byte(`{"version":1,"class_names":["a"],"counts":[1],"test_counts":[1],"last":{"per_class":[1],"confusion":[[1]]},"best":{"per_class":[1],"confusion":[[1]]}}`))
	f.Add([]byte(`{"version":1}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := parseSummary(text)
		if err == nil && (len(s.Last.Confusion) != len(s.Counts) || len(s.Best.Confusion[0]) != len(s.Counts)) {
			t.Fatal("a result does not fit the classes")
		}
	})
}
