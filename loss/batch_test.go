package loss

import (
	"math/rand/v2"
	"testing"

	"longtail/internal/ops/opstest"

	"gorgonia.org/tensor"
)

// The divisor is the sum of the weights of the batch, a constant in the gradient: the loss and its gradient are N / D times those of the
// other divisor. Equal weights cancel.
func TestDivisorIsTheSumOfWeights(t *testing.T) {
	eachLoss(t, func(t *testing.T, _ string, _ Options, l Loss) {
		labels := []int{3, 0, 2, 2}
		b := newBatch(rand.New(rand.NewPCG(1, 1)), labels, 5)
		total := 0.0
		for _, y := range labels {
			total += floats(b.weight)[y]
		}
		loss, gradient := run(t, l, b.values())
		factor := float64(len(labels)) / total
		for i := range gradient {
			gradient[i] *= factor
		}
		got, gotGradient := runWith(t, l, ByWeights, b.values())
		opstest.Compare(t, "loss", []float64{got}, []float64{loss * factor}, 1e-12)
		opstest.Compare(t, "gradient", gotGradient, gradient, 1e-12)
	})
}

// A mixed image is its two losses, each with the weight and the terms of its own label.
func TestMixedImagesAreTwoLosses(t *testing.T) {
	eachLoss(t, func(t *testing.T, _ string, _ Options, l Loss) {
		for _, divisor := range Divisors() {
			r := rand.New(rand.NewPCG(1, 1))
			first, second := newBatch(r, []int{3}, 5), newBatch(r, []int{1}, 5)
			share := opstest.Of([]float64{.3}, 1, 1)
			a, da := run(t, l, first.values())
			b, db := run(t, l, []*tensor.Dense{first.logits, second.target, first.weight})
			total := 1.0
			if divisor == ByWeights {
				total = .3*floats(first.weight)[3] + .7*floats(first.weight)[1]
			}
			want := []float64{(.3*a + .7*b) / total}
			for i := range da {
				want = append(want, (.3*da[i]+.7*db[i])/total)
			}
			got, gradient := runWith(t, l, divisor, append(first.values(), second.target, share))
			opstest.Compare(t, "loss and gradient", append([]float64{got}, gradient...), want, 1e-12)
		}
	})
}

func TestUnknownDivisorIsAnError(t *testing.T) {
	b := newBatch(rand.New(rand.NewPCG(1, 1)), []int{0}, 2)
	if _, err := buildWith(softmax{}, "samples")(opstest.Inputs(b.values()...)); err == nil {
		t.Error("an unknown divisor is accepted")
	}
}
