// Package knowntest makes known values for tests of backends: of every registered loss, computed in float64 by the references of the
// operations, so that a loss that is added is tested without anybody's doing.
package knowntest

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"longtail/data"
	"longtail/internal/device"
	"longtail/internal/ops/opstest"
	"longtail/internal/plan"
	"longtail/internal/program"
	"longtail/loss"
	"longtail/train/known"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Cases are batches of a loss: of moderate and of extreme logits, of one and of two labels, with each divisor, few classes and many.
func Cases(t testing.TB, name string) []known.LossCase {
	t.Helper()
	r := rand.New(rand.NewPCG(11, 12))
	var cases []known.LossCase
	for i, shape := range [][2]int{{5, 2}, {2, 1200}, {8, 10}, {3, 100}, {6, 13}, {70, 5}} {
		for _, extreme := range []bool{false, true} {
			c := draw(r, name, shape[0], shape[1], extreme)
			c.Divisor = loss.Divisors()[i%2]
			if i > 1 {
				c.Labels2, c.First = labels(r, shape[0], shape[1]), make([]float64, shape[0])
				for k := range c.First {
					c.First[k] = float64(r.IntN(65)) / 64
				}
			}
			c.Name = fmt.Sprintf("%s [%d, %d] extreme=%v divisor=%s", name, shape[0], shape[1], extreme, c.Divisor)
			expect(t, &c)
			cases = append(cases, c)
		}
	}
	return cases
}

// draw makes a batch with counts from ten million images down to one.
func draw(r *rand.Rand, name string, n, classes int, extreme bool) known.LossCase {
	c := known.LossCase{Loss: name, Options: map[string]json.RawMessage{}, Labels: labels(r, n, classes), Counts: make([]int, classes)}
	for k := range c.Counts {
		c.Counts[k] = int(math.Pow(1e7, 1-float64(k)/float64(classes-1)))
	}
	for range n * classes {
		z := float64(r.IntN(1025)-512) / 64
		if extreme {
			z = []float64{-10000, 0, 10000, z}[r.IntN(4)]
		}
		c.Logits = append(c.Logits, z)
	}
	c.Weights.Kind = loss.SqrtInverse
	return c
}

func labels(r *rand.Rand, n, classes int) []int32 {
	all := make([]int32, n)
	for i := range all {
		all[i] = int32(r.IntN(classes))
	}
	return all
}

// expect computes a case in float64, and sets tolerances in proportion to what float32 can give.
func expect(t testing.TB, c *known.LossCase) {
	t.Helper()
	l, err := loss.New(c.Loss, nil)
	if err != nil {
		t.Fatal(err)
	}
	weights, err := loss.WeightsOf(c.Weights.Kind, c.Counts, 0)
	if err != nil {
		t.Fatal(err)
	}
	n, classes := len(c.Labels), len(c.Counts)
	values := []*tensor.Dense{opstest.Of(c.Logits, n, classes), oneHot(c.Labels, classes), opstest.Of(weights, classes)}
	if c.First != nil {
		values = append(values, oneHot(c.Labels2, classes), opstest.Of(c.First, n, 1))
	}
	in := opstest.Inputs(values...)
	b := loss.Batch{Inputs: loss.Inputs{Logits: in[0], Target: in[1], Counts: c.Counts}, Weight: in[2], Divisor: c.Divisor}
	if c.First != nil {
		b.Second, b.First = in[3], in[4]
	}
	cost, err := b.Cost(l)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range b.Declared {
		v := tensor.New(tensor.WithShape(classes), tensor.WithBacking(d.Initial))
		if err := G.Let(d.Node, opstest.Of(opstest.Floats(v), classes)); err != nil {
			t.Fatal(err)
		}
	}
	var value G.Value
	G.Read(cost, &value)
	gradients, err := opstest.Gradients(cost, in[0])
	if err != nil {
		t.Fatal(err)
	}
	c.Expected.Loss, c.Expected.Gradient = opstest.Floats(value)[0], opstest.Floats(gradients[0])
	c.Expected.ClassWeights = weights
	c.Tolerance.Weights = known.Tolerance{1e-12, 0}
	c.Tolerance.Loss, c.Tolerance.Gradient = tolerances(c, weights)
}

// tolerances are relative, and in units of the largest logit times the largest factor that a sample's loss gets. Between two labels of
// a mixed image, and between a batch of a common and of a rare class, factors differ by orders of magnitude.
func tolerances(c *known.LossCase, weights []float64) (value, gradient known.Tolerance) {
	largest, total := 0.0, 0.0
	for i, y := range c.Labels {
		w := weights[y]
		total += w
		largest = max(largest, w)
		if c.First != nil {
			w2 := weights[c.Labels2[i]]
			largest, total = max(largest, w2), total-w+c.First[i]*w+(1-c.First[i])*w2
		}
	}
	if c.Divisor != "weights" {
		total = float64(len(c.Labels))
	}
	logit := 1.0
	for _, z := range c.Logits {
		logit = max(logit, math.Abs(z))
	}
	scale := 1. // that a loss gives to logits
	for _, o := range loss.OptionsOf(c.Loss) {
		if o.Name == "scale" {
			scale = o.Default
		}
	}
	const rounding = 1e-6 // of a few operations in float32
	logit *= scale * rounding * largest / total
	return known.Tolerance{1e-5, float64(len(c.Labels)) * logit}, known.Tolerance{1e-4, scale * logit}
}

func oneHot(labels []int32, classes int) *tensor.Dense {
	rows := make([]float64, len(labels)*classes)
	for i, y := range labels {
		rows[i*classes+int(y)] = 1
	}
	return opstest.Of(rows, len(labels), classes)
}

// Padding fails where the rows of a padded evaluation batch add anything, whatever their logits are.
func Padding(t testing.TB, on *device.Device, name string) {
	t.Helper()
	const n, padded, classes = 3, 5, 4
	given := make([]float32, classes*padded) // [C, N]
	r := rand.New(rand.NewPCG(3, 4))
	for i := range given {
		given[i] = float32(r.NormFloat64())
		if i%padded >= n {
			given[i] = []float32{1e4, -1e4}[i%2]
		}
	}
	images := data.Images{Pixels: make([]byte, n), Labels: []int32{3, 0, 2}, Classes: classes, Channels: 1, Height: 1, Width: 1}
	var losses [2]float64
	for i, batch := range []int{n, padded} {
		p, net, err := program.Objective{Loss: name, Counts: []int{100, 10, 3, 1}}.Plan(batch, plan.Options{})
		if err != nil {
			t.Fatal(err)
		}
		s, err := on.Open(p, on.Precision, images, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		columns := make([]float32, 0, classes*batch)
		for c := range classes {
			columns = append(columns, given[c*padded:][:batch]...)
		}
		state := program.InitialState(net, 0)
		state[program.Given] = tensor.New(tensor.WithShape(classes, batch), tensor.WithBacking(columns))
		if err := s.Load(state); err != nil {
			t.Fatal(err)
		}
		sums, err := s.Run([]int32{0, 1, 2, -1, -1}[:batch], 0, 1)
		if err != nil {
			t.Fatal(err)
		}
		if sums.Samples != n || sums.NonFinite {
			t.Errorf("%s: sums of %d samples in a batch of %d are %+v", name, n, batch, sums)
		}
		losses[i] = sums.Loss
	}
	if losses[0] != losses[1] {
		t.Errorf("%s: the loss of %d samples is %v alone and %v with padding", name, n, losses[0], losses[1])
	}
}
