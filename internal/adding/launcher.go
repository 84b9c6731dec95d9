package adding

import (
	"context"
	"slices"

	"longtail/train/sweep"
)

func init() { sweep.RegisterLauncher("shortest-first", shortestFirst) }

// shortestFirst trains in this process, the cheapest run first.
func shortestFirst(ctx context.Context, plans []sweep.Plan, o sweep.Options) ([]sweep.Result, error) {
	order := make([]int, len(plans))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return int(plans[a].Left() - plans[b].Left()) })
	sorted := make([]sweep.Plan, len(plans))
	for i, k := range order {
		sorted[i] = plans[k]
	}
	observe := o.Observe
	o.Observe = func(e sweep.Event) {
		if observe != nil {
			e.Run = order[e.Run]
			observe(e)
		}
	}
	results, err := sweep.Execute(ctx, sorted, o)
	back := make([]sweep.Result, len(plans))
	for i, k := range order {
		back[k] = results[i]
	}
	return back, err
}
