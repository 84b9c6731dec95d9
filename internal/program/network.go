// Package program makes the programs of a network and its loss: it draws the Gorgonia graph, lets Gorgonia differentiate it, and plans it.
// Training, the measurements of bench, golden curves and tests of backends get their programs here.
//
// A Network names model, loss, classes and size of the images; its method Plan gives the program of a training step (which updates the
// parameters and sums loss and confusion) or of a batch of the test set. InitialState draws the parameters that a training starts from,
// a function of the network and the seed. What varies during a run is an input of the program: ClassWeights, and whatever the loss
// declares.
package program

import (
	"fmt"
	"sync"

	"longtail/internal/ops"
	"longtail/internal/plan"
	"longtail/loss"
	"longtail/models"

	G "gorgonia.org/gorgonia"
)

// ClassWeights is the name of the input [C] of every program that holds the class weights; 1 until it is set.
const ClassWeights = "class_weights"

// Size is that of an image: channels, rows, columns.
type Size struct{ Channels, Height, Width int }

// Network says which graph to draw.
type Network struct {
	Model   models.Config
	Image   Size
	Pixels  plan.Pixels // how bytes become numbers; the zero value is byte / 128 - 1
	Loss    string
	Options loss.Options
	Counts  []int  // [C] training images of each class, for losses that look at them; nil where they are not known
	Divisor string // of the loss in training, one of loss.Divisors; empty: the batch. Evaluation always divides by the batch
}

// drawing is held while a graph is drawn, differentiated and planned: Gorgonia's Grad puts a constant into the graph that all
// graphs of a process share.
var drawing sync.Mutex

// Plan draws the network and its loss for one batch size, differentiates it if it is to be trained, and plans it.
func (n Network) Plan(batch int, o plan.Options) (*plan.Program, models.Net, error) {
	drawing.Lock()
	defer drawing.Unlock()
	graph, net, err := n.draw(batch, o)
	if err != nil {
		return nil, models.Net{}, err
	}
	if o.Train {
		if graph.Gradients, err = gradients(graph.Loss, net.Params); err != nil {
			return nil, models.Net{}, fmt.Errorf("differentiating %s with %s: %w", n.Model.Name, n.Loss, err)
		}
	}
	p, err := plan.Compile(graph, o)
	if err != nil {
		return nil, models.Net{}, fmt.Errorf("planning %s with %s: %w", n.Model.Name, n.Loss, err)
	}
	return p, net, nil
}

// Draw draws the network for evaluation, without its loss, on images [batch, channels, height, width].
func (n Network) Draw(batch int) (image *G.Node, net models.Net, err error) {
	objective, err := loss.New(n.Loss, n.Options)
	if err != nil {
		return nil, models.Net{}, err
	}
	return n.layers(batch, objective, false)
}

// layers draws the images and the network on them.
func (n Network) layers(batch int, objective loss.Loss, training bool) (image *G.Node, net models.Net, err error) {
	size := n.Image
	image = G.NewTensor(G.NewGraph(), G.Float32, 4, G.WithShape(batch, size.Channels, size.Height, size.Width), G.WithName("image"))
	net, err = models.Build(image, n.Model, objective.Head(n.Model.Classes), training)
	return image, net, err
}

// draw makes the graph up to the loss.
func (n Network) draw(batch int, o plan.Options) (plan.Graph, models.Net, error) {
	objective, err := loss.New(n.Loss, n.Options)
	if err != nil {
		return plan.Graph{}, models.Net{}, err
	}
	image, net, err := n.layers(batch, objective, o.Train)
	if err != nil {
		return plan.Graph{}, models.Net{}, err
	}
	g, classes := image.Graph(), n.Model.Classes
	in := newBatch(net.Logits, n.Counts)
	if o.Train {
		in.Divisor = n.Divisor
	}
	if o.Mix != nil {
		in.Second = G.NewMatrix(g, G.Float32, G.WithShape(batch, classes), G.WithName("second target"))
		in.First = G.NewMatrix(g, G.Float32, G.WithShape(batch, 1), G.WithName("label factors"))
	}
	cost, err := in.Cost(objective)
	if err != nil {
		return plan.Graph{}, models.Net{}, fmt.Errorf("building the loss %s: %w", n.Loss, err)
	}
	return plan.Graph{
		Pixels: n.Pixels, Image: image, Target: in.Target, Second: in.Second, First: in.First,
		Features: net.Features, Logits: net.Logits, Loss: cost, Inputs: inputs(in),
		Params: net.Params, Stats: net.Stats, Running: net.Inputs,
	}, net, nil
}

// newBatch is what the loss of logits [N, C] is built from.
func newBatch(logits *G.Node, counts []int) *loss.Batch {
	g, batch, classes := logits.Graph(), logits.Shape()[0], logits.Shape()[1]
	return &loss.Batch{
		Inputs: loss.Inputs{Logits: logits, Counts: counts, Target: G.NewMatrix(g, G.Float32, G.WithShape(batch, classes), G.WithName("target"))},
		Weight: G.NewVector(g, G.Float32, G.WithShape(classes), G.WithName(ClassWeights)),
	}
}

// inputs are the class weights, 1 each, and what the loss declares.
func inputs(in *loss.Batch) []plan.GraphInput {
	ones := make([]float32, in.Weight.Shape()[0])
	for c := range ones {
		ones[c] = 1
	}
	all := []plan.GraphInput{{Name: ClassWeights, Node: in.Weight, Initial: ones}}
	for _, d := range in.Declared {
		all = append(all, plan.GraphInput{Name: d.Name, Node: d.Node, Initial: d.Initial})
	}
	return all
}

// gradients asks Gorgonia for the gradient of the loss by every parameter: one entry a parameter, nil for those that are frozen.
func gradients(cost *G.Node, params []ops.Param) (G.Nodes, error) {
	all, wanted := make(G.Nodes, len(params)), G.Nodes{}
	for _, p := range params {
		if !p.Frozen {
			wanted = append(wanted, p.Node)
		}
	}
	found, err := G.Grad(cost, wanted...)
	if err != nil {
		return nil, err
	}
	for i, p := range params {
		if !p.Frozen {
			all[i], found = found[0], found[1:]
		}
	}
	return all, nil
}
