package loss

import (
	"math"

	"longtail/internal/ops"

	G "gorgonia.org/gorgonia"
)

func init() {
	Register("ldam", func(o Options) Loss { return ldam{o["max_margin"], o["scale"]} },
		Option{Name: "max_margin", Default: 0.5, Min: 0, Max: 100, Doc: "margin of the rarest class"},
		Option{Name: "scale", Default: 30, Min: 1e-3, Max: 1000, Doc: "factor of the cosines"})
}

// ldam is the cross-entropy of a = scale (z - t m) with the margins m_c = max_margin (min n / n_c)^(1/4): label-distribution-aware
// margins (Cao et al., "Learning Imbalanced Datasets with Label-Distribution-Aware Margin Loss", NeurIPS 2019, equations 12 and 13, and
// their code). The margins are an input of the program.
type ldam struct{ maxMargin, scale float64 }

// Head asks for the cosine classifier that the margins are made for.
func (ldam) Head(int) ops.Head { return ops.Head{Cosine: true} }

func (l ldam) Build(in *Inputs) (*G.Node, error) {
	f, t := formula{}, in.Target
	least, _ := extremes(in.counts())
	margins := each(in.counts(), 0, func(n float64) float64 { return l.maxMargin * math.Pow(least/n, .25) })
	a := f.scale(f.sub(in.Logits, f.mul(t, in.PerClass("margins", margins))), l.scale)
	return f.crossEntropy(a, t), f.err
}
