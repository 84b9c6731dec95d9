package models

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"longtail/internal/ops"
	"longtail/internal/ops/opstest"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

func images(shape ...int) *G.Node {
	return G.NewTensor(G.NewGraph(), G.Float32, len(shape), G.WithShape(shape...), G.WithName("x"))
}

func mustBuild(t *testing.T, x *G.Node, c Config, h ops.Head, training bool) Net {
	t.Helper()
	n, err := Build(x, c, h, training)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func config(name string) Config {
	return Config{Name: name, Classes: 10, Shortcut: "avgpool", Init: "glorot"}
}

// TestParameterCounts has the paper's two numbers for ResNet-32, and for the others those of the formula of He et al. 2015:
// n blocks a stage, each stage's convolutions and two values a channel for each norm.
func TestParameterCounts(t *testing.T) {
	for _, c := range []struct {
		name     string
		classes  int
		shortcut string
		want     int
	}{
		{"resnet8", 10, "avgpool", 75_290},
		{"resnet20", 10, "avgpool", 269_722},
		{"resnet32", 10, "avgpool", 464_154},
		{"resnet32", 100, "avgpool", 470_004},
		{"resnet44", 10, "subsample", 658_586},
		{"resnet56", 10, "avgpool", 853_018},
		{"resnet110", 10, "avgpool", 1_727_962},
		{"resnet32", 10, "projection", 464_154 + 16*32 + 2*32 + 32*64 + 2*64},
	} {
		n := mustBuild(t, images(2, 3, 32, 32), Config{Name: c.name, Classes: c.classes, Shortcut: c.shortcut, Init: "he"}, ops.Head{}, true)
		if got := n.Parameters(); got != c.want {
			t.Errorf("%s, %d classes, %s: %d parameters, want %d", c.name, c.classes, c.shortcut, got, c.want)
		}
	}
}

// TestOrderOfParameters is what files of other programs rely on: convolution, scale, shift, and again, then the dense layer.
func TestOrderOfParameters(t *testing.T) {
	for shortcut, projection := range map[string][]string{
		"avgpool": nil, "subsample": nil, "projection": {"project", "scaleP", "shiftP"},
	} {
		var want []string
		for _, s := range []string{"conv", "scale", "shift"} {
			want = append(want, "stem."+s)
		}
		for stage := 1; stage <= 3; stage++ {
			for block := 1; block <= 3; block++ {
				names := []string{"conv1", "scale1", "shift1", "conv2", "scale2", "shift2"}
				if stage > 1 && block == 1 {
					names = append(names, projection...)
				}
				for _, s := range names {
					want = append(want, fmt.Sprintf("stage%d.block%d.%s", stage, block, s))
				}
			}
		}
		want = append(want, "dense.weight", "dense.bias")
		n := mustBuild(t, images(2, 3, 32, 32), Config{Name: "resnet20", Classes: 10, Shortcut: shortcut, Init: "glorot"}, ops.Head{}, true)
		var got []string
		for _, p := range n.Params {
			got = append(got, p.Name)
			if p.Node.Name() != p.Name {
				t.Errorf("node of %s is called %s", p.Name, p.Node.Name())
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: parameters\n%v, want\n%v", shortcut, got, want)
		}
	}
}

func TestHeadDecidesOnTheBias(t *testing.T) {
	for _, h := range []ops.Head{{DecayBias: true}, {BiasInit: -2.5}} {
		n := mustBuild(t, images(2, 3, 32, 32), config("resnet8"), h, true)
		for _, p := range n.Params {
			want := p.Name != "dense.bias" || h.DecayBias
			if p.Decay != want {
				t.Errorf("head %+v: decay of %s is %v", h, p.Name, p.Decay)
			}
		}
		for _, v := range n.Initial(1)["dense.bias"].Data().([]float32) {
			if v != float32(h.BiasInit) {
				t.Errorf("head %+v: bias starts at %v", h, v)
			}
		}
	}
}

// TestNodes counts the convolutions and norms of every network, forward and backward: nodes that were merged by a collision of
// Gorgonia's 32-bit hashes would be missing.
func TestNodes(t *testing.T) {
	for _, name := range Names() {
		if !Chooses(name, ChoosesShortcut) {
			continue
		}
		for _, shortcut := range Shortcuts() {
			var depth int
			if _, err := fmt.Sscanf(strings.TrimPrefix(name, "cifar_"), "resnet%d", &depth); err != nil {
				t.Fatal(err)
			}
			convs := depth - 1
			pools, subsamples := 0, 0
			switch shortcut {
			case "avgpool":
				pools = 2
			case "subsample":
				subsamples = 2
			default:
				convs += 2
			}
			n := mustBuild(t, images(128, 3, 32, 32), Config{Name: name, Classes: 100, Shortcut: shortcut, Init: "glorot"}, ops.Head{}, true)
			loss, err := ops.BatchMean(n.Logits)
			if err != nil {
				t.Fatal(err)
			}
			var nodes G.Nodes
			names := make(map[string]bool)
			for _, p := range n.Params {
				nodes = append(nodes, p.Node)
				names[p.Name] = true
			}
			for _, s := range n.Stats {
				names[s.Running] = true
			}
			if len(names) != len(n.Params)+len(n.Stats) || len(n.Stats) != convs {
				t.Errorf("%s: %d names for %d parameters and %d moments", name, len(names), len(n.Params), len(n.Stats))
			}
			gradients, err := G.Grad(loss, nodes...)
			if err != nil {
				t.Fatal(err)
			}
			count := make(map[ops.Kind]int)
			for _, node := range opstest.Order(append(gradients, loss)...) {
				if o, ok := ops.Of(node); ok {
					count[o.Kind()]++
				}
			}
			for kind, want := range map[ops.Kind]int{
				ops.KindConv: convs, ops.KindConvGradWeights: convs, ops.KindConvGradInput: convs - 1,
				ops.KindMoments: convs, ops.KindNormalize: convs, ops.KindNormalizeGradInput: convs,
				ops.KindReLU: depth - 1, ops.KindAdd: (depth - 2) / 2,
				ops.KindShortcutPool: pools, ops.KindShortcutPoolGrad: pools,
				ops.KindShortcutSubsample: subsamples, ops.KindShortcutSubsampleGrad: subsamples,
			} {
				if count[kind] != want {
					t.Errorf("%s, %s: %d nodes of kind %v, want %d", name, shortcut, count[kind], kind, want)
				}
			}
		}
	}
}

func TestShapes(t *testing.T) {
	for _, shortcut := range Shortcuts() {
		for _, side := range []int{32, 16, 8, 4} {
			n := mustBuild(t, images(7, 3, side, side+8), Config{Name: "resnet8", Classes: 13, Shortcut: shortcut, Init: "he"}, ops.Head{}, true)
			if got := n.Logits.Shape(); !slices.Equal(got, tensor.Shape{7, 13}) {
				t.Errorf("%s: logits are %v", shortcut, got)
			}
			area := side * (side + 8)
			for _, s := range n.Stats {
				want := tensor.Shape{2, 16}
				count := 7 * area
				if strings.HasPrefix(s.Running, "stage2") {
					want[1], count = 32, count/4
				}
				if strings.HasPrefix(s.Running, "stage3") {
					want[1], count = 64, count/16
				}
				if !slices.Equal(s.Batch.Shape(), want) || s.Count != count {
					t.Errorf("%s: %s is %v of %d values, want %v of %d", shortcut, s.Running, s.Batch.Shape(), s.Count, want, count)
				}
			}
		}
	}
}

// TestEvaluationEqualsTraining gives an evaluation network the moments of a batch: it must then compute what the training
// network does, and has the same parameters.
func TestEvaluationEqualsTraining(t *testing.T) {
	for _, shortcut := range Shortcuts() {
		c := Config{Name: "resnet8", Classes: 5, Shortcut: shortcut, Init: "he"}
		train := mustBuild(t, images(3, 3, 8, 8), c, ops.Head{BiasInit: .5}, true)
		test := mustBuild(t, images(3, 3, 8, 8), c, ops.Head{BiasInit: .5}, false)
		if len(test.Stats) != 0 || len(train.Inputs) != 0 || len(test.Inputs) != len(train.Stats) {
			t.Fatalf("training has %d moments and %d inputs, evaluation %d and %d", len(train.Stats), len(train.Inputs), len(test.Stats), len(test.Inputs))
		}
		x := opstest.Float32(opstest.Random(rand.New(rand.NewPCG(1, 2)), 3, 3, 8, 8))
		state := train.Initial(9)
		bind := func(n Net) {
			let(t, n.Logits.Graph().ByName("x")[0], x)
			for _, p := range n.Params {
				let(t, p.Node, state[p.Name])
			}
		}
		bind(train)
		bind(test)
		for i, s := range train.Stats {
			v, err := opstest.Evaluate(s.Batch)
			if err != nil {
				t.Fatal(err)
			}
			if test.Inputs[i].Name() != s.Running {
				t.Errorf("input %d is %s, want %s", i, test.Inputs[i].Name(), s.Running)
			}
			let(t, test.Inputs[i], v)
		}
		want, err := opstest.Evaluate(train.Logits)
		if err != nil {
			t.Fatal(err)
		}
		got, err := opstest.Evaluate(test.Logits)
		if err != nil {
			t.Fatal(err)
		}
		opstest.Compare(t, shortcut, opstest.Floats(got), opstest.Floats(want), 1e-5)
		if slices.Max(opstest.Floats(want)) == slices.Min(opstest.Floats(want)) {
			t.Error("all logits are equal")
		}
	}
}

func let(t *testing.T, n *G.Node, v G.Value) {
	t.Helper()
	if err := G.Let(n, v); err != nil {
		t.Fatal(err)
	}
}

func TestInitialValues(t *testing.T) {
	for _, init := range Inits() {
		n := mustBuild(t, images(2, 3, 32, 32), Config{Name: "resnet20", Classes: 10, Shortcut: "projection", Init: init}, ops.Head{BiasInit: -3}, true)
		state, again, other := n.Initial(7), n.Initial(7), n.Initial(8)
		if moments := n.InitialMoments(); len(state) != len(n.Params) || len(moments) != len(n.Stats) {
			t.Fatalf("%d values for %d parameters, %d for %d moments", len(state), len(n.Params), len(moments), len(n.Stats))
		}
		for _, p := range n.Params {
			v := state[p.Name].Data().([]float32)
			if !slices.Equal(state[p.Name].Shape(), p.Node.Shape()) {
				t.Fatalf("%s is %v, want %v", p.Name, state[p.Name].Shape(), p.Node.Shape())
			}
			if !slices.Equal(v, again[p.Name].Data().([]float32)) {
				t.Errorf("%s differs between two draws of one seed", p.Name)
			}
			s := p.Node.Shape()
			switch {
			case strings.Contains(p.Name, ".scale"):
				checkAll(t, p.Name, v, 1)
			case strings.Contains(p.Name, ".shift"):
				checkAll(t, p.Name, v, 0)
			case p.Name == "dense.bias":
				checkAll(t, p.Name, v, -3)
			default:
				if slices.Equal(v, other[p.Name].Data().([]float32)) {
					t.Errorf("%s is the same for two seeds", p.Name)
				}
				area := 1
				if s.Dims() == 4 {
					area = s[2] * s[3]
				}
				checkSpread(t, init, p.Name, v, s[1]*area, s[0]*area)
			}
		}
		a, b := state["stage1.block1.conv1"].Data().([]float32), state["stage1.block1.conv2"].Data().([]float32)
		if slices.Equal(a, b) {
			t.Error("two convolutions start alike")
		}
		for _, s := range n.Stats {
			v := n.InitialMoments()[s.Running].Data().([]float32)
			checkAll(t, s.Running+" mean", v[:len(v)/2], 0)
			checkAll(t, s.Running+" variance", v[len(v)/2:], 1)
		}
	}
}

func checkAll(t *testing.T, name string, values []float32, want float32) {
	t.Helper()
	for i, v := range values {
		if v != want {
			t.Errorf("%s[%d] starts at %v, want %v", name, i, v, want)
		}
	}
}

// checkSpread compares mean and standard deviation of start values with those of their distribution, within five standard
// errors: sqrt(2 / (fan_in + fan_out)) is that of glorot's uniform distribution, sqrt(2 / fan_in) is he's.
func checkSpread(t *testing.T, init, name string, values []float32, fanIn, fanOut int) {
	t.Helper()
	want := math.Sqrt(2 / float64(fanIn+fanOut))
	if init == "he" {
		want = math.Sqrt(2 / float64(fanIn))
	}
	mean, square, largest := 0.0, 0.0, 0.0
	m := float64(len(values))
	for _, v := range values {
		x := float64(v)
		mean, square, largest = mean+x/m, square+x*x/m, max(largest, math.Abs(x))
	}
	if math.Abs(mean) > 5*want/math.Sqrt(m) {
		t.Errorf("%s: mean %v", name, mean)
	}
	if std := math.Sqrt(square); math.Abs(std/want-1) > 5/math.Sqrt(2*m) {
		t.Errorf("%s: standard deviation %v of %v values, want %v", name, std, m, want)
	}
	bound := want * math.Sqrt(3)
	if init == "glorot" && (largest > bound*(1+1e-6) || largest < .9*bound) || init == "he" && largest < bound {
		t.Errorf("%s: largest value %v, the bound of a uniform distribution is %v", name, largest, bound)
	}
}

// TestValuesDoNotDependOnOtherTensors keeps what is equal in two networks equal: all but the dense layer of two numbers of
// classes.
func TestValuesDoNotDependOnOtherTensors(t *testing.T) {
	a := mustBuild(t, images(2, 3, 32, 32), Config{Name: "resnet8", Classes: 10, Shortcut: "avgpool", Init: "he"}, ops.Head{}, true).Initial(3)
	b := mustBuild(t, images(2, 3, 32, 32), Config{Name: "resnet8", Classes: 100, Shortcut: "avgpool", Init: "he"}, ops.Head{}, true).Initial(3)
	for name := range a {
		if !strings.HasPrefix(name, "dense") && !slices.Equal(a[name].Data().([]float32), b[name].Data().([]float32)) {
			t.Errorf("%s depends on the number of classes", name)
		}
	}
}

func TestBuildRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		x      *G.Node
		config Config
		names  string // what the message must name
	}{
		"model":        {images(2, 3, 32, 32), Config{Name: "resnet9", Classes: 10, Shortcut: "avgpool", Init: "he"}, "resnet9"},
		"shortcut":     {images(2, 3, 32, 32), Config{Name: "resnet8", Classes: 10, Shortcut: "max", Init: "he"}, "max"},
		"init":         {images(2, 3, 32, 32), Config{Name: "resnet8", Classes: 10, Shortcut: "avgpool", Init: "zero"}, "zero"},
		"classes":      {images(2, 3, 32, 32), Config{Name: "resnet8", Classes: 1, Shortcut: "avgpool", Init: "he"}, "classes"},
		"no images":    {nil, config("resnet8"), "images"},
		"rows":         {images(2, 3), config("resnet8"), "images"},
		"a vector":     {images(2), config("resnet8"), "images"},
		"odd images":   {images(2, 3, 6, 6), config("resnet8"), "resnet8"},
		"double":       {G.NewTensor(G.NewGraph(), G.Float64, 4, G.WithShape(2, 3, 8, 8), G.WithName("x")), config("resnet8"), "resnet8"},
		"empty config": {images(2, 3, 32, 32), Config{}, "model"},
	} {
		_, err := Build(c.x, c.config, ops.Head{}, true)
		if err == nil || !strings.Contains(err.Error(), c.names) {
			t.Errorf("%s: error is %v", name, err)
		}
	}
}

func TestNames(t *testing.T) {
	for _, want := range []string{"resnet8", "resnet20", "resnet32", "resnet44", "resnet56", "resnet110", "cifar_resnet50", "resnet18", "resnet50", "resnet152"} {
		if !slices.Contains(Names(), want) {
			t.Errorf("%s is not known", want)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("a taken name is accepted")
		}
	}()
	Register("resnet8", resnet(8), ChoosesShortcut)
}
