package export

import (
	"fmt"
	"slices"
	"strconv"
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

// fields are the metrics of a whole set, by the part of their names behind the set's. Those that a score lacks are nil.
var fields = []struct {
	name string
	of   func(run.Score) *float64
}{
	{"loss", func(s run.Score) *float64 { return &s.Loss }},
	{"error", func(s run.Score) *float64 { return &s.Error }},
	{"accuracy", func(s run.Score) *float64 { return &s.Accuracy }},
	{"ece", func(s run.Score) *float64 { return s.ECE }},
}

func scoreMetrics(set string, s run.Score, classNames []string) []metric {
	var all []metric
	for _, f := range fields {
		if v := f.of(s); v != nil {
			all = append(all, metric{set + "/" + f.name, *v})
		}
	}
	for c, accuracy := range s.PerClass {
		all = append(all, metric{fmt.Sprintf("%s%s%03d %s", set, ofClass, c, eval.ClassName(classNames, c)), accuracy})
	}
	return all
}

// ofClass is in the names of the metrics of single classes.
const ofClass = "_accuracy_by_class/"

// Names are the names of all metrics that some runs have, those of classes last.
func Names(runs []*eval.Run) []string {
	var telling []*Run
	for _, r := range runs {
		telling = append(telling, &Run{History: tellingEpochs(r.History), ClassNames: r.Summary.ClassNames})
	}
	return columns(telling)
}

// tellingEpochs are the last epochs that have a test, a validation, and anything: together they have every metric of a run.
func tellingEpochs(history []run.Epoch) (telling []run.Epoch) {
	for _, has := range []func(run.Epoch) bool{
		func(e run.Epoch) bool { return e.Test != nil },
		func(e run.Epoch) bool { return e.Validation != nil },
		func(run.Epoch) bool { return true },
	} {
		for _, e := range slices.Backward(history) {
			if has(e) {
				telling = append(telling, e)
				break
			}
		}
	}
	return telling
}

// Value is the metric of that name of an epoch, if it has it.
func Value(e run.Epoch, name string) (float64, bool) {
	set, field, _ := strings.Cut(name, "/")
	if name == "learning_rate" {
		return e.LR, true
	}
	set, ofOne := strings.CutSuffix(set, strings.TrimSuffix(ofClass, "/"))
	s := map[string]*run.Score{"train": &e.Train, "test": e.Test, "validation": e.Validation}[set]
	if s == nil {
		return 0, false
	}
	if ofOne {
		number, _, _ := strings.Cut(field, " ")
		class, err := strconv.Atoi(number)
		if err != nil || class < 0 || class >= len(s.PerClass) {
			return 0, false
		}
		return s.PerClass[class], true
	}
	for _, f := range fields {
		if f.name != field {
			continue
		}
		if v := f.of(*s); v != nil {
			return *v, true
		}
	}
	return 0, false
}

// columns are the names of all metrics of some runs: those of whole sets first, then those of classes, each in the order of their
// first appearance.
func columns(runs []*Run) []string {
	names := []string{}
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
