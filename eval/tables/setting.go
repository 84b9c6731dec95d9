package tables

import (
	"fmt"
	"slices"
	"strings"

	"longtail/eval"
	"longtail/internal/config"
)

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

// settingOf describes a run by the keys that neither say to which cell of a table it belongs nor repeat it, and compares those of
// the sections with the paper's protocol.
func settingOf(r *eval.Run) Setting {
	var key, deviations []string
	c := r.Config
	schedule := config.Protocol(float64(c.Data.Imbalance), c.Train.Epochs)
	for _, k := range config.Keys() {
		role := config.RoleOf(k)
		if isCellKey(r, k) || role != config.Experiment && role != config.Evaluation && role != config.Source {
			continue
		}
		if strings.HasPrefix(k, "loss.") {
			if !c.Usual(k) {
				key, deviations = append(key, k+"="+c.Text(k)), append(deviations, fmt.Sprintf("%s %s (not in the paper)", k, c.Text(k)))
			}
			continue
		}
		value, want := c.Text(k), schedule.Text(k)
		if k == "train.epochs" {
			want = config.Defaults().Text(k)
		}
		follows := config.FollowsFrom(k) != ""
		if follows && value == "" {
			continue // it has no meaning beside the other values, which tell
		}
		if !follows || value != want {
			key = append(key, k+"="+value)
		}
		switch {
		case value == want || role == config.Source || !strings.Contains(k, "."):
		case follows:
			deviations = append(deviations, fmt.Sprintf("%s %s (the paper's schedule has %s)", k, value, want))
		default:
			deviations = append(deviations, fmt.Sprintf("%s %s (paper %s)", k, value, want))
		}
	}
	return Setting{Key: strings.Join(key, "\n"), Deviations: deviations}
}

// isCellKey reports whether a key says to which cell of a table a run belongs.
func isCellKey(r *eval.Run, k string) bool {
	return k == "data.dataset" || k == "data.imbalance" || r.InModel(k)
}
