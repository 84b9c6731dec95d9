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

// The learning rate of LDAM-DRW's code (Cao et al. 2019): of a whole epoch, counted from 1, base * epoch / 5 up to the fifth, x 0.01 from the
// 161st, x 0.0001 from the 181st.
func TestScheduleOfLDAM(t *testing.T) {
	const n, batch = 12406, 128
	rates := LearningRates(load(t, "train.warmup=epoch"), n)
	for step, got := range rates {
		epoch := step*batch/n + 1
		want := 0.1
		switch {
		case epoch <= 5:
			want = 0.1 * float64(epoch) / 5
		case epoch > 180:
			want = 0.1 * 0.0001
		case epoch > 160:
			want = 0.1 * 0.01
		}
		if math.Abs(float64(got)-want) > 1e-7*want {
			t.Fatalf("step %d of epoch %d: rate %v, want %v", step, epoch, got, want)
		}
	}
}

// A warm-up of whole epochs that ends within one stays at the base rate for the rest of it.
func TestWarmupOfEpochsThatEndsWithinOne(t *testing.T) {
	rates := LearningRates(load(t, "train.warmup=epoch", "train.epochs=4", "train.warmup_epochs=1.5", "train.milestones=[3]", "train.multipliers=[0.5]"), 1280)
	for step, want := range map[int]float32{0: 0.1 / 1.5, 9: 0.1 / 1.5, 10: 0.1, 19: 0.1, 29: 0.1, 30: 0.05} {
		if rates[step] != want {
			t.Errorf("step %d: rate %v, want %v", step, rates[step], want)
		}
	}
}

func TestCosineFallsFromTheEndOfTheWarmup(t *testing.T) {
	const n = 1280 // 10 steps an epoch
	rates := LearningRates(load(t, "train.schedule=cosine", "train.epochs=40", "train.warmup_epochs=8"), n)
	for step, want := range map[int]float64{
		0: 0, 40: 0.05, 79: 0.1 * 7.9 / 8, 80: 0.1, 160: 0.1 * (1 + math.Sqrt2/2) / 2, 240: 0.05, 320: 0.1 * (1 - math.Sqrt2/2) / 2,
		399: 0.1 * (1 + math.Cos(math.Pi*319/320)) / 2,
	} {
		if math.Abs(float64(rates[step])-want) > 1e-8 {
			t.Errorf("step %d: rate %v, want %v", step, rates[step], want)
		}
	}
	for step := 81; step < len(rates); step++ {
		if rates[step] >= rates[step-1] {
			t.Fatalf("the rate rises with step %d", step)
		}
	}
	if first := LearningRates(load(t, "train.schedule=cosine", "train.epochs=40", "train.warmup_epochs=0"), n)[0]; first != 0.1 {
		t.Errorf("without a warm-up the first rate is %v", first)
	}
}
