package loss

import (
	"longtail/internal/ops"

	G "gorgonia.org/gorgonia"
)

// Focal is the name of the paper's focal loss, whose gamma is a word of its own in results and in files of curves.
const Focal = "focal"

func init() {
	Register(Focal, func(o Options) Loss { return focal{gamma: o["gamma"]} },
		focusing)
}

// focusing is the option of the focal losses.
var focusing = Option{Name: "gamma", Default: 1, Min: 0, Max: 100, Short: "g", Doc: "focusing parameter"}

// focal is the sigmoid loss with each term times (1 - p_t)^gamma, where p_t is the probability given to the right answer
// (Lin et al. 2017; Cui et al. 2019, section 4.3).
type focal struct{ gamma float64 }

func (focal) Head(classes int) ops.Head { return sigmoid{}.Head(classes) }

// Build uses (1 - p_t)^gamma = exp(-gamma h z - gamma softplus(-z)), whose gradient is finite where that of the power is not
// (p_t near 1 and gamma < 1).
func (l focal) Build(in *Inputs) (*G.Node, error) {
	f, z, h := formula{}, in.Logits, in.Target
	terms := sigmoidTerms(&f, z, h)
	if l.gamma > 0 {
		log := f.add(f.mul(h, z), f.softplus(f.scale(z, -1)))
		terms = f.mul(terms, f.exp(f.scale(log, -l.gamma)))
	}
	return f.rowSum(terms), f.err
}
