package train

import (
	"context"
	"fmt"
	"math"

	"longtail/data"
	"longtail/internal/device"
	"longtail/internal/fail"
	"longtail/internal/metrics"
	"longtail/internal/plan"
	"longtail/internal/posthoc"
)

// Predictor answers images with a trained network. It is used by one goroutine at a time.
type Predictor struct {
	trained *Trained
	scorer  *scorer
	device  *device.Device
	program *plan.Program
	images  data.Images    // a blank one, of the right size
	state   device.Session // holds the parameters that the sessions of images share
}

// NewPredictor opens a network on a device, for so many images at a time. What the run's config asks for in its section eval is done to the
// outputs unless plain is set; where that needs the training images, or was not chosen yet, it is a usage error.
func NewPredictor(t *Trained, d *device.Device, batch int, plain bool) (*Predictor, error) {
	s, err := newScorer(t, plain)
	if err != nil {
		return nil, err
	}
	p := &Predictor{trained: t, scorer: s, device: d}
	if p.program, _, err = t.Network.Plan(batch, plan.Options{}); err != nil {
		return nil, err
	}
	size := t.Network.Image
	p.images = data.Images{Pixels: make([]byte, size.Channels*size.Height*size.Width), Labels: make([]int32, 1), Classes: len(t.ClassNames), Channels: size.Channels, Height: size.Height, Width: size.Width}
	if p.state, err = d.Open(p.program, d.Precision, p.images, nil); err != nil {
		return nil, fmt.Errorf("opening the %s: %w", p.program.Summary(), err)
	}
	if err := p.state.Load(t.State); err != nil {
		p.state.Close()
		return nil, fail.Data("the %s checkpoint of %s does not fit the run's network: %w", t.checkpoint, t.dir, err)
	}
	return p, nil
}

// Close frees the device's memory.
func (p *Predictor) Close() error { return p.state.Close() }

// Predict gives each the probabilities [C] of every image of pixels [N, Channels, Height, Width], bytes, in their order: the softmax of the
// network's outputs, which a loss with a cosine classifier scales. It stops where the context is cancelled, with the context's error.
func (p *Predictor) Predict(ctx context.Context, pixels []byte, each func(i int, probabilities []float64) error) error {
	m := p.images
	m.Pixels, m.Labels = pixels, make([]int32, len(pixels)/m.ImageBytes())
	return p.predict(ctx, m, each)
}

// predict is Predict for images that lie anywhere.
func (p *Predictor) predict(ctx context.Context, m data.Images, each func(i int, probabilities []float64) error) error {
	n := m.Len()
	session, err := p.device.Open(p.program, p.device.Precision, m, p.state)
	if err != nil {
		return fmt.Errorf("opening the %s: %w", p.program.Summary(), err)
	}
	defer session.Close()
	e := &Evaluator{Session: session, Labels: m.Labels, Batch: p.program.Batch}
	for first := 0; first < n; first += e.Batch {
		if err := ctx.Err(); err != nil {
			return err
		}
		if _, err := session.Run(e.order(first), first/e.Batch, 1); err != nil {
			return fmt.Errorf("looking at images: %w", err)
		}
		scores, err := p.scorer.scores(e, min(e.Batch, n-first))
		if err != nil {
			return err
		}
		for i, row := range scores {
			if !isFinite(row) {
				return fail.Diverged("the network of %s gives numbers that are not finite\nuse another checkpoint", p.trained.dir)
			}
			if err := each(first+i, softmax(row)); err != nil {
				return err
			}
		}
	}
	return nil
}

func isFinite(row []float64) bool {
	for _, z := range row {
		if math.IsNaN(z) || math.IsInf(z, 0) {
			return false
		}
	}
	return true
}

// softmax is e^z_c / sum_k e^z_k.
func softmax(z []float64) []float64 {
	p, top, sum := make([]float64, len(z)), z[metrics.Argmax(z)], 0.0
	for c := range z {
		p[c] = math.Exp(z[c] - top)
		sum += p[c]
	}
	for c := range p {
		p[c] /= sum
	}
	return p
}

// scorer makes scores of what a network gives: its logits, changed as the run's config asks for, and scaled by the loss where they are cosines.
type scorer struct {
	network posthoc.Network
	asked   *posthoc.Adjustment // nil: none
	scale   float64
}

func newScorer(t *Trained, plain bool) (*scorer, error) {
	scale, err := t.cosineScale()
	if err != nil {
		return nil, err
	}
	s := &scorer{network: posthoc.Network{Counts: t.Counts}, scale: scale}
	all := t.Config.Eval.Adjustments()
	if plain || len(all) == 0 {
		return s, nil
	}
	a := all[0]
	const usePlain = "\ngive --plain for the network's own answers"
	if a.Method == posthoc.NCM {
		return nil, fail.Usage("the run in %s is quoted after %s, which compares images with all training images%s", t.dir, a, usePlain)
	}
	if a.Auto {
		tau, err := t.chosenTau()
		if err != nil {
			return nil, err
		}
		if tau == nil {
			return nil, fail.Usage("the run in %s is not finished: %s is chosen at its end%s", t.dir, a, usePlain)
		}
		a = posthoc.Adjustment{Method: a.Method, Tau: *tau}
	}
	if a.Method == posthoc.Normalise {
		if s.network.Classifier, err = classifier(t.State); err != nil {
			return nil, fail.Usage("%s: %w%s", a, err, usePlain)
		}
	}
	s.asked = &a
	return s, nil
}

// scores are those of the first n images of an evaluator's last step, [n][C].
func (s *scorer) scores(e *Evaluator, n int) (scores [][]float64, err error) {
	var o posthoc.Outputs
	if o.Logits, err = e.read(device.Logits, n); err != nil {
		return nil, err
	}
	scores = o.Logits
	if s.asked != nil {
		if s.asked.Method == posthoc.Normalise {
			if o.Features, err = e.read(device.Features, n); err != nil {
				return nil, err
			}
		}
		scores = s.network.Scores(*s.asked, &o)
	}
	for _, row := range scores {
		for c := range row {
			row[c] *= s.scale
		}
	}
	return scores, nil
}
