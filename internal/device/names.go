package device

import (
	"longtail/internal/plan"

	"gorgonia.org/tensor"
)

// Names of a session's results (Session.Read).
const (
	Logits         = "logits"
	Features       = "features" // of an evaluation program
	Loss           = "loss"
	GradientPrefix = "gradient/" // and the parameter's name
)

// Prefixes of names in a State; parameters have none.
const (
	MomentumPrefix = "momentum/" // and the parameter's name
	RunningPrefix  = "running/"  // and the name of the moments [2, C], mean and variance
)

// StateShapes are the tensors that a program keeps from step to step, by name, with their logical shapes: parameters, momenta
// of those that are trained, and running moments.
func StateShapes(p *plan.Program) map[string]tensor.Shape {
	shapes := map[string]tensor.Shape{}
	for _, u := range p.Params {
		v := p.Values[u.Value]
		shapes[v.Name] = v.Shape
		if u.Gradient != plan.None {
			shapes[MomentumPrefix+v.Name] = v.Shape
		}
	}
	for _, v := range p.Running {
		shapes[RunningPrefix+p.Values[v].Name] = p.Values[v].Shape
	}
	for _, s := range p.Stats {
		shapes[RunningPrefix+s.Name] = p.Values[s.Batch].Shape
	}
	return shapes
}
