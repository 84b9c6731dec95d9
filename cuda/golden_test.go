//go:build gpu

package cuda

import (
	"os"
	"testing"

	"longtail/internal/plan"
	"longtail/train/curves"
)

// One short golden case always; LONGTAIL_GOLDEN=1 (make golden-cuda) runs all of them to their end.
func TestGoldenCurves(t *testing.T) {
	b := newBackend(t)
	for i, c := range curves.Golden() {
		if os.Getenv("LONGTAIL_GOLDEN") != "1" {
			if i > 0 {
				break
			}
		}
		t.Run(c.String(), func(t *testing.T) {
			d, err := c.Run(b, plan.FP32, curves.FP32)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("largest deviations: loss %.2g, gradient norms %.2g, logits %.2g", d.Loss, d.Gradient, d.Logits)
			if !d.OK() {
				t.Errorf("out of bounds %+v", d.Want)
			}
		})
	}
}
