package train

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"longtail/internal/config"
	"longtail/internal/fail"
	"longtail/internal/run"
)

var testIdentity = Identity{config.Protocol(100, 200), "split"}

// bytesOf is a checkpoint as it would lie on disk.
func bytesOf(t testing.TB, c *Checkpoint) []byte {
	t.Helper()
	file, err := c.Tensors(testIdentity, "")
	if err != nil {
		t.Fatal(err)
	}
	b, err := file.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// reread is a checkpoint after a trip to the disk.
func reread(t testing.TB, c *Checkpoint, steps int) *Checkpoint {
	t.Helper()
	file, err := run.DecodeTensors(bytesOf(t, c))
	if err != nil {
		t.Fatal(err)
	}
	again, err := parseCheckpoint(file, testIdentity, steps, fakeClasses)
	if err != nil {
		t.Fatal(err)
	}
	return again
}

func finish(t testing.TB, c *config.Config, b *fakeBackend, from *Checkpoint) *trace {
	t.Helper()
	r, err := runFake(context.Background(), c, b, from, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !r.done {
		t.Fatal("the run ended without its last event")
	}
	return r
}

// sameEnd compares a run that was taken up from a checkpoint with the whole one.
func sameEnd(t testing.TB, whole, rest *trace, from *Checkpoint) {
	t.Helper()
	if records := append(slices.Clone(whole.records[:from.Records]), rest.records...); !slices.Equal(records, whole.records) {
		t.Errorf("from step %d: the records are\n%s\nnot\n%s", from.Step, strings.Join(records, "\n"), strings.Join(whole.records, "\n"))
	}
	if len(rest.saved) > 0 && string(bytesOf(t, whole.last())) != string(bytesOf(t, rest.last())) {
		t.Errorf("from step %d: the final checkpoint differs", from.Step)
	}
}

func TestResumeFromEveryStepEndsWithTheSameBits(t *testing.T) {
	for _, perCall := range []int{1, 3, 100} {
		for _, every := range []string{"1", "2", "0"} {
			c := load(t, "train.batch=8", "train.epochs=5.5", "train.eval_every=2", "train.checkpoint_every="+every, "seed=4")
			b := &fakeBackend{stepsPerCall: perCall}
			whole := finish(t, c, b, nil)
			steps := Steps(37, 8, 5.5)
			if got := whole.last().Step; got != steps {
				t.Fatalf("%d steps of %d", got, steps)
			}
			for _, from := range whole.saved {
				sameEnd(t, whole, finish(t, c, b, reread(t, from, steps)), from)
			}
		}
	}
}

func TestCancelAtEveryEventAndResume(t *testing.T) {
	c := load(t, "train.batch=8", "train.epochs=3", "seed=9")
	b := &fakeBackend{stepsPerCall: 1}
	whole := finish(t, c, b, nil)
	for at := range len(whole.events) - 2 { // after the last save there is nothing to interrupt
		ctx, cancel := context.WithCancel(context.Background())
		seen := 0
		part, err := runFake(ctx, c, b, nil, func(Event) error {
			if seen++; seen > at {
				cancel()
			}
			return nil
		})
		cancel()
		if err == nil && part.done {
			continue // the last test was complete
		}
		if fail.Code(err) != fail.CodeInterrupted {
			t.Fatalf("cancelled at event %d: %v", at, err)
		}
		if _, saving := part.events[len(part.events)-1].(Saving); !saving {
			t.Fatalf("cancelled at event %d: the last event is %T", at, part.events[len(part.events)-1])
		}
		from := reread(t, part.last(), Steps(37, 8, 3))
		sameEnd(t, whole, finish(t, c, b, from), from)
	}
}

func TestEpochsEndWhereTheStreamPassesThem(t *testing.T) {
	c := load(t, "train.batch=8", "train.epochs=2.7", "train.eval_every=1")
	r := finish(t, c, &fakeBackend{stepsPerCall: 1}, nil)
	var got []string
	for _, e := range r.events {
		if e, ok := e.(EpochDone); ok {
			var seen float64
			for _, p := range e.Record.Train.PerClass {
				seen += p
			}
			if seen == 0 {
				t.Errorf("epoch %v saw no sample", e.Record.Epoch)
			}
			got = append(got, fmt.Sprintf("%v@%d", e.Record.Epoch, e.Record.Step))
		}
	}
	// 37 images: 5 steps of 8 pass 37, 10 pass 74, and floor(37 * 2.7 / 8) = 12.
	if want := []string{"1@5", "2@10", "2.7@12"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestTestsComeEveryEvalEveryAndAtTheEnd(t *testing.T) {
	for every, want := range map[string]string{"1": "1 2 3 4 5", "2": "2 4 5", "1.5": "2 3 5", "0.3": "1 2 3 4 5", "0": "5", "7": "5"} {
		r := finish(t, load(t, "train.batch=8", "train.epochs=5", "train.eval_every="+every), &fakeBackend{stepsPerCall: 2}, nil)
		var got []string
		for _, e := range r.events {
			if e, ok := e.(EpochDone); ok && e.Record.Test != nil {
				if e.Record.Validation == nil {
					t.Errorf("every %s: epoch %v was tested but not validated", every, e.Record.Epoch)
				}
				got = append(got, fmt.Sprint(e.Record.Epoch))
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("every %s: tested after %v, want %s", every, got, want)
		}
	}
}

func TestBestIsTheFirstOfTheLowestErrors(t *testing.T) {
	r := finish(t, load(t, "train.batch=8", "train.epochs=30"), &fakeBackend{stepsPerCall: 1}, nil)
	best, validation := r.last().Best, r.last().BestValidation
	lowest, step, lowestValidation := 2.0, 0, 2.0
	for _, e := range r.events {
		if e, ok := e.(EpochDone); ok {
			if e.Record.Test.Error < lowest {
				lowest, step = e.Record.Test.Error, e.Record.Step
			}
			lowestValidation = min(lowestValidation, e.Record.Validation.Error)
		}
	}
	if best.Error != lowest || best.Step != step || r.best[len(r.best)-1] != step || validation.Error != lowestValidation {
		t.Errorf("best %v at step %d, saved at %v, want %v at %d; validation %v, want %v", best.Error, best.Step, r.best, lowest, step, validation.Error, lowestValidation)
	}
}

func TestDivergenceSavesNothing(t *testing.T) {
	for name, b := range map[string]*fakeBackend{
		"loss":      {stepsPerCall: 1, diverge: 7},
		"parameter": {stepsPerCall: 1, spoil: 7},
	} {
		r, err := runFake(context.Background(), load(t, "train.batch=8", "train.epochs=3", "train.checkpoint_every=1"), b, nil, nil)
		if fail.Code(err) != fail.CodeDiverged || !strings.Contains(err.Error(), "step 7") {
			t.Errorf("%s: %v", name, err)
		}
		if r.last().Step != 6 || notFinite(r.last().State) != "" {
			t.Errorf("%s: the last checkpoint is of step %d", name, r.last().Step)
		}
	}
}

func TestAnObserversErrorStopsTheLoop(t *testing.T) {
	full := errors.New("no space left")
	r, err := runFake(context.Background(), load(t, "train.batch=8", "train.epochs=3"), &fakeBackend{stepsPerCall: 1}, nil, func(e Event) error {
		if _, saving := e.(Saving); saving {
			return full
		}
		return nil
	})
	if !errors.Is(err, full) || len(r.saved) != 1 || r.done {
		t.Errorf("%v after %d saves", err, len(r.saved))
	}
}

func TestRunsInOneProcessDoNotMeet(t *testing.T) {
	c := load(t, "train.batch=8", "train.epochs=4")
	alone := bytesOf(t, finish(t, c, &fakeBackend{stepsPerCall: 1}, nil).last())
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			r, err := runFake(context.Background(), c, &fakeBackend{stepsPerCall: 1}, nil, nil)
			if err != nil || string(bytesOf(t, r.last())) != string(alone) {
				t.Errorf("a run among others differs: %v", err)
			}
		})
	}
	wait.Wait()
}

func TestStrangeCheckpointsAreRefused(t *testing.T) {
	c := load(t, "train.batch=8", "train.epochs=3", "train.checkpoint_every=2")
	good := finish(t, c, &fakeBackend{stepsPerCall: 1}, nil).saved[3]
	file, err := good.Tensors(testIdentity, "")
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*run.Tensors){
		"config": func(x *run.Tensors) {
			x.Metadata[configKey] = strings.Replace(x.Metadata[configKey], "beta: 0\n", "beta: 0.5\n", 1)
		},
		"YAML":     func(x *run.Tensors) { x.Metadata[configKey] = "beta: [" },
		"images":   func(x *run.Tensors) { x.Metadata[splitKey] = "" },
		"format":   func(x *run.Tensors) { x.Metadata[formatKey] = "pt" },
		"position": func(x *run.Tensors) { x.Metadata[positionKey] = "{}" },
		"steps": func(x *run.Tensors) {
			x.Metadata[positionKey] = strings.Replace(x.Metadata[positionKey], `"step":`, `"step":9`, 1)
		},
		"no values":  func(x *run.Tensors) { x.Tensors["w"] = run.Tensor{Shape: []int{0}} },
		"a new word": func(x *run.Tensors) { x.Metadata[positionKey] = `{"stepp":1}` },
	} {
		damaged := &run.Tensors{Metadata: map[string]string{}, Tensors: map[string]run.Tensor{}}
		for k, v := range file.Metadata {
			damaged.Metadata[k] = v
		}
		for k, v := range file.Tensors {
			damaged.Tensors[k] = v
		}
		if _, err := parseCheckpoint(damaged, testIdentity, 13, fakeClasses); err != nil {
			t.Fatal(err)
		}
		change(damaged)
		if _, err := parseCheckpoint(damaged, testIdentity, 13, fakeClasses); err == nil {
			t.Errorf("a checkpoint with another %s is taken", name)
		}
	}
}

func FuzzPosition(f *testing.F) {
	c, err := config.Load("", []string{"train.batch=8", "train.epochs=2", "train.checkpoint_every=3"})
	if err != nil {
		f.Fatal(err)
	}
	for _, saved := range finish(f, c, &fakeBackend{stepsPerCall: 1}, nil).saved {
		file, err := saved.Tensors(testIdentity, "")
		if err != nil {
			f.Fatal(err)
		}
		f.Add([]byte(file.Metadata[positionKey]))
	}
	steps := Steps(37, 8, 2)
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := parsePosition(text, steps, fakeClasses)
		if err != nil {
			return
		}
		r, err := runFake(context.Background(), c, &fakeBackend{stepsPerCall: 1}, &Checkpoint{Position: p, State: fakeTask(c, &fakeBackend{}).From.State}, nil)
		if err != nil && fail.Code(err) != fail.CodeDiverged || err == nil && !r.done {
			t.Fatalf("a position that was taken cannot be resumed from: %v", err)
		}
	})
}
