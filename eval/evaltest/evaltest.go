// Package evaltest writes run folders that look like finished runs, for tests: the numbers follow from a formula, not from
// training.
package evaltest

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"

	"longtail/internal/config"
	"longtail/internal/disk"
	"longtail/internal/run"
)

// Spec says which run to make up.
type Spec struct {
	Dataset    string // default cifar10
	Classes    int    // default 10
	Imbalance  float64
	Loss       string // default softmax
	Gamma      float64
	Beta       float64
	Seed       uint64
	Error      float64 // mean test error in per cent, default 30
	Validation float64 // error in per cent on held-out images; 0 is a run without them
	Epochs     int     // default 8
	Extra      string  // more lines of config.yaml
	Adjusted   float64 // error in per cent after eval.adjust=1; 0 is a run without it
	Sealed     bool    // with a split.json of its own and a seal; else as runs were before there were seals
}

func (s Spec) withDefaults() Spec {
	def := func(p *string, v string) {
		if *p == "" {
			*p = v
		}
	}
	def(&s.Dataset, "cifar10")
	def(&s.Loss, "softmax")
	s.Classes = max(s.Classes, 0)
	if s.Classes == 0 {
		s.Classes = 10
	}
	if s.Imbalance == 0 {
		s.Imbalance = 100
	}
	if s.Error == 0 {
		s.Error = 30
	}
	if s.Epochs == 0 {
		s.Epochs = 8
	}
	return s
}

// Name is a folder's name for the run.
func (s Spec) Name() string {
	s = s.withDefaults()
	name := fmt.Sprintf("%s-if%g-%s-g%g-b%g-s%d", s.Dataset, s.Imbalance, s.Loss, s.Gamma, s.Beta, s.Seed)
	if s.Adjusted > 0 {
		name += "-adjust1"
	}
	return name
}

// Write makes the run's folder below parent and returns its path.
func Write(parent string, s Spec) (string, error) {
	s = s.withDefaults()
	dir := filepath.Join(parent, s.Name())
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return "", err
	}
	summary, err := disk.Encode(Summary(s))
	if err != nil {
		return "", err
	}
	var metrics strings.Builder
	for _, e := range History(s) {
		line, err := json.Marshal(e)
		if err != nil {
			return "", err
		}
		metrics.Write(append(line, '\n'))
	}
	text := fmt.Sprintf(`data:
  dataset: %s
  imbalance: %g
  profile: exp
model:
  name: resnet32
loss:
  name: %s
  gamma: %g
  beta: %g
train:
  epochs: %d
  batch: 128
seed: %d
out: %s
%s`, s.Dataset, s.Imbalance, s.Loss, s.Gamma, s.Beta, s.Epochs, s.Seed, dir, s.Extra)
	if s.Adjusted > 0 {
		text += "eval:\n  adjust: 1\n"
	}
	for name, content := range map[string]string{
		"summary.json":     string(summary),
		"metrics.jsonl":    metrics.String(),
		"config.yaml":      text,
		"environment.json": `{"version": "test", "host": "example", "cpu": "none", "go": "go1.26"}`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o666); err != nil {
			return "", err
		}
	}
	if s.Sealed {
		return dir, seal(dir, s)
	}
	return dir, nil
}

// seal writes the summary anew, with a seal.
func seal(dir string, s Spec) error {
	split := fmt.Sprintf(`{"version": 1, "note": "%s"}`, s.Name())
	if err := os.WriteFile(filepath.Join(dir, run.SplitFile), []byte(split), 0o666); err != nil {
		return err
	}
	fingerprint, err := config.FingerprintFile(filepath.Join(dir, run.ConfigFile))
	if err != nil {
		return err
	}
	folder, err := run.Open(dir)
	if err != nil {
		return err
	}
	defer folder.Close()
	summary := Summary(s)
	summary.Version = run.SummaryVersion
	return folder.WriteSummary(summary, fingerprint)
}

// Summary is the made-up result: accuracies fall from head to tail about their mean, and class-balancing (beta > 0) makes
// the fall flatter. A tenth of a class's mistakes goes to each of its next classes.
func Summary(s Spec) run.Summary {
	s = s.withDefaults()
	out := run.Summary{
		Version: 1, Model: "resnet32", Parameters: 464154, Dataset: s.Dataset, Imbalance: s.Imbalance, Profile: "exp",
		Loss: s.Loss, Beta: s.Beta, Gamma: s.Gamma, Seed: s.Seed, Epochs: float64(s.Epochs), Steps: 97 * s.Epochs, Batch: 128,
	}
	most := 5000.0
	if s.Classes > 20 {
		most = 500
	}
	names := []string{"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"}
	for c := range s.Classes {
		name := fmt.Sprintf("class_%02d", c)
		if s.Classes == len(names) {
			name = names[c]
		}
		out.ClassNames = append(out.ClassNames, name)
		out.Counts = append(out.Counts, int(most*math.Pow(1/s.Imbalance, float64(c)/float64(max(1, s.Classes-1)))))
		out.TestCounts = append(out.TestCounts, testImages)
	}
	out.Last = result(s, s.Error)
	out.Best = earlier(s, 1, s.Error-0.4)
	if s.Validation > 0 {
		r := earlier(s, 2, s.Error-0.1)
		out.BestByValidation = &r
		out.LastValidation = &run.Score{Loss: 1, Error: s.Validation / 100, Accuracy: 1 - s.Validation/100, PerClass: r.PerClass}
	}
	if s.Adjusted > 0 {
		tau, best := 1.0, earlier(s, 1, s.Adjusted-0.2)
		out.Adjusted = &run.Adjusted{
			Method: "adjust", Last: run.AdjustedResult{Tau: &tau, Result: result(s, s.Adjusted)}, Best: run.AdjustedResult{Tau: &tau, Result: best},
		}
		if s.Validation > 0 {
			out.Adjusted.BestByValidation = &run.AdjustedResult{Tau: &tau, Result: earlier(s, 2, s.Adjusted-0.1)}
		}
	}
	return out
}

const testImages = 1000 // a class

// earlier is a result so many epochs before the last one, which it is where the run has no more.
func earlier(s Spec, epochs int, percent float64) run.Result {
	if epochs >= s.Epochs {
		return result(s, s.Error)
	}
	r := result(s, percent)
	r.Epoch -= float64(epochs)
	r.Step -= 97 * epochs
	return r
}

func result(s Spec, percent float64) run.Result {
	r := run.Result{Epoch: float64(s.Epochs), Step: 97 * s.Epochs}
	slope := 0.35
	if s.Beta > 0 {
		slope = 0.15
	}
	var hits int64
	for c := range s.Classes {
		wave := 0.04 * math.Sin(2.5*float64(c)+float64(s.Seed))
		x := float64(c)/float64(max(1, s.Classes-1)) - 0.5
		recall := min(0.99, max(0.01, 1-percent/100-2*slope*x+wave))
		row := make([]int64, s.Classes)
		row[c] = int64(recall * testImages)
		left := testImages - row[c]
		for k := 1; left > 0; k++ {
			step := max(1, left/3)
			to := (c + s.Classes - k%s.Classes) % s.Classes
			row[to] += step
			left -= step
		}
		r.Confusion = append(r.Confusion, row)
		r.PerClass = append(r.PerClass, float64(row[c])/testImages)
		hits += row[c]
	}
	r.Accuracy = float64(hits) / float64(s.Classes*testImages)
	r.Error = 1 - r.Accuracy
	r.Loss = 3 * r.Error
	return r
}

// History is the made-up metrics.jsonl.
func History(s Spec) []run.Epoch {
	s = s.withDefaults()
	summary := Summary(s)
	var all []run.Epoch
	for e := 1; e <= s.Epochs; e++ {
		left := math.Exp(-4 * float64(e) / float64(s.Epochs))
		train := (0.05 + 0.8*left) * s.Error / 30
		test := s.Error/100 + 0.6*left
		epoch := run.Epoch{
			Epoch: float64(e), Step: 97 * e, LR: 0.1,
			Train: run.Score{Loss: 2.5 * train, Error: train, Accuracy: 1 - train},
			Test:  &run.Score{Loss: 2.5 * test, Error: test, Accuracy: 1 - test},
		}
		for _, r := range []*run.Result{&summary.Last, &summary.Best, summary.BestByValidation} {
			if r != nil && r.Step == epoch.Step {
				epoch.Test = &run.Score{Loss: r.Loss, Error: r.Error, Accuracy: r.Accuracy}
			}
		}
		if s.Validation > 0 {
			epoch.Validation = &run.Score{Loss: 2.4 * test, Error: test - 0.01, Accuracy: 1.01 - test}
		}
		all = append(all, epoch)
	}
	return all
}
