package tables

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"longtail/eval"
)

// protocol are the config values of the paper's experiments, as far as they bear on the result.
var protocol = map[string]string{
	"model.name": "resnet32", "model.shortcut": "avgpool", "model.init": "glorot",
	"data.profile": "exp", "data.max_per_class": "0", "data.validation": "0",
	"train.epochs": "200", "train.batch": "128", "train.lr": "0.1", "train.momentum": "0.9", "train.weight_decay": "0.0002",
}

// cellKeys are the keys that say to which cell of a table a run belongs, that repeat it, or that do not bear on the result.
var cellKeys = []string{
	"data.dataset", "data.imbalance", "loss.name", "loss.beta", "loss.gamma",
	"seed", "data.split_seed", "out", "device", "threads", "data.dir",
	"train.eval_every", "train.checkpoint_every",
}

// derived are the keys that the protocol gives as a part of the epochs: 5, 160 and 180 of 200.
var derived = map[string]func(epochs float64) string{
	"train.warmup_epochs": func(e float64) string { return text(e / 40) },
	"train.milestones":    func(e float64) string { return "[" + text(e*4/5) + ", " + text(e*9/10) + "]" },
}

func text(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// paperMultiplier says whether learning-rate multipliers are those of the paper: x 0.01 and x 0.0001 on long-tailed data,
// x 0.1 and x 0.01 on balanced.
func paperMultipliers(value, imbalance string) bool {
	if imbalance == "1" {
		return value == "[0.1, 0.01]"
	}
	return value == "[0.01, 0.0001]"
}

// Setting is how a set of runs was trained, data set, factor, loss and seed aside.
type Setting struct {
	Key        string   // equal for runs of the same setting
	Label      string   // what differs from the other settings, "train.epochs 12"; empty for a single one
	Deviations []string // from the paper's protocol: "train.epochs 12 (paper 200)"
	Runs       []*eval.Run
}

// Settings splits runs by their setting, so that no table mixes runs that were trained differently; the one that is
// nearest to the paper's protocol comes first, then the one with more runs.
func Settings(runs []*eval.Run) []Setting {
	index := map[string]int{}
	var all []Setting
	for _, r := range runs {
		s := settingOf(r)
		i, known := index[s.Key]
		if !known {
			i = len(all)
			index[s.Key] = i
			all = append(all, s)
		}
		all[i].Runs = append(all[i].Runs, r)
	}
	labelSettings(all)
	slices.SortStableFunc(all, func(a, b Setting) int {
		if d := len(a.Deviations) - len(b.Deviations); d != 0 {
			return d
		}
		return len(b.Runs) - len(a.Runs)
	})
	return all
}

// labelSettings names settings by the lines of their keys that not all of them have.
func labelSettings(all []Setting) {
	count := map[string]int{}
	for _, s := range all {
		for line := range strings.Lines(s.Key + "\n") {
			count[line]++
		}
	}
	for i, s := range all {
		var own []string
		for line := range strings.Lines(s.Key + "\n") {
			if count[line] < len(all) {
				own = append(own, strings.Replace(strings.TrimSpace(line), "=", " ", 1))
			}
		}
		all[i].Label = strings.Join(own, ", ")
	}
}

func settingOf(r *eval.Run) Setting {
	var key, deviations []string
	for _, k := range slices.Sorted(maps.Keys(r.Config)) {
		v := r.Config[k]
		if slices.Contains(cellKeys, k) || k == "train.multipliers" && paperMultipliers(v, r.Config["data.imbalance"]) {
			continue
		}
		key = append(key, k+"="+v)
		if of, ok := derived[k]; ok {
			if want := of(number(r.Config["train.epochs"], 0)); want != v {
				deviations = append(deviations, fmt.Sprintf("%s %s (the paper's schedule has %s)", k, v, want))
			}
		} else if want, ok := protocol[k]; ok && want != v {
			deviations = append(deviations, fmt.Sprintf("%s %s (paper %s)", k, v, want))
		} else if k == "train.multipliers" {
			deviations = append(deviations, fmt.Sprintf("%s %s (not the paper's)", k, v))
		}
	}
	return Setting{Key: strings.Join(key, "\n"), Deviations: deviations}
}
