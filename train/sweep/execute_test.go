package sweep

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"longtail/data"
	"longtail/internal/config"
	"longtail/internal/config/grid"
	"longtail/internal/cpu"
	"longtail/internal/device"
	"longtail/internal/fail"
	"longtail/internal/run"
	"longtail/train"
)

// four is a sweep of 2 losses x 2 seeds, 12 steps each.
const four = `
base:
  data: {dataset: synthetic10, max_per_class: 10, imbalance: 2, validation: 0.2}
  model: {name: resnet8}
  train: {epochs: 2, batch: 8, checkpoint_every: 3}
grid:
  loss: [{name: softmax}, {name: focal, gamma: 1, beta: 0.9}]
  seed: [0, 1]
`

func mustParse(t testing.TB, text string, overrides ...string) *grid.Grid {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sweep.yaml")
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	g, err := grid.Load(path, overrides)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func openCPU(threads int) train.OpenDevice {
	return func(_, _ string) (*device.Device, error) {
		return &device.Device{Backend: cpu.New(threads), Precision: device.FP32}, nil
	}
}

func mustPlan(t testing.TB, out string) []Plan {
	t.Helper()
	plans, err := NewPlans(mustParse(t, four, "out="+out), "")
	if err != nil {
		t.Fatal(err)
	}
	return plans
}

func options(jobs int) Options { return Options{Jobs: jobs, Open: openCPU(1)} }

func mustExecute(t testing.TB, plans []Plan, o Options) []Result {
	t.Helper()
	results, err := Execute(t.Context(), plans, o)
	if err != nil {
		t.Fatal(err)
	}
	return results
}

// compareWithAlone trains each run alone, on another number of threads, and compares the files that must not differ.
func compareWithAlone(t *testing.T, plans []Plan) {
	t.Helper()
	if testing.Short() {
		plans = plans[:1]
	}
	for _, p := range plans {
		c := p.Config.Clone()
		c.Out = filepath.Join(t.TempDir(), "alone")
		if _, err := train.Run(t.Context(), train.Job{Config: c, Open: openCPU(2)}); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{run.Last, run.Best, run.BestValidation, run.SplitFile, run.MetricsFile, run.SummaryFile} {
			a, errA := os.ReadFile(filepath.Join(p.Config.Out, name))
			b, errB := os.ReadFile(filepath.Join(c.Out, name))
			if err := errors.Join(errA, errB); err != nil {
				t.Error(err)
			} else if !bytes.Equal(a, b) {
				t.Errorf("%s: %s differs from that of the run alone", p.Name, name)
			}
		}
	}
}

func states(results []Result) (all []State) {
	for _, r := range results {
		all = append(all, r.State)
	}
	return all
}

func wantStates(t *testing.T, results []Result, want ...State) {
	t.Helper()
	for i, got := range states(results) {
		if got != want[i] {
			t.Errorf("states %v, want %v", states(results), want)
			return
		}
	}
}

func TestRunsHaveTheBitsOfRunsAlone(t *testing.T) {
	plans := mustPlan(t, t.TempDir())
	results := mustExecute(t, plans, options(2))
	wantStates(t, results, Done, Done, Done, Done)
	compareWithAlone(t, plans)
	for i, r := range results {
		if r.Summary == nil || r.Summary.Seed != uint64(i%2) || r.Before || r.Summary.BestByValidation == nil {
			t.Errorf("result of %s: %+v", plans[i].Name, r)
		}
	}

	// The same again does nothing: not even a device is opened.
	plans = mustPlan(t, filepath.Dir(plans[0].Config.Out))
	o := options(2)
	o.Open = func(_, _ string) (*device.Device, error) {
		t.Error("a device is opened")
		return nil, errors.New("no")
	}
	results = mustExecute(t, plans, o)
	for i, r := range results {
		if r.State != Done || !r.Before || r.Summary == nil || plans[i].Left() != 0 {
			t.Errorf("%s the second time: %+v", plans[i].Name, r)
		}
	}
}

func TestInterruptedSweepGoesOn(t *testing.T) {
	out := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	o := options(2)
	steps := 0
	o.Observe = func(e Event) { // in the middle of the second pair of runs
		if _, ok := e.Train.(train.Progress); ok {
			if steps++; steps == 30 {
				cancel()
			}
		}
	}
	results, err := Execute(ctx, mustPlan(t, out), o)
	if fail.Code(err) != fail.CodeInterrupted {
		t.Fatalf("%v", err)
	}
	count := map[State]int{}
	for _, s := range states(results) {
		count[s]++
	}
	if count[Interrupted] == 0 || count[Failed] > 0 || count[Done] == 4 {
		t.Errorf("states %v", states(results))
	}
	plans := mustPlan(t, out)
	begun := 0
	for i, p := range plans {
		if results[i].State == Done != (p.State == Done) {
			t.Errorf("%s ended %s and is found %s", p.Name, results[i].State, p.State)
		}
		if p.State == Begun {
			begun++
		}
	}
	if begun == 0 {
		t.Error("no run is found in the middle")
	}
	wantStates(t, mustExecute(t, plans, options(3)), Done, Done, Done, Done)
	compareWithAlone(t, plans)
}

func TestFailureStopsNoOtherRun(t *testing.T) {
	out := t.TempDir()
	plans := mustPlan(t, out)
	if err := os.WriteFile(plans[1].Config.Out, nil, 0o666); err != nil { // a file where the folder should be
		t.Fatal(err)
	}
	results, err := Execute(t.Context(), plans, options(1))
	if fail.Code(err) != fail.CodeFailed || !strings.Contains(err.Error(), "1 of 4 runs failed") || !strings.Contains(err.Error(), plans[1].Name) {
		t.Errorf("%v", err)
	}
	wantStates(t, results, Done, Failed, Done, Done)
	if err := os.Remove(plans[1].Config.Out); err != nil {
		t.Fatal(err)
	}
	wantStates(t, mustExecute(t, mustPlan(t, out), options(1)), Done, Done, Done, Done)
}

func TestSameFailureOfManyRunsIsOneLine(t *testing.T) {
	plans := mustPlan(t, t.TempDir())
	o := options(2)
	calls := 0
	o.Attach = func(c *config.Config) (train.Observer, func() error, error) {
		return nil, nil, fmt.Errorf("no %s\nget one", c.Loss.Name)
	}
	o.Observe = func(Event) { calls++ }
	results, err := Execute(t.Context(), plans, o)
	wantStates(t, results, Failed, Failed, Failed, Failed)
	want := "4 of 4 runs failed:\n  " + plans[0].Name + " and 1 more: no softmax\n    get one\n  " + plans[2].Name + " and 1 more: no focal\n    get one\nthe same command"
	if err == nil || !strings.HasPrefix(err.Error(), want) || calls != 8 {
		t.Errorf("%d events, error\n%v\nwant\n%s", calls, err, want)
	}
}

func TestDamagedSummaryIsAFailure(t *testing.T) {
	plans := mustPlan(t, t.TempDir())[:1]
	mustExecute(t, plans, options(1))
	if err := os.WriteFile(filepath.Join(plans[0].Config.Out, run.SummaryFile), []byte("{"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := plans[0].look(); err != nil {
		t.Fatal(err)
	}
	results, err := Execute(t.Context(), plans, options(1))
	wantStates(t, results, Failed)
	if err == nil || !strings.Contains(err.Error(), run.SummaryFile) {
		t.Errorf("%v", err)
	}
}

func TestLockedRunIsLeftToItsOwner(t *testing.T) {
	plans := mustPlan(t, t.TempDir())
	locked, err := run.Open(plans[0].Config.Out)
	if err != nil {
		t.Fatal(err)
	}
	defer locked.Close()
	results, err := Execute(t.Context(), plans, options(2))
	wantStates(t, results, Elsewhere, Done, Done, Done)
	if err == nil || !strings.Contains(err.Error(), "1 of 4 runs are not done") {
		t.Errorf("a sweep that is not complete ends with %v", err)
	}
	if run.Exists(locked.Path(run.ConfigFile)) {
		t.Error("the locked folder was written to")
	}
}

func TestRunThatItsOwnerLeavesIsTakenUp(t *testing.T) {
	plans := mustPlan(t, t.TempDir())
	locked, err := run.Open(plans[0].Config.Out)
	if err != nil {
		t.Fatal(err)
	}
	o := options(1)
	o.Observe = func(e Event) {
		if e.Run == 3 && e.Result != nil {
			locked.Close()
		}
	}
	wantStates(t, mustExecute(t, plans, o), Done, Done, Done, Done)
}

func TestTwoSweepsInOneFolderShareTheWork(t *testing.T) {
	out := t.TempDir()
	var both [2][]Result
	var trained atomic.Int32
	var wait sync.WaitGroup
	for i := range both {
		plans := mustPlan(t, out)
		o := options(2)
		o.Observe = func(e Event) {
			if p, ok := e.Train.(train.Progress); ok && p.Step == plans[e.Run].Steps {
				trained.Add(1)
			}
		}
		wait.Go(func() {
			var err error
			both[i], err = Execute(t.Context(), plans, o)
			isElsewhere := func(r Result) bool { return r.State == Elsewhere }
			if (err != nil) != slices.ContainsFunc(both[i], isElsewhere) {
				t.Errorf("%v of %+v", err, both[i])
			}
		})
	}
	wait.Wait()
	for i := range 4 {
		if both[0][i].State != Done && both[1][i].State != Done {
			t.Errorf("run %d ended %s and %s", i, both[0][i].State, both[1][i].State)
		}
	}
	if n := trained.Load(); n != 4 {
		t.Errorf("%d runs were trained, want 4", n)
	}
	compareWithAlone(t, mustPlan(t, out))
}

func TestMissingDeviceIsSaidBeforeTheFirstRun(t *testing.T) {
	plans := mustPlan(t, filepath.Join(t.TempDir(), "new"))
	o := options(2)
	o.Open = func(_, _ string) (*device.Device, error) { return nil, fail.Device("no GPU") }
	o.Observe = func(e Event) { t.Errorf("event %+v", e) }
	if _, err := Execute(t.Context(), plans, o); fail.Code(err) != fail.CodeDevice {
		t.Errorf("%v", err)
	}
	if run.Exists(filepath.Dir(plans[0].Config.Out)) {
		t.Error("a folder was made")
	}
}

func TestAttachedObserverIsToldAndEnded(t *testing.T) {
	plans := mustPlan(t, t.TempDir())[:2]
	var told, ended atomic.Int32
	o := options(2)
	o.Attach = func(c *config.Config) (train.Observer, func() error, error) {
		observe := func(e train.Event) error {
			if _, ok := e.(train.Finished); ok {
				told.Add(1)
			}
			return nil
		}
		return observe, func() error {
			if ended.Add(1); c.Seed == 1 {
				return errors.New("cannot end")
			}
			return nil
		}, nil
	}
	results, err := Execute(t.Context(), plans, o)
	wantStates(t, results, Done, Failed)
	if err == nil || !strings.Contains(err.Error(), "cannot end") || told.Load() != 2 || ended.Load() != 2 {
		t.Errorf("%v; told %d, ended %d", err, told.Load(), ended.Load())
	}
}

func TestPlanCountsCost(t *testing.T) {
	p := mustPlan(t, t.TempDir())[0]
	ds, err := data.Load(t.Context(), p.Config.DataSpec())
	if err != nil {
		t.Fatal(err)
	}
	if steps := p.Images * 2 / 8; p.Images != ds.Train.Len() || p.Steps != steps || p.Work() != int64(8*steps) || p.Left() != p.Work() || p.State != New {
		t.Errorf("%d images, %d steps, %d shown, %d left, %s", p.Images, p.Steps, p.Work(), p.Left(), p.State)
	}
}

func TestPlanRefusesAnotherConfigInTheFolder(t *testing.T) {
	out := t.TempDir()
	mustExecute(t, mustPlan(t, out)[:1], options(1))
	text := strings.Replace(four, "checkpoint_every: 3", "checkpoint_every: 4", 1)
	_, err := NewPlans(mustParse(t, text, "out="+out), "")
	if fail.Code(err) != fail.CodeUsage || !strings.Contains(err.Error(), "train.checkpoint_every (3 there, 4 here)") || !strings.Contains(err.Error(), "out=FOLDER") {
		t.Errorf("%v", err)
	}
}

func TestPlanRefusesRunsWithoutAStep(t *testing.T) {
	_, err := NewPlans(mustParse(t, four, "train.epochs=0.01"), "")
	if fail.Code(err) != fail.CodeUsage || !strings.Contains(err.Error(), "train.epochs") {
		t.Errorf("%v", err)
	}
}
