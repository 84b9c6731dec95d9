package train

import (
	"fmt"
	"sync"

	"longtail/data"
	"longtail/internal/plan"
	"longtail/loss"
	"longtail/models"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// evaluationBatch is the batch size of evaluation programs; the last batch of a set is padded.
const evaluationBatch = 100

// runningKeep is how much of the running moments of batch norm a step keeps; the paper's.
const runningKeep = 0.9

// Programs are what a run executes.
type Programs struct {
	Train, Eval *plan.Program
	Initial     plan.State // parameters, zero momenta, running moments
	Weights     []float32  // [C] class weights, which sum to C
	Parameters  int        // trainable values
}

// Network says which graph to build, without what surrounds it.
type Network struct {
	Model models.Config
	Loss  string
	Gamma float64
}

// Build makes the programs of a configuration for a data set.
func Build(cfg *Config, ds *data.Dataset) (*Programs, error) {
	n := Network{
		Model: models.Config{Name: cfg.Model.Name, Classes: ds.Train.Classes, Shortcut: cfg.Model.Shortcut, Init: cfg.Model.Init},
		Loss:  cfg.Loss.Name,
		Gamma: cfg.Loss.Gamma,
	}
	options := plan.Options{
		Train: true, Augment: true, Seed: cfg.Seed, Samples: ds.Train.Len(),
		Momentum: float32(cfg.Train.Momentum), WeightDecay: float32(cfg.Train.WeightDecay), RunningKeep: runningKeep,
	}
	training, net, err := n.Program(cfg.Train.Batch, options)
	if err != nil {
		return nil, err
	}
	evaluation, _, err := n.Program(evaluationBatch, plan.Options{})
	if err != nil {
		return nil, err
	}
	weights := make([]float32, ds.Train.Classes)
	for c, w := range loss.Weights(ds.Counts, cfg.Loss.Beta) {
		weights[c] = float32(w)
	}
	return &Programs{training, evaluation, InitialState(net, cfg.Seed), weights, net.Parameters()}, nil
}

// drawing is held while a graph is drawn, differentiated and planned: Gorgonia's Grad puts a constant into the graph that all
// graphs of a process share.
var drawing sync.Mutex

// Program draws the network and its loss for one batch size, differentiates it if it is to be trained, and plans it.
func (n Network) Program(batch int, o plan.Options) (*plan.Program, models.Net, error) {
	drawing.Lock()
	defer drawing.Unlock()
	objective, err := loss.New(n.Loss, loss.Options{Gamma: n.Gamma})
	if err != nil {
		return nil, models.Net{}, err
	}
	g := G.NewGraph()
	classes := n.Model.Classes
	image := G.NewTensor(g, G.Float32, 4, G.WithShape(batch, 3, 32, 32), G.WithName("image"))
	target := G.NewMatrix(g, G.Float32, G.WithShape(batch, classes), G.WithName("target"))
	weight := G.NewVector(g, G.Float32, G.WithShape(classes), G.WithName("weight"))
	net, err := models.Build(image, n.Model, objective.Head(classes), o.Train)
	if err != nil {
		return nil, models.Net{}, err
	}
	cost, err := objective.Build(net.Logits, target, weight)
	if err != nil {
		return nil, models.Net{}, fmt.Errorf("building the loss %s: %w", n.Loss, err)
	}
	drawn := plan.Graph{Image: image, Target: target, Weight: weight, Logits: net.Logits, Loss: cost, Params: net.Params, Stats: net.Stats, Running: net.Inputs}
	if o.Train {
		if drawn.Gradients, err = gradients(cost, net); err != nil {
			return nil, models.Net{}, fmt.Errorf("differentiating %s with %s: %w", n.Model.Name, n.Loss, err)
		}
	}
	p, err := plan.Compile(drawn, o)
	if err != nil {
		return nil, models.Net{}, fmt.Errorf("planning %s with %s: %w", n.Model.Name, n.Loss, err)
	}
	return p, net, nil
}

// gradients asks Gorgonia for the gradient of the loss by every parameter that is not frozen: one entry a parameter.
func gradients(cost *G.Node, net models.Net) (G.Nodes, error) {
	var wanted G.Nodes
	for _, p := range net.Params {
		if !p.Frozen {
			wanted = append(wanted, p.Node)
		}
	}
	found, err := G.Grad(cost, wanted...)
	if err != nil {
		return nil, err
	}
	all := make(G.Nodes, len(net.Params))
	for i, p := range net.Params {
		if !p.Frozen {
			all[i], found = found[0], found[1:]
		}
	}
	return all, nil
}

// InitialState is where training starts: drawn parameters, zero momenta, running moments of mean 0 and variance 1.
func InitialState(net models.Net, seed uint64) plan.State {
	state := plan.State(net.Initial(seed))
	for _, p := range net.Params {
		if !p.Frozen {
			shape := p.Node.Shape().Clone()
			state["momentum/"+p.Name] = tensor.New(tensor.WithShape(shape...), tensor.WithBacking(make([]float32, shape.TotalSize())))
		}
	}
	return state
}
