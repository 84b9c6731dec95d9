package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"longtail/data"
	"longtail/internal/fail"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

var values = cmp.Options{cmpopts.IgnoreUnexported(Config{}), cmp.AllowUnexported(Loss{})}

func load(t *testing.T, overrides ...string) *Config {
	t.Helper()
	c, err := Load("", overrides)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestDefaultsAreThePapersProtocol(t *testing.T) {
	want := `data:
  dataset: cifar10
  imbalance: 100
  profile: exp
  max_per_class: 0
  split_seed: 0
  split_file: ""
  validation: 0
  sampler: instance
model:
  name: resnet32
  shortcut: avgpool
  init: glorot
loss:
  name: softmax
  beta: 0
train:
  epochs: 200
  batch: 128
  lr: 0.1
  warmup_epochs: 5
  milestones: [160, 180]
  multipliers: [0.01, 0.0001]
  momentum: 0.9
  weight_decay: 0.0002
  eval_every: 1
  checkpoint_every: 0
seed: 0
device: auto
precision: auto
out: runs/cifar10-if100-softmax-s0
`
	if diff := cmp.Diff(want, string(load(t).YAML())); diff != "" {
		t.Error(diff)
	}
}

func TestWhatFollowsFromOtherValues(t *testing.T) {
	c := load(t, "train.epochs=12", "data.imbalance=1", "data.dataset=cifar100", "loss.name=focal", "loss.gamma=0.5", "loss.beta=0.9999", "seed=3")
	if c.Train.WarmupEpochs != 0.3 || !slices.Equal(c.Train.Milestones, []float64{9.6, 10.8}) {
		t.Errorf("schedule of 12 epochs: warm-up %v, milestones %v", c.Train.WarmupEpochs, c.Train.Milestones)
	}
	if !slices.Equal(c.Train.Multipliers, []float64{0.1, 0.01}) {
		t.Errorf("multipliers of balanced data: %v", c.Train.Multipliers)
	}
	if want := "runs/cifar100-if1-focal-g0.5-b0.9999-s3"; c.Out != want {
		t.Errorf("out = %s, want %s", c.Out, want)
	}
	c = load(t, "data.profile=step", "model.name=resnet8", "loss.beta=0.99", "data.imbalance=12.5")
	if want := "cifar10-if12.5-step-resnet8-softmax-b0.99-s0"; c.RunName() != want {
		t.Errorf("name %s, want %s", c.RunName(), want)
	}
}

func TestTypesOfOverrides(t *testing.T) {
	c := load(t, "seed=18446744073709551615", "out=123", "train.milestones=[1, 2.5, 3e0]", "train.multipliers=[1, 0.1, 1e-2]", "train.lr=1")
	if c.Seed != 1<<64-1 || c.Out != "123" || !slices.Equal(c.Train.Milestones, []float64{1, 2.5, 3}) || c.Train.LR != 1 {
		t.Errorf("%s", c.YAML())
	}
	if c := load(t, "train={epochs: 3, batch: 64}"); c.Train.Epochs != 3 || c.Train.Batch != 64 {
		t.Errorf("a section as an override: %+v", c.Train)
	}
}

func TestErrorsNamePlaceKeyAndWhatIsRight(t *testing.T) {
	for _, c := range []struct {
		name, file string
		overrides  []string
		want       []string
	}{
		{"unknown key in a file", "data:\n  imbalanc: 10\n", nil, []string{"c.yaml:2:3", `"data.imbalanc"`, `"data.imbalance"`}},
		{"unknown top key", "sed: 1\n", nil, []string{"c.yaml:1:1", `"sed"`, `"seed"`}},
		{"unknown section", "trian:\n  epochs: 1\n", nil, []string{"c.yaml:1:1", `"trian"`}},
		{"key without its section", "", []string{"epochs=3"}, []string{`"epochs"`, `"train.epochs"`}},
		{"key in the wrong section", "", []string{"loss.epochs=3"}, []string{`"train.epochs"`}},
		{"misspelt key without its section", "", []string{"epcohs=3"}, []string{`"train.epochs"`}},
		{"a flag as a key", "", []string{"threads=3"}, []string{"--threads"}},
		{"nothing like a key", "", []string{"qqqqqqqqqq=3"}, []string{"data.dataset, data.imbalance"}},
		{"wrong type", "train:\n  epochs: many\n", nil, []string{"c.yaml:2:11", "train.epochs", "a number is wanted"}},
		{"quoted number", "train:\n  epochs: '3'\n", nil, []string{"a number is wanted"}},
		{"number for a word", "model:\n  name: 3\n", nil, []string{"c.yaml:2:9", "quotes"}},
		{"fraction of an image", "", []string{"train.batch=12.5"}, []string{"train.batch=12.5", "whole number"}},
		{"negative seed", "", []string{"seed=-1"}, []string{"seed=-1", "at least 0"}},
		{"not finite", "", []string{"train.lr=.inf"}, []string{"train.lr", "a finite number is wanted"}},
		{"octal", "", []string{"seed=010"}, []string{"seed=010", "without leading zeros"}},
		{"octal that is none", "", []string{"seed=08"}, []string{"seed=08", "without leading zeros"}},
		{"octal epochs", "", []string{"train.epochs=0100"}, []string{"train.epochs=0100", "without leading zeros"}},
		{"hexadecimal", "", []string{"train.batch=0x10"}, []string{"plain decimal"}},
		{"underscores", "", []string{"train.batch=1_000"}, []string{"plain decimal"}},
		{"leading zero in a list", "", []string{"train.milestones=[01, 2]"}, []string{"item 1", "plain decimal"}},
		{"too large a count", "", []string{"data.max_per_class=2147483648"}, []string{"data.max_per_class=2147483648", "too large"}},
		{"too large a number", "", []string{"train.lr=1e400"}, []string{"train.lr=1e400", "too large"}},
		{"no number", "", []string{"data.imbalance=.nan"}, []string{"a finite number is wanted"}},
		{"milestones too far", "", []string{"train.milestones=[100001, 100002]"}, []string{"train.milestones", "100000"}},
		{"huge imbalance", "", []string{"data.imbalance=1e308"}, []string{"data.imbalance=1e+308", "lower data.imbalance"}},
		{"nothing", "", []string{"train.lr="}, []string{"train.lr", "a number is wanted"}},
		{"number for a list", "", []string{"train.milestones=3"}, []string{"a list of numbers"}},
		{"word in a list", "", []string{"train.milestones=[3, x]"}, []string{"item 2"}},
		{"section for a value", "seed:\n  a: 1\n", nil, []string{"c.yaml:2:3", "seed", "a section"}},
		{"value for a section", "train: 3\n", nil, []string{"c.yaml:1:8", "train is a section"}},
		{"twice", "seed: 1\nseed: 2\n", nil, []string{"c.yaml", "seed"}},
		{"inverse imbalance", "data:\n  imbalance: 0.01\n", nil, []string{"c.yaml:2:14", "data.imbalance=0.01", "did you mean 100?"}},
		{"inverse imbalance as an override", "", []string{"data.imbalance=0.02"}, []string{"command line", "did you mean 50?"}},
		{"more images than there are", "", []string{"data.max_per_class=5001"}, []string{"data.max_per_class", "5000"}},
		{"unknown choice", "model:\n  name: resnet23\n", nil, []string{"c.yaml:2:9", "model.name=resnet23", `"resnet20"`}},
		{"unknown loss", "", []string{"loss.name=fcoal"}, []string{`"focal"`, "sigmoid"}},
		{"beta of 1", "", []string{"loss.beta=1"}, []string{"loss.beta=1", "below 1"}},
		{"no epochs", "", []string{"train.epochs=0"}, []string{"train.epochs=0"}},
		{"more milestones than multipliers", "", []string{"train.milestones=[1]"}, []string{"train.milestones", "one multiplier"}},
		{"milestones that fall", "", []string{"train.milestones=[3, 2]"}, []string{"must rise"}},
		{"no key=value", "", []string{"seed"}, []string{"key=value"}},
		{"broken YAML", "data: [\n", nil, []string{"c.yaml", "line"}},
		{"a list", "- a\n", nil, []string{"c.yaml:1:1", "a list"}},
		{"two documents", "seed: 1\n---\nseed: 2\n", nil, []string{"more than one"}},
		{"alias", "seed: &a 1\ntrain: {epochs: *a}\n", nil, []string{"an alias"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := ""
			if c.file != "" {
				path = filepath.Join(t.TempDir(), "c.yaml")
				if err := os.WriteFile(path, []byte(c.file), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			_, err := Load(path, c.overrides)
			if fail.Code(err) != fail.CodeUsage {
				t.Fatalf("exit code %d of %v", fail.Code(err), err)
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the message lacks %q:\n%v", want, err)
				}
			}
		})
	}
}

func TestMissingFileNamesTheNearest(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "demo.yaml"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	_, err := Load(filepath.Join(dir, "dmeo.yaml"), nil)
	if fail.Code(err) != fail.CodeUsage || !strings.Contains(err.Error(), filepath.Join(dir, "demo.yaml")) {
		t.Errorf("%v", err)
	}
	if _, err := Load(filepath.Join(dir, "demo.yaml"), nil); err != nil {
		t.Errorf("an empty file is the defaults: %v", err)
	}
	if _, err := Load(dir, nil); fail.Code(err) != fail.CodeUsage {
		t.Errorf("a folder as a config: %v", err)
	}
}

// anyConfig draws a config that passes the checks.
func anyConfig(t *rapid.T) *Config {
	c := Defaults()
	c.Data.Imbalance = rapid.SampledFrom([]Factor{data.Natural, 1, 1.5, 10, 33.3, 200}).Draw(t, "imbalance")
	c.Data.Dataset = rapid.SampledFrom([]string{"cifar10", "cifar20", "synthetic100"}).Draw(t, "dataset")
	c.Data.SplitFile = rapid.SampledFrom([]string{"", "a b.json", "true", "~", "1", "x: y", `"\`, "é", "- a", "null"}).Draw(t, "split file")
	c.Out = rapid.SampledFrom([]string{"", "runs/a", "no", "1e3", "#", "a #b", "'", "/tmp/x", "{}"}).Draw(t, "out")
	c.Train.LR = rapid.Float64Range(0, 10).Draw(t, "lr")
	c.Train.WeightDecay = rapid.Float64Range(0, 1e-5).Draw(t, "decay")
	c.Train.Epochs = rapid.Float64Range(0.001, 1e5).Draw(t, "epochs")
	c.Seed = rapid.Uint64().Draw(t, "seed")
	if err := c.Complete(); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestWrittenConfigIsReadAsTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := anyConfig(t)
		again := Defaults()
		if err := again.Parse(c.YAML(), "config.yaml"); err != nil {
			t.Fatalf("%v in\n%s", err, c.YAML())
		}
		if err := again.Complete(); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c, again, values); diff != "" {
			t.Fatal(diff)
		}
		if len(c.Differences(again)) != 0 || string(c.YAML()) != string(again.YAML()) {
			t.Fatal("the same config differs from itself")
		}
	})
}

func TestDifferencesLeaveOutWhereARunIs(t *testing.T) {
	a := load(t)
	b := load(t, "out=elsewhere", "device=cpu", "data.split_file=x.json")
	if d := a.Differences(b); len(d) != 0 || string(a.Identity()) != string(b.Identity()) {
		t.Errorf("%v", d)
	}
	b = load(t, "seed=2", "train.milestones=[1, 2]", "precision=fp32", "loss.beta=0.9")
	if want := []string{"loss.beta", "train.milestones", "seed", "precision"}; !slices.Equal(a.Differences(b), want) {
		t.Errorf("%v, want %v", a.Differences(b), want)
	}
}

func TestCloneSharesNothing(t *testing.T) {
	a := load(t)
	b := a.Clone()
	b.Train.Milestones[0] = 1
	if err := b.Override([]string{"seed=9"}); err != nil {
		t.Fatal(err)
	}
	if a.Train.Milestones[0] != 160 || a.Given("seed") || a.Seed != 0 {
		t.Error("a change of the clone shows in the original")
	}
}

func FuzzConfig(f *testing.F) {
	f.Add([]byte("data:\n  dataset: cifar10\n  imbalance: 50\nseed: 3\n"))
	f.Add(Defaults().YAML())
	f.Add([]byte("train: {milestones: [1, 2], multipliers: [1, .5]}"))
	f.Add([]byte("a: &a [*a]\n<<: {seed: 1}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		c := Defaults()
		err := c.Parse(text, "f")
		if err == nil {
			err = c.Complete()
		}
		if err != nil {
			if fail.Code(err) != fail.CodeUsage {
				t.Fatalf("exit code %d of %v", fail.Code(err), err)
			}
			return
		}
		again := Defaults()
		if err := again.Parse(c.YAML(), "f"); err != nil {
			t.Fatalf("%v in\n%s", err, c.YAML())
		}
		if diff := cmp.Diff(c, again, values); diff != "" {
			t.Fatal(diff)
		}
	})
}

// An index list takes the place of the long tail, so that an imbalance factor that the set could not have is no error.
func TestSplitFileTakesThePlaceOfTheLongTail(t *testing.T) {
	keys := []string{"data.dataset=synthetic10", "data.max_per_class=10", "data.imbalance=100"}
	if _, err := Load("", keys); fail.Code(err) != fail.CodeUsage {
		t.Errorf("a tail without images: %v", err)
	}
	if _, err := Load("", append(keys, "data.split_file=list.json")); err != nil {
		t.Errorf("with an index list: %v", err)
	}
}
