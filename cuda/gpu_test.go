//go:build gpu

package cuda

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"longtail/cuda/driver"
	"longtail/cuda/lower"
	"longtail/internal/device"
	"longtail/internal/fail"
)

// A training step in each precision that the GPU has leaves a finite loss; the other precision is refused, by name of the GPU, before anything
// is allocated. The hash of the state is for TestStepsOfOtherGPUs.
func TestOneStep(t *testing.T) {
	b := newBackend(t)
	for _, e := range []experiment{{model: "resnet8", shortcut: "projection", loss: "softmax", classes: 10, batch: 2}, bottlenecks, manyClasses} {
		e.oneStep(t, b)
	}
}

func (e experiment) oneStep(t *testing.T, b *Backend) {
	t.Helper()
	for _, precision := range []device.Precision{device.FP32, device.Mixed} {
		if !slices.Contains(b.Info().Precisions, precision) {
			e.refused(t, b, precision)
			continue
		}
		s := e.open(t, b, precision, e.noise())
		if sums := e.train(t, s, 0, 1); sums.NonFinite {
			t.Errorf("%s: the loss is not finite", precision)
		}
		state := must[device.State](t)(s.Save())
		h := sha256.New()
		for _, name := range slices.Sorted(maps.Keys(state)) {
			fmt.Fprintln(h, name)
			if err := binary.Write(h, binary.LittleEndian, state[name].Data()); err != nil {
				t.Fatal(err)
			}
		}
		t.Logf("state %s_%s %x", e.model, precision, h.Sum(nil))
	}
}

// refused expects that the GPU's capability rules a precision out.
func (e experiment) refused(t *testing.T, b *Backend, precision device.Precision) {
	t.Helper()
	p, _, err := e.network().Plan(e.batch, e.options())
	if err != nil {
		t.Fatal(err)
	}
	_, err = b.Open(p, precision, e.noise(), nil)
	for _, err := range []error{err, b.Check(p, precision)} {
		if fail.Code(err) != fail.CodeDevice || !strings.Contains(err.Error(), b.context.Info().Name) || !strings.Contains(err.Error(), "need compute capability 8.0") {
			t.Errorf("%s: %v", precision, err)
		}
	}
	if _, err := b.modules.function(&lower.Launch{Module: "mma_forward", Kernel: "mma_conv_16"}); err == nil {
		t.Error("the GPU loads tensor-core kernels")
	}
}

var stateLine = regexp.MustCompile(`state (\w+) ([0-9a-f]{64})`)

// A GPU of every size of shared memory does the steps of TestOneStep, within its own, and leaves the same bits.
func TestStepsOfOtherGPUs(t *testing.T) {
	if _, emulated := driver.ReadCounters(); !emulated {
		t.Log("only the emulator can be another GPU")
		return
	}
	want := map[string]string{}
	for gpu, steps := range map[string]int{"sm_70": 3, "sm_75": 3, "sm_80": 6, "sm_86": 6, "sm_90": 6} {
		command := exec.Command(os.Args[0], "-test.run=^TestOneStep$", "-test.v")
		command.Env = append(os.Environ(), "EMULATOR_GPU="+gpu, "EMULATOR_QUIET=1", "EMULATOR_TRACE=")
		out, err := command.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", gpu, err, out)
		}
		got := stateLine.FindAllStringSubmatch(string(out), -1)
		if len(got) != steps {
			t.Errorf("%s: %d steps, want %d\n%s", gpu, len(got), steps, out)
		}
		for _, state := range got {
			if step, hash := state[1], state[2]; want[step] == "" {
				want[step] = hash
			} else if want[step] != hash {
				t.Errorf("%s: the step %s leaves other bits than on another GPU", gpu, step)
			}
		}
	}
}
