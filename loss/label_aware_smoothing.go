package loss

import (
	"math"

	G "gorgonia.org/gorgonia"
)

func init() {
	Register("label_aware_smoothing", func(o Options) Loss {
		return labelAwareSmoothing{head: o["head"], tail: o["tail"], shape: shapes[int(o["shape"])]}
	},
		Option{Name: "head", Default: 0.4, Min: 0, Max: 1, Doc: "smoothing of the most frequent class"},
		Option{Name: "tail", Default: 0.1, Min: 0, Max: 1, Doc: "smoothing of the rarest class"},
		Option{Name: "shape", Choices: shapes, Doc: "path between the two"})
}

// shapes are the paths of the smoothing from the rarest to the most frequent class.
var shapes = []string{"concave", "linear", "convex"}

// labelAwareSmoothing is label smoothing with an epsilon for each label, which grows with the number of images of its class (Zhong et
// al., "Improving Calibration for Long-Tailed Recognition", CVPR 2021, equations 2 to 5). The epsilons are an input of the program.
type labelAwareSmoothing struct {
	plainHead
	head, tail float64
	shape      string
}

func (l labelAwareSmoothing) Build(in *Inputs) (*G.Node, error) {
	f, z, t := formula{}, in.Logits, in.Target
	epsilon := f.ofLabel(t, in.PerClass("smoothing", l.smoothing(in.counts())))  // [N, 1]
	target := f.add(t, f.mul(epsilon, f.affine(t, -1, 1/float64(z.Shape()[1])))) // t + epsilon (1 / C - t)
	return f.crossEntropy(z, target), f.err
}

// smoothing is epsilon of each class [C], by x = (n - min n) / (max n - min n); where all classes are equal it is that of the head.
func (l labelAwareSmoothing) smoothing(counts []int) []float64 {
	least, most := extremes(counts)
	if least == most {
		return each(counts, l.head, func(float64) float64 { return l.head })
	}
	return each(counts, l.tail, func(n float64) float64 {
		x := (n - least) / (most - least)
		switch l.shape {
		case "linear":
			return l.tail + (l.head-l.tail)*x
		case "convex":
			return l.head + (l.head-l.tail)*math.Sin(3*math.Pi/2+math.Pi*x/2)
		}
		return l.tail + (l.head-l.tail)*math.Sin(math.Pi*x/2)
	})
}
