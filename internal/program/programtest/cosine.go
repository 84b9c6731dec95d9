package programtest

import (
	"longtail/internal/ops"
	"longtail/internal/plan"
	"longtail/loss"
	"longtail/models"

	G "gorgonia.org/gorgonia"
)

// CosineHead is a small network whose classifier compares directions: a convolution, the global average, features and class
// weights scaled to length 1, their products times 8, the softmax. Its row programs work on matrices of three forms: features
// [N, F], class weights [C, F] and logits [N, C].
func CosineHead(batch, classes int) (plan.Graph, models.Net, error) {
	const features, side = 8, 8
	var d drawing
	g := G.NewGraph()
	image := G.NewTensor(g, G.Float32, 4, G.WithShape(batch, 3, side, side), G.WithName("image"))
	kernel := d.param(g, "conv", features, 3, 3, 3)
	weight := d.param(g, "dense.weight", classes, features)
	bias := d.param(g, "dense.bias", classes)
	x := d.keep(ops.GlobalAverage(d.keep(ops.Conv(image, kernel, 1, 1))))
	cosines := d.keep(ops.Dense(d.keep(ops.RowNormalize(x, 1e-6)), d.keep(ops.RowNormalize(weight, 1e-6)), bias))
	d.net.Logits = d.keep(ops.Affine(cosines, 8, 0))
	in := &loss.Batch{
		Inputs: loss.Inputs{Logits: d.net.Logits, Target: G.NewMatrix(g, G.Float32, G.WithShape(batch, classes), G.WithName("target"))},
		Weight: G.NewVector(g, G.Float32, G.WithShape(classes), G.WithName("weight")),
	}
	softmax, err := loss.New("softmax", nil)
	if err != nil {
		return plan.Graph{}, models.Net{}, err
	}
	cost := d.keep(in.Cost(softmax))
	if d.err != nil {
		return plan.Graph{}, models.Net{}, d.err
	}
	gradients, err := G.Grad(cost, kernel, weight, bias)
	ones := make([]float32, classes)
	for c := range ones {
		ones[c] = 1
	}
	return plan.Graph{
		Image: image, Target: in.Target, Logits: d.net.Logits, Loss: cost, Params: d.net.Params, Gradients: gradients,
		Inputs: []plan.GraphInput{{Name: "weight", Node: in.Weight, Initial: ones}},
	}, d.net, err
}

// drawing keeps parameters and the first error.
type drawing struct {
	net models.Net
	err error
}

func (d *drawing) keep(n *G.Node, err error) *G.Node {
	if d.err == nil {
		d.err = err
	}
	return n
}

func (d *drawing) param(g *G.ExprGraph, name string, shape ...int) *G.Node {
	n := G.NewTensor(g, G.Float32, len(shape), G.WithShape(shape...), G.WithName(name))
	d.net.Params = append(d.net.Params, ops.Param{Node: n, Name: name, Init: ops.Init{Std: 0.5}})
	return n
}
