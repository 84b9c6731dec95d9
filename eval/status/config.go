package status

import (
	"path/filepath"
	"sync"

	"longtail/data"
	"longtail/internal/config"
	"longtail/internal/run"

	"go.yaml.in/yaml/v3"
)

// facts are what is needed of a config.
type facts struct {
	Epochs    float64 `json:"epochs"`
	Batch     int     `json:"batch"`
	Steps     int     `json:"steps"` // 0: not known without reading data
	Model     string  `json:"model"`
	Precision string  `json:"precision"`
}

// briefConfig is what is read of a config.yaml. Decoding it takes a tenth of the time of config.LoadRun, which checks every key.
type briefConfig struct {
	Data struct {
		Dataset     string  `yaml:"dataset"`
		Imbalance   float64 `yaml:"imbalance"`
		Profile     string  `yaml:"profile"`
		MaxPerClass int     `yaml:"max_per_class"`
		SplitFile   string  `yaml:"split_file"`
		Validation  float64 `yaml:"validation"`
		Split       string  `yaml:"split"`
	} `yaml:"data"`
	Model struct {
		Name     string `yaml:"name"`
		Shortcut string `yaml:"shortcut"`
	} `yaml:"model"`
	Train struct {
		Epochs float64 `yaml:"epochs"`
		Batch  int     `yaml:"batch"`
	} `yaml:"train"`
	Precision string `yaml:"precision"`
}

// readConfig reads the facts of a config.yaml. One that was written by a person, and lacks keys, is read with the defaults.
func (r *Reader) readConfig(f *found) error {
	info, err := f.stat(run.ConfigFile)
	if err != nil {
		return err
	}
	now := stampOf(info)
	if f.kept.Config == now {
		return nil
	}
	path := filepath.Join(f.dir, run.ConfigFile)
	text, err := config.ReadFile(path)
	if err != nil {
		return err
	}
	var b briefConfig
	d := config.Defaults().DataSpec()
	b.Data.Imbalance, b.Data.Profile, b.Data.Split = d.Imbalance, d.Profile, d.Draw
	if yaml.Unmarshal(text, &b) != nil || b.Data.Dataset == "" || b.Model.Name == "" || b.Train.Epochs == 0 || b.Train.Batch == 0 {
		c, err := config.LoadRun(path)
		if err != nil {
			return err
		}
		r.keep(f, now, facts{c.Train.Epochs, c.Train.Batch, 0, c.Network(), c.Precision}, c.DataSpec())
		return nil
	}
	r.keep(f, now, facts{b.Train.Epochs, b.Train.Batch, 0, config.Network(b.Model.Name, b.Model.Shortcut != ""), b.Precision}, data.Spec{
		Dataset: b.Data.Dataset, Imbalance: b.Data.Imbalance, Profile: b.Data.Profile, MaxPerClass: b.Data.MaxPerClass,
		SplitFile: b.Data.SplitFile, Validation: b.Data.Validation, Draw: b.Data.Split,
	})
	return nil
}

func (r *Reader) keep(f *found, at stamp, c facts, spec data.Spec) {
	spec.SplitSeed = 0 // which says what images, not how many
	if c.Batch > 0 {
		c.Steps = config.Steps(r.counts.images(spec), c.Batch, c.Epochs)
	}
	f.kept.Config, f.kept.Facts = at, c
}

// counts are the numbers of training images of specs that were asked for.
type counts struct {
	mu    sync.Mutex
	known map[data.Spec]int
}

// images is the number of training images of a spec, 0 where files would have to be read for it or the spec is impossible.
func (c *counts) images(spec data.Spec) int {
	if spec.SplitFile != "" {
		return 0
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	n, known := c.known[spec]
	if !known {
		perClass, err := data.Counts(spec)
		for _, k := range perClass {
			if err == nil {
				n += k
			}
		}
		c.known[spec] = n
	}
	return n
}
