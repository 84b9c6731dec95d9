package export

import (
	"fmt"
	"slices"
	"strings"

	"longtail/eval"
	"longtail/internal/run"
)

// metric is one number of an epoch.
type metric struct {
	name  string
	value float64
}

// metricsOf are the numbers of one epoch, in a fixed order.
func metricsOf(e run.Epoch, classNames []string) []metric {
	all := []metric{{"learning_rate", e.LR}}
	for _, set := range []struct {
		name  string
		score *run.Score
	}{{"train", &e.Train}, {"test", e.Test}, {"validation", e.Validation}} {
		if set.score != nil {
			all = append(all, scoreMetrics(set.name, *set.score, classNames)...)
		}
	}
	return all
}

func scoreMetrics(set string, s run.Score, classNames []string) []metric {
	all := []metric{{set + "/loss", s.Loss}, {set + "/error", s.Error}, {set + "/accuracy", s.Accuracy}}
	if s.ECE != nil {
		all = append(all, metric{set + "/ece", *s.ECE})
	}
	for c, accuracy := range s.PerClass {
		all = append(all, metric{fmt.Sprintf("%s%s%03d %s", set, ofClass, c, eval.ClassName(classNames, c)), accuracy})
	}
	return all
}

// ofClass is in the names of the metrics of single classes.
const ofClass = "_accuracy_by_class/"

// columns are the names of all metrics of some runs: those of whole sets first, then those of classes, each in the order of their
// first appearance.
func columns(runs []*Run) []string {
	var names []string
	seen := map[string]bool{}
	for _, r := range runs {
		for _, e := range r.History {
			for _, m := range metricsOf(e, r.ClassNames) {
				if !seen[m.name] {
					seen[m.name] = true
					names = append(names, m.name)
				}
			}
		}
	}
	slices.SortStableFunc(names, func(a, b string) int { return rank(a) - rank(b) })
	return names
}

// rank puts the metrics of single classes behind the others.
func rank(name string) int {
	if strings.Contains(name, ofClass) {
		return 1
	}
	return 0
}
