package lower

import (
	"fmt"

	"longtail/internal/device"
	"longtail/internal/fail"
	"longtail/internal/ops"
	"longtail/internal/plan"
)

// maxChannels is that of kernels/source.h.
const maxChannels = 128

// leastShared is the shared memory in bytes that a block may have on every GPU that runs a precision: fp32 on compute capability 7.5, mixed on
// 8.6, 8.9 and 12.0.
var leastShared = map[device.Precision]int{device.FP32: 64 << 10, device.Mixed: 99 << 10}

// checkShared returns an error that names the first launch that asks for more shared memory than a block may have.
func checkShared(launches []Launch, limit int) error {
	for i := range launches {
		if l := &launches[i]; l.Shared+l.Static > limit {
			return fmt.Errorf("kernel %s (%s) asks for %d bytes of shared memory a block, the GPU has %d", l.Kernel, l.Why, l.Shared+l.Static, limit)
		}
	}
	return nil
}

// check returns an error that names the first step that the kernels lack in a precision.
func check(p *plan.Program, precision device.Precision) error {
	large := isLarge(p)
	for i := range p.Steps {
		s := &p.Steps[i]
		if s.Rows != nil {
			if err := checkRows(s.Rows); err != nil {
				return unable(i, err)
			}
			continue
		}
		if err := checkStep(p, s); err != nil {
			return unable(i, err)
		}
		if err := checkTensorCores(p, s); err != nil && large && precision == device.Mixed {
			return fail.Usage("the cuda backend cannot run step %d in precision %s: %w\nuse precision=%s", i, precision, err, device.FP32)
		}
	}
	return nil
}

func checkRows(r *plan.RowProgram) error {
	for i := range r.Code {
		if _, known := rowOperations[r.Code[i].Kind]; !known {
			return fmt.Errorf("it has no row operation %v", r.Code[i].Kind)
		}
	}
	return nil
}

func checkStep(p *plan.Program, s *plan.Step) error {
	if _, known := lowerings[s.Kind]; !known {
		return fmt.Errorf("it has no operation %v", s.Kind)
	}
	if err := checkChannels(p, s, 4); err != nil {
		return err
	}
	if s.Kind == ops.KindConvGradWeights {
		return checkGradient(p, s)
	}
	return nil
}

// checkChannels returns an error for a step that reads or makes activations whose channels are no multiple of so many.
func checkChannels(p *plan.Program, s *plan.Step, multiple int) error {
	for _, v := range activations(p, s) {
		if c := p.Values[v].Shape[1]; c%multiple != 0 {
			return fmt.Errorf("%v of %d channels: a multiple of %d is wanted", s.Kind, c, multiple)
		}
	}
	return nil
}

// activations are the images that a step reads and makes, but for those of the data set.
func activations(p *plan.Program, s *plan.Step) (all []plan.ValueID) {
	for _, v := range append(s.Reads(), s.Out) {
		if p.Values[v].Shape.Dims() == 4 && p.Values[v].Role == plan.Temp && (v != s.Out || s.Kind != ops.KindConvGradWeights) {
			all = append(all, v)
		}
	}
	return all
}

// checkTensorCores returns an error for a convolution whose channels the tensor-core kernels of any size do not take; the images may have
// any number.
func checkTensorCores(p *plan.Program, s *plan.Step) error {
	if _, isConv := convWeights(p, s); !isConv {
		return nil
	}
	return checkChannels(p, s, 8)
}

// convWeights is the shape of a convolution's weights, for the steps of its three passes.
func convWeights(p *plan.Program, s *plan.Step) (w []int, isConv bool) {
	switch s.Kind {
	case ops.KindConv:
		return p.Values[s.In[1]].Shape, true
	case ops.KindConvGradInput:
		return p.Values[s.In[0]].Shape, true
	case ops.KindConvGradWeights:
		return p.Values[s.Out].Shape, true
	}
	return nil, false
}

// checkGradient refuses a gradient of weights that another step reads: its slices are added where the parameter is updated.
func checkGradient(p *plan.Program, s *plan.Step) error {
	for i := range p.Steps {
		for _, v := range p.Steps[i].Reads() {
			if v == s.Out {
				return fmt.Errorf("it has no %v whose result %s reads", s.Kind, p.Steps[i].Name())
			}
		}
	}
	return nil
}
