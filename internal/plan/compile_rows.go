package plan

import (
	"fmt"

	"longtail/internal/ops"
)

// rowCompiler assigns registers while it walks the operations.
type rowCompiler struct {
	p        *Program
	out      *RowProgram
	register map[ValueID]int
	lastUse  map[ValueID]int // index of the last operation that reads a value; pinned values have none
	free     []int
}

const pinned = int(^uint(0) >> 1)

// compileRows makes the program of adjacent operations of one form.
func compileRows(p *Program, f form, steps []Step, outside []bool) (*RowProgram, error) {
	c := rowCompiler{p: p, out: &RowProgram{Rows: f.rows, Width: f.width, OverBatch: f.overBatch}, register: map[ValueID]int{}, lastUse: map[ValueID]int{}}
	c.lifetimes(steps, outside)
	for i := range steps {
		for _, v := range append([]ValueID{steps[i].Out}, steps[i].In...) {
			if err := c.check(v, outside[v] && v == steps[i].Out); err != nil {
				return nil, fmt.Errorf("%v: %w", steps[i].Kind, err)
			}
		}
		if err := c.piece(i, &steps[i], outside); err != nil {
			return nil, err
		}
	}
	return c.out, nil
}

// check compares the shape of a value with the program's rows and width. A result that leaves the program is a matrix.
func (c *rowCompiler) check(v ValueID, leaves bool) error {
	shape := c.p.Values[v].Shape
	ok := shape.Dims() == 0
	switch shape.Dims() {
	case 2:
		ok = shape[0] == c.out.Rows && (shape[1] == 1 || shape[1] == c.out.Width)
	case 1:
		ok = (shape[0] == c.out.Width || shape[0] == 1) && !leaves
	}
	if !ok {
		return fmt.Errorf("a value of shape %v in a program of %d rows of %d", shape, c.out.Rows, c.out.Width)
	}
	return nil
}

// lifetimes finds the last use of each value and gives registers to the inputs, which are loaded before the first instruction.
// What every row shares, and what is stored at the end, keeps its register.
func (c *rowCompiler) lifetimes(steps []Step, outside []bool) {
	for i, s := range steps {
		for _, v := range s.In {
			c.lastUse[v] = i
			if c.p.Values[v].Shape.Dims() == 1 {
				c.lastUse[v] = pinned
			}
		}
	}
	for _, s := range steps {
		if outside[s.Out] {
			c.lastUse[s.Out] = pinned
		}
	}
	made := map[ValueID]bool{}
	for _, s := range steps {
		for _, v := range s.In {
			value := c.p.Values[v]
			if _, known := c.register[v]; known || made[v] || value.Role == Constant {
				continue
			}
			wide := value.Shape[value.Shape.Dims()-1] != 1
			c.out.Inputs = append(c.out.Inputs, RowPort{Value: v, Register: c.take(v), Wide: wide, PerColumn: value.Shape.Dims() == 1})
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

// piece compiles one operation.
func (c *rowCompiler) piece(i int, s *Step, outside []bool) error {
	switch s.Kind {
	case ops.KindBatchMean:
		if !c.out.OverBatch || c.out.Width != c.p.Classes {
			return fmt.Errorf("the mean over a batch of [%d, %d]: a loss is a mean over the samples' classes", c.out.Rows, c.out.Width)
		}
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

// release frees the registers of values that no later operation reads.
func (c *rowCompiler) release(i int, s *Step) {
	seen := map[ValueID]bool{}
	for _, v := range append(s.In[:len(s.In):len(s.In)], s.Out) {
		if r, ok := c.register[v]; ok && !seen[v] && c.lastUse[v] <= i {
			c.free = append(c.free, r)
			seen[v] = true
		}
	}
}
