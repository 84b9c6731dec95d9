package train

import (
	"cmp"
	"context"
	"slices"

	"longtail/data"
	"longtail/internal/fail"
	"longtail/internal/metrics"
	"longtail/internal/posthoc"
)

// Mistakes are the test images that a run's network takes for another class.
type Mistakes struct {
	ClassNames []string    // [C]
	Tested     []int       // [C] test images
	Wrong      []int       // [C] of which the network takes for another class
	Worst      [][]Mistake // [C] of those, the ones it is most certain of, in this order
	Images     data.Images // the test images
	Names      []string    // of their files, [N], any bytes; nil where they have none
	Plain      bool        // of the network's own outputs, although the run is quoted after the section eval
}

// Mistake is a test image that is taken for another class.
type Mistake struct {
	Image       int // index of the test images
	Predicted   int
	Probability float64 // of the predicted class
}

// FindMistakes looks at the test images of a run with one of its checkpoints, as the run is quoted, and keeps at most so many mistakes of each class.
func FindMistakes(ctx context.Context, job EvalJob, checkpoint string, perClass int) (*Mistakes, error) {
	t, err := ReadTrained(job.Dir, checkpoint)
	if err != nil {
		return nil, err
	}
	_, ds, err := job.load(ctx)
	if err != nil {
		return nil, err
	}
	if id, err := NewIdentity(t.Config, ds.Split); err != nil || id.Split != t.split {
		return nil, cmp.Or(err, fail.Data("the run in %s was trained on other images than those of %s now\nrestore the data set that it was trained on", job.Dir, ds.Name))
	}
	m := &Mistakes{ClassNames: t.ClassNames, Tested: countLabels(ds.Test), Wrong: make([]int, len(t.ClassNames)), Worst: make([][]Mistake, len(t.ClassNames)), Images: ds.Test}
	if m.Names, err = testNames(t.Config.Data.Dataset, ds.Test); err != nil {
		return nil, err
	}
	d, err := job.Open(cmp.Or(job.Device, t.Config.Device), cmp.Or(job.Precision, t.Config.Precision))
	if err != nil {
		return nil, err
	}
	all := t.Config.Eval.Adjustments()
	m.Plain = len(all) > 0 && all[0].Method == posthoc.NCM
	p, err := NewPredictor(t, d, evaluationBatch, m.Plain)
	if err != nil {
		return nil, err
	}
	defer p.Close()
	return m, p.predict(ctx, ds.Test, func(i int, probabilities []float64) error {
		m.add(i, probabilities, perClass)
		return nil
	})
}

// add takes the answer about an image. Of equally certain mistakes the first are kept.
func (m *Mistakes) add(i int, probabilities []float64, perClass int) {
	class, predicted := m.Images.Labels[i], metrics.Argmax(probabilities)
	if predicted == int(class) {
		return
	}
	m.Wrong[class]++
	worst := m.Worst[class]
	at, _ := slices.BinarySearchFunc(worst, probabilities[predicted], func(w Mistake, p float64) int {
		if w.Probability >= p {
			return -1
		}
		return 1
	})
	worst = slices.Insert(worst, at, Mistake{i, predicted, probabilities[predicted]})
	m.Worst[class] = worst[:min(len(worst), perClass)]
}

// testNames are the file names of test images, nil where the set has none.
func testNames(dataset string, test data.Images) ([]string, error) {
	set, err := data.Lookup(dataset)
	if err != nil || set.Names == nil {
		return nil, err
	}
	all, err := set.Names()
	if err != nil {
		return nil, err
	}
	names := make([]string, test.Len())
	for i := range names {
		names[i] = all[test.Row(i)]
	}
	return names, nil
}
