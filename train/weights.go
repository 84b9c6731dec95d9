package train

import (
	"longtail/internal/config"
	"longtail/loss"
)

// Weights are the class weights [C] of a run's steps: the same for all classes in the steps before From, which may be none, and those of
// the config afterwards (deferred re-weighting, Cao et al., "Learning Imbalanced Datasets with Label-Distribution-Aware Margin Loss",
// NeurIPS 2019, section 3.3). A class without images weighs 0.
type Weights struct {
	Before, Final []float32 // [C]
	From          int       // the first step with the final ones
}

// newWeights are the weights of a config for classes with those numbers of training images [C].
func newWeights(c *config.Config, counts []int) (w Weights, err error) {
	images := 0
	for _, n := range counts {
		images += n
	}
	if w.Before, err = weightsOf(loss.Unweighted, counts, 0); err != nil {
		return w, err
	}
	w.From = firstStep(c.Loss.ReweightFrom, c.Train.Batch, images)
	w.Final, err = weightsOf(c.Loss.Weights, counts, c.Loss.Beta)
	return w, err
}

func weightsOf(kind string, counts []int, beta float64) ([]float32, error) {
	wide, err := loss.WeightsOf(kind, counts, beta)
	weights := make([]float32, len(wide))
	for i, v := range wide {
		weights[i] = float32(v)
	}
	return weights, err
}

// at are the weights of a step, the first being 0. A test after n steps has those of step n - 1.
func (w *Weights) at(step int) []float32 {
	if step < w.From {
		return w.Before
	}
	return w.Final
}

// firstStep is the first step that begins when so many epochs of n images are completed, as for the milestones of the learning rate: a
// batch that straddles the end of an epoch belongs to that epoch.
func firstStep(epoch float64, batch, n int) int {
	step := max(int(epoch*float64(n)/float64(batch))-1, 0) // no later than the wanted one, whatever the rounding
	for epochAt(step, batch, n) < epoch {
		step++
	}
	return step
}
