package plan

import (
	"fmt"
	"slices"

	"longtail/internal/ops"
)

// RowProgram is a loss, forward and backward, as instructions on the registers of one row: a sample. A register holds C
// numbers, of which a narrow value uses the first.
type RowProgram struct {
	Rows, Classes int // N, C
	Registers     int
	Inputs        []RowPort // loaded before the first instruction
	Code          []RowCode
	Outputs       []RowPort // stored after the last instruction
	Means         []RowPort // scalars: the register's numbers summed over all rows, divided by N
}

// RowPort ties a register to a value.
type RowPort struct {
	Value    ValueID
	Register int
	Wide     bool // C numbers a row; otherwise one
	PerClass bool // [C]: the same for every row
}

// RowCode is one instruction: Dst = Kind(A, B), the meaning of the kind as in package ops.
type RowCode struct {
	Kind               ops.Kind
	Dst, A, B          int // registers; A and B are -1 where the kind has no such input
	Wide, AWide, BWide bool
	X, Y               float32 // affine: scale and shift; power: exponent; batch-mean-grad: the number
}

// Reads are the values that the program loads.
func (r *RowProgram) Reads() []ValueID { return portValues(r.Inputs) }

// Writes are the values that the program stores, losses last.
func (r *RowProgram) Writes() []ValueID { return append(portValues(r.Outputs), portValues(r.Means)...) }

func portValues(ports []RowPort) []ValueID {
	values := make([]ValueID, len(ports))
	for i, p := range ports {
		values[i] = p.Value
	}
	return values
}

// Compact replaces the pieces of losses by row programs: one for all pieces that need no other operation in between.
func Compact(p *Program) error {
	depth := p.rowDepths()
	slices.SortStableFunc(p.Steps, func(a, b Step) int { return depth[a.Out] - depth[b.Out] })
	var steps []Step
	for i := 0; i < len(p.Steps); {
		if !p.Steps[i].Kind.IsRow() {
			steps = append(steps, p.Steps[i])
			i++
			continue
		}
		end := i
		for end < len(p.Steps) && p.Steps[end].Kind.IsRow() {
			end++
		}
		rows, err := compileRows(p, p.Steps[i:end], p.usedOutside(i, end))
		if err != nil {
			return err
		}
		steps = append(steps, Step{Rows: rows, Out: None, Plus: None})
		i = end
	}
	p.Steps = steps
	return nil
}

// rowDepths counts, for each value, the changes between pieces of losses and other operations on the way to it; odd for
// pieces. Sorting by it brings together what can run together.
func (p *Program) rowDepths() []int {
	depth := make([]int, len(p.Values))
	for _, s := range p.Steps {
		d := 0
		if s.Kind.IsRow() {
			d = 1
		}
		for _, v := range s.In {
			base, _ := p.Locate(v)
			d = max(d, depth[base]+(depth[base]+d)%2)
		}
		depth[s.Out] = d
	}
	return depth
}

// usedOutside says which values somebody reads besides steps i to end.
func (p *Program) usedOutside(i, end int) []bool {
	used := make([]bool, len(p.Values))
	for k := range p.Steps {
		if k < i || k >= end {
			for _, v := range p.Steps[k].Reads() {
				used[v] = true
			}
		}
	}
	for _, v := range p.Results() {
		used[v] = true
	}
	return used
}

// rowCompiler assigns registers while it walks the pieces.
type rowCompiler struct {
	p        *Program
	out      *RowProgram
	register map[ValueID]int
	lastUse  map[ValueID]int // index of the last piece that reads a value; pinned values have none
	free     []int
}

const pinned = int(^uint(0) >> 1)

func compileRows(p *Program, steps []Step, outside []bool) (*RowProgram, error) {
	c := rowCompiler{p: p, out: &RowProgram{Rows: p.Batch, Classes: p.Classes}, register: map[ValueID]int{}, lastUse: map[ValueID]int{}}
	c.lifetimes(steps, outside)
	for i := range steps {
		if err := c.piece(i, &steps[i], outside); err != nil {
			return nil, err
		}
	}
	return c.out, nil
}

func (c *rowCompiler) lifetimes(steps []Step, outside []bool) {
	for i, s := range steps {
		for _, v := range s.In {
			c.lastUse[v] = i
			if c.p.Values[v].Shape.Dims() == 1 {
				c.lastUse[v] = pinned
			}
		}
		if outside[s.Out] {
			c.lastUse[s.Out] = pinned
		}
	}
	// inputs are loaded before the first piece: their registers are taken from the start
	made := map[ValueID]bool{}
	for _, s := range steps {
		for _, v := range s.In {
			value := c.p.Values[v]
			if _, known := c.register[v]; known || made[v] || value.Role == Constant {
				continue
			}
			wide := value.Shape[value.Shape.Dims()-1] != 1
			c.out.Inputs = append(c.out.Inputs, RowPort{v, c.take(v), wide, value.Shape.Dims() == 1})
		}
		made[s.Out] = true
	}
}

// take gives v a register.
func (c *rowCompiler) take(v ValueID) int {
	r := c.out.Registers
	if n := len(c.free); n > 0 {
		r, c.free = c.free[n-1], c.free[:n-1]
	} else {
		c.out.Registers++
	}
	c.register[v] = r
	return r
}

func (c *rowCompiler) wide(v ValueID) bool {
	s := c.p.Values[v].Shape
	return s.Dims() > 0 && s[s.Dims()-1] != 1
}

func (c *rowCompiler) piece(i int, s *Step, outside []bool) error {
	switch s.Kind {
	case ops.KindBatchMean:
		c.out.Means = append(c.out.Means, RowPort{Value: s.Out, Register: c.register[s.In[0]], Wide: c.wide(s.In[0])})
		c.lastUse[s.In[0]] = pinned // it is summed at the end
		return nil
	case ops.KindBatchMeanGrad:
		seed := c.p.Values[s.In[0]]
		if seed.Role != Constant {
			return fmt.Errorf("the gradient of a batch mean must be a constant: a loss ends in one BatchMean")
		}
		c.out.Code = append(c.out.Code, RowCode{Kind: s.Kind, Dst: c.take(s.Out), A: -1, B: -1, Wide: c.wide(s.Out), X: float32(seed.Constant / float64(s.Attrs.Rows))})
	default:
		code := RowCode{Kind: s.Kind, A: c.register[s.In[0]], AWide: c.wide(s.In[0]), B: -1, Wide: c.wide(s.Out), X: float32(s.Attrs.Scale), Y: float32(s.Attrs.Shift)}
		if s.Kind == ops.KindPower {
			code.X = float32(s.Attrs.Exponent)
		}
		if len(s.In) > 1 {
			code.B, code.BWide = c.register[s.In[1]], c.wide(s.In[1])
		}
		code.Dst = c.take(s.Out) // before the inputs are freed: an instruction never writes where it reads
		c.out.Code = append(c.out.Code, code)
	}
	if outside[s.Out] {
		c.out.Outputs = append(c.out.Outputs, RowPort{Value: s.Out, Register: c.register[s.Out], Wide: c.wide(s.Out)})
	}
	c.release(i, s)
	return nil
}

// release frees the registers of values that no later piece reads.
func (c *rowCompiler) release(i int, s *Step) {
	seen := map[ValueID]bool{}
	for _, v := range append(s.In[:len(s.In):len(s.In)], s.Out) {
		if r, ok := c.register[v]; ok && !seen[v] && c.lastUse[v] <= i {
			c.free = append(c.free, r)
			seen[v] = true
		}
	}
}
