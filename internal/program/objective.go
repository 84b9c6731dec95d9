package program

import (
	"fmt"

	"longtail/internal/ops"
	"longtail/internal/plan"
	"longtail/loss"
	"longtail/models"

	G "gorgonia.org/gorgonia"
)

// Names in the programs of an Objective.
const (
	Given        = "given"         // the parameter [W, N], whose columns are the logits or features of the samples
	Identity     = "identity"      // the input [N, N], an identity matrix, which makes rows of its columns
	SecondTarget = "second_target" // the input [N, C] of mixed images: the second labels as one-hot rows
	FirstShare   = "first_share"   // the input [N, 1] of mixed images: the share of the first label
)

// Objective is a loss without a network: of logits that are given, or of features in front of the classifier that the loss asks for.
// Known values are compared with its programs, and backends with each other. What is given is a parameter, so that its gradient is a
// result; a label is that of the image with the sample's number.
type Objective struct {
	Loss     string
	Options  loss.Options
	Counts   []int  // [C] training images of each class
	Divisor  string // as in Network
	Features int    // width of the features that are given; 0 where logits are
	Mixed    bool   // samples have two labels
}

// Plan draws the loss of a batch of a number of samples and plans it. Images are [1, 1, 1] and not looked at.
func (o Objective) Plan(batch int, options plan.Options) (*plan.Program, models.Net, error) {
	drawing.Lock()
	defer drawing.Unlock()
	graph, net, err := o.draw(batch)
	if err == nil && options.Train {
		graph.Gradients, err = gradients(graph.Loss, net.Params)
	}
	if err != nil {
		return nil, models.Net{}, fmt.Errorf("drawing the loss %s: %w", o.Loss, err)
	}
	p, err := plan.Compile(graph, options)
	return p, net, err
}

func (o Objective) draw(batch int) (plan.Graph, models.Net, error) {
	objective, err := loss.New(o.Loss, o.Options)
	if err != nil {
		return plan.Graph{}, models.Net{}, err
	}
	g, classes := G.NewGraph(), len(o.Counts)
	matrix := func(name string, rows, columns int) *G.Node {
		return G.NewMatrix(g, G.Float32, G.WithShape(rows, columns), G.WithName(name))
	}
	width := classes
	if o.Features > 0 {
		width = o.Features
	}
	given, identity := matrix(Given, width, batch), matrix(Identity, batch, batch)
	rows, err := ops.Dense(identity, given, nil)
	if err != nil {
		return plan.Graph{}, models.Net{}, err
	}
	net := models.Net{Logits: rows}
	if o.Features > 0 {
		if net, err = models.Classify(rows, models.Config{Classes: classes, Init: "glorot"}, objective.Head(classes)); err != nil {
			return plan.Graph{}, models.Net{}, err
		}
	}
	net.Params = append([]ops.Param{{Node: given, Name: Given}}, net.Params...)
	in := newBatch(net.Logits, o.Counts)
	in.Divisor = o.Divisor
	unit := make([]float32, batch*batch)
	for i := range batch {
		unit[i*batch+i] = 1
	}
	own := []plan.GraphInput{{Name: Identity, Node: identity, Initial: unit, PerSample: true}}
	if o.Mixed {
		in.Second, in.First = matrix(SecondTarget, batch, classes), matrix(FirstShare, batch, 1)
		own = append(own, plan.GraphInput{Name: SecondTarget, Node: in.Second, Initial: make([]float32, batch*classes), PerSample: true},
			plan.GraphInput{Name: FirstShare, Node: in.First, Initial: make([]float32, batch), PerSample: true})
	}
	cost, err := in.Cost(objective)
	image := G.NewTensor(g, G.Float32, 4, G.WithShape(batch, 1, 1, 1), G.WithName("image"))
	return plan.Graph{
		Image: image, Target: in.Target, Logits: net.Logits, Loss: cost, Inputs: append(own, inputs(in)...), Params: net.Params,
	}, net, err
}
