package lower

import (
	"testing"

	"longtail/internal/ops"
	"longtail/internal/plan"
	"longtail/internal/program/programtest"
)

// kinds counts the steps of each kind.
func kinds(p *plan.Program) map[ops.Kind]int {
	n := map[ops.Kind]int{}
	for i := range p.Steps {
		n[plan.KindOf(&p.Steps[i])]++
	}
	return n
}

// A residual network has its dense layer with the average, the three gradients of it in one group, and beside every gradient of a
// convolution's input that of the same convolution's weights.
func TestGroupsOfAResidualNetwork(t *testing.T) {
	p := network(t, "resnet14", "projection", "focal", 4, true)
	g, n := findGroups(p), kinds(p)
	if len(g.dense) != 1 || len(g.denseGradients) != 3 {
		t.Errorf("dense layers with an average: %v; gradients of dense layers: %v", g.dense, g.denseGradients)
	}
	for _, d := range g.denseGradients {
		if d.input == nil || d.weights == nil || d.bias == nil {
			t.Errorf("the group of gradient %d lacks one: %+v", d.of, d)
		}
	}
	if len(g.weights) != n[ops.KindConvGradInput] || n[ops.KindConvGradWeights] != n[ops.KindConvGradInput]+1 {
		t.Errorf("%d of %d gradients of inputs have one of weights beside them; there are %d", len(g.weights), n[ops.KindConvGradInput], n[ops.KindConvGradWeights])
	}
	taken := map[plan.ValueID]bool{}
	for i := range p.Steps {
		input := &p.Steps[i]
		w := g.weights[input.Out]
		if plan.KindOf(input) != ops.KindConvGradInput || w == nil {
			continue
		}
		if taken[w.Out] || w.In[1] != input.In[1] || !p.Values[w.Out].Shape.Eq(p.Values[input.In[0]].Shape) {
			t.Errorf("the gradient of %s is beside %v", p.Values[input.In[0]].Name, w)
		}
		taken[w.Out] = true
	}
}

// A dense layer whose weights another launch makes has a launch of its own.
func TestComputedWeightsAreNoGroup(t *testing.T) {
	graph, _, err := programtest.CosineHead(4, 11)
	if err != nil {
		t.Fatal(err)
	}
	p, err := plan.Compile(graph, plan.Options{Train: true, Samples: 4})
	if err != nil {
		t.Fatal(err)
	}
	if g := findGroups(p); len(g.dense) != 0 || len(g.denseGradients) != kinds(p)[ops.KindDenseGradInput]+kinds(p)[ops.KindDenseGradWeights]+kinds(p)[ops.KindDenseGradBias] {
		t.Errorf("the groups are %+v", g)
	}
}
