//go:build gpu

package cuda

import (
	"os"
	"strings"
	"testing"

	"longtail/cuda/driver"
	"longtail/internal/device"
)

// What a training step of ResNet-32 in mixed precision takes; it must not grow. The number of launches does not depend on the batch.
const mostLaunches = 69

// Bytes of device memory an image, read and written, in 32-byte sectors: at batch 16, where what a step does once a batch - the update,
// the sums of the weights' gradients - weighs 8 times as much as at the batch of 128 that docs/gpu.md counts.
const mostBytes = 7.6e6

func TestBytesOfAStep(t *testing.T) {
	if c, counted := driver.ReadCounters(); !counted || !c.Checked {
		t.Log("only the checked emulator counts bytes")
		return
	}
	e := experiment{model: "resnet32", shortcut: "avgpool", loss: "softmax", classes: 10, batch: 16}
	s := e.open(t, newBackend(t), device.Mixed, e.noise())
	e.train(t, s, 0, 1)
	bytes := s.Counters().Bytes
	t.Logf("%.0f bytes an image", bytes/16)
	if bytes/16 > mostBytes {
		t.Errorf("%.0f bytes an image, want at most %.0f", bytes/16, mostBytes)
	}
}

func TestLaunchesOfAStep(t *testing.T) {
	e := experiment{model: "resnet32", shortcut: "avgpool", loss: "softmax", classes: 10, batch: 4}
	s := e.open(t, newBackend(t), device.Mixed, e.noise())
	before := s.Counters().Launches
	e.train(t, s, 0, 2)
	counters := s.Counters()
	launches := (counters.Launches - before) / 2
	kernels := map[string]int{}
	for _, l := range s.(*session).schedule.Launches {
		kernels[strings.TrimSuffix(l.Kernel, "_f16")]++
	}
	t.Logf("%v launches a step: %v; %.0f mma an image", launches, kernels, counters.MMA/8)
	if launches > mostLaunches {
		t.Errorf("%v launches a step, want at most %d", launches, mostLaunches)
	}
	if os.Getenv("LONGTAIL_SHOW") != "" {
		t.Log(s.(*session).schedule)
	}
}

// The longest chains of dependent loads, in round trips to device memory: of all launches of a step together, and of one of them.
const mostDependentLoads, mostOfALaunch = 514, 19

// At batch 128, because chains grow with the batch; a step takes a minute of one core.
func TestDependentLoadsOfAStep(t *testing.T) {
	if info, err := driver.Available(); err != nil || !strings.Contains(info.Name, "fast PTX") {
		t.Log("only translated PTX counts dependent loads, and only its fast build is fast enough: see scripts/test_ptx.sh")
		return
	}
	e := experiment{model: "resnet32", shortcut: "avgpool", loss: "softmax", classes: 10, batch: 128}
	s := e.open(t, newBackend(t), device.Mixed, e.noise())
	before, _ := driver.ReadCounters()
	e.train(t, s, 0, 1)
	now, _ := driver.ReadCounters()
	loads := now.Sub(before).DependentLoads
	t.Logf("%d dependent loads a step, %d in one launch", loads, now.LongestChain)
	if loads == 0 || loads > mostDependentLoads || now.LongestChain > max(mostOfALaunch, before.LongestChain) {
		t.Errorf("%d dependent loads a step and %d in one launch, want 1 to %d and at most %d", loads, now.LongestChain, mostDependentLoads, mostOfALaunch)
	}
}
