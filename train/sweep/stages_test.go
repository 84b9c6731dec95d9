package sweep

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"longtail/internal/device"
	"longtail/internal/run"
	"longtail/models"
	"longtail/train"
)

// stages is a sweep whose first two rows start from the third.
const stages = `
base:
  data: {dataset: synthetic10, max_per_class: 10, imbalance: 2}
  model: {name: resnet8}
  train: {epochs: 1, batch: 8}
rows:
  again: {train: {init_from: first, epochs: 0.5}}
  cRT: {data.sampler: class, train: {init_from: again, fresh: classifier, freeze: features, epochs: 0.5}}
  first:
`

func TestRunsThatStartFromOthersWaitForThem(t *testing.T) {
	for _, jobs := range []int{1, 3} {
		plans, err := NewPlans(mustParse(t, stages, "out="+t.TempDir()), "")
		if err != nil {
			t.Fatal(err)
		}
		var order []string
		o := options(jobs)
		o.Observe = func(e Event) {
			if e.Result != nil {
				order = append(order, plans[e.Run].Row)
			}
		}
		results := mustExecute(t, plans, o)
		wantStates(t, results, Done, Done, Done)
		if want := []string{"first", "again", "cRT"}; !slices.Equal(order, want) {
			t.Errorf("%d jobs: order %v, want %v", jobs, order, want)
		}
		if results[0].Summary.Init == "" || results[0].Summary.Init == results[1].Summary.Init || results[2].Summary.Init != "" {
			t.Errorf("%d jobs: began from %q, %q, %q", jobs, results[0].Summary.Init, results[1].Summary.Init, results[2].Summary.Init)
		}
		compareStages(t, plans[0].Config.Out, plans[1].Config.Out)
		for _, p := range plans {
			if v := train.Verify(p.Config.Out); len(v.Problems) > 0 {
				t.Error(v.Problems)
			}
		}
	}
}

// compareStages fails unless a run has the features of the one that it started from, and another classifier.
func compareStages(t *testing.T, first, second string) {
	t.Helper()
	from, to := mustTensors(t, first), mustTensors(t, second)
	for name, got := range to.Tensors {
		want, moves := from.Tensors[name], models.IsClassifier(strings.TrimPrefix(name, device.MomentumPrefix))
		if slices.Equal(got.Data, want.Data) == moves {
			t.Errorf("%s: it moves: %v, want %v", name, !moves, moves)
		}
	}
}

func mustTensors(t *testing.T, dir string) *run.Tensors {
	t.Helper()
	file, err := run.ReadTensors(filepath.Join(dir, run.Last))
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func TestRunThatStartsFromAFailedOneFails(t *testing.T) {
	plans, err := NewPlans(mustParse(t, stages, "out="+t.TempDir()), "")
	if err != nil {
		t.Fatal(err)
	}
	plans[2].Config.Out = filepath.Join(run.ConfigFile, "x", "\x00") // no folder has such a name
	results, err := Execute(t.Context(), plans, options(2))
	wantStates(t, results, Failed, Failed, Failed)
	if err == nil || !strings.Contains(results[1].Err.Error(), "it starts from "+plans[0].Name) {
		t.Errorf("%v; %v", err, results[1].Err)
	}
}
