package train

import (
	"longtail/internal/config"
	"math"
)

// rateBatch is the batch size that train.lr is given for; the base rate grows in proportion to the batch (Goyal et al.,
// "Accurate, Large Minibatch SGD", 2017, the linear scaling rule, which the authors' scripts follow).
const rateBatch = 128

// Steps is config.Steps.
func Steps(n, batch int, epochs float64) int { return config.Steps(n, batch, epochs) }

// epochAt is how many epochs of n images have gone into the given number of steps.
func epochAt(step, batch, n int) float64 {
	return float64(step) * float64(batch) / float64(n)
}

// LearningRates is the rate of every step, [Steps], for n training images. With the base rate b = lr * batch / 128 and the
// epoch e = t * batch / n of step t, floor(e) the epochs completed:
//
//	warm-up, by train.warmup:
//	  step,   e < warmup:         b * e / warmup                          (the first step has rate 0)
//	  epoch,  floor(e) < warmup:  b * min(1, (floor(e) + 1) / warmup)     (the first epoch has rate b / warmup)
//	after it, by train.schedule:
//	  step:    b * the multiplier of the last milestone that is <= e, or b before the first
//	  cosine:  b * (1 + cos(pi (e - warmup) / (epochs - warmup))) / 2     (from step to step)
//
// The two of kind step are the authors' scripts (Cui et al., CVPR 2019); the warm-up by epochs is that of Cao et al. (LDAM-DRW, NeurIPS
// 2019); cosine is Loshchilov and Hutter's "SGDR" (ICLR 2017) without restarts. The arithmetic is float64, the result float32.
func LearningRates(c *config.Config, n int) []float32 {
	t := c.Train
	rates := make([]float32, Steps(n, t.Batch, t.Epochs))
	base := t.LR * float64(t.Batch) / rateBatch
	for step := range rates {
		e := epochAt(step, t.Batch, n)
		rate, warming := warmup(&t, base, e, step*t.Batch/n)
		if !warming {
			rate = scheduled(&t, base, e)
		}
		rates[step] = float32(rate)
	}
	return rates
}

// warmup is the rate at epoch e, completed of them whole, where that is in the warm-up.
func warmup(t *config.Train, base, e float64, completed int) (rate float64, warming bool) {
	if t.Warmup == config.EpochWarmup {
		return base * min(1, float64(completed+1)/t.WarmupEpochs), float64(completed) < t.WarmupEpochs
	}
	return base * e / t.WarmupEpochs, e < t.WarmupEpochs
}

// scheduled is the rate at epoch e after the warm-up.
func scheduled(t *config.Train, base, e float64) float64 {
	if t.Schedule == config.CosineSchedule {
		return base * (1 + math.Cos(math.Pi*(e-t.WarmupEpochs)/(t.Epochs-t.WarmupEpochs))) / 2
	}
	rate := base
	for i, m := range t.Milestones {
		if e >= m {
			rate = base * t.Multipliers[i]
		}
	}
	return rate
}

// epochEnds reports whether the stream of samples passes a multiple of n at the end of a step, and how many epochs are done then.
// done counts steps, so that it is 1 after the first.
func epochEnds(done, batch, n int) (epochs int, ends bool) {
	epochs = done * batch / n
	return epochs, epochs > (done-1)*batch/n
}
