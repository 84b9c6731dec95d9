package eval

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"longtail/eval/evaltest"
	"longtail/internal/config"
	"longtail/internal/fail"
	"longtail/internal/run"
)

// TestResultsAreThoseOfTheirConfig forges what a result repeats of the config, with and without a new seal.
func TestResultsAreThoseOfTheirConfig(t *testing.T) {
	for key, forge := range map[string]func(*run.Summary){
		"data.dataset":   func(s *run.Summary) { s.Dataset = "mine" },
		"model.name":     func(s *run.Summary) { s.Model = "resnet8" },
		"loss.beta":      func(s *run.Summary) { s.Beta = 0.99 },
		"data.imbalance": func(s *run.Summary) { s.Imbalance = 10 },
		"seed":           func(s *run.Summary) { s.Seed = 7 },
		"train.batch":    func(s *run.Summary) { s.Batch = 64 },
		"eval.ncm":       func(s *run.Summary) { s.Adjusted = adjusted(s, "ncm", nil) },
		"eval.adjust":    func(s *run.Summary) { tau := 1.0; s.Adjusted = adjusted(s, "adjust", &tau) },
	} {
		for _, sealed := range []bool{false, true} {
			root := t.TempDir()
			dir := write(t, root, evaltest.Spec{Sealed: sealed})
			write(t, root, evaltest.Spec{Sealed: sealed, Seed: 1})
			rewrite(t, dir, sealed, forge)
			set, err := Load(root)
			if err != nil || len(set.Runs) != 1 || len(set.Problems) != 1 || fail.Code(set.Damage()) != fail.CodeData {
				t.Errorf("%s, sealed %v: %d runs, %v, %v", key, sealed, len(set.Runs), set.Problems, err)
				continue
			}
			if p := set.Problems[0]; p.Path != filepath.Join(dir, "summary.json") || !strings.Contains(p.Err.Error(), key+" (") {
				t.Errorf("%s, sealed %v: %v", key, sealed, p)
			}
		}
	}
}

// adjusted are results of a method that leaves the plain ones as they are.
func adjusted(s *run.Summary, method string, tau *float64) *run.Adjusted {
	return &run.Adjusted{Method: method, Last: run.AdjustedResult{Tau: tau, Result: s.Last}, Best: run.AdjustedResult{Tau: tau, Result: s.Best}}
}

// rewrite changes the result of a run as who knows the seal would.
func rewrite(t *testing.T, dir string, sealed bool, forge func(*run.Summary)) {
	t.Helper()
	s, err := run.ReadSummary(dir)
	if err != nil {
		t.Fatal(err)
	}
	forge(s)
	f, err := run.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	fingerprint := ""
	if sealed {
		if fingerprint, err = config.FingerprintFile(filepath.Join(dir, "config.yaml")); err == nil {
			err = f.WriteSummary(*s, fingerprint)
		}
	} else {
		err = f.WriteJSON("summary.json", s)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// A data set that this program does not have was added to the one that made the run, if the config says so too.
func TestNamesOfOtherProgramsAreThoseOfTheConfig(t *testing.T) {
	for _, sealed := range []bool{false, true} {
		dir := write(t, t.TempDir(), evaltest.Spec{Dataset: "mine", Sealed: sealed})
		set, err := Load(dir)
		if err != nil || len(set.Runs) != 1 || set.Damage() != nil || len(set.Remarks) != 1 {
			t.Fatalf("sealed %v: %d runs, %v, %v, %v", sealed, len(set.Runs), set.Problems, set.Remarks, err)
		}
		for _, want := range []string{filepath.Join(dir, "config.yaml"), "data.dataset", `"mine"`} {
			if !strings.Contains(set.Remarks[0], want) {
				t.Errorf("the remark lacks %q: %s", want, set.Remarks[0])
			}
		}
		if err := os.Remove(filepath.Join(dir, "config.yaml")); err != nil {
			t.Fatal(err)
		}
		set, err = Load(dir)
		if err != nil || len(set.Runs) != 0 || fail.Code(set.Damage()) != fail.CodeData {
			t.Errorf("sealed %v, no config: %d runs, %v", sealed, len(set.Runs), err)
		}
		if p := set.Problems[0]; !sealed && (p.Path != filepath.Join(dir, "summary.json") || !strings.Contains(p.Err.Error(), `data.dataset: this program has no "mine"`)) {
			t.Errorf("%v", p)
		}
	}
}

func TestALinkToNowhereIsNoUnfinishedRun(t *testing.T) {
	dir := write(t, t.TempDir(), evaltest.Spec{Sealed: true})
	path := filepath.Join(dir, "summary.json")
	if err := errors.Join(os.Remove(path), os.Symlink("nowhere", path)); err != nil {
		t.Fatal(err)
	}
	if set, err := Load(dir); err != nil || fail.Code(set.Damage()) != fail.CodeData || set.Problems[0].Path != path {
		t.Errorf("%v, %v", set.Problems, err)
	}
}

func TestASealCannotBeTakenOff(t *testing.T) {
	dir := write(t, t.TempDir(), evaltest.Spec{})
	f, err := run.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.WriteEnvironment(run.Environment{Version: "test"}, "of a program that seals"); err != nil {
		t.Fatal(err)
	}
	if set, err := Load(dir); err != nil || fail.Code(set.Damage()) != fail.CodeData || !strings.Contains(set.Problems[0].Err.Error(), "no seal, but environment.json") {
		t.Errorf("%v, %v", set.Problems, err)
	}
}

// What is found and said does not depend on which run is read first.
func TestRunsAreReadSideBySideInOrder(t *testing.T) {
	root := t.TempDir()
	for seed := range uint64(40) {
		dir := write(t, root, evaltest.Spec{Seed: seed, Sealed: seed%2 == 0})
		if seed%5 == 0 {
			if err := os.WriteFile(filepath.Join(dir, "metrics.jsonl"), nil, 0o666); err != nil {
				t.Fatal(err)
			}
		}
	}
	first, err := Load(root)
	if err != nil || len(first.Runs) != 36 || len(first.Problems) != 8 {
		t.Fatalf("%d runs, %d problems, %v", len(first.Runs), len(first.Problems), err)
	}
	for range 5 {
		again, err := Load(root)
		if err != nil || fmt.Sprint(again.Problems) != fmt.Sprint(first.Problems) {
			t.Errorf("%v, %v", again.Problems, err)
		}
		for i, r := range again.Runs {
			if r.Dir != first.Runs[i].Dir {
				t.Errorf("run %d: %s", i, r.Dir)
			}
		}
	}
}
