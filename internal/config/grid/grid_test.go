package grid

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"longtail/internal/config"
	"longtail/internal/fail"

	"pgregory.net/rapid"
)

const small = `
base:
  data: {dataset: synthetic10, max_per_class: 10}
  model.name: resnet8
  train: {epochs: 1, batch: 8}
`

func mustParse(t testing.TB, text string, overrides ...string) *Grid {
	t.Helper()
	g, err := parse([]byte(text), "sweep.yaml", overrides)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func namesOf(g *Grid) (all []string) {
	for _, r := range g.Runs {
		all = append(all, r.Name)
	}
	return all
}

func TestRunsComeInTheOrderOfTheFileLastKeyFastest(t *testing.T) {
	g := mustParse(t, small+`
grid:
  loss: [{name: softmax}, {name: focal, gamma: 0.5, beta: 0.9999}]
  data.imbalance: [10, 5]
  seed: [1, 0]
`)
	want := []string{
		"synthetic10-if10-resnet8-softmax-s1", "synthetic10-if10-resnet8-softmax-s0",
		"synthetic10-if5-resnet8-softmax-s1", "synthetic10-if5-resnet8-softmax-s0",
		"synthetic10-if10-resnet8-focal-g0.5-b0.9999-s1", "synthetic10-if10-resnet8-focal-g0.5-b0.9999-s0",
		"synthetic10-if5-resnet8-focal-g0.5-b0.9999-s1", "synthetic10-if5-resnet8-focal-g0.5-b0.9999-s0",
	}
	if got := namesOf(g); !slices.Equal(got, want) {
		t.Errorf("runs\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if want := []string{"loss.name", "loss.gamma", "loss.beta", "data.imbalance", "seed"}; !slices.Equal(g.Varied, want) {
		t.Errorf("varied %v, want %v", g.Varied, want)
	}
	for _, r := range g.Runs {
		if r.Config.Out != filepath.Join("runs", r.Name) {
			t.Errorf("%s goes to %s", r.Name, r.Config.Out)
		}
	}
}

// The config of a run is the one that longtail train has from the same keys.
func TestConfigsAreThoseOfSingleRuns(t *testing.T) {
	g := mustParse(t, small+"grid: {data.imbalance: [10, 1], train.milestones: [[0.5, 0.7], [0.2, 0.3]]}", "out=there", "train.lr=0.2")
	single, err := config.Load("", []string{
		"data.dataset=synthetic10", "data.max_per_class=10", "model.name=resnet8", "train.epochs=1", "train.batch=8",
		"train.lr=0.2", "data.imbalance=1", "train.milestones=[0.5, 0.7]", "out=" + g.Runs[2].Config.Out,
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := g.Runs[2].Config; string(got.YAML()) != string(single.YAML()) {
		t.Errorf("run of the grid:\n%s\nalone:\n%s", got.YAML(), single.YAML())
	}
	// The schedule follows each run's own factor.
	if a, b := g.Runs[0].Config.Value("train.multipliers"), g.Runs[2].Config.Value("train.multipliers"); a != "[0.01, 0.0001]" || b != "[0.1, 0.01]" {
		t.Errorf("multipliers %s at imbalance 10 and %s at 1", a, b)
	}
}

func TestNamesTellWhatTheGridAndTheCommandLineChange(t *testing.T) {
	for _, c := range []struct {
		grid      string
		overrides []string
		want      []string
	}{
		{"{train.lr: [0.1, 0.05]}", nil, []string{"-s0-lr0.1", "-s0-lr0.05"}},
		{"{train.lr: [0.1]}", []string{"train.epochs=2", "seed=3"}, []string{"-s3-epochs2-lr0.1"}},
		{"{train.lr: [0.1]}", []string{"train.epochs=1", "device=cpu", "precision=fp32", "out=x"}, []string{"-s0-lr0.1"}},
		{"{train.milestones: [[0.5, 0.75], [0.5, 0.9]]}", nil, []string{"-s0-milestones_0.5_0.75", "-s0-milestones_0.5_0.9"}},
		{"{model.shortcut: [avgpool, projection]}", nil, []string{"-s0-shortcut_avgpool", "-s0-shortcut_projection"}},
		{"{seed: [0]}", []string{"grid.seed=[4, 5]"}, []string{"-s4", "-s5"}},
		{"{seed: [0]}", []string{"grid.train.lr=[1]"}, []string{"-s0-lr1"}},
		{"{precision: [fp32, mixed]}", nil, []string{"-s0-precision_fp32", "-s0-precision_mixed"}},
	} {
		g := mustParse(t, small+"  data.imbalance: 2\ngrid: "+c.grid, c.overrides...)
		var want []string
		for _, end := range c.want {
			want = append(want, "synthetic10-if2-resnet8-softmax"+end)
		}
		if got := namesOf(g); !slices.Equal(got, want) {
			t.Errorf("%s %v: %v, want %v", c.grid, c.overrides, got, want)
		}
	}
}

// A row without a method has the name, and so the folder, of the run that it was before there were methods.
func TestNamesTellMethodsAfterTraining(t *testing.T) {
	g := mustParse(t, small+"grid: {eval: [{adjust: none}, {adjust: 1.50}, {tau_norm: 0}, {ncm: true}]}", "data.imbalance=10")
	want := []string{
		"synthetic10-if10-resnet8-softmax-s0", "synthetic10-if10-resnet8-softmax-s0-adjust1.5",
		"synthetic10-if10-resnet8-softmax-s0-tau_norm0", "synthetic10-if10-resnet8-softmax-s0-ncm_true",
	}
	if got := namesOf(g); !slices.Equal(got, want) {
		t.Errorf("runs %v, want %v", got, want)
	}
}

func TestSameRunTwiceIsOneRun(t *testing.T) {
	g := mustParse(t, small+"  data.imbalance: 2\ngrid: {loss.name: [softmax, focal], loss.gamma: [0.5, 2]}")
	want := []string{"synthetic10-if2-resnet8-softmax-s0", "synthetic10-if2-resnet8-focal-g0.5-s0", "synthetic10-if2-resnet8-focal-g2-s0"}
	if got := namesOf(g); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestNamesStayUniqueAndShort(t *testing.T) {
	long := strings.Repeat("a/", 200)
	g := mustParse(t, small+"  data.imbalance: 2\ngrid: {data.split_file: [a/b, 'a b', "+long+"x, "+long+"y]}")
	seen := map[string]bool{}
	for _, name := range namesOf(g) {
		if seen[name] || len(name) > longestName || strings.ContainsAny(name, "/ ") {
			t.Errorf("the name %q", name)
		}
		seen[name] = true
	}
	if len(seen) != 4 {
		t.Errorf("%d names of 4 runs", len(seen))
	}
}

func TestMistakesSayWhereAndWhatIsRight(t *testing.T) {
	const grid = "\ngrid: {seed: [0]}"
	for name, c := range map[string]struct {
		text      string
		overrides []string
		want      []string
	}{
		"empty":                  {"", nil, []string{"sweep.yaml has no grid", "longtail train"}},
		"no grid":                {small, nil, []string{"sweep.yaml has no grid"}},
		"empty grid":             {small + "grid:\n", nil, []string{"sweep.yaml has no grid"}},
		"not YAML":               {"base: [", nil, []string{"sweep.yaml is no YAML"}},
		"a list":                 {"- base", nil, []string{"sweep.yaml:1:1"}},
		"unknown key":            {small + "grids: {}", nil, []string{"sweep.yaml:6:1", `unknown key "grids"`, "base, grid, rows, table, figure"}},
		"a plain config":         {"data: {dataset: cifar10}", nil, []string{"sweep.yaml:1:1", "below base", "longtail train sweep.yaml"}},
		"twice":                  {small + "base: {}" + grid, nil, []string{"sweep.yaml:6:1", "base is given twice"}},
		"unknown key of base":    {"base:\n  sede: 3" + grid, nil, []string{"sweep.yaml:2:3", `unknown key "sede"`, `did you mean "seed"`}},
		"nested unknown key":     {"base:\n  loss: {betta: 3}" + grid, nil, []string{"sweep.yaml:2:10", `did you mean "loss.beta"`}},
		"value of base":          {"base:\n  seed: -1" + grid, nil, []string{"sweep.yaml:2:9", "at least 0"}},
		"base is no map":         {"base: 3" + grid, nil, []string{"sweep.yaml:1:7", "base is a config"}},
		"grid is no map":         {"grid: [1]", nil, []string{"sweep.yaml:1:7", "grid is lines"}},
		"unknown key of grid":    {"grid:\n  data.imbalence: [1]", nil, []string{"sweep.yaml:2:3", `did you mean "data.imbalance"`}},
		"grid key twice":         {"grid:\n  seed: [1]\n  seed: [2]", nil, []string{"sweep.yaml:3:3", "seed is given twice"}},
		"no list":                {"grid:\n  seed: 3", nil, []string{"sweep.yaml:2:3", "grid key seed", "a list of values"}},
		"empty list":             {"grid:\n  seed: []", nil, []string{"sweep.yaml:2:3", "a list of values"}},
		"wrong type in list":     {"grid:\n  seed: [0, x]", nil, []string{"sweep.yaml:2:13", "seed=x", "whole number"}},
		"impossible in list":     {"grid:\n  data.imbalance: [100, 0.01]", nil, []string{"sweep.yaml:2:25", "did you mean 100"}},
		"no such loss":           {"grid:\n  loss: [{name: sofmax}]", nil, []string{"sweep.yaml:2:17", `did you mean "softmax"`}},
		"no map in section":      {"grid:\n  loss: [softmax]", nil, []string{"sweep.yaml:2:10", "section"}},
		"unknown key in section": {"grid:\n  loss: [{nam: softmax}]", nil, []string{"sweep.yaml:2:11", `did you mean "loss.name"`}},
		"value twice":            {"grid:\n  seed: [1, 2, 1]", nil, []string{"sweep.yaml:2:3", "values 1 and 3 of seed are the same"}},
		"key from two sides":     {"grid:\n  loss: [{name: softmax, beta: 0.9}]\n  loss.beta: [0]", nil, []string{"sweep.yaml:3:3", "loss.beta", "sweep.yaml:2:3"}},
		"out":                    {"grid:\n  out: [a, b]", nil, []string{"sweep.yaml:2:3", "out does not change"}},
		"device":                 {"grid:\n  device: [cpu, cuda]", nil, []string{"device does not change"}},
		"table is no word":       {"table: [1]" + grid, nil, []string{"sweep.yaml:1:8", "table: table2"}},
		"schedule of a value":    {"grid:\n  train.milestones: [[1, 2, 3]]", nil, []string{"sweep.yaml:2:22", "3 epochs"}},
		"too many":               {"grid:\n  seed: [" + numbers(101) + "]\n  data.split_seed: [" + numbers(100) + "]", nil, []string{"sweep.yaml:3:3", "more than 10000"}},
		"override of base":       {small + grid, []string{"train.epoch=3"}, []string{"command line", `did you mean "train.epochs"`}},
		"override of grid's key": {small + grid, []string{"seed=3"}, []string{"command line: seed=3", "grid.seed="}},
		"override no pair":       {small + grid, []string{"seed"}, []string{"command line", "key=value"}},
		"grid override unknown":  {small + grid, []string{"grid.sed=[3]"}, []string{"command line", `did you mean "seed"`}},
		"grid override no list":  {small + grid, []string{"grid.seed=3"}, []string{"command line", "a list of values"}},
		"grid override no pair":  {small + grid, []string{"grid.seed"}, []string{"command line", "grid.KEY="}},
		"grid override no YAML":  {small + grid, []string{"grid.seed=[3"}, []string{"command line", "no YAML"}},
		"grid override empty":    {small + grid, []string{"grid.seed="}, []string{"command line", "a list of values"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parse([]byte(c.text), "sweep.yaml", c.overrides)
			if fail.Code(err) != fail.CodeUsage {
				t.Fatalf("error %v is no usage error", err)
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not say %q", err, want)
				}
			}
		})
	}
}

func numbers(n int) string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprint(i))
	}
	return strings.Join(all, ", ")
}

func TestMissingFileIsAUsageError(t *testing.T) {
	if _, err := Load(filepath.Join(t.TempDir(), "no.yaml"), nil); fail.Code(err) != fail.CodeUsage || !strings.Contains(err.Error(), "no.yaml") {
		t.Errorf("%v", err)
	}
}

// Whatever lists a grid has, its runs are as many as the combinations, and their folders are apart.
func TestGridsHaveAllCombinations(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		distinct := func(name string, least, most int) []int {
			return rapid.SliceOfNDistinct(rapid.IntRange(least, most), 1, 4, rapid.ID).Draw(t, name)
		}
		seeds, factors, epochs := distinct("seeds", 0, 1000), distinct("factors", 1, 10), distinct("epochs", 1, 300)
		list := func(v []int) string { return strings.ReplaceAll(fmt.Sprint(v), " ", ", ") }
		text := small + fmt.Sprintf("grid:\n  train.epochs: %s\n  data.imbalance: %s\n  seed: %s\n", list(epochs), list(factors), list(seeds))
		g, err := parse([]byte(text), "sweep.yaml", nil)
		if err != nil {
			t.Fatal(err)
		}
		folders := map[string]bool{}
		for i, r := range g.Runs {
			folders[r.Config.Out] = true
			c := r.Config
			if want := seeds[i%len(seeds)]; int(c.Seed) != want {
				t.Errorf("run %d has seed %d, want %d", i, c.Seed, want)
			}
			if want := epochs[i/(len(seeds)*len(factors))]; int(c.Train.Epochs) != want {
				t.Errorf("run %d has %v epochs, want %d", i, c.Train.Epochs, want)
			}
		}
		if want := len(seeds) * len(factors) * len(epochs); len(g.Runs) != want || len(folders) != want {
			t.Errorf("%d runs in %d folders, want %d", len(g.Runs), len(folders), want)
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add(small + "grid: {seed: [0, 1], loss: [{name: softmax}, {name: focal, gamma: 1}]}")
	f.Add("grid: {data.imbalance: [&a 1, *a]}")
	f.Add("base: {<<: {seed: 1}}\ngrid: {? [a] : [1]}")
	f.Fuzz(func(t *testing.T, text string) {
		g, err := parse([]byte(text), "sweep.yaml", nil)
		if err != nil {
			if fail.Code(err) != fail.CodeUsage {
				t.Errorf("%q: error without a kind: %v", text, err)
			}
			return
		}
		if len(g.Runs) == 0 {
			t.Errorf("%q: no runs and no error", text)
		}
		for _, r := range g.Runs {
			if r.Name == "" || strings.ContainsRune(r.Name, os.PathSeparator) || len(r.Name) > longestName+10 {
				t.Errorf("%q: a run named %q", text, r.Name)
			}
		}
	})
}

// A grid gives options and weights to all its losses; those that do not use them are one run.
func TestGridsGiveOptionsToAllLosses(t *testing.T) {
	g := mustParse(t, small+"  data.imbalance: 2\ngrid: {loss.name: [softmax, logit_adjustment], loss.tau: [0.5, 2]}")
	names := namesOf(g)
	if len(names) != 3 || !strings.Contains(names[0], "softmax") || !strings.Contains(names[1], "tau0.5") || !strings.Contains(names[2], "tau2") {
		t.Errorf("runs %v", names)
	}
	g = mustParse(t, small+"  data.imbalance: 2\n  loss: {beta: 0.9, reweight_from: 0.5}\ngrid: {loss.weights: [none, effective, inverse]}")
	names = nil
	for _, r := range g.Runs {
		names = append(names, r.Config.Loss.Weights+" "+r.Config.Value("loss.beta")+" "+r.Config.Value("loss.reweight_from"))
	}
	if want := []string{"none 0 0", "effective 0.9 0.5", "inverse 0 0.5"}; !slices.Equal(names, want) {
		t.Errorf("runs %q, want %q", names, want)
	}
	g = mustParse(t, small+"  data.imbalance: 2\ngrid: {train.mix: [none, mixup], train.mix_alpha: [0.2, 1]}")
	names = namesOf(g)
	if len(names) != 3 || strings.Contains(names[0], "mixup") || !strings.Contains(names[1], "mixup-alpha0.2") || !strings.Contains(names[2], "mixup") {
		t.Errorf("runs %v", names)
	}
}

// Files that differ in their folders alone make two runs, whatever the names that they share.
func TestRunsFromOtherFilesAreOtherRuns(t *testing.T) {
	for _, key := range []string{"data.split_file", "train.init_from"} {
		names := namesOf(mustParse(t, small+"  data.imbalance: 2\ngrid: {"+key+": [a/b, a_b]}"))
		if len(names) != 2 || names[1] != names[0]+"-2" {
			t.Errorf("%s: runs %v", key, names)
		}
	}
}
