package program

import (
	"longtail/internal/device"
	"longtail/models"

	"gorgonia.org/tensor"
)

// InitialState is where training starts: drawn parameters, zero momenta of those that are trained, running moments of mean 0 and variance 1.
func InitialState(net models.Net, seed uint64) device.State {
	state := device.State(net.Initial(seed))
	for _, p := range net.Params {
		if p.Frozen {
			continue
		}
		shape := p.Node.Shape().Clone()
		state[device.MomentumPrefix+p.Name] = tensor.New(tensor.WithShape(shape...), tensor.WithBacking(make([]float32, shape.TotalSize())))
	}
	for name, moments := range net.InitialMoments() {
		state[device.RunningPrefix+name] = moments
	}
	return state
}
