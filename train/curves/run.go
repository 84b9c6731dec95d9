package curves

import (
	"cmp"
	"fmt"
	"math"

	"longtail/data"
	"longtail/internal/device"
	"longtail/internal/ops"
	"longtail/internal/plan"
	"longtail/internal/program"
	"longtail/loss"
	"longtail/models"

	"gorgonia.org/tensor"
)

// The protocol of the cases, that of the paper.
const (
	momentum    = 0.9
	weightDecay = 2e-4
	runningKeep = 0.9
)

// Bounds are the deviations that a right implementation keeps.
type Bounds struct {
	Loss     float64 // relative, of each step's loss
	Gradient float64 // relative, of each parameter's gradient norm at the first step
	Logits   float64 // relative, of the sum of squares; for the sum, in units of sqrt(count * sum of squares)
}

// FP32 are the bounds for float32 arithmetic.
var FP32 = Bounds{Loss: 1e-3, Gradient: 5e-3, Logits: 2e-3}

// BoundsFor are the bounds for a precision.
func BoundsFor(p device.Precision) Bounds {
	if p == device.Mixed {
		return Mixed
	}
	return FP32
}

// Mixed are the bounds for 16-bit storage and multiplication: see docs/gpu.md.
var Mixed = Bounds{Loss: 5e-3, Gradient: 0.25, Logits: 2e-2}

// Deviation is how far a case came out: the largest of each kind.
type Deviation struct {
	Loss, Gradient float64
	Logits         float64 // NaN where it is not compared: networks deeper than 8 amplify rounding
	Want           Bounds
}

// OK reports whether all deviations are within the bounds.
func (d Deviation) OK() bool {
	return d.Loss <= d.Want.Loss && d.Gradient <= d.Want.Gradient && (math.IsNaN(d.Logits) || d.Logits <= d.Want.Logits)
}

// Run repeats the training on a backend.
//
// With u(seed, i) the splitmix64 of seed * 2^32 + i, its top 53 bits divided by 2^53: byte i of the images of step s is
// floor(256 u(seed + 10 s, i)); label i is floor(classes u(seed + 10 s + 1, i)); element i of weight tensor t, in the order of
// the network, is (2 u(1000 + t, i) - 1) sqrt(6 / (fan_in + fan_out)). There is no augmentation.
func (c Case) Run(on *device.Device, want Bounds) (Deviation, error) {
	want.Loss, want.Gradient = max(want.Loss, c.BoundLoss), max(want.Gradient, c.BoundGradient)
	d := Deviation{Want: want, Logits: math.NaN()}
	training, state, err := c.open(on)
	if err != nil {
		return d, err
	}
	defer training.session.Close()
	if err := training.session.Load(state); err != nil {
		return d, err
	}
	for step, wanted := range c.Losses {
		if err := c.weigh(training.session, step); err != nil {
			return d, err
		}
		sums, err := training.session.Run(c.order(step), step, 1)
		if err != nil {
			return d, err
		}
		if sums.NonFinite {
			d.Loss = math.Inf(1)
			return d, nil
		}
		d.Loss = max(d.Loss, relative(sums.Loss/float64(c.Batch), wanted))
		if step == 0 {
			if d.Gradient, err = c.gradientDeviation(training); err != nil {
				return d, err
			}
		}
	}
	if c.model() == "resnet8" {
		d.Logits, err = c.logitsDeviation(on, training)
	}
	return d, err
}

// running is a case on a device.
type running struct {
	session device.Session
	net     models.Net
	images  data.Images
}

func (c Case) network() program.Network {
	return program.Network{
		Model: models.Config{Name: c.model(), Classes: c.Classes, Shortcut: cmp.Or(c.Shortcut, "avgpool"), Init: "glorot", Frozen: c.Frozen},
		Image: program.Size{Channels: 3, Height: c.side(), Width: c.side()}, Loss: c.Loss, Options: c.options(), Counts: c.Counts,
		Divisor: c.Divisor,
	}
}

func (c Case) side() int { return cmp.Or(c.Side, 32) }

// open prepares the training session and the state to start from.
func (c Case) open(d *device.Device) (*running, device.State, error) {
	p, net, err := c.network().Plan(c.Batch, plan.Options{
		Train: true, Samples: c.Batch * len(c.Losses), Momentum: momentum, WeightDecay: weightDecay, RunningKeep: runningKeep,
	})
	if err != nil {
		return nil, nil, err
	}
	images := c.images()
	session, err := d.Open(p, d.Precision, images, nil)
	if err != nil {
		return nil, nil, err
	}
	rates := make([]float32, len(c.Losses))
	for i := range rates {
		rates[i] = float32(c.LR)
	}
	if err := session.Set(plan.LearningRates, rates); err != nil {
		return nil, nil, err
	}
	return &running{session, net, images}, c.initial(net), nil
}

// weigh sets the class weights before the steps where they change.
func (c Case) weigh(session device.Session, step int) error {
	beta := 0.0
	switch step {
	case c.ReweightFrom:
		beta = c.Beta
	case 0:
	default:
		return nil
	}
	weights := make([]float32, c.Classes)
	for i, w := range loss.Weights(c.Counts, beta) {
		weights[i] = float32(w)
	}
	return session.Set(program.ClassWeights, weights)
}

// initial fills the weights by their formula; everything else starts as in a normal run.
func (c Case) initial(net models.Net) device.State {
	state := program.InitialState(net, 0)
	t := uint64(0)
	for _, p := range net.Params {
		shape := p.Node.Shape()
		if shape.Dims() < 2 {
			continue
		}
		window := 1
		if shape.Dims() == 4 {
			window = shape[2] * shape[3]
		}
		bound := math.Sqrt(6 / float64(window*(shape[0]+shape[1])))
		values := make([]float32, shape.TotalSize())
		for i := range values {
			values[i] = float32((2*uniform(1000+t, uint64(i)) - 1) * bound)
		}
		state[p.Name] = tensor.New(tensor.WithShape(shape.Clone()...), tensor.WithBacking(values))
		t++
	}
	return state
}

// images are those of all steps, one batch after the other.
func (c Case) images() data.Images {
	size, steps := 3*c.side()*c.side(), len(c.Losses)
	images := data.Images{Pixels: make([]byte, 0, steps*c.Batch*size), Classes: c.Classes, Channels: 3, Height: c.side(), Width: c.side()}
	for s := range uint64(steps) {
		for i := range c.Batch * size {
			images.Pixels = append(images.Pixels, byte(256*uniform(c.Seed+10*s, uint64(i))))
		}
		for i := range c.Batch {
			images.Labels = append(images.Labels, int32(float64(c.Classes)*uniform(c.Seed+10*s+1, uint64(i))))
		}
	}
	return images
}

func (c Case) order(step int) []int32 {
	order := make([]int32, c.Batch)
	for i := range order {
		order[i] = int32(step*c.Batch + i)
	}
	return order
}

// uniform is splitmix64 (Steele et al. 2014) as a function of a position.
func uniform(seed, i uint64) float64 {
	z := seed<<32 + i + 0x9E3779B97F4A7C15
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	z ^= z >> 31
	return float64(z>>11) / (1 << 53)
}

func (c Case) gradientDeviation(r *running) (float64, error) {
	var trained []ops.Param
	for _, p := range r.net.Params {
		if !p.Frozen {
			trained = append(trained, p)
		}
	}
	if len(c.GradientNorms) != len(trained) {
		return 0, fmt.Errorf("%d gradient norms for the %d parameters of %s: it is another network", len(c.GradientNorms), len(trained), c.model())
	}
	worst := 0.0
	for i, p := range trained {
		g, err := r.session.Read(device.GradientPrefix + p.Name)
		if err != nil {
			return 0, err
		}
		_, squares := sums(g)
		worst = max(worst, relative(math.Sqrt(squares), c.GradientNorms[i]))
	}
	return worst, nil
}

// logitsDeviation compares the network in evaluation mode, after the last update, on the last batch.
func (c Case) logitsDeviation(d *device.Device, r *running) (float64, error) {
	p, _, err := c.network().Plan(c.Batch, plan.Options{})
	if err != nil {
		return 0, err
	}
	evaluation, err := d.Open(p, d.Precision, r.images, r.session)
	if err != nil {
		return 0, err
	}
	defer evaluation.Close()
	if _, err := evaluation.Run(c.order(len(c.Losses)-1), 0, 1); err != nil {
		return 0, err
	}
	logits, err := evaluation.Read(device.Logits)
	if err != nil {
		return 0, err
	}
	sum, squares := sums(logits)
	unit := math.Sqrt(float64(len(logits)) * c.LogitsSumSq)
	return max(relative(squares, c.LogitsSumSq), math.Abs(sum-c.LogitsSum)/unit), nil
}

func sums(v []float32) (sum, squares float64) {
	for _, x := range v {
		sum += float64(x)
		squares += float64(x) * float64(x)
	}
	return sum, squares
}

func relative(got, want float64) float64 { return math.Abs(got-want) / math.Abs(want) }
