package plan_test

import (
	"strings"
	"testing"

	"longtail/internal/ops"
	"longtail/internal/plan"
	"longtail/internal/program/programtest"
	"longtail/models"

	G "gorgonia.org/gorgonia"
	"pgregory.net/rapid"
)

func program(t *testing.T, model, shortcut, loss string, batch int, training bool) *plan.Program {
	t.Helper()
	n := programtest.Network(model, shortcut, loss, 10, 1)
	p, _, err := n.Plan(batch, plan.Options{Train: training})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Every value must be made before it is read; what a sum over the batch makes must be read on a later level only.
func TestStepsReadWhatIsReady(t *testing.T) {
	for _, shortcut := range models.Shortcuts() {
		for _, training := range []bool{true, false} {
			p := program(t, "resnet14", shortcut, "focal", 8, training)
			made := map[plan.ValueID]*plan.Step{}
			for i := range p.Steps {
				s := &p.Steps[i]
				for _, v := range s.Reads() {
					base, _ := p.Locate(v)
					by := made[base]
					if by == nil {
						if p.Values[base].Role == plan.Temp {
							t.Errorf("%s reads value %d, which nothing made", s.Name(), base)
						}
						continue
					}
					if by.Level > s.Level || !plan.IsImageLocal(by) && by.Level >= s.Level {
						t.Errorf("%s on level %d reads what %s makes on level %d", s.Name(), s.Level, by.Name(), by.Level)
					}
				}
				for _, v := range s.Writes() {
					made[v] = s
				}
			}
		}
	}
}

// Evaluation waits for nothing; training waits once for the moments of each batch norm and once for the sums of its gradient.
func TestLevelsAreTheBatchNorms(t *testing.T) {
	if p := program(t, "resnet32", "avgpool", "softmax", 4, false); p.Levels != 1 {
		t.Errorf("evaluation has %d levels, want 1", p.Levels)
	}
	// 31 batch norms, each twice, and the level before the first
	if p := program(t, "resnet32", "avgpool", "softmax", 4, true); p.Levels != 2*31+1 {
		t.Errorf("training has %d levels, want %d", p.Levels, 2*31+1)
	}
}

// What is kept from one level to the next is what no cheap step can make again: results of convolutions, ends of blocks and
// masked gradients.
func TestCheapValuesAreNotKept(t *testing.T) {
	p := program(t, "resnet20", "avgpool", "softmax", 4, true)
	level, kind := map[plan.ValueID]int{}, map[plan.ValueID]string{}
	for i := range p.Steps {
		s := &p.Steps[i]
		for _, v := range s.Reads() {
			if made, ok := level[v]; ok && made < s.Level && (kind[v] == "normalize+relu" || strings.HasPrefix(kind[v], "shortcut")) {
				t.Errorf("%s on level %d reads a %s of level %d", s.Name(), s.Level, kind[v], made)
			}
		}
		for _, v := range s.Writes() {
			level[v], kind[v] = s.Level, s.Name()
		}
	}
}

// All pieces of a loss, forward and backward, must become one row program; no piece may be left over.
func TestLossIsOneRowProgram(t *testing.T) {
	for _, loss := range []string{"softmax", "sigmoid", "focal"} {
		rows := 0
		p := program(t, "resnet8", "avgpool", loss, 4, true)
		for i := range p.Steps {
			if p.Steps[i].Rows != nil {
				rows++
			} else if p.Steps[i].Kind.IsRow() {
				t.Errorf("%s: %v is left over", loss, p.Steps[i].Kind)
			}
		}
		if rows != 1 {
			t.Errorf("%s: %d row programs", loss, rows)
		}
	}
}

// Two plans of one network must be equal: the order of steps decides the bits.
func TestPlansAreDeterministic(t *testing.T) {
	want := program(t, "resnet20", "projection", "focal", 8, true).String()
	for range 5 {
		if program(t, "resnet20", "projection", "focal", 8, true).String() != want {
			t.Fatal("two plans of one network differ")
		}
	}
}

// A graph with an operation that is not ours, or with a variable without a value, is an error that names it.
func TestForeignOperationsAreErrors(t *testing.T) {
	build := func(change func(z *G.Node) *G.Node) error {
		g := G.NewGraph()
		x := G.NewTensor(g, G.Float32, 4, G.WithShape(2, 4, 1, 1), G.WithName("image"))
		target := G.NewMatrix(g, G.Float32, G.WithShape(2, 4), G.WithName("target"))
		weight := G.NewVector(g, G.Float32, G.WithShape(4), G.WithName("weight"))
		z, err := ops.GlobalAverage(x)
		if err != nil {
			t.Fatal(err)
		}
		z = change(z)
		cost, err := ops.BatchMean(z)
		if err != nil {
			t.Fatal(err)
		}
		_, err = plan.Compile(plan.Graph{Image: x, Target: target, Inputs: []plan.GraphInput{{Name: "weight", Node: weight, Initial: make([]float32, 4)}}, Logits: z, Loss: cost}, plan.Options{})
		return err
	}
	if err := build(func(z *G.Node) *G.Node { return z }); err != nil {
		t.Errorf("a graph of our operations: %v", err)
	}
	if err := build(func(z *G.Node) *G.Node { return G.Must(G.Tanh(z)) }); err == nil || !strings.Contains(err.Error(), "tanh") {
		t.Errorf("a foreign operation: %v", err)
	}
	stray := func(z *G.Node) *G.Node {
		y, err := ops.RowAdd(z, G.NewMatrix(z.Graph(), G.Float32, G.WithShape(2, 4), G.WithName("stray")))
		if err != nil {
			t.Fatal(err)
		}
		return y
	}
	if err := build(stray); err == nil || !strings.Contains(err.Error(), "stray") {
		t.Errorf("a variable without a value: %v", err)
	}
}

// Buffers whose lifetimes meet must not overlap, and the block must not be larger than all of them side by side.
func TestArenaKeepsLivingBuffersApart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const align = 16
		n := rapid.IntRange(0, 40).Draw(t, "buffers")
		buffers, all := make([]*plan.Buffer, n), 0
		for i := range buffers {
			first := rapid.IntRange(0, 20).Draw(t, "first")
			buffers[i] = &plan.Buffer{Size: rapid.IntRange(1, 100).Draw(t, "size"), First: first, Last: first + rapid.IntRange(0, 8).Draw(t, "length")}
			all += (buffers[i].Size + align - 1) / align * align
		}
		total := plan.Arena(buffers, align)
		if total > all {
			t.Fatalf("the block has %d, the buffers together %d", total, all)
		}
		for i, a := range buffers {
			if a.Offset%align != 0 || a.Offset < 0 || a.Offset+a.Size > total {
				t.Fatalf("buffer %+v in a block of %d", *a, total)
			}
			for _, b := range buffers[:i] {
				if a.First <= b.Last && b.First <= a.Last && a.Offset < b.Offset+b.Size && b.Offset < a.Offset+a.Size {
					t.Fatalf("%+v and %+v overlap", *a, *b)
				}
			}
		}
	})
}
