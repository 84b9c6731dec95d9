package train

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// The protocol: CIFAR-10 at factor 100 has 12,406 images; 200 epochs of batches of 128.
func TestScheduleOfThePaper(t *testing.T) {
	const n = 12406
	rates := LearningRates(load(t), n)
	if len(rates) != 19384 { // floor(12406 * 200 / 128) = floor(19384.375)
		t.Fatalf("%d steps", len(rates))
	}
	warm := int(math.Ceil(5 * n / 128.0))
	first, second := int(math.Ceil(160*n/128.0)), int(math.Ceil(180*n/128.0))
	for _, c := range []struct {
		step int
		want float64
	}{
		{0, 0},
		{1, 0.1 * 128 / n / 5},
		{warm - 1, 0.1 * float64(warm-1) * 128 / n / 5},
		{warm, 0.1},
		{first - 1, 0.1}, {first, 0.001},
		{second - 1, 0.001}, {second, 0.00001},
		{len(rates) - 1, 0.00001},
	} {
		if got := rates[c.step]; got != float32(c.want) {
			t.Errorf("step %d: rate %v, want %v", c.step, got, c.want)
		}
	}
}

func TestRateFollowsTheBatch(t *testing.T) {
	rates := LearningRates(load(t, "train.batch=512", "train.epochs=2", "train.warmup_epochs=0", "train.milestones=[1]", "train.multipliers=[0.5]"), 5120)
	if len(rates) != 20 || rates[0] != 0.4 || rates[9] != 0.4 || rates[10] != 0.2 {
		t.Errorf("%v", rates)
	}
}

func TestBalancedDataDropLess(t *testing.T) {
	rates := LearningRates(load(t, "data.imbalance=1", "train.epochs=10"), 1280)
	if rates[79] != 0.1 || rates[80] != 0.01 || rates[90] != 0.001 {
		t.Errorf("%v %v %v", rates[79], rates[80], rates[90])
	}
}

func TestStepsOfFractions(t *testing.T) {
	for _, c := range []struct {
		n, batch int
		epochs   float64
		want     int
	}{
		{1000, 100, 0.3, 3}, {1000, 100, 0.7, 7}, {1000, 100, 1.1, 11}, {50000, 128, 200, 78125}, {99, 100, 1, 0}, {10, 3, 1, 3},
	} {
		if got := Steps(c.n, c.batch, c.epochs); got != c.want {
			t.Errorf("%d images, batch %d, %v epochs: %d steps, want %d", c.n, c.batch, c.epochs, got, c.want)
		}
	}
}

func TestEveryEpochEndsOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, batch, steps := rapid.IntRange(1, 300).Draw(t, "n"), rapid.IntRange(1, 300).Draw(t, "batch"), rapid.IntRange(1, 200).Draw(t, "steps")
		last := 0
		for done := 1; done <= steps; done++ {
			epochs, ends := epochEnds(done, batch, n)
			if ends != (epochs > last) || epochs != done*batch/n {
				t.Fatalf("after step %d: %d epochs, ends %v, before %d", done, epochs, ends, last)
			}
			last = epochs
		}
	})
}
