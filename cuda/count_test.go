//go:build gpu

package cuda

import (
	"os"
	"strings"
	"testing"

	"longtail/internal/plan"
)

// What a training step of ResNet-32 in mixed precision takes; it must not grow. The number of launches does not depend on the batch.
const mostLaunches = 69

func TestLaunchesOfAStep(t *testing.T) {
	e := experiment{model: "resnet32", shortcut: "avgpool", loss: "softmax", classes: 10, batch: 4}
	s := e.open(t, newBackend(t), plan.Mixed, e.noise())
	before, _, _, _ := s.(*session).Counters()
	e.train(t, s, 0, 2)
	after, _, mma, _ := s.(*session).Counters()
	launches := (after - before) / 2
	kernels := map[string]int{}
	for _, l := range s.(*session).compiled.launches {
		kernels[strings.TrimSuffix(l.kernel, "_f16")]++
	}
	t.Logf("%v launches a step: %v; %.0f mma an image", launches, kernels, mma/8)
	if launches > mostLaunches {
		t.Errorf("%v launches a step, want at most %d", launches, mostLaunches)
	}
	if os.Getenv("LONGTAIL_SHOW") != "" {
		for i, l := range s.(*session).compiled.launches {
			t.Logf("%3d %s %s", i, l.kernel, l.why)
		}
	}
}
