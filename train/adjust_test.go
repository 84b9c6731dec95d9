package train

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"longtail/internal/fail"
	"longtail/internal/metrics"
	"longtail/internal/posthoc"
	"longtail/internal/run"
)

func (j Job) evalJob(b *fakeBackend, asked ...posthoc.Adjustment) EvalJob {
	return EvalJob{Dir: j.Config.Out, Open: b.device, Observe: func(Event) error { return nil }, Adjustments: asked}
}

// A run whose config asks for a method trains as one without, and its result has both: the plain ones and those of the method.
func TestARunRecordsAdjustedResults(t *testing.T) {
	plain := mustRun(t, job(t, t.TempDir(), fake()))
	if plain.Summary.Adjusted != nil {
		t.Errorf("a run without a method has %+v", plain.Summary.Adjusted)
	}
	for _, override := range []string{"eval.adjust=0.75", "eval.adjust=auto", "eval.tau_norm=0.5", "eval.tau_norm=auto", "eval.ncm=true"} {
		j := job(t, t.TempDir(), fake(), override)
		o := mustRun(t, j)
		for _, name := range append(run.Checkpoints(), run.MetricsFile) {
			if name != run.MetricsFile {
				want, got := mustTensors(t, plain.Folder, name), mustTensors(t, o.Folder, name)
				if !equalJSON(want.Tensors, got.Tensors) || want.Metadata[positionKey] != got.Metadata[positionKey] {
					t.Errorf("%s: %s is another one", override, name)
				}
			} else if want, got := files(t, plain.Folder)[name], files(t, o.Folder)[name]; want != got {
				t.Errorf("%s: %s is another one", override, name)
			}
		}
		a := o.Summary.Adjusted
		if a == nil || !equalJSON(plain.Summary.Last, o.Summary.Last) || a.BestByValidation == nil {
			t.Fatalf("%s: adjusted %+v, last %+v", override, a, o.Summary.Last)
		}
		if v := Verify(o.Folder); len(v.Problems) > 0 || !v.Sealed {
			t.Errorf("%s: %v", override, v.Problems)
		}
		e, err := Evaluate(context.Background(), j.evalJob(fake()))
		if err != nil {
			t.Fatal(err)
		}
		for name, r := range map[string]run.AdjustedResult{"last": a.Last, "best": a.Best, "best_validation": *a.BestByValidation} {
			if got := e.Adjusted[name]; len(got) != 1 || !equalJSON(got[0].AdjustedResult, r) {
				t.Errorf("%s, %s: evaluation gives %+v, the run %+v", override, name, got, r)
			}
			if (r.Tau == nil) != (a.Method == "ncm") || (r.HeldOut == nil) == a.Auto || (r.ECE == nil) != (a.Method == "ncm") {
				t.Errorf("%s, %s: %+v", override, name, r)
			}
		}
		if last, best, _ := o.Summary.Quoted(); last != &a.Last.Result || best != &a.Best.Result {
			t.Errorf("%s: quoted by its plain results", override)
		}
	}
}

func mustTensors(t *testing.T, dir, name string) *run.Tensors {
	t.Helper()
	file, err := run.ReadTensors(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// Tau is chosen on the held-out images: no value of the grid has a better balanced accuracy there.
func TestTauIsChosenOnHeldOutImages(t *testing.T) {
	j := job(t, t.TempDir(), fake(), "eval.adjust=auto")
	o := mustRun(t, j)
	// The held-out images as a test set: a new job with the state of the run.
	w, a, err := j.evalJob(fake()).openLast(t)
	if err != nil {
		t.Fatal(err)
	}
	defer w.close()
	held, err := a.outputs(context.Background(), w.programs.Weights.Final, a.heldOut, "held-out", func(Event) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	best, at := -1.0, 0.0
	for _, tau := range posthoc.Grid() {
		scores := posthoc.PostHoc(held.Logits, w.data.Counts, tau)
		if got := metrics.BalancedAccuracy(posthoc.Confusion(scores, held.Labels).Tally(w.Classes)); got > best {
			best, at = got, tau
		}
	}
	if r := o.Summary.Adjusted.Last; *r.Tau != at || *r.HeldOut != best || len(held.Labels) != w.data.Validation.Len() {
		t.Errorf("chose tau %v with %v, want %v with %v", *r.Tau, *r.HeldOut, at, best)
	}
}

// openLast opens an evaluation on the last checkpoint of its run.
func (j EvalJob) openLast(t *testing.T) (*openJob, *adjuster, error) {
	t.Helper()
	c, ds, err := j.load(context.Background())
	if err != nil {
		return nil, nil, err
	}
	w, a, err := j.open(c, ds)
	if err != nil {
		return nil, nil, err
	}
	id, err := NewIdentity(c, ds.Split)
	if err != nil {
		return nil, nil, err
	}
	last, err := ReadCheckpoint(filepath.Join(j.Dir, run.Last), id, Steps(w.images(), c.Train.Batch, c.Train.Epochs), w.Classes)
	if err != nil {
		return nil, nil, err
	}
	return w, a, w.Test.Session.Load(last.State)
}

// A run that is interrupted after its last step, while outputs are adjusted, resumes there and ends with the bytes of another one.
func TestInterruptedWhileOutputsAreAdjusted(t *testing.T) {
	want := files(t, mustRun(t, job(t, t.TempDir(), fake(), "eval.ncm=true")).Folder)
	j := job(t, t.TempDir(), fake(), "eval.ncm=true")
	ctx, cancel := context.WithCancel(context.Background())
	j.Observers = []Observer{func(e Event) error {
		if e, ok := e.(Testing); ok && e.Set == "training" {
			cancel()
		}
		return nil
	}}
	if _, err := Run(ctx, j); fail.Code(err) != fail.CodeInterrupted || run.Exists(filepath.Join(j.Config.Out, run.SummaryFile)) {
		t.Fatalf("the run ended with %v", err)
	}
	j.Observers = nil
	sameFiles(t, "after an interruption", want, files(t, mustRun(t, j).Folder))
}

func TestEvaluationTakesSeveralMethodsAndWritesNothing(t *testing.T) {
	j := job(t, t.TempDir(), fake(), "eval.adjust=2")
	before := files(t, mustRun(t, j).Folder)
	asked := []posthoc.Adjustment{{Method: posthoc.NCM}, {Method: posthoc.Adjust, Auto: true}, {Method: posthoc.Normalise, Tau: 1}}
	e, err := Evaluate(context.Background(), j.evalJob(fake(), asked...))
	if err != nil {
		t.Fatal(err)
	}
	var got []posthoc.Adjustment
	for _, a := range e.Adjusted["last"] {
		got = append(got, a.Asked)
	}
	if !slices.Equal(got, asked) {
		t.Errorf("adjusted by %v, want %v", got, asked)
	}
	sameFiles(t, "after an evaluation", before, files(t, j.Config.Out))
}

// A tau to be chosen without held-out images is refused before the first step: the test set never chooses.
func TestAutoWithoutHeldOutImagesIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "split.txt")
	if err := os.WriteFile(path, []byte("1 2 3 40 41 42 43 60 61 62"), 0o666); err != nil {
		t.Fatal(err)
	}
	j := job(t, t.TempDir(), fake(), "data.validation=0", "data.split_file="+path, "eval.tau_norm=auto")
	j.Data = nil
	_, err := Run(context.Background(), j)
	if fail.Code(err) != fail.CodeUsage || !strings.Contains(err.Error(), "tau_norm=auto chooses tau on held-out images, and the run has none") {
		t.Errorf("training gives %v", err)
	}
	j = job(t, t.TempDir(), fake(), "data.validation=0")
	j.Data = nil
	mustRun(t, j)
	_, err = Evaluate(context.Background(), j.evalJob(fake(), posthoc.Adjustment{Method: posthoc.Adjust, Auto: true}))
	if fail.Code(err) != fail.CodeUsage || !strings.Contains(err.Error(), "adjust=auto chooses tau on held-out images") {
		t.Errorf("evaluation gives %v", err)
	}
}
