package eval

import (
	"cmp"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"longtail/data"
	"longtail/eval/paper"
	"longtail/internal/config"
)

// Group is one experiment: runs that differ in their seeds only.
type Group struct {
	Label  string   // of what differs from the other groups: "synthetic10 IF 100 CB focal γ=1 β=0.9999"
	Values []string // [len(Grouping.Varying)]
	Runs   []*Run
}

// Grouping is a set of runs by what differs among them.
type Grouping struct {
	Varying []string // keys that differ, seeds aside; loss.name, loss.beta and the focal loss's gamma count as one, "loss"
	Groups  []Group  // sorted by data set, imbalance factor (largest first), loss, and the rest
}

// GroupRuns groups runs by the config keys that differ among them.
func GroupRuns(runs []*Run) Grouping {
	g := Grouping{Varying: varying(runs)}
	index := map[string]int{}
	for _, r := range Sorted(runs) {
		values := make([]string, len(g.Varying))
		for i, k := range g.Varying {
			values[i] = r.value(k)
		}
		id := strings.Join(values, "\x00")
		i, known := index[id]
		if !known {
			i = len(g.Groups)
			index[id] = i
			g.Groups = append(g.Groups, Group{Values: values})
		}
		g.Groups[i].Runs = append(g.Groups[i].Runs, r)
	}
	usual := g.usual()
	for i := range g.Groups {
		group := &g.Groups[i]
		group.Label = label(g.Varying, group.Values, usual, group.Runs[0])
	}
	return g
}

// usual are the values that more than two thirds of the groups have, by key; a label is shorter without them.
func (g Grouping) usual() map[string]string {
	usual := map[string]string{}
	for i, key := range g.Varying {
		if keyRank(key) < keyRank("") {
			continue // what a reader looks for first
		}
		count := map[string]int{}
		for _, group := range g.Groups {
			if v := group.Values[i]; 3*(count[v]+1) > 2*len(g.Groups) {
				usual[key] = v
			} else {
				count[v]++
			}
		}
	}
	return usual
}

// Adjusted reports whether a run of a group is quoted after a method that its config asked for.
func (g Grouping) Adjusted() bool {
	return slices.ContainsFunc(g.Groups, func(group Group) bool { return AnyAdjusted(group.Runs) })
}

// value is what a run has for a key of Grouping.Varying.
func (r *Run) value(key string) string {
	if key == "loss" {
		return r.Model().String()
	}
	if strings.HasPrefix(key, "loss.") && (r.InModel(key) || r.Config.Usual(key)) {
		return ""
	}
	return r.Config.Text(key)
}

// InModel reports whether Model says what a run has for a key.
func (r *Run) InModel(key string) bool {
	return key == "loss.name" || key == "loss.beta" || key == "loss.gamma" && r.Summary.Loss == paper.Focal
}

// differs reports whether runs have several values for a key. A key whose default follows from another one, and that has no meaning beside
// a run's other values, as milestones beside a cosine, does not count for that run: those other values tell.
func differs(runs []*Run, key string) bool {
	values := map[string]bool{}
	for _, r := range runs {
		if v := r.value(key); v != "" || config.FollowsFrom(key) == "" {
			values[v] = true
		}
	}
	return len(values) > 1
}

// varying are the keys whose values differ among runs, in the order in which a reader looks for them. A key whose default
// follows from another one does not count where it tells nothing more than that other key.
func varying(runs []*Run) []string {
	found := slices.DeleteFunc(append(tellingKeys(), "loss"), func(k string) bool {
		return !differs(runs, k)
	})
	found = slices.DeleteFunc(found, func(k string) bool {
		cause := config.FollowsFrom(k)
		return cause != "" && slices.Contains(found, cause) && follows(runs, k, cause)
	})
	slices.SortFunc(found, func(a, b string) int {
		return cmp.Or(cmp.Compare(keyRank(a), keyRank(b)), strings.Compare(a, b))
	})
	return found
}

// tellingKeys are the keys that tell experiments apart.
func tellingKeys() []string {
	return slices.DeleteFunc(config.Keys(), func(k string) bool {
		switch config.RoleOf(k) {
		case config.Repetition, config.Bookkeeping, config.Place:
			return true
		}
		return false
	})
}

// follows reports whether runs that agree in cause agree in key.
func follows(runs []*Run, key, cause string) bool {
	values := map[string]string{}
	for _, r := range runs {
		if v, seen := values[r.value(cause)]; seen && v != r.value(key) {
			return false
		}
		values[r.value(cause)] = r.value(key)
	}
	return true
}

// keyRank puts first what a reader of long-tail results looks for first.
func keyRank(key string) int {
	order := []string{"data.dataset", "model.name", "data.imbalance", "loss"}
	if i := slices.Index(order, key); i >= 0 {
		return i
	}
	return len(order)
}

// Sorted is the order of tables and charts: data set, network, imbalance factor (largest first), loss, gamma, beta, seed.
func Sorted(runs []*Run) []*Run {
	return slices.SortedStableFunc(slices.Values(runs), func(a, b *Run) int {
		return cmp.Or(
			compareNatural(a.Summary.Dataset, b.Summary.Dataset),
			compareNatural(a.Summary.Model, b.Summary.Model),
			cmp.Compare(b.Summary.Imbalance, a.Summary.Imbalance),
			cmp.Compare(lossRank(a.Summary.Loss), lossRank(b.Summary.Loss)),
			strings.Compare(a.Summary.Loss, b.Summary.Loss),
			cmp.Compare(a.Model().Gamma, b.Model().Gamma),
			cmp.Compare(a.Summary.Beta, b.Summary.Beta),
			cmp.Compare(a.Summary.Seed, b.Summary.Seed),
			strings.Compare(a.Dir, b.Dir))
	})
}

func lossRank(name string) int {
	if i := slices.Index([]string{"softmax", "sigmoid", "focal"}, name); i >= 0 {
		return i
	}
	return 3
}

// compareNatural orders resnet8 before resnet32: by the text before a trailing number, then by the number.
func compareNatural(a, b string) int {
	cut := func(s string) (string, int) {
		stem := strings.TrimRight(s, "0123456789")
		n, _ := strconv.Atoi(s[len(stem):]) // no digits: 0
		return stem, n
	}
	as, an := cut(a)
	bs, bn := cut(b)
	return cmp.Or(strings.Compare(as, bs), cmp.Compare(an, bn))
}

// label names a group by its values, without the usual ones; a single group is named by its loss.
func label(keys, values []string, usual map[string]string, r *Run) string {
	if len(keys) == 0 {
		return r.Model().String()
	}
	var parts []string
	for i, k := range keys {
		if v, known := usual[k]; known && v == values[i] {
			continue
		}
		if values[i] != "" || !strings.HasPrefix(k, "loss.") { // a loss that lacks a key, or has its default, is called by its name
			parts = append(parts, describe(k, values[i]))
		}
	}
	if parts == nil {
		return r.Model().String()
	}
	return strings.Join(parts, ", ")
}

func describe(key, value string) string {
	switch key {
	case "data.dataset", "model.name", "loss":
		return value
	case "data.imbalance":
		if value == data.ImbalanceText(data.Natural) {
			return data.ImbalanceLabel(data.Natural)
		}
		return "IF " + value
	default:
		switch {
		case value == "":
			value = "unset"
		case config.RoleOf(key) == config.Source:
			value = filepath.Base(value)
		}
		_, short, found := strings.Cut(key, ".")
		if !found {
			short = key
		}
		return short + " " + value
	}
}
