package config

import (
	"slices"
	"strings"
	"testing"

	"longtail/internal/fail"
)

// The keys that came after the first runs, each with a value that is not its default, and what else that value needs.
var later = map[string][]string{
	"data.sampler_beta":  {"0.99", "data.sampler=effective"},
	"data.resample_from": {"160", "data.sampler=class"},
	"data.order":         {"authors"},
	"data.split":         {"ldam"},
	"data.input":         {"standard"},
	"data.augment":       {"cutout"},
	"data.crop":          {"random_resized"},
	"data.scale":         {"[0.25, 1]", "data.crop=random_resized"},
	"data.ratio":         {"[1, 1]", "data.crop=random_resized"},
	"train.init_from":    {"runs/first"},
	"train.fresh":        {"classifier", "train.init_from=runs/first"},
	"train.freeze":       {"features", "train.init_from=runs/first"},
	"train.max_norm":     {"0.5"},
	"model.class_scale":  {"true"},
	"train.schedule":     {"cosine"},
	"loss.divisor":       {"weights"},
	"loss.reweight_from": {"160", "loss.beta=0.9999"},
	"train.warmup":       {"epoch"},
	"train.nesterov":     {"true"},
	"train.mix":          {"mixup"},
	"train.checkpoint":   {"always"},
}

// A run with a later key at its default is the run that earlier versions knew: the same config.yaml, fingerprint, identity and name, even
// where the key is given. With another value it is another run, unless the key is of the role Place, and its config.yaml reads back.
func TestLaterKeysAtTheirDefaultChangeNothing(t *testing.T) {
	plain := load(t)
	for _, e := range plain.entries() {
		if !e.later {
			continue
		}
		if len(later[e.key]) == 0 {
			t.Errorf("%s is not in the table of this test", e.key)
			continue
		}
		text := plain.Text(e.key)
		if e.unused {
			text = format(e.value)
		}
		given := load(t, e.key+"="+text)
		if string(given.YAML()) != string(plain.YAML()) || string(given.Identity()) != string(plain.Identity()) || given.Conflict(plain) != "" {
			t.Errorf("%s at its default changes the config:\n%s", e.key, given.YAML())
		}
		_, name, _ := strings.Cut(e.key, ".")
		if line := "  " + name + ": " + plain.Value(e.key) + "\n"; strings.Contains(string(plain.Full()), line) == e.unused {
			t.Errorf("the full config has %q: %v", line, e.unused)
		}
		needs := load(t, later[e.key][1:]...)
		other := load(t, append([]string{e.key + "=" + later[e.key][0]}, later[e.key][1:]...)...)
		if differs := slices.Contains(other.Differences(needs), e.key); e.role != Source && (differs != (e.role != Place) || differs != (other.Conflict(needs) != "")) {
			t.Errorf("%s=%s: another run is %t, which differs in %v", e.key, later[e.key][0], differs, other.Differences(needs))
		}
		a, errA := Fingerprint(needs.YAML())
		b, errB := Fingerprint(other.YAML())
		if (a == b) != (e.role == Place) || errA != nil || errB != nil {
			t.Errorf("%s=%s has the same fingerprint: %t; %v, %v", e.key, later[e.key][0], a == b, errA, errB)
		}
		again := Defaults()
		if err := again.Parse(other.YAML(), "config.yaml"); err != nil {
			t.Fatal(err)
		}
		if err := again.Complete(); err != nil || again.Value(e.key) != other.Value(e.key) || string(again.YAML()) != string(other.YAML()) {
			t.Errorf("%s=%s is read back as %s: %v", e.key, other.Value(e.key), again.Value(e.key), err)
		}
	}
}

func TestNamesOfRunsThatSampleAnotherWay(t *testing.T) {
	for want, overrides := range map[string][]string{
		"cifar10-if100-class-softmax-s0":                               {"data.sampler=class"},
		"cifar10-if100-class-from160-softmax-s0":                       {"data.sampler=class", "data.resample_from=160"},
		"cifar10-if100-authors-softmax-s0":                             {"data.order=authors"},
		"cifar10-if100-step-ldam-standard-unaugmented-sqrt-softmax-s0": {"data.profile=step", "data.split=ldam", "data.input=standard", "data.augment=none", "data.sampler=sqrt"},
		"cifar10-if100-cutout-random_resized-softmax-s0":               {"data.augment=cutout", "data.crop=random_resized", "data.scale=[0.5, 1]"},
		"cifar10-if100-effective-softmax-s0":                           {"data.sampler=effective", "data.sampler_beta=0.99"},
		"cifar10-if100-softmax-s0":                                     {"train.schedule=cosine", "train.nesterov=true"},
		"cifar10-if100-class-softmax-stage2-fresh-features_frozen-s0":  {"data.sampler=class", "train.init_from=r", "train.fresh=classifier", "train.freeze=features"},
		"cifar10-if100-softmax-stage2-all_but_scale_frozen-scaled-s0":  {"train.init_from=r", "train.freeze=all_but_scale", "model.class_scale=true"},
		"cifar10-if100-softmax-b0.99-radius0.5-s0":                     {"loss.beta=0.99", "train.max_norm=0.5"},
	} {
		if name := load(t, overrides...).RunName(); name != want {
			t.Errorf("%v: %s, want %s", overrides, name, want)
		}
	}
}

func TestKeysThatContradictEachOther(t *testing.T) {
	for _, c := range []struct {
		overrides []string
		want      []string
	}{
		{[]string{"data.sampler=clas"}, []string{"data.sampler=clas", `did you mean "class"?`}},
		{[]string{"data.order=author"}, []string{"data.order=author", "uniform, authors"}},
		{[]string{"data.split=ldm"}, []string{"data.split=ldm", "seed, ldam"}},
		{[]string{"data.input=byte"}, []string{"data.input=byte", "bytes, standard"}},
		{[]string{"data.augment=cut"}, []string{"data.augment=cut", "standard, none, cutout"}},
		{[]string{"data.crop=resized"}, []string{"data.crop=resized", "padded, random_resized"}},
		{[]string{"data.crop=random_resized", "data.augment=none"}, []string{"command line: data.crop=random_resized", "data.augment=none", "data.augment=standard"}},
		{[]string{"data.scale=[0.2, 1]"}, []string{"command line: data.scale=[0.2, 1]", "data.crop=padded", "data.crop=random_resized"}},
		{[]string{"data.ratio=[1, 2]"}, []string{"data.ratio=[1, 2]", "data.crop=padded"}},
		{[]string{"data.crop=random_resized", "data.scale=[0, 1]"}, []string{"data.scale=[0, 1]", "above 0", "[0.08, 1]"}},
		{[]string{"data.crop=random_resized", "data.scale=[0.5]"}, []string{"data.scale=[0.5]", "two areas"}},
		{[]string{"data.crop=random_resized", "data.scale=0.5"}, []string{"data.scale=0.5", "a list of numbers"}},
		{[]string{"data.crop=random_resized", "data.scale=[1, 0.5]"}, []string{"data.scale=[1, 0.5]", "the smaller one first"}},
		{[]string{"data.crop=random_resized", "data.scale=[0.5, 1.5]"}, []string{"data.scale=[0.5, 1.5]", "up to 1"}},
		{[]string{"data.crop=random_resized", "data.scale=[0.5, .nan]"}, []string{"data.scale", "item 2", "a finite number"}},
		{[]string{"data.crop=random_resized", "data.ratio=[0.01, 1]"}, []string{"data.ratio=[0.01, 1]", "0.1 to 10"}},
		{[]string{"data.crop=random_resized", "data.ratio=[0.75, 1, 2]"}, []string{"data.ratio=[0.75, 1, 2]", "two ratios"}},
		{[]string{"train.schedule=cos"}, []string{"train.schedule=cos", "step, cosine"}},
		{[]string{"train.warmup=epochs"}, []string{"train.warmup=epochs", "step, epoch"}},
		{[]string{"train.nesterov=yes"}, []string{"train.nesterov=yes", "true or false"}},
		{[]string{"train.nesterov=1"}, []string{"train.nesterov=1", "true or false"}},
		{[]string{"data.resample_from=160"}, []string{"data.resample_from=160", "data.sampler=instance", "data.sampler=class"}},
		{[]string{"data.resample_from=-1", "data.sampler=class"}, []string{"data.resample_from=-1"}},
		{[]string{"data.resample_from=1.5", "data.sampler=class"}, []string{"data.resample_from=1.5", "whole number"}},
		{[]string{"data.resample_from=200", "data.sampler=class"}, []string{"data.resample_from=200", "never reached", "train.epochs=200"}},
		{[]string{"data.order=authors", "data.sampler=class"}, []string{"data.order=authors", "data.sampler=class"}},
		{[]string{"data.split=ldam", "data.split_file=x.json"}, []string{"data.split=ldam", "x.json"}},
		{[]string{"data.split=ldam", "data.split_seed=4294967296"}, []string{"command line: data.split=ldam", "data.split_seed=4294967296"}},
		{[]string{"data.sampler_beta=1"}, []string{"data.sampler_beta=1", "below 1"}},
		{[]string{"train.schedule=cosine", "train.milestones=[1, 2]"}, []string{"train.milestones=[1, 2]", "train.schedule=cosine"}},
		{[]string{"train.schedule=cosine", "train.multipliers=[0.1, 0.01]"}, []string{"train.multipliers", "train.schedule=step"}},
		{[]string{"train.freeze=feature"}, []string{"train.freeze=feature", `did you mean "features"?`}},
		{[]string{"train.freeze=features"}, []string{"train.freeze=features", "random values", "train.init_from=RUN"}},
		{[]string{"train.freeze=all_but_scale", "train.init_from=r"}, []string{"leaves nothing to train", "model.class_scale=true"}},
		{[]string{"train.freeze=all_but_scale", "train.init_from=r", "model.class_scale=true", "train.fresh=classifier"}, []string{"train.fresh=classifier draws", "train.freeze=features"}},
		{[]string{"train.freeze=all_but_scale", "train.init_from=r", "model.class_scale=true", "train.max_norm=1"}, []string{"command line: train.max_norm=1", "train.freeze=features"}},
		{[]string{"model.class_scale=true", "eval.tau_norm=1"}, []string{"eval.tau_norm=1", "model.class_scale=true"}},
		{[]string{"train.max_norm=-1"}, []string{"train.max_norm=-1", "a radius above 0"}},
		{[]string{"train.nesterov=true", "train.momentum=0"}, []string{"train.nesterov=true", "train.momentum=0.9"}},
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
}
