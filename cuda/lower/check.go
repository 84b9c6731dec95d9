package lower

import (
	"fmt"

	"longtail/internal/device"
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

// check returns an error that names the first step that the kernels lack.
func check(p *plan.Program) error {
	for i := range p.Steps {
		s := &p.Steps[i]
		var err error
		if s.Rows != nil {
			err = checkRows(s.Rows)
		} else {
			err = checkStep(p, s)
		}
		if err != nil {
			return unable(i, err)
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
	for _, v := range append(s.Reads(), s.Out) {
		shape := p.Values[v].Shape
		if shape.Dims() == 4 && p.Values[v].Role == plan.Temp && s.Kind != ops.KindConvGradWeights && (shape[1] > maxChannels || shape[1]%4 != 0) {
			return fmt.Errorf("%v of %d channels: a multiple of 4 up to %d is wanted", s.Kind, shape[1], maxChannels)
		}
	}
	switch s.Kind {
	case ops.KindConv:
		return checkWindow(s, p.Values[s.In[1]].Shape)
	case ops.KindConvGradInput:
		return checkWindow(s, p.Values[s.In[0]].Shape)
	case ops.KindConvGradWeights:
		if err := checkWindow(s, p.Values[s.Out].Shape); err != nil {
			return err
		}
		return checkGradient(p, s)
	}
	return nil
}

func checkWindow(s *plan.Step, w []int) error {
	if k := w[2]; k != 1 && k != 3 || s.Attrs.Stride > 2 || s.Attrs.Pad >= k {
		return fmt.Errorf("%v with window %d, stride %d and padding %d: it knows windows 1 and 3, strides 1 and 2", s.Kind, k, s.Attrs.Stride, s.Attrs.Pad)
	}
	return nil
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
