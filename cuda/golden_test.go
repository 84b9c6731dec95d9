//go:build gpu

package cuda

import (
	"math"
	"os"
	"testing"

	"longtail/internal/device"
	"longtail/train/curves"
)

// TestGoldenCurvesMixed wants the bounds that docs/gpu.md justifies for 16-bit storage.
func TestGoldenCurvesMixed(t *testing.T) { runGolden(t, device.Mixed) }

// The first steps of one golden case always; LONGTAIL_GOLDEN=1 (make golden-cuda) runs all of them to their end.
func TestGoldenCurves(t *testing.T) { runGolden(t, device.FP32) }

func runGolden(t *testing.T, precision device.Precision) {
	b := newBackend(t)
	cases, all := curves.Golden(), os.Getenv("LONGTAIL_GOLDEN") == "1"
	if !all {
		cases = cases[3:4]
		cases[0].Losses = cases[0].Losses[:2]
	}
	for _, c := range cases {
		t.Run(c.String(), func(t *testing.T) {
			d, err := c.Run(&device.Device{Backend: b, Precision: precision}, curves.BoundsFor(precision))
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("largest deviations: loss %.2g, gradient norms %.2g, logits %.2g", d.Loss, d.Gradient, d.Logits)
			if !all {
				d.Logits = math.NaN() // those of the end
			}
			if !d.OK() {
				t.Errorf("out of bounds %+v", d.Want)
			}
		})
	}
}
