package loss

import G "gorgonia.org/gorgonia"

func init() {
	Register("equalization", func(o Options) Loss { return equalization{lambda: o["lambda"]} },
		Option{Name: "lambda", Default: 0.005, Min: 0, Max: 1, Doc: "share of the images below which a class is rare"})
}

// equalization is the cross-entropy over the label and the classes with n_c / sum n >= lambda: images of other classes do not push down
// the logit of a rare one (Tan et al., "Equalization Loss for Long-Tailed Object Recognition", CVPR 2020, equation 8, without its random
// choice of the images that do). Which classes are rare is an input of the program.
type equalization struct {
	plainHead
	lambda float64
}

func (l equalization) Build(in *Inputs) (*G.Node, error) {
	f, t := formula{}, in.Target
	all := float64(sum(in.counts()))
	rare := each(in.counts(), 1, func(n float64) float64 {
		if n/all >= l.lambda {
			return 0
		}
		return 1
	})
	out := f.mul(in.PerClass("rare", rare), f.affine(t, -1, 1)) // 1 for a rare class that is not the label
	return f.crossEntropy(f.sub(in.Logits, f.scale(out, excluded)), t), f.err
}
