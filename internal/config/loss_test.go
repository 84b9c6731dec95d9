package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"longtail/internal/fail"
	"longtail/loss"
)

// config.yaml has the keys of the section loss that bear on the run, and later ones only away from their default.
func TestLossSectionHasWhatIsUsed(t *testing.T) {
	for _, c := range []struct {
		overrides []string
		want      string
	}{
		{nil, "loss:\n  name: softmax\n  beta: 0\n"},
		{[]string{"loss.beta=0.99"}, "loss:\n  name: softmax\n  beta: 0.99\n"},
		{[]string{"loss.beta=0.99", "loss.weights=effective", "loss.divisor=batch", "loss.gamma=1", "loss.tau=1"}, "loss:\n  name: softmax\n  beta: 0.99\n"},
		{[]string{"loss.weights=inverse", "loss.divisor=weights", "loss.reweight_from=160"},
			"loss:\n  name: softmax\n  weights: inverse\n  divisor: weights\n  reweight_from: 160\n"},
		{[]string{"loss.name=focal"}, "loss:\n  name: focal\n  beta: 0\n  gamma: 1\n"},
		{[]string{"loss.name=vs"}, "loss:\n  name: vs\n  beta: 0\n  gamma: 0.3\n  tau: 1\n"},
		{[]string{"loss.name=label_aware_smoothing", "loss.shape=convex"}, "loss:\n  name: label_aware_smoothing\n  beta: 0\n  head: 0.4\n  shape: convex\n  tail: 0.1\n"},
	} {
		text := string(load(t, c.overrides...).YAML())
		if section := text[strings.Index(text, "loss:"):strings.Index(text, "train:")]; section != c.want {
			t.Errorf("%v:\n%s, want\n%s", c.overrides, section, c.want)
		}
	}
}

func TestNamesOfRunsOfOtherLosses(t *testing.T) {
	for want, overrides := range map[string][]string{
		"cifar10-if100-softmax-s0":                            {"loss.weights=none"},
		"cifar10-if100-focal-g1-b0.9999-s0":                   {"loss.name=focal", "loss.beta=0.9999"},
		"cifar10-if100-cdt-g0.3-s0":                           {"loss.name=cdt"},
		"cifar10-if100-vs-g0.15-tau1.25-s0":                   {"loss.name=vs", "loss.gamma=0.15", "loss.tau=1.25"},
		"cifar10-if100-ldam-b0.9999-from160-by_weights-s0":    {"loss.name=ldam", "loss.beta=0.9999", "loss.reweight_from=160", "loss.divisor=weights"},
		"cifar10-if100-softmax-sqrt_inverse-s0":               {"loss.weights=sqrt_inverse"},
		"cifar10-if100-label_aware_smoothing-tail0-linear-s0": {"loss.name=label_aware_smoothing", "loss.shape=linear", "loss.tail=0"},
		"cifar10-if100-logit_adjustment-tau1.5-inverse-from0.5-s0": {"loss.name=logit_adjustment", "loss.tau=1.5", "loss.weights=inverse",
			"loss.reweight_from=0.5"},
	} {
		if name := load(t, overrides...).RunName(); name != want {
			t.Errorf("%v: %s, want %s", overrides, name, want)
		}
	}
}

// The options of a loss reach it as numbers; a word is the index of its choice.
func TestOptionsOfTheChosenLoss(t *testing.T) {
	c := load(t, "loss.name=label_aware_smoothing", "loss.shape=convex", "loss.head=0.3")
	if o := c.Loss.Options(); len(o) != 3 || o["shape"] != 2 || o["head"] != 0.3 || o["tail"] != 0.1 {
		t.Errorf("%v", o)
	}
	if _, err := loss.New(c.Loss.Name, c.Loss.Options()); err != nil {
		t.Error(err)
	}
	if o := load(t).Loss.Options(); len(o) != 0 {
		t.Errorf("softmax has the options %v", o)
	}
	a := load(t, "loss.name=label_aware_smoothing")
	b := a.Clone()
	if err := b.Override([]string{"loss.shape=convex", "loss.tail=0"}); err != nil {
		t.Fatal(err)
	}
	if a.Value("loss.shape") != "concave" || a.Value("loss.tail") != "0.1" {
		t.Error("a change of a clone shows in the original")
	}
}

func TestKeysThatTheLossDoesNotUse(t *testing.T) {
	for _, c := range []struct {
		overrides []string
		want      []string
	}{
		{[]string{"loss.gamma=2"}, []string{"loss.gamma=2", "loss.name=softmax", "cdt, focal, softmax_focal, vs"}},
		{[]string{"loss.name=ldam", "loss.shape=linear"}, []string{"loss.shape=linear", "label_aware_smoothing"}},
		{[]string{"loss.scal=3"}, []string{`"loss.scal"`, `did you mean "loss.scale"?`}},
		{[]string{"loss.name=label_aware_smoothing", "loss.shape=conve"}, []string{"loss.shape=conve", `did you mean "convex"?`}},
		{[]string{"loss.name=label_aware_smoothing", "loss.shape=1"}, []string{"loss.shape=1", "concave, linear, convex"}},
		{[]string{"loss.name=label_smoothing", "loss.epsilon=1.5"}, []string{"loss.epsilon=1.5", "from 0 to 1"}},
		{[]string{"loss.weights=inverted"}, []string{"loss.weights=inverted", `did you mean "inverse"?`}},
		{[]string{"loss.divisor=weight"}, []string{"loss.divisor=weight", `did you mean "weights"?`}},
		{[]string{"loss.weights=effective"}, []string{"loss.weights=effective", "loss.beta=0.9999"}},
		{[]string{"loss.weights=inverse", "loss.beta=0.9"}, []string{"loss.beta=0.9", "loss.weights=inverse"}},
		{[]string{"loss.weights=none", "loss.beta=0.9"}, []string{"loss.beta=0.9", "loss.weights=none"}},
		{[]string{"loss.reweight_from=160"}, []string{"loss.reweight_from=160", "loss.weights=inverse"}},
		{[]string{"loss.reweight_from=200", "loss.beta=0.9"}, []string{"loss.reweight_from=200", "never reached", "train.epochs=200"}},
		{[]string{"loss.reweight_from=-1", "loss.beta=0.9"}, []string{"loss.reweight_from=-1"}},
	} {
		_, err := Load("", c.overrides)
		if fail.Code(err) != fail.CodeUsage {
			t.Errorf("%v: exit code %d of %v", c.overrides, fail.Code(err), err)
			continue
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%v: the message lacks %q:\n%v", c.overrides, want, err)
			}
		}
	}
	for _, key := range []string{"loss.gamma=1", "loss.gamma=0.3", "loss.shape=concave", "loss.weights=none", "loss.reweight_from=0"} {
		if _, err := Load("", []string{key}); err != nil {
			t.Errorf("%s is a default: %v", key, err)
		}
	}
	if c := load(t, "loss.weights=effective", "loss.beta=0"); c.Differences(load(t, "loss.weights=effective", "loss.beta=0")) != nil {
		t.Error("effective weights of beta 0 are refused")
	}
}

// Weights that follow from beta, and the same ones that are named, are one run.
func TestImpliedWeightsAreNoDifference(t *testing.T) {
	a, b := load(t, "loss.beta=0.9"), load(t, "loss.beta=0.9", "loss.weights=effective")
	if string(a.YAML()) != string(b.YAML()) || len(a.Differences(b)) != 0 || a.RunName() != b.RunName() {
		t.Errorf("%s\n%s", a.YAML(), b.YAML())
	}
	c := load(t, "loss.weights=inverse")
	if d := load(t).Differences(c); len(d) != 1 || d[0] != "loss.weights" {
		t.Errorf("differences %v", d)
	}
}

// Runs of earlier versions have options in their config.yaml that their loss does not use.
func TestRunsOfEarlierVersionsAreRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(path, []byte("loss:\n  name: softmax\n  beta: 0.9\n  gamma: 2\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	c, err := LoadRun(path)
	if err != nil || string(c.YAML()) != string(load(t, "loss.beta=0.9").YAML()) {
		t.Errorf("%v\n%s", err, c.YAML())
	}
	if _, err := Load(path, nil); fail.Code(err) != fail.CodeUsage {
		t.Errorf("as a config of a new run: %v", err)
	}
}
