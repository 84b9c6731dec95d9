package slurm

import (
	"slices"

	"longtail/train/sweep"
)

// A run that starts from the weights of another one (train.init_from: ROW) is trained after it, in the same element. A second array with
// --dependency=afterok would start second stages on several nodes at once, but afterok of an array waits for all its elements, one first
// stage that fails leaves all second stages pending for ever, and there would be two jobs to watch and to cancel. Second stages are short;
// what they lose by waiting in line is little.

// chain is a run with those that start from it, in an order in which they can be trained.
type chain []int

// chains are the runs of todo, each behind the one that it starts from where that is in todo as well.
func chains(plans []sweep.Plan, todo []int) []chain {
	var all []chain
	at := map[string]int{} // of the chain that a run is in, by name
	for left := todo; len(left) > 0; {
		var later []int
		for _, i := range left {
			p := plans[i]
			c, known := at[p.After]
			switch {
			case known:
				all[c] = append(all[c], i)
			case p.After != "" && slices.Contains(todo, find(plans, p.After)):
				later = append(later, i)
				continue
			default:
				c = len(all)
				all = append(all, chain{i})
			}
			at[p.Name] = c
		}
		left = later
	}
	return all
}

// find is the index of the run of that name; -1 where there is none.
func find(plans []sweep.Plan, name string) int {
	if name == "" {
		return -1
	}
	return slices.IndexFunc(plans, func(p sweep.Plan) bool { return p.Name == name })
}

// pack puts n chains into each element of the array, the last one may have fewer.
func pack(chains []chain, n int) (elements [][]int) {
	for group := range slices.Chunk(chains, n) {
		elements = append(elements, slices.Concat(toInts(group)...))
	}
	return elements
}

func toInts(chains []chain) [][]int {
	lists := make([][]int, len(chains))
	for i, c := range chains {
		lists[i] = c
	}
	return lists
}
