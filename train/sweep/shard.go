package sweep

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"longtail/internal/fail"
)

// Shard is the Index-th of Count parts of a sweep, counted from 1.
type Shard struct{ Index, Count int }

// mostShards bounds the number of parts, as grid bounds that of runs.
const mostShards = 10_000

// ParseShard reads "K/N", with K from 1 to N.
func ParseShard(text string) (Shard, error) {
	k, n, _ := strings.Cut(text, "/")
	index, errK := strconv.Atoi(k)
	count, errN := strconv.Atoi(n)
	if errK != nil || errN != nil || index < 1 || count < 1 || index > count || count > mostShards {
		return Shard{}, fail.Usage("--shard %s: K/N is wanted, the K-th of N parts with K from 1 to N\nas in --shard 1/3, --shard 2/3 and --shard 3/3 on three machines", fail.Quote(text))
	}
	return Shard{index, count}, nil
}

// Choose are the plans of the part, in their order. All parts together are all plans, each once, and which plan is in which part follows
// from configs alone, not from what is done. Parts have about the same cost: the runs are dealt out, the dearest first, each to the part
// that has the least so far. A run is in the part of the run that it starts from.
func (s Shard) Choose(plans []Plan, networks []Network) []Plan {
	families := newFamilies(plans, networks)
	slices.SortStableFunc(families, func(a, b family) int { return cmp.Compare(b.cost, a.cost) })
	sums := make([]float64, s.Count)
	var chosen []int
	for _, f := range families {
		least := 0
		for part, sum := range sums {
			if sum < sums[least] {
				least = part
			}
		}
		if sums[least] += f.cost; least == s.Index-1 {
			chosen = append(chosen, f.plans...)
		}
	}
	slices.Sort(chosen)
	var part []Plan
	for _, i := range chosen {
		part = append(part, plans[i])
	}
	return part
}

// family is a run with all that start from it.
type family struct {
	plans []int
	cost  float64
}

// newFamilies are the families of plans, in the order of the first run of each.
func newFamilies(plans []Plan, networks []Network) []family {
	at := map[string]int{}
	for i, p := range plans {
		at[p.Name] = i
	}
	var all []family
	of := map[int]int{} // of the family of a root
	for i := range plans {
		root := i
		for plans[root].After != "" {
			parent, there := at[plans[root].After]
			if !there {
				break
			}
			root = parent
		}
		f, known := of[root]
		if !known {
			f = len(all)
			of[root], all = f, append(all, family{})
		}
		all[f].plans = append(all[f].plans, i)
		all[f].cost += plans[i].Cost(networks[i])
	}
	return all
}
