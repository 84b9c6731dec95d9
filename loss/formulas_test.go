package loss

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"longtail/internal/ops/opstest"
)

// naive are the losses of one sample as the papers write them: z the logits [C], y the label, n the training images of each class [C].
// Each is defined for moderate logits.
var naive = map[string]func(z []float64, y int, o Options, n []int) float64{
	"softmax": func(z []float64, y int, _ Options, _ []int) float64 { return -math.Log(softmaxOf(z)[y]) },
	"sigmoid": func(z []float64, y int, _ Options, _ []int) float64 { return focalOf(z, y, 0) },
	"focal":   func(z []float64, y int, o Options, _ []int) float64 { return focalOf(z, y, o["gamma"]) },
	"softmax_focal": func(z []float64, y int, o Options, _ []int) float64 {
		p := softmaxOf(z)[y]
		return -math.Pow(1-p, o["gamma"]) * math.Log(p)
	},
	"smooth-softmax-focal": func(z []float64, y int, o Options, _ []int) float64 {
		sum := 0.0
		for c, p := range softmaxOf(z) {
			sum -= smoothed(.1, z, y)[c] * math.Log(p) * math.Pow(1+1e-6-p, o["gamma"])
		}
		return sum
	},
	"label_smoothing": func(z []float64, y int, o Options, _ []int) float64 {
		return smoothOf(z, smoothed(o["epsilon"], z, y))
	},
	"label_aware_smoothing": func(z []float64, y int, o Options, n []int) float64 {
		x := float64(n[y]-slices.Min(n)) / float64(slices.Max(n)-slices.Min(n))
		epsilon := []float64{
			o["tail"] + (o["head"]-o["tail"])*math.Sin(math.Pi*x/2),
			o["tail"] + (o["head"]-o["tail"])*x,
			o["head"] + (o["head"]-o["tail"])*math.Sin(1.5*math.Pi+math.Pi*x/2),
		}[int(o["shape"])]
		return smoothOf(z, smoothed(epsilon, z, y))
	},
	"ldam": func(z []float64, y int, o Options, n []int) float64 {
		return adjusted(z, y, func(c int) float64 {
			if c == y {
				return o["scale"] * (z[c] - o["max_margin"]*math.Pow(float64(slices.Min(n))/float64(n[c]), .25))
			}
			return o["scale"] * z[c]
		})
	},
	"balanced_softmax": func(z []float64, y int, _ Options, n []int) float64 {
		return adjusted(z, y, func(c int) float64 { return z[c] + math.Log(float64(n[c])) })
	},
	"logit_adjustment": func(z []float64, y int, o Options, n []int) float64 {
		return adjusted(z, y, func(c int) float64 { return z[c] + o["tau"]*math.Log(float64(n[c])/float64(sum(n))) })
	},
	"cdt": func(z []float64, y int, o Options, n []int) float64 {
		return adjusted(z, y, func(c int) float64 { return z[c] * math.Pow(float64(n[c])/float64(slices.Max(n)), o["gamma"]) })
	},
	"vs": func(z []float64, y int, o Options, n []int) float64 {
		return adjusted(z, y, func(c int) float64 {
			return z[c]*math.Pow(float64(n[c])/float64(slices.Max(n)), o["gamma"]) + o["tau"]*math.Log(float64(n[c])/float64(sum(n)))
		})
	},
	"seesaw": func(z []float64, y int, o Options, n []int) float64 {
		added := seesawOf(z, y, o, n)
		return adjusted(z, y, func(c int) float64 { return z[c] + added[c] })
	},
	"equalization": func(z []float64, y int, o Options, n []int) float64 {
		return adjusted(z, y, func(c int) float64 {
			if c != y && float64(n[c])/float64(sum(n)) < o["lambda"] {
				return math.Inf(-1)
			}
			return z[c]
		})
	},
}

func softmaxOf(z []float64) []float64 {
	p, sum := make([]float64, len(z)), 0.0
	for c := range z {
		p[c] = math.Exp(z[c])
		sum += p[c]
	}
	for c := range p {
		p[c] /= sum
	}
	return p
}

func focalOf(z []float64, y int, gamma float64) float64 {
	sum := 0.0
	for c := range z {
		p := 1 / (1 + math.Exp(-z[c]))
		if c != y {
			p = 1 - p
		}
		sum -= math.Pow(1-p, gamma) * math.Log(p)
	}
	return sum
}

// smoothed is the target (1 - epsilon) t + epsilon / C.
func smoothed(epsilon float64, z []float64, y int) []float64 {
	t := make([]float64, len(z))
	for c := range t {
		t[c] = epsilon / float64(len(z))
	}
	t[y] += 1 - epsilon
	return t
}

// smoothOf is the cross-entropy with a target.
func smoothOf(z, t []float64) float64 {
	sum := 0.0
	for c, p := range softmaxOf(z) {
		sum -= t[c] * math.Log(p)
	}
	return sum
}

// adjusted is the cross-entropy of other logits.
func adjusted(z []float64, y int, a func(c int) float64) float64 {
	all := make([]float64, len(z))
	for c := range all {
		all[c] = a(c)
	}
	return -math.Log(softmaxOf(all)[y])
}

// seesawOf is what the seesaw loss adds to each logit.
func seesawOf(z []float64, y int, o Options, n []int) []float64 {
	added, p := make([]float64, len(z)), softmaxOf(z)
	for c := range added {
		mitigation := min(1, math.Pow(float64(n[c])/float64(n[y]), o["p"]))
		compensation := max(1, math.Pow(p[c]/max(p[y], .01), o["q"]))
		added[c] = math.Log(mitigation * compensation)
	}
	return added
}

// TestSeesawGradient compares with softmax(z + added) - t, where what is added is a constant.
func TestSeesawGradient(t *testing.T) {
	for _, o := range variants("seesaw") {
		l, err := New("seesaw", o)
		if err != nil {
			t.Fatal(err)
		}
		const classes = 6
		labels := []int{0, 1, 2, 3, 4, 5}
		b := newBatch(rand.New(rand.NewPCG(5, 6)), labels, classes)
		_, got := run(t, l, b.values())
		var want []float64
		for i, y := range labels {
			z := floats(b.logits)[i*classes : (i+1)*classes]
			a := seesawOf(z, y, o, tail(classes))
			for c := range a {
				a[c] += z[c]
			}
			for c, p := range softmaxOf(a) {
				if c == y {
					p--
				}
				want = append(want, floats(b.weight)[y]*p/float64(len(labels)))
			}
		}
		opstest.Compare(t, "gradient", got, want, 1e-5)
	}
}
