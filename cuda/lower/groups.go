package lower

import (
	"longtail/internal/ops"
	"longtail/internal/plan"
)

// groups are the steps that may share a launch with another step, found before anything is launched.
type groups struct {
	// dense is the dense layer that the kernel of a global average does too, by the average's value.
	dense map[plan.ValueID]*plan.Step
	// denseGradients are by the value of each gradient in the group.
	denseGradients map[plan.ValueID]*denseGradients
	// weights is the gradient of a convolution's weights beside that of its input, by the value of the input's gradient.
	weights map[plan.ValueID]*plan.Step
}

// denseGradients are the gradients of a dense layer that are wanted; the others are nil.
type denseGradients struct {
	of                   plan.ValueID // the gradient of the layer's result
	input, weights, bias *plan.Step
}

func findGroups(p *plan.Program) groups {
	g := groups{map[plan.ValueID]*plan.Step{}, map[plan.ValueID]*denseGradients{}, map[plan.ValueID]*plan.Step{}}
	averages := map[plan.ValueID]bool{}
	var layers []*denseGradients
	shared := map[plan.ValueID]bool{} // gradients of weights that have a launch to share
	for i := range p.Steps {
		st := &p.Steps[i]
		switch plan.KindOf(st) {
		case ops.KindGlobalAverage:
			averages[st.Out] = true
		case ops.KindDense:
			// Weights that another launch makes may not be there when the average runs.
			if averages[st.In[0]] && g.dense[st.In[0]] == nil && areParams(p, st.In[1:]) {
				g.dense[st.In[0]] = st
			}
		case ops.KindDenseGradInput, ops.KindDenseGradWeights, ops.KindDenseGradBias:
			layers = g.addDenseGradient(layers, st)
		case ops.KindConvGradInput:
			if w := weightsBeside(p, st, shared); w != nil {
				g.weights[st.Out], shared[w.Out] = w, true
			}
		}
	}
	return g
}

func areParams(p *plan.Program, values []plan.ValueID) bool {
	for _, v := range values {
		if base, _ := p.Locate(v); p.Values[base].Role != plan.Param {
			return false
		}
	}
	return true
}

// addDenseGradient puts a gradient in the group of its layer, which is known by the gradient of its result.
func (g *groups) addDenseGradient(layers []*denseGradients, st *plan.Step) []*denseGradients {
	slot := func(d *denseGradients) **plan.Step {
		switch st.Kind {
		case ops.KindDenseGradInput:
			return &d.input
		case ops.KindDenseGradWeights:
			return &d.weights
		}
		return &d.bias
	}
	gradient := st.In[len(st.In)-1]
	for _, d := range layers {
		if at := slot(d); d.of == gradient && *at == nil {
			*at, g.denseGradients[st.Out] = st, d
			return layers
		}
	}
	d := &denseGradients{of: gradient}
	*slot(d), g.denseGradients[st.Out] = st, d
	return append(layers, d)
}

// weightsBeside finds the gradient of the same convolution's weights.
func weightsBeside(p *plan.Program, input *plan.Step, shared map[plan.ValueID]bool) *plan.Step {
	weights := p.Values[input.In[0]].Shape
	for i := range p.Steps {
		st := &p.Steps[i]
		if plan.KindOf(st) == ops.KindConvGradWeights && st.In[1] == input.In[1] && !shared[st.Out] && weights.Eq(p.Values[st.Out].Shape) {
			return st
		}
	}
	return nil
}
