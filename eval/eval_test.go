package eval

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"longtail/eval/evaltest"
	"longtail/internal/fail"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func write(t *testing.T, parent string, s evaltest.Spec) string {
	t.Helper()
	dir, err := evaltest.Write(parent, s)
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestPartsOfClasses(t *testing.T) {
	counts := []int{5, 500, 101, 100, 20, 19, 5}
	perClass := []float64{0.1, 0.9, 0.8, 0.7, 0.5, 0.4, 0.2}
	wantShots := []Part{{"many", 2, 601, 0.85}, {"medium", 2, 120, 0.6}, {"few", 3, 29, 0.7 / 3}}
	wantThirds := []Part{{"head", 2, 601, 0.85}, {"middle", 3, 139, 1.6 / 3}, {"tail", 2, 10, 0.15}}
	near := cmp.Comparer(func(a, b float64) bool { return math.Abs(a-b) < 1e-12 })
	if d := cmp.Diff(wantShots, Shots(counts, perClass), near); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(wantThirds, Thirds(counts, perClass), near); d != "" {
		t.Error(d)
	}
	for _, c := range []struct{ classes, head, middle, tail int }{{10, 3, 4, 3}, {100, 33, 34, 33}, {1, 0, 1, 0}, {2, 0, 2, 0}} {
		p := Thirds(make([]int, c.classes), make([]float64, c.classes))
		if p[0].Classes != c.head || p[1].Classes != c.middle || p[2].Classes != c.tail {
			t.Errorf("%d classes: %+v", c.classes, p)
		}
	}
}

func TestPartsCoverEveryClassOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		counts := rapid.SliceOfN(rapid.IntRange(0, 5000), 1, 120).Draw(t, "counts")
		acc := make([]float64, len(counts))
		total := 0
		for i, n := range counts {
			acc[i] = rapid.Float64Range(0, 1).Draw(t, "accuracy")
			total += n
		}
		for _, parts := range [][]Part{Shots(counts, acc), Thirds(counts, acc)} {
			classes, images, sum, want := 0, 0, 0.0, 0.0
			for _, p := range parts {
				classes, images, sum = classes+p.Classes, images+p.Images, sum+p.Accuracy*float64(p.Classes)
			}
			for _, a := range acc {
				want += a
			}
			if classes != len(counts) || images != total || math.Abs(sum-want) > 1e-9 {
				t.Fatalf("%+v does not add up to %d classes, %d images, %g", parts, len(counts), total, want)
			}
		}
	})
}

func TestPerClass(t *testing.T) {
	m := [][]int64{{8, 2, 0}, {1, 3, 0}, {0, 0, 0}}
	if got := PerClass(m); !slices.Equal(got, []float64{0.8, 0.75, 0}) {
		t.Error(got)
	}
}

func TestConfusionText(t *testing.T) {
	var b strings.Builder
	if err := WriteConfusion(&b, []string{"ant", "bee"}, [][]int64{{8, 2, 0}, {1, 13, 0}, {0, 4, 0}}); err != nil {
		t.Fatal(err)
	}
	want := strings.Join([]string{
		`true \ predicted  0  1  2  correct`,
		`0 ant             8  2  0   80.0 %`,
		`1 bee             1 13  0   92.9 %`,
		`2 class 2         0  4  0    0.0 %`, ""}, "\n")
	if d := cmp.Diff(want, b.String()); d != "" {
		t.Error(d)
	}
}

func TestStat(t *testing.T) {
	for _, c := range []struct {
		in   []float64
		want string
	}{{nil, ""}, {[]float64{29.641}, "29.64"}, {[]float64{1, 2, 3}, "2.00 ± 1.00 (3)"}} {
		if got := NewStat(c.in).String(); got != c.want {
			t.Errorf("%v: %q, want %q", c.in, got, c.want)
		}
	}
}

func TestLoadReportsWhatItLeavesOut(t *testing.T) {
	root := t.TempDir()
	good := write(t, root, evaltest.Spec{Validation: 28})
	noConfig := write(t, root, evaltest.Spec{Seed: 1})
	broken := write(t, root, evaltest.Spec{Seed: 2})
	unfinished := write(t, root, evaltest.Spec{Seed: 3})
	badMetrics := write(t, root, evaltest.Spec{Seed: 4})
	check := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	check(os.Remove(filepath.Join(noConfig, "config.yaml")))
	check(os.WriteFile(filepath.Join(broken, "summary.json"), []byte(`{"version": 1, "counts": [1,`), 0o666))
	check(os.Remove(filepath.Join(unfinished, "summary.json")))
	check(os.WriteFile(filepath.Join(badMetrics, "metrics.jsonl"), []byte("{\"epoch\":1}\nnonsense\n{\"epoch\":2}\n"), 0o666))

	set, err := Load(root, good) // given twice: found once
	check(err)
	var runs, problems []string
	for _, r := range set.Runs {
		runs = append(runs, r.Dir)
	}
	for _, p := range set.Problems {
		problems = append(problems, p.Path)
	}
	if d := cmp.Diff([]string{good, noConfig, badMetrics}, runs); d != "" {
		t.Error(d)
	}
	wantProblems := []string{filepath.Join(broken, "summary.json"), unfinished, filepath.Join(badMetrics, "metrics.jsonl")}
	if d := cmp.Diff(wantProblems, problems); d != "" {
		t.Error(d)
	}
	if len(set.Runs[0].History) != 8 || set.Runs[0].Config.Text("train.epochs") != "8" || set.Runs[0].Environment["host"] != "example" {
		t.Errorf("not all of the run was read: %+v", set.Runs[0])
	}
	if len(set.Runs[2].History) != 0 {
		t.Errorf("%d epochs of a damaged file", len(set.Runs[2].History))
	}
}

// TestSealedRunsShowNothingThatWasChanged changes each file of one of two runs: it is named and left out, and the other is shown.
func TestSealedRunsShowNothingThatWasChanged(t *testing.T) {
	change := func(old, new string) func(string) string {
		return func(text string) string {
			if !strings.Contains(text, old) {
				t.Fatalf("no %q in %s", old, text)
			}
			return strings.Replace(text, old, new, 1)
		}
	}
	remove := func(string) string { return "" }
	cut := func(text string) string { return text[:strings.LastIndex(text[:len(text)-1], "\n")+1] }
	for name, c := range map[string]struct {
		file string
		edit func(string) string
		word string
	}{
		"an error":          {"summary.json", change(`"error": 0.3`, `"error": 0.2`), "seal"},
		"another seed":      {"summary.json", change(`"seed": 0`, `"seed": 3`), "seal"},
		"no seal":           {"summary.json", change(`"seal": {`, `"seal2": {`), "seal2"},
		"an older version":  {"summary.json", change(`"version": 2`, `"version": 1`), "version 1"},
		"a setting":         {"config.yaml", change("batch: 128", "batch: 64"), "seal"},
		"a setting added":   {"config.yaml", change("batch: 128", "batch: 128\n  lr: 0.7"), "seal"},
		"no config":         {"config.yaml", remove, "does not exist"},
		"a split":           {"split.json", change(`"version": 1`, `"version": 2`), "seal"},
		"a metric":          {"metrics.jsonl", change(`"loss":`, `"loss":1`), "seal"},
		"the last line":     {"metrics.jsonl", cut, "seal"},
		"no metrics":        {"metrics.jsonl", remove, "no such file"},
		"a new checkpoint":  {"checkpoints/best.safetensors", func(string) string { return "x" }, "added"},
		"no change, moved":  {"config.yaml", change("out: /", "out: /elsewhere/"), ""},
		"no change, device": {"config.yaml", change("seed: 0", "seed: 0\ndevice: cuda"), ""},
	} {
		root := t.TempDir()
		dir := write(t, root, evaltest.Spec{Sealed: true})
		write(t, root, evaltest.Spec{Sealed: true, Seed: 1})
		path := filepath.Join(dir, c.file)
		old, err := os.ReadFile(path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		if text := c.edit(string(old)); text == "" {
			err = os.Remove(path)
		} else {
			err = os.WriteFile(path, []byte(text), 0o666)
		}
		if err != nil {
			t.Fatal(err)
		}
		set, err := Load(root)
		if err != nil {
			t.Fatal(err)
		}
		if c.word == "" {
			if len(set.Runs) != 2 || set.Damage() != nil {
				t.Errorf("%s: %v", name, set.Problems)
			}
			continue
		}
		if len(set.Runs) != 1 || len(set.Problems) != 1 || fail.Code(set.Damage()) != fail.CodeData {
			t.Errorf("%s: %d runs, %v", name, len(set.Runs), set.Problems)
			continue
		}
		p := set.Problems[0]
		if !strings.HasPrefix(path, p.Path) || !strings.Contains(p.Err.Error(), c.word) || !strings.Contains(set.Damage().Error(), p.Path) {
			t.Errorf("%s: %v, want %q of %s", name, p, c.word, path)
		}
	}
}

// TestSummariesOfTwoRunsDoNotChangePlaces swaps files of runs that differ in a setting.
func TestSummariesOfTwoRunsDoNotChangePlaces(t *testing.T) {
	for _, name := range []string{"summary.json", "config.yaml", "split.json", "metrics.jsonl"} {
		root := t.TempDir()
		a := filepath.Join(write(t, root, evaltest.Spec{Sealed: true, Imbalance: 50, Extra: "train.lr: 0.2\n"}), name)
		b := filepath.Join(write(t, root, evaltest.Spec{Sealed: true, Error: 20}), name)
		if err := errors.Join(os.Rename(a, root+"/x"), os.Rename(b, a), os.Rename(root+"/x", b)); err != nil {
			t.Fatal(err)
		}
		set, err := Load(root)
		if err != nil || len(set.Runs) != 0 || len(set.Problems) < 2 || set.Damage() == nil {
			t.Errorf("%s: %d runs, %v, %v", name, len(set.Runs), set.Problems, err)
		}
	}
}

// TestOlderRunsMustFitTheirMetrics cuts and changes metrics.jsonl of runs without a seal.
func TestOlderRunsMustFitTheirMetrics(t *testing.T) {
	for word, edit := range map[string]func(lines []string) []string{
		"step":   func(l []string) []string { return l[:len(l)-1] },
		"has no": func([]string) []string { return nil },
		"test.error": func(l []string) []string {
			return append(l[:6:6], strings.Replace(l[6], `"error":0.3`, `"error":0.2`, 1), l[7])
		},
		"": func(l []string) []string { return l },
	} {
		dir := write(t, t.TempDir(), evaltest.Spec{})
		path := filepath.Join(dir, "metrics.jsonl")
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		lines := edit(strings.SplitAfter(string(text), "\n")[:8])
		if err := os.WriteFile(path, []byte(strings.Join(lines, "")), 0o666); err != nil {
			t.Fatal(err)
		}
		set, err := Load(dir)
		if err != nil || len(set.Runs) != 1 || set.Unsealed() != 1 || (len(set.Problems) > 0) != (word != "") {
			t.Fatalf("%s: %d runs, %v, %v", word, len(set.Runs), set.Problems, err)
		}
		if word != "" && (len(set.Runs[0].History) > 0 || set.Problems[0].Path != path || !strings.Contains(set.Problems[0].Err.Error(), word) || set.Damage() == nil) {
			t.Errorf("%s: %d epochs, %v", word, len(set.Runs[0].History), set.Problems)
		}
	}
}

func TestLoadOfNothing(t *testing.T) {
	set, err := Load(t.TempDir())
	if err != nil || len(set.Runs)+len(set.Problems) != 0 {
		t.Errorf("%+v, %v", set, err)
	}
	if _, err := Load(filepath.Join(t.TempDir(), "none")); fail.Code(err) != fail.CodeUsage || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing folder: %v", err)
	}
}

func TestGroupsByWhatDiffers(t *testing.T) {
	root := t.TempDir()
	for _, s := range []evaltest.Spec{
		{Imbalance: 50}, {Imbalance: 50, Seed: 1, Extra: "device: cuda\n"},
		{Imbalance: 100, Loss: "focal", Gamma: 1, Beta: 0.9999, Seed: 5}, {Imbalance: 100, Gamma: 2},
		{Imbalance: 100, Loss: "focal", Gamma: 1, Seed: 7},
	} {
		write(t, root, s)
	}
	set, err := Load(root)
	if err != nil {
		t.Fatal(err)
	}
	g := GroupRuns(set.Runs)
	if d := cmp.Diff([]string{"data.imbalance", "loss"}, g.Varying); d != "" {
		t.Error(d)
	}
	var labels []string
	for _, x := range g.Groups {
		labels = append(labels, x.Label)
	}
	want := []string{"IF 100, softmax", "IF 100, focal γ=1", "IF 100, CB focal γ=1 β=0.9999", "IF 50, softmax"}
	if d := cmp.Diff(want, labels); d != "" {
		t.Error(d)
	}
	if n := len(g.Groups[3].Runs); n != 2 {
		t.Errorf("%d runs of two seeds", n)
	}
	// One of the two schedules is what the runs before have by default.
	if n := len(GroupRuns(append(set.Runs, schedules(t)...)).Groups); n != 5 {
		t.Errorf("%d groups with two schedules more", n)
	}
	one := GroupRuns(set.Runs[:1])
	if len(one.Groups) != 1 || len(one.Varying) != 0 || one.Groups[0].Label == "" {
		t.Errorf("one run: %+v", one)
	}
}

// Runs that sample or schedule in another way are other experiments, named by the keys that tell and no others.
func TestGroupsOfSamplersAndSchedules(t *testing.T) {
	root := t.TempDir()
	for i, extra := range []string{"", "data.sampler: class\n", "data.sampler: class\ndata.resample_from: 4\n", "train.schedule: cosine\n", "data.order: uniform\n"} {
		write(t, root, evaltest.Spec{Seed: uint64(i), Extra: extra})
	}
	set, err := Load(root)
	if err != nil {
		t.Fatal(err)
	}
	g := GroupRuns(set.Runs)
	if d := cmp.Diff([]string{"data.resample_from", "data.sampler", "train.schedule"}, g.Varying); d != "" {
		t.Error(d)
	}
	if len(g.Groups) != 4 || len(g.Groups[0].Runs) != 2 {
		t.Errorf("%d groups, the first of %d runs; want 4, and 2 runs that differ in a seed", len(g.Groups), len(g.Groups[0].Runs))
	}
	for i, want := range []string{"sampler instance", "sampler class", "resample_from 4, sampler class", "sampler instance, schedule cosine"} {
		if g.Groups[i].Label != want {
			t.Errorf("a group is called %q, want %q without what most groups have", g.Groups[i].Label, want)
		}
	}
}

// Losses of the same name with other options, weights or divisors are other experiments; what a loss has by default is not said.
func TestGroupsOfLossesAndWeights(t *testing.T) {
	root := t.TempDir()
	for i, s := range []evaltest.Spec{
		{}, {Extra: "loss.divisor: batch\n"}, {Extra: "loss.weights: inverse\n"}, {Beta: 0.99}, {Beta: 0.99, Extra: "loss.divisor: weights\nloss.reweight_from: 4\n"},
		{Loss: "vs", Gamma: 0.3}, {Loss: "vs", Gamma: 0.3, Extra: "loss.tau: 2\n"}, {Loss: "vs", Gamma: 0.1},
	} {
		s.Seed = uint64(i)
		write(t, root, s)
	}
	set, err := Load(root)
	if err != nil {
		t.Fatal(err)
	}
	g := GroupRuns(set.Runs)
	if d := cmp.Diff([]string{"loss", "loss.divisor", "loss.gamma", "loss.reweight_from", "loss.tau", "loss.weights"}, g.Varying); d != "" {
		t.Error(d)
	}
	var labels []string
	for _, x := range g.Groups {
		labels = append(labels, fmt.Sprint(x.Label, ": ", len(x.Runs)))
	}
	want := []string{
		"softmax: 2", "softmax, weights inverse: 1", "CB softmax β=0.99: 1", "CB softmax β=0.99, divisor weights, reweight_from 4: 1",
		"vs, gamma 0.1: 1", "vs: 1", "vs, tau 2: 1",
	}
	slices.Sort(labels)
	slices.Sort(want)
	if d := cmp.Diff(want, labels); d != "" {
		t.Error(d)
	}
}

// schedules are runs that differ from others in a key that mostly follows from the imbalance factor.
func schedules(t *testing.T) []*Run {
	t.Helper()
	root := t.TempDir()
	write(t, root, evaltest.Spec{Imbalance: 50, Seed: 2, Extra: "train.multipliers: [0.1, 0.01]\n"})
	write(t, root, evaltest.Spec{Imbalance: 50, Seed: 3, Extra: "train.multipliers: [0.01, 0.0001]\n"})
	set, err := Load(root)
	if err != nil {
		t.Fatal(err)
	}
	return set.Runs
}

func TestACopyOfARunIsNoSecondSeed(t *testing.T) {
	root := t.TempDir()
	write(t, root, evaltest.Spec{Imbalance: 50})
	write(t, root, evaltest.Spec{Imbalance: 50, Seed: 1})
	for _, name := range []string{"a", "b"} {
		write(t, filepath.Join(root, name), evaltest.Spec{Imbalance: 50})
	}
	set, err := Load(root)
	if err != nil {
		t.Fatal(err)
	}
	if len(set.Runs) != 2 || len(set.Problems) != 2 || !strings.Contains(set.Problems[0].Err.Error(), "counted once") {
		t.Errorf("%d runs, problems %v", len(set.Runs), set.Problems)
	}
}

func TestNumbersOfARun(t *testing.T) {
	dir := write(t, t.TempDir(), evaltest.Spec{Error: 40, Validation: 38})
	set, err := Load(dir)
	if err != nil || len(set.Runs) != 1 {
		t.Fatal(set.Problems, err)
	}
	r := set.Runs[0]
	last, best, byVal := r.TestError(Last), r.TestError(Best), r.TestError(BestByValidation)
	if last != 100*r.Summary.Last.Error || best >= last || byVal >= last || byVal <= best {
		t.Errorf("last %g, best %g, by validation %g", last, best, byVal)
	}
	if r.ValidationError() != 38 {
		t.Errorf("held out: %g", r.ValidationError())
	}
	if head, tail := r.PartAccuracy("head"), r.PartAccuracy("tail"); head <= tail {
		t.Errorf("head %g, tail %g", head, tail)
	}
	if few := r.PartAccuracy("few"); !math.IsNaN(few) {
		t.Errorf("CIFAR-10 at 100 has no class with fewer than 20 images, but %g", few)
	}
}
