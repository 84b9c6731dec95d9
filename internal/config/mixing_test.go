package config

import (
	"strings"
	"testing"

	"longtail/data/mix"
	"longtail/internal/fail"
)

// config.yaml has the options of the chosen rule alone, and reads back.
func TestConfigHasTheOptionsOfItsMixing(t *testing.T) {
	for _, rule := range mix.Choices() {
		c := load(t, "train.mix="+rule)
		text := string(c.YAML())
		if strings.Contains(text, "  mix: ") != (rule != mix.None) {
			t.Errorf("%s: the rule is missing, or too much:\n%s", rule, text)
		}
		for _, o := range mix.AllOptions() {
			if strings.Contains(text, "  mix_"+o.Name+": ") != c.mixes(o.Name) {
				t.Errorf("%s: mix_%s is missing, or too much:\n%s", rule, o.Name, text)
			}
		}
		again := Defaults()
		if err := again.Parse([]byte(text), "config.yaml"); err != nil {
			t.Fatal(err)
		}
		if err := again.Complete(); err != nil || string(again.YAML()) != text {
			t.Errorf("%s: it reads back as\n%s%v", rule, again.YAML(), err)
		}
	}
}

// What is given is what the rule gets; a copy of a config has numbers of its own.
func TestMixingFollowsTheConfig(t *testing.T) {
	set := mix.Set{Seed: 3, Counts: []int{30, 2}, Height: 8, Width: 8}
	c := load(t, "train.mix=remix", "train.mix_alpha=0.3", "train.mix_kappa=10", "train.mix_tau=0.9")
	got, err := c.NewMixing(set)
	if err != nil {
		t.Fatal(err)
	}
	want, err := mix.New("remix", mix.Options{"alpha": 0.3, "kappa": 10, "tau": 0.9}, set)
	if err != nil {
		t.Fatal(err)
	}
	for step := range 20 {
		a, b := got.Draw(step, []int32{0, 1, 0}), want.Draw(step, []int32{0, 1, 0})
		if a.Share != b.Share || a.First[0] != b.First[0] || a.First[1] != b.First[1] {
			t.Errorf("step %d: %+v, want %+v", step, a, b)
		}
	}
	d := c.Clone()
	if err := d.Override([]string{"train.mix_kappa=5"}); err != nil || c.Value("train.mix_kappa") != "10" || d.Value("train.mix_kappa") != "5" {
		t.Errorf("kappa is %s, and %s in the copy: %v", c.Value("train.mix_kappa"), d.Value("train.mix_kappa"), err)
	}
	if len(d.Differences(c)) != 1 || d.Differences(c)[0] != "train.mix_kappa" {
		t.Errorf("the copy differs in %v", d.Differences(c))
	}
	if m, err := load(t).NewMixing(set); m != nil || err != nil {
		t.Errorf("without a rule: %v, %v", m, err)
	}
}

func TestNamesOfRunsThatMix(t *testing.T) {
	for want, overrides := range map[string][]string{
		"cifar10-if100-mixup-softmax-s0":                 {"train.mix=mixup"},
		"cifar10-if100-class-cutmix-alpha0.2-softmax-s0": {"train.mix=cutmix", "train.mix_alpha=0.2", "data.sampler=class"},
		"cifar10-if100-remix-alpha2-kappa5-softmax-s0":   {"train.mix=remix", "train.mix_alpha=2", "train.mix_kappa=5", "train.mix_tau=0.5"},
		"cifar10-if100-softmax-s0":                       {"train.mix_kappa=3"},
	} {
		if name := load(t, overrides...).RunName(); name != want {
			t.Errorf("%v: %s, want %s", overrides, name, want)
		}
	}
}

func TestKeysOfMixingThatContradictEachOther(t *testing.T) {
	for _, c := range []struct {
		overrides []string
		want      string
	}{
		{[]string{"train.mix=mixdown"}, "choose one of none, cutmix, mixup, remix"},
		{[]string{"train.mix=mixup", "train.mix_alpha=0"}, "train.mix_alpha=0 is impossible: it must be from 0.001 to 1000"},
		{[]string{"train.mix=remix", "train.mix_tau=1.5"}, "train.mix_tau=1.5 is impossible"},
		{[]string{"train.mix_alpha=0.2"}, "command line: train.mix_alpha=0.2 has no meaning with train.mix=none\nleave it out; it is an option of train.mix=cutmix, mixup, remix"},
		{[]string{"train.mix=mixup", "train.mix_kappa=4"}, "train.mix_kappa=4 has no meaning with train.mix=mixup\nleave it out; it is an option of train.mix=remix"},
		{[]string{"train.mix_beta=1"}, `unknown key "train.mix_beta"`},
	} {
		if _, err := Load("", c.overrides); fail.Code(err) != fail.CodeUsage || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v, want %q", c.overrides, err, c.want)
		}
	}
}
