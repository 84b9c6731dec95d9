package ops

import (
	"math"
	"slices"

	"longtail/internal/ops/opstest"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
	"pgregory.net/rapid"
)

// examples are all operations that have a constructor, with formulas of their own.
var examples = map[string]func(d draw) example{
	"conv":       convExample,
	"batch norm": func(d draw) example { return normExample(d, true) },
	"normalize":  func(d draw) example { return normExample(d, false) },
	"moments":    momentsExample,
	"dense":      denseExample,
	"relu": func(d draw) example {
		return unaryExample(away(d.image()), ReLU, func(x float64) float64 { return math.Max(0, x) })
	},
	"add": func(d draw) example {
		a := d.image()
		return example{
			values: []*tensor.Dense{a, opstest.Random(d.r, a.Shape()...)},
			build:  func(in []*G.Node) (*G.Node, error) { return Add(in[0], in[1]) },
			naive: func(in []*tensor.Dense) []float64 {
				return each(a.Shape(), func(i []int) float64 { return at(in[0], i...) + at(in[1], i...) })
			},
			wrt: []int{0, 1},
		}
	},
	"shortcut pool": func(d draw) example {
		return shortcutExample(d, ShortcutPool, func(x *tensor.Dense, n, c, i, j int) float64 {
			return (at(x, n, c, 2*i, 2*j) + at(x, n, c, 2*i, 2*j+1) + at(x, n, c, 2*i+1, 2*j) + at(x, n, c, 2*i+1, 2*j+1)) / 4
		})
	},
	"shortcut subsample": func(d draw) example {
		return shortcutExample(d, ShortcutSubsample, func(x *tensor.Dense, n, c, i, j int) float64 { return at(x, n, c, 2*i, 2*j) })
	},
	"max pool": func(d draw) example {
		kernel := d.n("kernel", 1, 3)
		pad, stride := d.n("pad", 0, kernel/2), d.n("stride", 1, 3)
		x := apart(d, d.n("N", 1, 2), d.n("C", 1, 3), d.n("H", kernel, 6), d.n("W", kernel, 6))
		s := x.Shape()
		return example{
			values: []*tensor.Dense{x},
			build:  func(in []*G.Node) (*G.Node, error) { return MaxPool(in[0], kernel, stride, pad) },
			naive: func(in []*tensor.Dense) []float64 {
				y := tensor.Shape{s[0], s[1], (s[2]+2*pad-kernel)/stride + 1, (s[3]+2*pad-kernel)/stride + 1}
				return each(y, func(i []int) float64 {
					largest := math.Inf(-1)
					for h := max(0, i[2]*stride-pad); h < min(s[2], i[2]*stride-pad+kernel); h++ {
						for w := max(0, i[3]*stride-pad); w < min(s[3], i[3]*stride-pad+kernel); w++ {
							largest = max(largest, at(in[0], i[0], i[1], h, w))
						}
					}
					return largest
				})
			},
			wrt: []int{0},
		}
	},
	"global average": func(d draw) example {
		x := d.image()
		s := x.Shape()
		return example{
			values: []*tensor.Dense{x},
			build:  func(in []*G.Node) (*G.Node, error) { return GlobalAverage(in[0]) },
			naive: func(in []*tensor.Dense) []float64 {
				return each(s[:2], func(i []int) float64 {
					return sum(s[2], func(h int) float64 { return sum(s[3], func(w int) float64 { return at(in[0], i[0], i[1], h, w) }) }) / float64(s[2]*s[3])
				})
			},
			wrt: []int{0},
		}
	},

	"affine": func(d draw) example {
		a, b := d.r.NormFloat64(), d.r.NormFloat64()
		return unaryExample(d.rowValue("x", 3, 5), func(x *G.Node) (*G.Node, error) { return Affine(x, a, b) }, func(x float64) float64 { return a*x + b })
	},
	"exp": func(d draw) example { return unaryExample(d.rowValue("x", 3, 5), Exp, math.Exp) },
	"log": func(d draw) example { return unaryExample(positive(d.rowValue("x", 3, 5)), Log, math.Log) },
	"softplus": func(d draw) example {
		return unaryExample(d.rowValue("x", 3, 5), Softplus, func(x float64) float64 { return math.Log(1 + math.Exp(x)) })
	},
	"sigmoid": func(d draw) example {
		return unaryExample(d.rowValue("x", 3, 5), Sigmoid, func(x float64) float64 { return .5 + .5*math.Tanh(x/2) })
	},
	"power": func(d draw) example {
		e := []float64{-1, -.5, 0, .5, 1, 2, 2.5}[d.n("exponent", 0, 6)]
		return unaryExample(positive(d.rowValue("x", 3, 5)), func(x *G.Node) (*G.Node, error) { return Power(x, e) },
			func(x float64) float64 { return math.Exp(e * math.Log(x)) })
	},
	"detach": func(d draw) example {
		e := unaryExample(d.rowValue("x", 3, 5), Detach, func(x float64) float64 { return x })
		e.wrt = nil
		return e
	},
	"plus": func(d draw) example { return d.binary(RowAdd, func(a, b float64) float64 { return a + b }) },
	"sub":  func(d draw) example { return d.binary(Sub, func(a, b float64) float64 { return a - b }) },
	"mul":  func(d draw) example { return d.binary(Mul, func(a, b float64) float64 { return a * b }) },
	"scale columns": func(d draw) example {
		n, c := d.n("N", 1, 4), d.n("C", 1, 5)
		return example{
			values: []*tensor.Dense{opstest.Random(d.r, n, c), opstest.Random(d.r, c)},
			build:  func(in []*G.Node) (*G.Node, error) { return ScaleColumns(in[0], in[1]) },
			naive: func(in []*tensor.Dense) []float64 {
				return each(tensor.Shape{n, c}, func(i []int) float64 { return at(in[0], i...) * at(in[1], i[1]) })
			},
			wrt: []int{0, 1},
		}
	},
	"div": func(d draw) example { return d.binary(Div, func(a, b float64) float64 { return a / b }) },
	"greater equal": func(d draw) example {
		e := d.binary(GreaterEqual, func(a, b float64) float64 {
			if a < b {
				return 0
			}
			return 1
		})
		e.wrt = nil
		return e
	},
	"row sum": func(d draw) example {
		return d.reduction(RowSum, func(row []float64) float64 { return sum(len(row), func(i int) float64 { return row[i] }) })
	},
	"row max": func(d draw) example { return d.reduction(RowMax, slices.Max[[]float64]) },
	"log sum exp": func(d draw) example {
		return d.reduction(LogSumExp, func(row []float64) float64 {
			return math.Log(sum(len(row), func(i int) float64 { return math.Exp(row[i]) }))
		})
	},
	"spread": func(d draw) example {
		n, c := d.n("N", 1, 4), d.n("C", 1, 5)
		return example{
			values: []*tensor.Dense{opstest.Random(d.r, n, 1)},
			build:  func(in []*G.Node) (*G.Node, error) { return Spread(in[0], c) },
			naive: func(in []*tensor.Dense) []float64 {
				return each(tensor.Shape{n, c}, func(i []int) float64 { return at(in[0], i[0], 0) })
			},
			wrt: []int{0},
		}
	},
	"batch mean": func(d draw) example {
		n, c := d.n("N", 1, 4), d.n("C", 1, 5)
		return example{
			values: []*tensor.Dense{opstest.Random(d.r, n, c)},
			build:  func(in []*G.Node) (*G.Node, error) { return BatchMean(in[0]) },
			naive: func(in []*tensor.Dense) []float64 {
				return []float64{sum(n, func(i int) float64 { return sum(c, func(j int) float64 { return at(in[0], i, j) }) }) / float64(n)}
			},
			wrt: []int{0},
		}
	},
	"batch sum": func(d draw) example {
		n := d.n("N", 1, 4)
		return example{
			values: []*tensor.Dense{opstest.Random(d.r, n, 1)},
			build:  func(in []*G.Node) (*G.Node, error) { return BatchSum(in[0]) },
			naive: func(in []*tensor.Dense) []float64 {
				return []float64{sum(n, func(i int) float64 { return at(in[0], i, 0) })}
			},
		}
	},
	"row normalize": func(d draw) example {
		n, c := d.n("N", 1, 4), d.n("C", 1, 5)
		return example{
			values: []*tensor.Dense{away(opstest.Random(d.r, n, c))},
			build:  func(in []*G.Node) (*G.Node, error) { return RowNormalize(in[0], 1e-3) },
			naive: func(in []*tensor.Dense) []float64 {
				return each(tensor.Shape{n, c}, func(i []int) float64 {
					square := sum(c, func(j int) float64 { return at(in[0], i[0], j) * at(in[0], i[0], j) })
					return at(in[0], i...) / math.Sqrt(square+1e-3)
				})
			},
			wrt: []int{0},
		}
	},
}

func convExample(d draw) example {
	kernel, stride := d.n("kernel", 1, 4), d.n("stride", 1, 3)
	pad := d.n("pad", 0, kernel)
	low := max(1, kernel-2*pad)
	x := opstest.Random(d.r, d.n("N", 1, 2), d.n("I", 1, 3), d.n("H", low, 6), d.n("W", low, 6))
	w := opstest.Random(d.r, d.n("O", 1, 3), x.Shape()[1], kernel, kernel)
	s := x.Shape()
	out := tensor.Shape{s[0], w.Shape()[0], (s[2]+2*pad-kernel)/stride + 1, (s[3]+2*pad-kernel)/stride + 1}
	return example{
		values: []*tensor.Dense{x, w},
		build:  func(in []*G.Node) (*G.Node, error) { return Conv(in[0], in[1], stride, pad) },
		naive: func(in []*tensor.Dense) []float64 {
			return each(out, func(i []int) float64 {
				return sum(s[1]*kernel*kernel, func(k int) float64 {
					c, p, q := k/(kernel*kernel), k/kernel%kernel, k%kernel
					return at(in[0], i[0], c, i[2]*stride+p-pad, i[3]*stride+q-pad) * at(in[1], i[1], c, p, q)
				})
			})
		},
		wrt: []int{0, 1},
	}
}

// normExample is batch norm, or normalisation by given moments. The batch is at least four values a channel: with fewer the
// second derivative is too large for a finite difference.
func normExample(d draw, batch bool) example {
	x := opstest.Random(d.r, d.n("N", 1, 3), d.n("C", 1, 4), d.n("H", 2, 3), d.n("W", 2, 3))
	s := x.Shape()
	const eps = 1e-3
	moments := momentsOf
	e := example{values: []*tensor.Dense{x, opstest.Random(d.r, s[1]), opstest.Random(d.r, s[1])}, wrt: []int{0, 1, 2}}
	e.build = func(in []*G.Node) (*G.Node, error) {
		y, _, err := BatchNorm(in[0], in[1], in[2], eps)
		return y, err
	}
	if !batch {
		e.values = append(e.values, positive(opstest.Random(d.r, 2, s[1])))
		e.build = func(in []*G.Node) (*G.Node, error) { return Normalize(in[0], in[3], in[1], in[2], eps) }
		moments = func(_ *tensor.Dense, c int) (float64, float64) { return at(e.values[3], 0, c), at(e.values[3], 1, c) }
	}
	e.naive = func(in []*tensor.Dense) []float64 {
		return each(s, func(i []int) float64 {
			mean, variance := moments(in[0], i[1])
			return at(in[1], i[1])*(at(in[0], i...)-mean)/math.Sqrt(variance+eps) + at(in[2], i[1])
		})
	}
	return e
}

func momentsExample(d draw) example {
	x := d.image()
	return example{
		values: []*tensor.Dense{x},
		build:  func(in []*G.Node) (*G.Node, error) { return apply(KindMoments, Attrs{}, in[0]) },
		naive: func(in []*tensor.Dense) []float64 {
			return each(tensor.Shape{2, x.Shape()[1]}, func(i []int) float64 {
				mean, variance := momentsOf(in[0], i[1])
				return []float64{mean, variance}[i[0]]
			})
		},
	}
}

// momentsOf is the mean of channel c, and the mean of its squares less the square of its mean.
func momentsOf(x *tensor.Dense, c int) (mean, variance float64) {
	s := x.Shape()
	m := float64(s[0] * s[2] * s[3])
	square := 0.0
	for n := range s[0] {
		for h := range s[2] {
			for w := range s[3] {
				v := at(x, n, c, h, w)
				mean += v / m
				square += v * v / m
			}
		}
	}
	return mean, square - mean*mean
}

func denseExample(d draw) example {
	n, f, c := d.n("N", 1, 3), d.n("F", 1, 5), d.n("C", 1, 4)
	e := example{
		values: []*tensor.Dense{opstest.Random(d.r, n, f), opstest.Random(d.r, c, f), opstest.Random(d.r, c)},
		build:  func(in []*G.Node) (*G.Node, error) { return Dense(in[0], in[1], in[2]) },
		wrt:    []int{0, 1, 2},
	}
	bias := func(c int) float64 { return at(e.values[2], c) }
	if !rapid.Bool().Draw(d.T, "bias") {
		e.values, e.wrt, bias = e.values[:2], e.wrt[:2], func(int) float64 { return 0 }
		e.build = func(in []*G.Node) (*G.Node, error) { return Dense(in[0], in[1], nil) }
	}
	e.naive = func(in []*tensor.Dense) []float64 {
		return each(tensor.Shape{n, c}, func(i []int) float64 {
			return bias(i[1]) + sum(f, func(k int) float64 { return at(in[0], i[0], k) * at(in[1], i[1], k) })
		})
	}
	return e
}

func shortcutExample(d draw, piece func(*G.Node, int) (*G.Node, error), pixel func(x *tensor.Dense, n, c, i, j int) float64) example {
	x := opstest.Random(d.r, d.n("N", 1, 2), d.n("C", 1, 3), 2*d.n("H", 1, 3), 2*d.n("W", 1, 3))
	s := x.Shape()
	before := d.n("new channels", 0, 2)
	return example{
		values: []*tensor.Dense{x},
		build:  func(in []*G.Node) (*G.Node, error) { return piece(in[0], s[1]+2*before) },
		naive: func(in []*tensor.Dense) []float64 {
			return each(tensor.Shape{s[0], s[1] + 2*before, s[2] / 2, s[3] / 2}, func(i []int) float64 {
				if i[1] < before || i[1] >= before+s[1] {
					return 0
				}
				return pixel(in[0], i[0], i[1]-before, i[2], i[3])
			})
		},
		wrt: []int{0},
	}
}
