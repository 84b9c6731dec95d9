package lower

import (
	"strings"
	"testing"

	"longtail/cuda/kernels"
	"longtail/cuda/kernels/ptx/exec"
	"longtail/cuda/kernels/ptx/syntax"
	"longtail/internal/device"
	"longtail/internal/plan"
	"longtail/loss"
)

// static is the static shared memory in bytes of the kernels that have dynamic shared memory too.
func static(t *testing.T) map[string]int {
	t.Helper()
	all := map[string]int{}
	for _, module := range []string{"mma_forward", "mma_backward", "mma_weights", "mma_gradients", "rows"} {
		text, _ := kernels.PTX(module)
		m, err := syntax.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range m.Kernels {
			all[k.Name] = exec.Natural(m, k).Bytes
		}
	}
	return all
}

// The tensor-core kernels fit the shared memory of a block on every GPU that runs them, and no kernel has more static memory beside dynamic
// than its launch says.
func TestSharedMemoryFits(t *testing.T) {
	own := static(t)
	check := func(l Launch) {
		if own[l.Kernel] > l.Static {
			t.Errorf("%s has %d bytes of static shared memory, its launch says at most %d", l.Kernel, own[l.Kernel], l.Static)
		}
		if l.Shared+l.Static > leastShared[device.Mixed] {
			t.Errorf("%s takes %d bytes of dynamic and up to %d of static shared memory", l.Kernel, l.Shared, l.Static)
		}
	}
	for _, inMemory := range []bool{false, true} {
		check(RowsLaunch(inMemory, &plan.RowProgram{Rows: 1, Registers: 1, Width: 10}))
		check(RowsTogetherLaunch(inMemory, &plan.RowProgram{Rows: 1, Registers: 1, Width: 10}))
	}
	for _, s := range MMAShapes() {
		check(s.Forward(128))
		check(s.Weights(128))
		if !s.stem() {
			check(s.Backward(128))
			check(s.Gradients(128, 64))
		}
	}
}

// No row program takes so much dynamic memory that its static memory passes the 48 KB that need no leave, which is given for more dynamic memory.
func TestSharedMemoryOfRowsIsAllowed(t *testing.T) {
	const free = 48 << 10
	for width := range free / 4 {
		if bytes := RowsLaunch(false, &plan.RowProgram{Rows: 1, Registers: 1, Width: width}).Shared; bytes > free-rowsStatic && bytes <= free {
			t.Errorf("rows of %d classes take %d bytes of dynamic memory", width, bytes)
		}
	}
}

// A GPU with less shared memory than a kernel asks for is refused, and the error names both; with enough the schedule does not depend on it.
func TestSharedMemoryOfTheGPU(t *testing.T) {
	p := network(t, "resnet20", "avgpool", "softmax", 4, true)
	_, err := Lower(p, Options{Precision: device.Mixed, SharedMemory: 64 << 10})
	if err == nil || !strings.Contains(err.Error(), "kernel mma_") || !strings.Contains(err.Error(), "the GPU has 65536") {
		t.Errorf("mixed with 64 KB: %v", err)
	}
	for precision, least := range leastShared {
		large, err := Lower(p, Options{Precision: precision, SharedMemory: 227 << 10})
		if err != nil {
			t.Fatal(err)
		}
		small, err := Lower(p, Options{Precision: precision, SharedMemory: least})
		if err != nil || small.String() != large.String() {
			t.Errorf("%s with %d bytes of shared memory: another schedule than with 227 KB, or %v", precision, least, err)
		}
	}
}

// Rows of so many classes that shared memory has no room for one have their registers in device memory, of a size that buffers of other launches may
// share, for every loss and on every GPU; and no buffer grows with the square of the classes.
func TestRowsOfManyClasses(t *testing.T) {
	for _, objective := range loss.Names() {
		p := manyClasses(t, objective)
		s := lowered(t, p, device.FP32)
		for _, l := range s.Launches {
			if l.Why == "loss" && (l.Kernel != "rows_in_memory" || l.Shared > 48<<10) {
				t.Errorf("%s: %s with %d bytes of shared memory", objective, l.Kernel, l.Shared)
			}
		}
		for _, b := range s.Buffers {
			if b.Size > 64*4*p.Classes*p.Batch || b.Name == "registers of rows" && (b.Kept || b.Result || b.First != b.Last) {
				t.Errorf("%s: %+v", objective, b)
			}
		}
	}
}
