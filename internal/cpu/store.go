package cpu

import (
	"slices"

	"longtail/internal/device"

	"gorgonia.org/tensor"
)

// store holds what lives as long as a run: parameters, momenta and running moments, by name, in logical layout. Training and
// evaluation sessions share one.
type store struct {
	shapes  map[string]tensor.Shape
	values  map[string][]float32
	changes int // of parameters: how often they were made, replaced or updated
}

func newStore() *store {
	return &store{shapes: map[string]tensor.Shape{}, values: map[string][]float32{}, changes: 1}
}

// need makes room for tensors, or checks that those that are there have the same shapes.
func (s *store) need(shapes map[string]tensor.Shape) error {
	if err := device.CheckShared(s.shapes, shapes); err != nil {
		return err
	}
	for name, shape := range shapes {
		if s.values[name] == nil {
			s.shapes[name], s.values[name] = shape.Clone(), make([]float32, shape.TotalSize())
		}
	}
	return nil
}

// load copies every tensor of the store out of a state.
func (s *store) load(state device.State) error {
	if err := device.CheckState(s.shapes, state); err != nil {
		return err
	}
	for name, values := range s.values {
		copy(values, state[name].Data().([]float32))
	}
	s.changes++
	return nil
}

func (s *store) save() device.State {
	state := device.State{}
	for name, shape := range s.shapes {
		state[name] = tensor.New(tensor.WithShape(shape.Clone()...), tensor.WithBacking(slices.Clone(s.values[name])))
	}
	return state
}
