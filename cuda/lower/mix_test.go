package lower

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"testing"

	"longtail/internal/device"
	"longtail/internal/metrics"
	"longtail/internal/plan"
	"longtail/internal/program/programtest"
	"longtail/loss"
)

// anyMixing stands for a rule; lowering does not draw.
type anyMixing struct{}

func (anyMixing) Draw(int, []int32) plan.Mixture { return plan.Mixture{} }

// For every loss and divisor, a step that mixes its images launches at most three kernels more than the plain one, with the softmax; the images are
// drawn by the same launch, and all arguments fit their kernels.
func TestMixingTakesAtMostThreeLaunches(t *testing.T) {
	modules := map[string]map[string]entry{}
	for _, objective := range loss.Names() {
		for _, divisor := range loss.Divisors() {
			schedule := func(objective, divisor string, o plan.Options) *Schedule {
				n := programtest.Network("resnet8", "subsample", objective, 10, 1)
				n.Divisor = divisor
				p, _, err := n.Plan(4, o)
				if err != nil {
					t.Fatal(err)
				}
				return lowered(t, p, device.Mixed)
			}
			plain := schedule("softmax", loss.BySamples, plan.Options{Train: true, Samples: 100})
			mixed := schedule(objective, divisor, plan.Options{Train: true, Samples: 100, Mix: anyMixing{}})
			more := len(mixed.Launches) - len(plain.Launches)
			if more < 0 || more > 3 {
				t.Errorf("%s, divisor %s: mixing takes %d launches more", objective, divisor, more)
			}
			for i := range mixed.Launches {
				checkLaunch(t, &mixed.Launches[i], modules)
			}
			images := func(s *Schedule) (kernels []string) {
				for _, l := range s.Launches {
					if l.Module == "images" {
						kernels = append(kernels, fmt.Sprint(l.Kernel, l.Grid, l.Threads))
					}
				}
				return kernels
			}
			if a, b := images(plain), images(mixed); len(b) != 1 || !slices.Equal(a, b) {
				t.Errorf("%s: images are drawn by %v, and by %v with mixing", objective, a, b)
			}
		}
	}
}

// The order of a call has, step after step, samples, partners, label factors, share and box; without mixing it is the samples alone.
func TestOrderOfMixedSteps(t *testing.T) {
	p := &plan.Program{Options: plan.Options{Mix: anyMixing{}}, Batch: 2}
	bits := func(x float32) int32 { return int32(math.Float32bits(x)) }
	got := Order(p, []int32{7, 8, 9, 6}, []plan.Mixture{
		{Partners: []int32{1, 0}, Share: 0.25, First: []float32{0.5, 1}, Box: plan.Box{Top: 1, Left: 2, Bottom: 3, Right: 4}},
		{Partners: []int32{0, 1}, Share: 1, First: []float32{0, 0.75}},
	})
	want := []int32{
		7, 8, 1, 0, bits(0.5), bits(1), bits(0.25), 1, 2, 3, 4,
		9, 6, 0, 1, bits(0), bits(0.75), bits(1), 0, 0, 0, 0,
	}
	if !slices.Equal(got, want) || len(got) != 2*OrderStride(p) {
		t.Errorf("%v, want %v", got, want)
	}
	plain := &plan.Program{Batch: 2}
	if got := Order(plain, []int32{7, -1}, nil); !slices.Equal(got, []int32{7, -1}) || OrderStride(plain) != 2 {
		t.Errorf("without mixing: %v, %d numbers a step", got, OrderStride(plain))
	}
}

// What the steps leave in the order is counted by the labels of the samples, whatever else of a step lies between them; padding and what was not
// counted is left out.
func TestPredictions(t *testing.T) {
	samples, labels, left := []int32{4, 1, 0, -1, 2, 3}, []int32{7, 5, 6, 5, 5}, []int32{6, 6, 7, -1, -1, -1}
	want := metrics.Counts{{Label: 5, Predicted: 6}: 2, {Label: 7, Predicted: 7}: 1}
	plain, mixed := &plan.Program{Batch: 2}, &plan.Program{Options: plan.Options{Mix: anyMixing{}}, Batch: 2}
	mixture := plan.Mixture{Partners: []int32{1, 0}, First: []float32{1, 1}}
	for p, after := range map[*plan.Program][]int32{plain: left, mixed: Order(mixed, left, []plan.Mixture{mixture, mixture, mixture})} {
		if got := Predictions(p, samples, labels, after); !maps.Equal(got, want) {
			t.Errorf("%d numbers a step: %v, want %v", OrderStride(p), got, want)
		}
	}
}
