package sweep

import (
	"fmt"
	"strings"

	"longtail/internal/device"
	"longtail/internal/ops"
	"longtail/internal/plan"
	"longtail/internal/run"
	"longtail/train"
)

// Network is what a run's network costs.
type Network struct {
	Multiplications float64 // of the convolutions, forward and backward, for one training image
	CheckpointBytes int64   // of one checkpoint, but for some kB of description
}

// Networks are the networks of plans, one each. Plans of the same network are planned once; no image is read but the labels for a split file.
func Networks(plans []Plan, dataDir string) ([]Network, error) {
	known := map[string]Network{}
	all := make([]Network, len(plans))
	for i, p := range plans {
		c := p.Config
		var key []string
		for _, k := range []string{"data.dataset", "data.input", "model.name", "model.shortcut", "model.class_scale", "loss.name", "train.batch", "train.freeze", "train.mix"} {
			key = append(key, c.Text(k)) // which knows a network by its present name
		}
		text := strings.Join(key, "\n")
		n, there := known[text]
		if !there {
			preview, err := train.NewPreview(c, dataDir)
			if err != nil {
				return nil, fmt.Errorf("run %s: %w", p.Name, err)
			}
			n = newNetwork(preview.Train)
			known[text] = n
		}
		all[i] = n
	}
	return all, nil
}

func newNetwork(p *plan.Program) (n Network) {
	for i := range p.Steps {
		n.Multiplications += multiplications(p, &p.Steps[i]) / float64(p.Batch)
	}
	for _, shape := range device.StateShapes(p) {
		n.CheckpointBytes += 4 * int64(shape.TotalSize())
	}
	return n
}

// multiplications of a step for its batch; 0 of all that is no convolution. With weights [O, I, K, K] and results [N, O, H, W] they are
// N H W times the number of weights, forward and in both directions backward.
func multiplications(p *plan.Program, s *plan.Step) float64 {
	if s.Rows != nil {
		return 0
	}
	var weights, results plan.ValueID
	switch s.Kind {
	case ops.KindConv: // of x and w
		weights, results = s.In[1], s.Out
	case ops.KindConvGradInput: // of w and the results' gradient
		weights, results = s.In[0], s.In[1]
	case ops.KindConvGradWeights: // of x and the results' gradient
		weights, results = s.Out, s.In[1]
	default:
		return 0
	}
	y := p.Values[results].Shape
	return float64(p.Values[weights].Shape.TotalSize()) * float64(y[0]) * float64(y[2]) * float64(y[3])
}

// Cost is what a run costs in all, in units that compare runs of one sweep: images that it shows times multiplications for each.
func (p *Plan) Cost(n Network) float64 { return float64(p.Work()) * n.Multiplications }

// checkpointFiles is how many checkpoints a run leaves.
func (p *Plan) checkpointFiles(lastOnly bool) int64 {
	switch {
	case lastOnly:
		return 1
	case p.Config.Data.Validation > 0:
		return int64(len(run.Checkpoints()))
	}
	return int64(len(run.Checkpoints())) - 1
}
