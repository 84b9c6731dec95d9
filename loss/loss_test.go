package loss

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"longtail/internal/ops"
	"longtail/internal/ops/opstest"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
	"pgregory.net/rapid"
)

// eachLoss runs a test for every registered loss, with its defaults and with other values of each of its options.
func eachLoss(t *testing.T, f func(t *testing.T, name string, o Options, l Loss)) {
	for _, name := range Names() {
		for _, o := range variants(name) {
			t.Run(fmt.Sprintf("%s %v", name, o), func(t *testing.T) {
				l, err := New(name, o)
				if err != nil {
					t.Fatal(err)
				}
				f(t, name, o, l)
			})
		}
	}
}

// drawLoss runs a property test for every registered loss, with options that are drawn among its variants.
func drawLoss(t *testing.T, f func(t *rapid.T, name string, o Options, l Loss)) {
	for _, name := range Names() {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				o := rapid.SampledFrom(variants(name)).Draw(t, "options")
				l, err := New(name, o)
				if err != nil {
					t.Fatal(err)
				}
				f(t, name, o, l)
			})
		})
	}
}

// variants are the defaults of a loss's options, and for each option some other values.
func variants(name string) []Options {
	defaults := Options{}
	for _, o := range OptionsOf(name) {
		defaults[o.Name] = o.Default
	}
	all := []Options{defaults}
	for _, o := range OptionsOf(name) {
		others := []float64{o.Min, o.Default / 2, min(o.Max, o.Default*2+.1)}
		if o.Choices != nil {
			others = nil
			for i := range o.Choices {
				others = append(others, float64(i))
			}
		}
		for _, v := range others {
			if v != o.Default {
				changed := maps.Clone(defaults)
				changed[o.Name] = v
				all = append(all, changed)
			}
		}
	}
	return all
}

// tail are counts of C classes from 1000 images down to 1.
func tail(classes int) []int {
	counts := make([]int, classes)
	for c := range counts {
		counts[c] = int(math.Pow(1000, 1-float64(c)/float64(classes-1)))
	}
	return counts
}

// batch is [N, C] logits and one-hot targets, and [C] weights; labels are the true classes, -1 for a row without one.
type batch struct {
	logits, target, weight *tensor.Dense
	labels                 []int
}

func newBatch(r *rand.Rand, labels []int, classes int) batch {
	b := batch{opstest.Random(r, len(labels), classes), opstest.Of(make([]float64, len(labels)*classes), len(labels), classes), opstest.Random(r, classes), labels}
	for i, y := range labels {
		if y >= 0 {
			b.target.Data().([]float64)[i*classes+y] = 1
		}
	}
	for c, w := range floats(b.weight) {
		floats(b.weight)[c] = math.Abs(w) + .1
	}
	return b
}

func drawBatch(t *rapid.T) (batch, *rand.Rand) {
	r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "numbers"), 2))
	classes := rapid.IntRange(2, 11).Draw(t, "C")
	labels := rapid.SliceOfN(rapid.IntRange(0, classes-1), 1, 5).Draw(t, "labels")
	return newBatch(r, labels, classes), r
}

func floats(v *tensor.Dense) []float64 { return v.Data().([]float64) }

func (b batch) values() []*tensor.Dense { return []*tensor.Dense{b.logits, b.target, b.weight} }

func build(l Loss) opstest.Build { return buildWith(l, BySamples) }

// buildWith is the loss of a batch of logits, targets, class weights and, for mixed images, second targets and shares of the first.
// What the loss declares gets its values.
func buildWith(l Loss, divisor string) opstest.Build {
	return func(in []*G.Node) (*G.Node, error) {
		b := Batch{Inputs: Inputs{Logits: in[0], Target: in[1], Counts: tail(in[0].Shape()[1])}, Weight: in[2], Divisor: divisor}
		if len(in) > 3 {
			b.Second, b.First = in[3], in[4]
		}
		cost, err := b.Cost(l)
		for _, d := range b.Declared {
			v := opstest.Float32(opstest.Of(make([]float64, len(d.Initial)), len(d.Initial)))
			copy(v.Data().([]float32), d.Initial)
			if d.Node.Dtype() == G.Float64 {
				v = opstest.Of(opstest.Floats(v), len(d.Initial))
			}
			if err := G.Let(d.Node, v); err != nil {
				return nil, err
			}
		}
		return cost, err
	}
}

// run gives the loss of a batch and its gradient by the logits [N, C], on Gorgonia's machine.
func run(t opstest.TB, l Loss, values []*tensor.Dense) (float64, []float64) {
	t.Helper()
	return runWith(t, l, BySamples, values)
}

func runWith(t opstest.TB, l Loss, divisor string, values []*tensor.Dense) (float64, []float64) {
	t.Helper()
	in := opstest.Inputs(values...)
	root, err := buildWith(l, divisor)(in)
	if err != nil {
		t.Fatalf("%v", err)
	}
	var v G.Value
	G.Read(root, &v)
	g, err := opstest.Gradients(root, in[0])
	if err != nil {
		t.Fatalf("%v", err)
	}
	return opstest.Floats(v)[0], opstest.Floats(g[0])
}

func TestLossesAgainstFormulas(t *testing.T) {
	drawLoss(t, func(t *rapid.T, name string, o Options, l Loss) {
		formula, known := naive[name]
		if !known {
			t.Fatal("write its formula into the table naive")
		}
		b, _ := drawBatch(t)
		want, classes := 0.0, b.weight.Shape()[0]
		for i, y := range b.labels {
			want += floats(b.weight)[y] * formula(floats(b.logits)[i*classes:(i+1)*classes], y, o, tail(classes)) / float64(len(b.labels))
		}
		got, _ := run(t, l, b.values())
		opstest.Compare(t, "loss", []float64{got}, []float64{want}, 1e-6) // what a loss declares is float32
	})
}

// A loss whose formula has constants in its gradient is compared with the formula with these constants, in formulas_test.go.
var withConstants = []string{"seesaw"}

func TestGradientsAgainstFiniteDifferences(t *testing.T) {
	drawLoss(t, func(t *rapid.T, name string, _ Options, l Loss) {
		if slices.Contains(withConstants, name) {
			return
		}
		b, r := drawBatch(t)
		values := b.values()
		if rapid.Bool().Draw(t, "mixed") {
			values = append(values, newBatch(r, b.labels, b.weight.Shape()[0]).target, shares(r, len(b.labels)))
		}
		divisor := rapid.SampledFrom(Divisors()).Draw(t, "divisor")
		opstest.CheckGradients(t, r, 1e-5, values, []int{0}, buildWith(l, divisor))
	})
}

// shares are numbers between 0 and 1, [N, 1].
func shares(r *rand.Rand, n int) *tensor.Dense {
	v := opstest.Random(r, n, 1)
	for i := range floats(v) {
		floats(v)[i] = r.Float64()
	}
	return v
}

func TestExtremeLogitsStayFinite(t *testing.T) {
	extremes := []float64{-80, 80, 0, -10000, 10000, 10000, -80}
	eachLoss(t, func(t *testing.T, _ string, _ Options, l Loss) {
		for _, single := range []bool{false, true} {
			classes := len(extremes)
			labels := make([]int, classes)
			for y := range labels {
				labels[y] = y
			}
			b := newBatch(rand.New(rand.NewPCG(1, 1)), labels, classes)
			for i := range labels {
				copy(floats(b.logits)[i*classes:], extremes)
			}
			values := b.values()
			if single {
				for i, v := range values {
					values[i] = opstest.Float32(v)
				}
			}
			loss, gradient := run(t, l, values)
			for i, x := range append(slices.Clone(gradient), loss) {
				if math.IsNaN(x) || math.IsInf(x, 0) {
					t.Errorf("float32 %v: number %d of gradient and loss is %v", single, i, x)
				}
			}
			if loss <= 0 && !single {
				t.Errorf("loss is %v", loss)
			}
		}
	})
}

// TestRowsWithoutTargetAddNothing compares a batch padded with rows of zero targets: the sum over the samples is that of the
// others, and the gradient of those rows is 0.
func TestRowsWithoutTargetAddNothing(t *testing.T) {
	eachLoss(t, func(t *testing.T, _ string, _ Options, l Loss) {
		const classes = 5
		labels := []int{3, 0, 2}
		short := newBatch(rand.New(rand.NewPCG(1, 1)), labels, classes)
		padded := newBatch(rand.New(rand.NewPCG(2, 2)), append(slices.Clone(labels), -1, -1), classes)
		copy(floats(padded.logits), floats(short.logits))
		copy(floats(padded.weight), floats(short.weight))
		wantLoss, wantGradient := run(t, l, short.values())
		loss, gradient := run(t, l, padded.values())
		want := append(slices.Clone(wantGradient), make([]float64, 2*classes)...)
		for i := range gradient {
			gradient[i] *= 5. / 3
		}
		opstest.Compare(t, "loss", []float64{loss * 5 / 3}, []float64{wantLoss}, 1e-12)
		opstest.Compare(t, "gradient", gradient, want, 1e-12)
		for i, g := range gradient[len(wantGradient):] {
			if g != 0 {
				t.Errorf("gradient %d of the padding is %v", i, g)
			}
		}
	})
}

func TestWeightsScaleTheLoss(t *testing.T) {
	drawLoss(t, func(t *rapid.T, _ string, _ Options, l Loss) {
		b, _ := drawBatch(t)
		loss, gradient := run(t, l, b.values())
		gradient = slices.Clone(gradient)
		for c := range floats(b.weight) {
			floats(b.weight)[c] *= 2
		}
		twice, twiceGradient := run(t, l, b.values())
		for i := range gradient {
			gradient[i] *= 2
		}
		opstest.Compare(t, "loss", []float64{twice}, []float64{2 * loss}, 1e-12)
		opstest.Compare(t, "gradient", twiceGradient, gradient, 1e-12)

		clear(floats(b.weight)) // only the weight of the true class counts
		floats(b.weight)[b.labels[0]] = 1
		alone := slices.Repeat([]float64{100}, len(floats(b.weight)))
		alone[b.labels[0]] = 1
		one := batch{
			logits: opstest.Of(floats(b.logits)[:len(alone)], 1, len(alone)),
			target: opstest.Of(floats(b.target)[:len(alone)], 1, len(alone)),
			weight: b.weight, labels: b.labels[:1],
		}
		zero, _ := run(t, l, one.values())
		one.weight = opstest.Of(alone, len(alone))
		hundred, _ := run(t, l, one.values())
		opstest.Compare(t, "loss with other weights", []float64{hundred}, []float64{zero}, 1e-12)
	})
}

func TestFocalWithoutGammaIsSigmoid(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b, _ := drawBatch(t)
		loss, gradient := run(t, focal{}, b.values())
		gradient = slices.Clone(gradient)
		want, wantGradient := run(t, sigmoid{}, b.values())
		opstest.Compare(t, "loss", []float64{loss}, []float64{want}, 0)
		opstest.Compare(t, "gradient", gradient, wantGradient, 0)
	})
}

func TestSoftmaxGradientsSumToZero(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b, _ := drawBatch(t)
		_, gradient := run(t, softmax{}, b.values())
		for row := range slices.Chunk(gradient, b.weight.Shape()[0]) {
			sum := 0.0
			for _, g := range row {
				sum += g
			}
			if math.Abs(sum) > 1e-12 {
				t.Fatalf("gradients of a sample sum to %v", sum)
			}
		}
	})
}

func TestHeads(t *testing.T) {
	for _, classes := range []int{2, 10, 100} {
		start := -math.Log(float64(classes - 1))
		for name, want := range map[string]ops.Head{"softmax": {DecayBias: true}, "sigmoid": {BiasInit: start}, "focal": {BiasInit: start}, "ldam": {Cosine: true}} {
			l, err := New(name, nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := l.Head(classes); got != want {
				t.Errorf("%s, %d classes: %+v, want %+v", name, classes, got, want)
			}
		}
	}
}

func TestNewRefuses(t *testing.T) {
	if _, err := New("hinge", Options{}); err == nil || !strings.Contains(err.Error(), `"hinge"`) || !strings.Contains(err.Error(), "softmax") {
		t.Errorf("unknown name: %v", err)
	}
	for _, gamma := range []float64{-1, math.NaN(), math.Inf(1)} {
		if _, err := New("focal", Options{"gamma": gamma}); err == nil {
			t.Errorf("gamma %v is accepted", gamma)
		}
	}
	if _, err := New("softmax", Options{"gamma": 1}); err == nil || !strings.Contains(err.Error(), "gamma") {
		t.Errorf("an option of another loss: %v", err)
	}
	if names := Names(); !slices.IsSorted(names) || !slices.Contains(names, "focal") || !slices.Contains(names, "softmax") || !slices.Contains(names, "sigmoid") {
		t.Errorf("names are %v", names)
	}
}

func TestRegisterTwicePanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a taken name is accepted")
		}
	}()
	Register("softmax", func(Options) Loss { return softmax{} })
}

func TestWrongShapesAreErrors(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	eachLoss(t, func(t *testing.T, _ string, _ Options, l Loss) {
		for name, values := range map[string][]*tensor.Dense{
			"target of other classes": {opstest.Random(r, 2, 3), opstest.Random(r, 2, 4), opstest.Random(r, 3)},
			"target of other batch":   {opstest.Random(r, 2, 3), opstest.Random(r, 3, 3), opstest.Random(r, 3)},
			"weights of other number": {opstest.Random(r, 2, 3), opstest.Random(r, 2, 3), opstest.Random(r, 4)},
		} {
			if _, err := build(l)(opstest.Inputs(values...)); err == nil {
				t.Errorf("%s: is accepted", name)
			}
		}
	})
}
