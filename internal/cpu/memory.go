package cpu

import (
	"longtail/internal/device"
	"longtail/internal/fail"
	"longtail/internal/plan"
)

// Memory is how many bytes the activations and gradients of a program take, nearly all that a session holds, and how many the system
// and the control groups of the process have left; 0 where they do not tell.
func (b *Backend) Memory(p *plan.Program, precision device.Precision) (need, available int64) {
	size := newCompiler(&session{program: p, kernels: b.kernelsFor(precision)}).placeValues()
	return 4 * int64(size), memoryLeft("/")
}

// checkMemory returns an error where a program needs more memory than there is.
func (b *Backend) checkMemory(p *plan.Program, precision device.Precision) error {
	need, available := b.Memory(p, precision)
	if available == 0 || need <= available {
		return nil
	}
	const gb = 1e9
	return fail.Device("a batch of %d images needs %.1f GB of memory, and %.1f GB are available\nlower train.batch or choose a smaller model.name",
		p.Batch, float64(need)/gb, float64(available)/gb)
}
