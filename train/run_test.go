package train

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"longtail/data"
	"longtail/internal/config"
	"longtail/internal/device"
	"longtail/internal/fail"
	"longtail/internal/run"
)

// tiny is a run of 31 steps on 62 drawn images: 5 epochs of 50 trained ones.
var tiny = []string{
	"data.dataset=synthetic10", "data.max_per_class=10", "data.imbalance=3", "data.validation=0.2", "model.name=resnet8",
	"train.batch=8", "train.epochs=5", "train.checkpoint_every=4",
}

var tinyData = sync.OnceValues(func() (*data.Dataset, error) {
	c, err := config.Load("", tiny)
	if err != nil {
		return nil, err
	}
	return data.Load(context.Background(), c.DataSpec())
})

// job is the tiny run in a folder on a fake backend.
func job(t testing.TB, dir string, b *fakeBackend, overrides ...string) Job {
	t.Helper()
	c, err := config.Load("", slices.Concat(tiny, []string{"out=" + dir}, overrides))
	if err != nil {
		t.Fatal(err)
	}
	ds, err := tinyData()
	if err != nil {
		t.Fatal(err)
	}
	return Job{Config: c, Data: ds, Open: b.device}
}

func (b *fakeBackend) device(_, precision string) (*device.Device, error) {
	if precision == "auto" {
		precision = string(device.FP32)
	}
	return &device.Device{Backend: b, Precision: device.Precision(precision)}, nil
}

func fake() *fakeBackend { return &fakeBackend{stepsPerCall: 1} }

func mustRun(t testing.TB, j Job) *Outcome {
	t.Helper()
	o, err := Run(context.Background(), j)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// files are the contents of a run's folder, without those that may differ between two equal runs.
func files(t testing.TB, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		text, err := os.ReadFile(path)
		switch name {
		case run.TimingFile, run.EnvironmentFile:
		case run.FailureFile:
			if run.Exists(filepath.Join(dir, run.SummaryFile)) {
				t.Errorf("%s is left in a finished run", path)
			}
		case run.ConfigFile:
			all[name] = string(text[:bytes.LastIndex(text, []byte("out:"))])
		default:
			all[name] = string(text)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func sameFiles(t testing.TB, when string, want, got map[string]string) {
	t.Helper()
	if a, b := slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(got)); !slices.Equal(a, b) {
		t.Fatalf("%s: the files are %v, want %v", when, b, a)
	}
	for name := range want {
		if want[name] != got[name] {
			t.Errorf("%s: %s differs", when, name)
		}
	}
}

// whole is the folder of an undisturbed tiny run.
func whole(t testing.TB) map[string]string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "whole")
	mustRun(t, job(t, dir, fake()))
	return files(t, dir)
}

func TestTheSameCommandAgainSaysThatItIsDone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "run")
	first := mustRun(t, job(t, dir, fake()))
	if first.Before || first.Folder != dir || first.Summary.Steps != Steps(sum(first.Summary.Counts), 8, 5) {
		t.Errorf("%+v", first)
	}
	before := files(t, dir)
	j := job(t, dir, fake(), "device=cpu")
	j.Open = func(string, string) (*device.Device, error) { return nil, errors.New("nothing is to be computed") }
	if again := mustRun(t, j); !again.Before || again.Summary.Last.Error != first.Summary.Last.Error {
		t.Errorf("%+v", again)
	}
	sameFiles(t, "after a second command", before, files(t, dir))
	names := slices.Sorted(maps.Keys(before))
	if want := []string{run.Best, run.BestValidation, run.Last, run.ConfigFile, run.InputFile, run.MetricsFile, run.SplitFile, run.SummaryFile}; !slices.Equal(names, want) {
		t.Errorf("files %v, want %v", names, want)
	}
}

func sum(counts []int) (n int) {
	for _, c := range counts {
		n += c
	}
	return n
}

// A crash is an error of an observer that comes after the one that writes the folder. Where that has just written a
// checkpoint, the old one is put back too, as if the crash had come between metrics and best checkpoint and the last one.
func TestCrashAtEveryEventAndResume(t *testing.T) {
	want, crash := whole(t), errors.New("crash")
	step := 1
	if testing.Short() {
		step = 7
	}
	for at := 0; ; at += step {
		dir, seen, old := filepath.Join(t.TempDir(), "r"), 0, ""
		last := filepath.Join(dir, run.Last)
		j := job(t, dir, fake())
		j.Observers = []Observer{func(e Event) error {
			_, saving := e.(Saving)
			if seen++; seen <= at {
				if saving {
					old = files(t, dir)[run.Last]
				}
				return nil
			}
			if saving && old == "" {
				os.Remove(last)
			} else if saving {
				put(t, last, old)
			}
			return crash
		}}
		_, err := Run(context.Background(), j)
		if err == nil {
			break
		}
		if !errors.Is(err, crash) {
			t.Fatal(err)
		}
		mustRun(t, job(t, dir, fake()))
		sameFiles(t, "after a crash", want, files(t, dir))
	}
}

func TestLinesBeyondTheCheckpointAreCut(t *testing.T) {
	want := whole(t)
	dir := filepath.Join(t.TempDir(), "r")
	interrupt(t, dir, 9)
	f, err := os.OpenFile(filepath.Join(dir, run.MetricsFile), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	f.WriteString(`{"epoch":2,"step":13}` + "\n" + `{"epoch":3,`) // a line beyond the checkpoint and a torn one
	f.Close()
	put(t, filepath.Join(dir, "checkpoints", ".last.safetensors.123"), "half")
	mustRun(t, job(t, dir, fake()))
	sameFiles(t, "after a crash at the end of an epoch", want, files(t, dir))
}

func put(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

// interrupt runs the tiny run up to a step.
func interrupt(t testing.TB, dir string, step int) {
	t.Helper()
	interruptAt(t, dir, func(e Event) bool {
		p, ok := e.(Progress)
		return ok && p.Step == step
	})
}

// interruptAt runs the tiny run up to an event.
func interruptAt(t testing.TB, dir string, at func(Event) bool, overrides ...string) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	j := job(t, dir, fake(), overrides...)
	j.Observers = []Observer{func(e Event) error {
		if at(e) {
			cancel()
		}
		return nil
	}}
	if _, err := Run(ctx, j); fail.Code(err) != fail.CodeInterrupted || !strings.Contains(err.Error(), "saved") {
		t.Fatalf("%v", err)
	}
}

func TestInterruptAndResume(t *testing.T) {
	want := whole(t)
	for _, step := range []int{1, 2, 6, 13} {
		dir := filepath.Join(t.TempDir(), "r")
		interrupt(t, dir, step)
		mustRun(t, job(t, dir, fake()))
		sameFiles(t, "after an interruption", want, files(t, dir))
	}
}

// A run that is interrupted during a test repeats it when it resumes. Where the state is the best so far, and the process is killed or the
// disk fails before the last checkpoint is written, both checkpoints are of the same step.
func TestBestOfTheStepOfTheLastCheckpointIsNoOther(t *testing.T) {
	const seed = "seed=1" // of which the error falls in the second epoch
	first := filepath.Join(t.TempDir(), "first")
	mustRun(t, job(t, first, fake(), seed))
	for epoch := 1.0; epoch < 5; epoch++ {
		dir, before := filepath.Join(t.TempDir(), "r"), 0.0
		interruptAt(t, dir, func(e Event) bool {
			if done, ok := e.(EpochDone); ok {
				before = done.Record.Epoch
			}
			_, ok := e.(Testing)
			return ok && before > epoch-1.5
		}, seed)
		last := files(t, dir)[run.Last]
		interruptAt(t, dir, func(e Event) bool {
			_, ok := e.(EpochDone)
			return ok
		}, seed)
		put(t, filepath.Join(dir, run.Last), last)
		mustRun(t, job(t, dir, fake(), seed))
		sameFiles(t, "after a kill between two checkpoints", files(t, first), files(t, dir))
	}
}

func TestAnotherConfigInTheFolderIsRefused(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "r")
	interrupt(t, dir, 9)
	before := files(t, dir)
	_, err := Run(context.Background(), job(t, dir, fake(), "loss.name=focal", "train.lr=0.2", "device=cpu"))
	if fail.Code(err) != fail.CodeUsage {
		t.Fatalf("%v", err)
	}
	for _, want := range []string{"loss.name (softmax there, focal here)", "train.lr (0.1 there, 0.2 here)", dir, "out=FOLDER"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the message lacks %q: %v", want, err)
		}
	}
	sameFiles(t, "after a refusal", before, files(t, dir))
}

func TestPrecisionIsThatOfTheStart(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "r")
	interrupt(t, dir, 3)
	if text := files(t, dir)[run.ConfigFile]; !strings.Contains(text, "precision: fp32") {
		t.Errorf("the precision that was taken is not recorded:\n%s", text)
	}
	b := fake()
	mustRun(t, job(t, dir, b, "precision=auto"))
	if !slices.Equal(slices.Compact(b.opened), []device.Precision{device.FP32}) {
		t.Errorf("%v", b.opened)
	}
	if _, err := Run(context.Background(), job(t, dir, b, "precision=mixed")); fail.Code(err) != fail.CodeUsage || !strings.Contains(err.Error(), "precision (fp32 there, mixed here)") {
		t.Errorf("%v", err)
	}
}

func TestSeveralRunsInOneProcess(t *testing.T) {
	want, root := whole(t), t.TempDir()
	var wait sync.WaitGroup
	for _, name := range []string{"a", "b", "c", "d"} {
		j := job(t, filepath.Join(root, name), fake())
		wait.Go(func() {
			if _, err := Run(context.Background(), j); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	for _, name := range []string{"a", "b", "c", "d"} {
		sameFiles(t, "beside others", want, files(t, filepath.Join(root, name)))
	}
}

func TestTwoRunsInOneFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "r")
	j, second := job(t, dir, fake()), error(nil)
	j.Observers = []Observer{func(e Event) error {
		if _, ok := e.(Started); ok {
			_, second = Run(context.Background(), job(t, dir, fake()))
		}
		return nil
	}}
	mustRun(t, j)
	if second == nil || !strings.Contains(second.Error(), "another process") {
		t.Errorf("the second run: %v", second)
	}
}

func TestNoFolderIsMadeForARunThatCannotBegin(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "r")
	j := job(t, dir, fake(), "train.epochs=0.01")
	if _, err := Run(context.Background(), j); fail.Code(err) != fail.CodeUsage || !strings.Contains(err.Error(), "train.epochs") {
		t.Errorf("no step: %v", err)
	}
	j = job(t, dir, fake(), "data.dataset=cifar10")
	j.Data, j.DataDir = nil, t.TempDir()
	if _, err := Run(context.Background(), j); fail.Code(err) != fail.CodeData {
		t.Errorf("no data: %v", err)
	}
	j = job(t, dir, fake())
	j.Open = func(string, string) (*device.Device, error) { return nil, fail.Device("no GPU") }
	if _, err := Run(context.Background(), j); fail.Code(err) != fail.CodeDevice {
		t.Errorf("no device: %v", err)
	}
	if run.Exists(dir) {
		t.Error("a folder was made")
	}
}

func TestEvaluationRepeatsTheRunsResult(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "r")
	s := mustRun(t, job(t, dir, fake())).Summary
	before := files(t, dir)
	e, err := Evaluate(context.Background(), EvalJob{Dir: dir, Open: fake().device, Observe: func(Event) error { return nil }})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]*run.Result{"last": &s.Last, "best": &s.Best, "best_validation": s.BestByValidation} {
		got := e.Results[name]
		if got.Error != want.Error || got.Loss != want.Loss || got.Epoch != want.Epoch || got.Step != want.Step || !slices.Equal(got.PerClass, want.PerClass) {
			t.Errorf("%s: error %v loss %v at epoch %v, the run had %v %v %v", name, got.Error, got.Loss, got.Epoch, want.Error, want.Loss, want.Epoch)
		}
	}
	sameFiles(t, "evaluated", before, files(t, dir))
	edit(t, dir, run.Best, func(string) string { return before[run.Last] })
	if err := os.Remove(filepath.Join(dir, run.SummaryFile)); err != nil { // and with it the seal
		t.Fatal(err)
	}
	_, err = Evaluate(context.Background(), EvalJob{Dir: dir, Open: fake().device, Observe: func(Event) error { return nil }})
	if fail.Code(err) != fail.CodeData || !strings.Contains(err.Error(), filepath.Join(dir, run.Best)) || !strings.Contains(err.Error(), "another checkpoint") {
		t.Errorf("the last checkpoint in place of the best one: %v", err)
	}
	if _, err := Evaluate(context.Background(), EvalJob{Dir: t.TempDir()}); fail.Code(err) != fail.CodeUsage {
		t.Errorf("a folder without a run: %v", err)
	}
}

func TestASplitFileMayMove(t *testing.T) {
	first, dir := filepath.Join(t.TempDir(), "first.json"), filepath.Join(t.TempDir(), "r")
	ds, err := tinyData()
	if err != nil {
		t.Fatal(err)
	}
	if err := ds.Split.Write(first); err != nil {
		t.Fatal(err)
	}
	split := func(path string) Job {
		j := job(t, dir, fake(), "data.split_file="+path, "data.validation=0")
		j.Data = nil
		return j
	}
	mustRun(t, split(first))
	if err := os.Remove(first); err != nil {
		t.Fatal(err)
	}
	if _, err := Evaluate(context.Background(), EvalJob{Dir: dir, Open: fake().device, Observe: func(Event) error { return nil }}); err != nil {
		t.Errorf("evaluating without the first file: %v", err)
	}
	if o := mustRun(t, split(first)); !o.Before {
		t.Error("the run is not done")
	}
	os.Remove(filepath.Join(dir, run.SummaryFile))
	other := ds.Split
	other.Indices = other.Indices[:len(other.Indices)-1]
	other.Counts = nil
	moved := filepath.Join(t.TempDir(), "moved.json")
	if err := other.Write(moved); err != nil {
		t.Fatal(err)
	}
	if _, err := Run(context.Background(), split(moved)); fail.Code(err) != fail.CodeUsage || !strings.Contains(err.Error(), "other images") {
		t.Errorf("other images: %v", err)
	}
	if err := ds.Split.Write(moved); err != nil {
		t.Fatal(err)
	}
	mustRun(t, split(moved))
}

func TestPreviewNeedsNoImages(t *testing.T) {
	p, err := NewPreview(load(t), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if p.Images != 12406 || p.Steps != 19384 || p.Parameters != 464154 || p.Counts[9] != 50 || len(p.Programs) != 2 {
		t.Errorf("%+v", p)
	}
}

// environment reads a run's environment.json.
func environment(t *testing.T, dir string) run.Environment {
	t.Helper()
	f, err := run.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	e, err := f.ReadEnvironment(fingerprintOf(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// A run that resumes with other arithmetic says so in a line and records both; one that resumes with the same does not. GPU and
// driver are recorded.
func TestOtherArithmeticIsRemarkedOnAndRecorded(t *testing.T) {
	for _, arithmetic := range []string{"", "other"} {
		dir := filepath.Join(t.TempDir(), "r")
		interrupt(t, dir, 3)
		if e := environment(t, dir); e.GPU != "Fake 9000" || e.Driver != "CUDA 99" || len(e.TookPart) != 1 || e.TookPart[0].Arithmetic != "fake" {
			t.Fatalf("%+v", e)
		}
		b := fake()
		b.arithmetic = arithmetic
		j := job(t, dir, b)
		var remarks []string
		j.Observers = append(j.Observers, func(e Event) error {
			if r, ok := e.(Remark); ok {
				remarks = append(remarks, r.Text)
			}
			return nil
		})
		mustRun(t, j)
		e := environment(t, dir)
		switch {
		case arithmetic == "" && (len(remarks) != 0 || len(e.TookPart) != 1):
			t.Errorf("the same arithmetic: remarks %q, parts %+v", remarks, e.TookPart)
		case arithmetic != "" && (len(remarks) != 1 || !strings.Contains(remarks[0], "with other") || !strings.Contains(remarks[0], "by fake") || len(e.TookPart) != 2 || e.TookPart[1].FromStep == 0):
			t.Errorf("other arithmetic: remarks %q, parts %+v", remarks, e.TookPart)
		}
	}
}
