package cpu

import (
	"fmt"

	"longtail/internal/plan"

	"gorgonia.org/tensor"
)

// store holds what lives as long as a run: parameters, momenta and running moments, by name, in logical layout. Training and
// evaluation sessions share one.
type store struct {
	shapes map[string]tensor.Shape
	values map[string][]float32
}

const (
	momentumPrefix = "momentum/"
	runningPrefix  = "running/"
)

func newStore() *store {
	return &store{shapes: map[string]tensor.Shape{}, values: map[string][]float32{}}
}

// need makes room for a named tensor, or checks that the one that is there has that shape.
func (s *store) need(name string, shape tensor.Shape) error {
	if have, ok := s.shapes[name]; ok {
		if !have.Eq(shape) {
			return fmt.Errorf("%s has shape %v in the shared session and %v here", name, have, shape)
		}
		return nil
	}
	s.shapes[name] = shape.Clone()
	s.values[name] = make([]float32, shape.TotalSize())
	return nil
}

// load copies every tensor of the store out of a state.
func (s *store) load(state plan.State) error {
	for name, shape := range s.shapes {
		t, ok := state[name]
		switch {
		case !ok:
			return fmt.Errorf("the state has no %s", name)
		case !t.Shape().Eq(shape):
			return fmt.Errorf("%s has shape %v in the state and %v in the program", name, t.Shape(), shape)
		}
		values, ok := t.Data().([]float32)
		if !ok {
			return fmt.Errorf("%s holds %v, not float32", name, t.Dtype())
		}
		copy(s.values[name], values)
	}
	return nil
}

func (s *store) save() plan.State {
	state := plan.State{}
	for name, shape := range s.shapes {
		values := append([]float32(nil), s.values[name]...)
		state[name] = tensor.New(tensor.WithShape(shape.Clone()...), tensor.WithBacking(values))
	}
	return state
}
