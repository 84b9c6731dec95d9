package ops

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"longtail/internal/ops/opstest"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// pieces are the layers of a residual network of three stages of one block, ours or Gorgonia's own. Scale and shift are [C] for ours, [1, C, 1, 1] for Gorgonia's.
type pieces struct {
	conv     func(x, w *G.Node, stride int) *G.Node
	norm     func(x, scale, shift *G.Node) *G.Node
	relu     func(x *G.Node) *G.Node
	add      func(a, b *G.Node) *G.Node
	shortcut func(x *G.Node, channels int) *G.Node
	loss     func(x, w, b, target *G.Node) *G.Node
}

var ours = pieces{
	conv: func(x, w *G.Node, stride int) *G.Node { return must(Conv(x, w, stride, 1)) },
	norm: func(x, scale, shift *G.Node) *G.Node {
		y, _, err := BatchNorm(x, scale, shift, 1e-5)
		return must(y, err)
	},
	relu:     func(x *G.Node) *G.Node { return must(ReLU(x)) },
	add:      func(a, b *G.Node) *G.Node { return must(Add(a, b)) },
	shortcut: func(x *G.Node, channels int) *G.Node { return must(ShortcutSubsample(x, channels)) },
	loss: func(x, w, b, target *G.Node) *G.Node {
		z := must(Dense(must(GlobalAverage(x)), w, b))
		return must(BatchMean(must(Mul(target, must(Sub(must(LogSumExp(z)), z))))))
	},
}

const networkClasses = 4

var networkChannels = []int{2, 4, 6}

// parameterShapes are those of the network, in its order: a convolution's weights, scale, shift; at last the dense layer's.
func parameterShapes() []tensor.Shape {
	var s []tensor.Shape
	norm := func(in, out int) {
		s = append(s, tensor.Shape{out, in, 3, 3}, tensor.Shape{out}, tensor.Shape{out})
	}
	norm(3, networkChannels[0])
	before := networkChannels[0]
	for _, c := range networkChannels {
		norm(before, c)
		norm(c, c)
		before = c
	}
	return append(s, tensor.Shape{networkClasses, before}, tensor.Shape{networkClasses})
}

func (p pieces) network(x, target *G.Node, params []*G.Node) *G.Node {
	layer := func(x *G.Node, stride int) *G.Node {
		y := p.norm(p.conv(x, params[0], stride), params[1], params[2])
		params = params[3:]
		return y
	}
	y := p.relu(layer(x, 1))
	for stage, channels := range networkChannels {
		stride, around := 1, y
		if stage > 0 {
			stride, around = 2, p.shortcut(y, channels)
		}
		y = p.relu(p.add(around, layer(p.relu(layer(y, stride)), 1)))
	}
	return p.loss(y, params[0], params[1], target)
}

// networkValues are images [N, 3, side, side], soft targets and parameters.
func networkValues(r *rand.Rand, batch, side int) []*tensor.Dense {
	values := []*tensor.Dense{opstest.Random(r, batch, 3, side, side), opstest.Random(r, batch, networkClasses)}
	target := values[1].Data().([]float64)
	clear(target)
	for i := range batch {
		target[i*networkClasses+i%networkClasses] = .9
		target[i*networkClasses+(i+1)%networkClasses] = .1
	}
	for _, s := range parameterShapes() {
		v := opstest.Random(r, s...)
		for i, x := range v.Data().([]float64) {
			v.Data().([]float64)[i] = .5 * x
			if s.Dims() == 1 {
				v.Data().([]float64)[i] = 1 + .2*x
			}
		}
		values = append(values, v)
	}
	return values
}

// TestNetworkAgainstFiniteDifferences checks a whole network in float64. Where a finite difference of a step 1e-5 passes a
// kink of a rectifier its error is of the order of the step, hence the tolerance.
func TestNetworkAgainstFiniteDifferences(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	values := networkValues(r, 3, 8)
	wrt := make([]int, 0, len(values))
	for i := range values {
		if i != 1 {
			wrt = append(wrt, i)
		}
	}
	opstest.CheckGradients(t, r, 1e-4, values, wrt, func(in []*G.Node) (*G.Node, error) {
		return ours.network(in[0], in[1], in[2:]), nil
	})
}

// TestGradAddsOnlySums states what plans rely on: besides our operations Grad adds the accumulation "+ false" and constants.
func TestGradAddsOnlySums(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	in := opstest.Inputs(networkValues(r, 3, 8)...)
	root := ours.network(in[0], in[1], in[2:])
	gradients, err := G.Grad(root, in[2:]...)
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string]int)
	for _, n := range opstest.Order(append([]*G.Node{root}, gradients...)...) {
		_, our := Of(n)
		switch {
		case n.Op() == nil || our:
		case n.Op().String() == "+ false":
			found["sum"]++
		case len(opstest.Children(n)) == 0 && n.Value() != nil:
			found["constant"]++
		default:
			found[fmt.Sprintf("%v (%T)", n.Op(), n.Op())]++
		}
	}
	if found["sum"] == 0 || found["constant"] == 0 || len(found) != 2 {
		t.Errorf("besides our operations there are %v, want sums and constants", found)
	}
}

// theirs are Gorgonia's own operations, of which those used here are right in float32.
func theirs(batch int) pieces {
	constants := 0
	zeros := func(g *G.ExprGraph, shape ...int) *G.Node {
		constants++
		return G.NewConstant(tensor.New(tensor.WithShape(shape...), tensor.Of(tensor.Float32)), G.WithName(fmt.Sprintf("zeros%d", constants)), G.In(g))
	}
	return pieces{
		conv: func(x, w *G.Node, stride int) *G.Node {
			return must(G.Conv2d(x, w, tensor.Shape{3, 3}, []int{1, 1}, []int{stride, stride}, []int{1, 1}))
		},
		norm: func(x, scale, shift *G.Node) *G.Node {
			c := x.Shape()[1]
			y, _, _, _, err := G.BatchNorm(x, must(G.Reshape(scale, tensor.Shape{1, c, 1, 1})), must(G.Reshape(shift, tensor.Shape{1, c, 1, 1})), .1, 1e-5)
			return must(y, err)
		},
		relu: func(x *G.Node) *G.Node { return must(G.Rectify(x)) },
		add:  func(a, b *G.Node) *G.Node { return must(G.Add(a, b)) },
		shortcut: func(x *G.Node, channels int) *G.Node {
			s := x.Shape()
			every := must(G.Slice(x, nil, nil, G.S(0, s[2], 2), G.S(0, s[3], 2)))
			pad := (channels - s[1]) / 2
			return must(G.Concat(1, zeros(x.Graph(), batch, pad, s[2]/2, s[3]/2), every, zeros(x.Graph(), batch, pad, s[2]/2, s[3]/2)))
		},
		loss: func(x, w, b, target *G.Node) *G.Node {
			s := x.Shape()
			pooled := must(G.Mean(must(G.Reshape(x, tensor.Shape{s[0], s[1], s[2] * s[3]})), 2))
			z := must(G.BroadcastAdd(must(G.Mul(pooled, must(G.Transpose(w)))), must(G.Reshape(b, tensor.Shape{1, networkClasses})), nil, []byte{0}))
			total := must(G.Neg(must(G.Sum(must(G.HadamardProd(must(G.LogSoftMax(z, 1)), target))))))
			return must(G.HadamardProd(total, G.NewConstant(float32(1/float64(batch)), G.WithName("one of the batch"))))
		},
	}
}

// TestNetworkAgainstGorgoniasOperations compares loss and gradients of the same network made of our operations and of
// Gorgonia's, both on Gorgonia's machine in float32.
func TestNetworkAgainstGorgoniasOperations(t *testing.T) {
	const batch = 4
	values := networkValues(rand.New(rand.NewPCG(9, 10)), batch, 8)
	for i, v := range values {
		values[i] = opstest.Float32(v)
	}
	var losses [2]float64
	var all [2][]G.Value
	for i, p := range []pieces{ours, theirs(batch)} {
		in := opstest.Inputs(values...)
		root := p.network(in[0], in[1], in[2:])
		var loss G.Value
		G.Read(root, &loss)
		gradients, err := opstest.Gradients(root, in[2:]...)
		if err != nil {
			t.Fatal(err)
		}
		losses[i], all[i] = opstest.Floats(loss)[0], gradients
	}
	opstest.Compare(t, "loss", losses[:1], losses[1:], 1e-5)
	for k, want := range all[1] {
		opstest.Compare(t, fmt.Sprintf("gradient of parameter %d", k), opstest.Floats(all[0][k]), opstest.Floats(want), 2e-4)
	}
}
