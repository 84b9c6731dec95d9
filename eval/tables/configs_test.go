package tables

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"longtail/eval/paper"
	"longtail/internal/config"
	"longtail/internal/config/grid"
)

// The sweeps of configs/paper have a run for every cell of the paper's tables, once, and no other.
func TestPaperConfigsHaveTheCellsOfThePaper(t *testing.T) {
	for _, name := range paper.Names() {
		table, err := paper.Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]int{}
		for _, column := range table.Columns {
			for _, row := range table.Rows {
				if row.Best == nil {
					want[fmt.Sprint(column, row.Model)]++
				}
			}
		}
		g, err := grid.Load(filepath.Join("../../configs/paper", name+".yaml"), nil)
		if err != nil {
			t.Error(err)
			continue
		}
		for _, r := range g.Runs {
			c := r.Config
			want[fmt.Sprint(paper.Column{Dataset: c.Data.Dataset, Imbalance: float64(c.Data.Imbalance)}, paper.NewModel(c.Loss.Name, c.Loss.Options()["gamma"], c.Loss.Beta))]--
			drops := "[0.01, 0.0001]"
			if c.Data.Imbalance == 1 {
				drops = "[0.1, 0.01]"
			}
			if c.Value("train.multipliers") != drops || c.Value("train.milestones") != "[160, 180]" || c.Train.WarmupEpochs != 5 {
				t.Errorf("%s of %s: multipliers %s at %s after %v epochs", r.Name, name, c.Value("train.multipliers"), c.Value("train.milestones"), c.Train.WarmupEpochs)
			}
		}
		for cell, n := range want {
			if n != 0 {
				t.Errorf("%s: cell %s has %d runs too few", name, cell, n)
			}
		}
	}
}

func TestPaperConfigsShareTheirRuns(t *testing.T) {
	folders := map[string]string{}
	shared := 0
	for _, name := range paper.Names() {
		g, err := grid.Load(filepath.Join("../../configs/paper", name+".yaml"), nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range g.Runs {
			config := string(r.Config.YAML())
			if there, known := folders[r.Config.Out]; known && there != config {
				t.Errorf("%s: another config in %s", name, r.Config.Out)
			} else if known {
				shared++
			}
			folders[r.Config.Out] = config
		}
	}
	if shared != 50 { // the plain losses of figures 8 and 10 at 5 factors
		t.Errorf("%d runs are shared, want 50", shared)
	}
}

// The second stages of configs/two_stage start from a first one on the same images, which trains all that they freeze.
func TestTwoStageConfigsStartFromTheirFirstStage(t *testing.T) {
	files, err := filepath.Glob("../../configs/two_stage/*.yaml")
	if err != nil || len(files) != 4 {
		t.Fatal(files, err)
	}
	first := map[string]string{}
	for _, path := range files {
		g, err := grid.Load(path, nil)
		if err != nil {
			t.Error(err)
			continue
		}
		seconds, byName := 0, map[string]*config.Config{}
		for _, r := range g.Runs {
			byName[r.Name] = r.Config
			if there := first[r.Config.Out]; r.After == "" && there != "" && there != string(r.Config.YAML()) {
				t.Errorf("%s: another first stage in %s", path, r.Config.Out)
			}
			first[r.Config.Out] = string(r.Config.YAML())
		}
		for _, r := range g.Runs {
			if r.After == "" {
				continue
			}
			seconds++
			from := byName[r.After]
			if from == nil || from.Data.Dataset != r.Config.Data.Dataset || from.Data.Imbalance != r.Config.Data.Imbalance || from.Train.Freeze != config.FreezeNone || r.Config.Train.Freeze == config.FreezeNone {
				t.Errorf("%s: %s starts from %s", path, r.Name, r.After)
			}
		}
		if seconds == 0 || seconds == len(g.Runs) {
			t.Errorf("%s: %d of %d runs are second stages", path, seconds, len(g.Runs))
		}
	}
}

// A row of a sweep meets its published numbers by its label: each has them in every column, but for those that are not published.
func TestRowsOfGalleriesHaveTheirNumbers(t *testing.T) {
	unpublished := []string{"logit adjustment", "softmax-DRW"}
	for file, runs := range map[string]int{"gallery.yaml": 96, "ldam/exp.yaml": 16, "ldam/step.yaml": 16, "shortened/methods.yaml": 8,
		"inaturalist2018/table3.yaml": 12, "imagenet_lt/table3.yaml": 12} {
		e, err := LoadExperiment(filepath.Join("../../configs", file), nil)
		if err != nil {
			t.Fatal(err)
		}
		m := e.Methods
		if m.Published == nil || len(m.cells) != runs {
			t.Fatalf("%s: %d cells, want %d", file, len(m.cells), runs)
		}
		for cell := range m.cells {
			if _, ok := m.Published.Cell(cell.row, cell.column); ok == (slices.Contains(unpublished, cell.row) || cell.column.Dataset == "imagenet_lt") {
				t.Errorf("%s: %s of %v has a published number: %v", file, cell.row, cell.column, ok)
			}
		}
	}
}
