package train_test

import (
	"sync"
	"testing"

	"longtail/data"
	"longtail/internal/cpu"
	"longtail/internal/device"
	"longtail/internal/ops"
	"longtail/internal/plan"
	"longtail/internal/program"
	"longtail/internal/program/programtest"
	"longtail/internal/rng"
	"longtail/loss"

	G "gorgonia.org/gorgonia"
)

func init() { loss.Register("test-hinge", func(loss.Options) loss.Loss { return hinge{} }) }

// hinge is a loss that the program does not have: the squared hinge of C one-against-all classifiers, made of the published
// pieces. It is all that a new loss takes.
type hinge struct{}

func (hinge) Head(int) ops.Head { return ops.Head{DecayBias: true} }

func (hinge) Build(in *loss.Inputs) (*G.Node, error) {
	z, h := in.Logits, in.Target
	var err error
	keep := func(n *G.Node, e error) *G.Node {
		if err == nil {
			err = e
		}
		return n
	}
	sign := keep(ops.Affine(h, 2, -1))                                      // +1 for the true class, -1 for the others
	margin := keep(ops.Affine(keep(ops.Mul(sign, z)), -1, 1))               // 1 - sign z
	zero := keep(ops.Affine(margin, 0, 0))                                  //
	positive := keep(ops.Mul(margin, keep(ops.GreaterEqual(margin, zero)))) // max(0, .)
	return keep(ops.RowSum(keep(ops.Mul(positive, positive)))), err
}

// A loss that is one file, as above, must train: no backend knows it.
func TestNewLossTrainsWithoutAKernel(t *testing.T) {
	const batch, steps = 16, 12
	n := programtest.Network("resnet8", "avgpool", "test-hinge", 10, 0)
	p, net, err := n.Plan(batch, plan.Options{Train: true, Samples: batch, Momentum: .9, WeightDecay: 2e-4, RunningKeep: .9})
	if err != nil {
		t.Fatal(err)
	}
	b := cpu.New(0)
	images := data.Images{Pixels: make([]byte, batch*3072), Labels: make([]int32, batch), Classes: 10, Channels: 3, Height: 32, Width: 32}
	r := rng.New(1, rng.Synthetic, 0, 0)
	for i := range images.Pixels {
		images.Pixels[i] = byte(r.Uint32())
	}
	for i := range images.Labels {
		images.Labels[i] = int32(r.Intn(10))
	}
	s, err := b.Open(p, device.FP32, images, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	rates := make([]float32, steps)
	for i := range rates {
		rates[i] = 0.01
	}
	if err := s.Set(plan.LearningRates, rates); err != nil {
		t.Fatal(err)
	}
	if err := s.Load(program.InitialState(net, 1)); err != nil {
		t.Fatal(err)
	}
	var first, last float64
	for step := range steps {
		sums, err := s.Run(programtest.Order(1, batch, step*batch, batch), step, 1)
		if err != nil || sums.NonFinite {
			t.Fatal(step, sums, err)
		}
		if step == 0 {
			first = sums.Loss
		}
		last = sums.Loss
	}
	if !(last < first/2) {
		t.Errorf("the loss went from %g to %g: %d steps on one batch should learn it", first/batch, last/batch, steps)
	}
}

// Programs may be made by several goroutines at once, as sweeps do: the race detector watches.
func TestProgramsAreMadeAtOnce(t *testing.T) {
	n := programtest.Network("resnet8", "avgpool", "focal", 10, 1)
	want, _, err := n.Plan(4, plan.Options{Train: true})
	if err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			p, _, err := n.Plan(4, plan.Options{Train: true})
			if err != nil || p.String() != want.String() {
				t.Errorf("a program made beside others differs: %v", err)
			}
		})
	}
	wait.Wait()
}
