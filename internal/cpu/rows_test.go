package cpu

import (
	"math/rand/v2"
	"testing"

	"longtail/internal/ops"
	"longtail/internal/ops/opstest"
	"longtail/internal/plan"
	"longtail/loss"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// rowCase is a loss on logits, target and weights of its own: no network around it.
type rowCase struct {
	logits, target, weight *G.Node
	cost                   *G.Node
	gradient               *G.Node
	inputs                 []plan.GraphInput // the weights, and what the loss declares
}

func newRowCase(t *testing.T, r *rand.Rand, name string, rows, classes int) rowCase {
	t.Helper()
	g := G.NewGraph()
	node := func(name string, values []float32, shape ...int) *G.Node {
		v := tensor.New(tensor.WithShape(shape...), tensor.WithBacking(values))
		return G.NewTensor(g, G.Float32, len(shape), G.WithShape(shape...), G.WithName(name), G.WithValue(v))
	}
	logits, target, weight := make([]float32, rows*classes), make([]float32, rows*classes), make([]float32, classes)
	for i := range logits {
		logits[i] = float32(4 * r.NormFloat64())
	}
	for i := range rows {
		target[i*classes+r.IntN(classes)] = 1
	}
	for i := range weight {
		weight[i] = float32(r.Float64() + .1)
	}
	c := rowCase{logits: node("logits", logits, rows, classes), target: node("target", target, rows, classes), weight: node("weight", weight, classes)}
	l, err := loss.New(name, nil)
	if err != nil {
		t.Fatal(err)
	}
	b := loss.Batch{Inputs: loss.Inputs{Logits: c.logits, Target: c.target, Counts: make([]int, classes)}, Weight: c.weight}
	for k := range b.Counts {
		b.Counts[k] = 1 + 1000/(k+1)
	}
	if c.cost, err = b.Cost(l); err != nil {
		t.Fatal(err)
	}
	c.inputs = []plan.GraphInput{{Name: "weight", Node: c.weight, Initial: weight}}
	for _, d := range b.Declared {
		c.inputs = append(c.inputs, plan.GraphInput{Name: d.Name, Node: d.Node, Initial: d.Initial})
		if err := G.Let(d.Node, tensor.New(tensor.WithShape(classes), tensor.WithBacking(d.Initial))); err != nil {
			t.Fatal(err)
		}
	}
	gradients, err := G.Grad(c.cost, c.logits)
	if err != nil {
		t.Fatal(err)
	}
	c.gradient = gradients[0]
	return c
}

// compile plans the loss; its logits are, to the plan, a parameter.
func (c rowCase) compile(t *testing.T) (*plan.Program, *plan.RowProgram) {
	t.Helper()
	image := G.NewTensor(c.cost.Graph(), G.Float32, 4, G.WithShape(1, 1, 1, 1), G.WithName("image"))
	p, err := plan.Compile(plan.Graph{
		Image: image, Target: c.target, Inputs: c.inputs, Logits: c.logits, Loss: c.cost,
		Params: []ops.Param{{Node: c.logits, Name: "logits"}}, Gradients: G.Nodes{c.gradient},
	}, plan.Options{Train: true})
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Steps) != 1 || p.Steps[0].Rows == nil {
		t.Fatalf("the loss is not one row program but\n%v", p)
	}
	return p, p.Steps[0].Rows
}

// Every loss must compile to one row program whose loss and gradient are those of the graph's own references.
func TestRowProgramsAgreeWithTheGraph(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, name := range loss.Names() {
		for _, shape := range [][2]int{{1, 2}, {3, 10}, {7, 100}, {5, 13}} {
			c := newRowCase(t, r, name, shape[0], shape[1])
			p, rows := c.compile(t)
			checkRows(t, c, p, rows)
		}
	}
}

func checkRows(t *testing.T, c rowCase, p *plan.Program, rows *plan.RowProgram) {
	t.Helper()
	n, classes := rows.Rows, rows.Width
	gradient := make([]float32, n*classes)
	w, total := &worker{}, 0.0
	for i := range n {
		load := func(v plan.ValueID) []float32 {
			switch p.Values[v].Role {
			case plan.Target:
				return c.target.Value().Data().([]float32)[i*classes:][:classes]
			case plan.FromInput:
				in, err := p.Input(p.Values[v].Name)
				if err != nil {
					t.Fatal(err)
				}
				return in.Initial
			}
			return c.logits.Value().Data().([]float32)[i*classes:][:classes]
		}
		store := func(plan.ValueID) []float32 { return gradient[i*classes:][:classes] }
		total += runRows(rows, w, load, store)
	}
	want, err := opstest.Evaluate(c.cost)
	if err != nil {
		t.Fatal(err)
	}
	opstest.Compare(t, "loss", []float64{total / float64(n)}, opstest.Floats(want), 1e-5)
	if want, err = opstest.Evaluate(c.gradient); err != nil {
		t.Fatal(err)
	}
	got := make([]float64, len(gradient))
	for i, x := range gradient {
		got[i] = float64(x)
	}
	opstest.Compare(t, "gradient", got, opstest.Floats(want), 1e-5)
}

// A row program must write no register that one of its later instructions, outputs or means still reads as another value:
// two loads of different values into one register would show it.
func TestRowProgramsKeepTheirInputsApart(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, name := range loss.Names() {
		_, rows := newRowCase(t, r, name, 4, 10).compile(t)
		seen := map[int]bool{}
		for _, in := range rows.Inputs {
			if seen[in.Register] {
				t.Errorf("%s: register %d is loaded twice", name, in.Register)
			}
			seen[in.Register] = true
		}
		for _, code := range rows.Code {
			if code.Dst == code.A || code.Dst == code.B {
				t.Errorf("%s: %v writes a register that it reads", name, code)
			}
			for _, in := range rows.Inputs {
				if in.PerColumn && code.Dst == in.Register {
					t.Errorf("%s: %v overwrites what all rows share", name, code)
				}
			}
		}
	}
}
