//go:build gpu

package cuda

import (
	"fmt"

	"longtail/cuda/driver"
	"longtail/internal/ops"
	"longtail/internal/plan"
)

// globalAverage: [N, C, H, W] to [N, C]; the kernel stores the source on its way.
func (c *compiler) globalAverage(st *plan.Step) error {
	v := st.In[0]
	at := c.values[v]
	var s source
	var to ref
	if at.mem.isNull() && at.source != nil && at.source.conv == nil {
		s = *at.source
		if c.uses[v] > 1 {
			to = c.activation(s.extent)
			c.stored(v, to)
		}
	} else {
		m, err := c.memory(v)
		if err != nil {
			return err
		}
		s = plain(c.extent(v), m)
	}
	features := c.floats(c.p.Batch * s.c)
	c.values[st.Out].mem = features
	c.launch(launch{
		kernel: "average" + c.suffix(), module: "head", why: st.Name(), grid: driver.D1(c.p.Batch), threads: 256,
		arguments: func() []any { return []any{s.argument(), to.ptr(), features.ptr()} },
	}, append(s.refs(), to, features)...)
	return nil
}

// globalAverageGrad: every pixel gets its share of [N, C]. Here gradients enter storage: they get the loss scale.
func (c *compiler) globalAverageGrad(st *plan.Step) error {
	g, err := c.small(st.In[0])
	e := c.extent(st.Out)
	c.note(st.Out, source{extent: e, first: operand{kind: termAverageGradient, x: g, scale: c.lossScale / float32(e.h*e.w)}})
	return err
}

// dense: y = x w^T + b.
func (c *compiler) dense(st *plan.Step) error {
	var x, w, b ref
	if err := c.smalls(st.In[:3], &x, &w, &b); err != nil {
		return err
	}
	return c.denseKernel(st, "dense", c.shape(st.In[1]), driver.D1(c.p.Batch), x, w, b)
}

// denseGradInput: dx = dy w.
func (c *compiler) denseGradInput(st *plan.Step) error {
	var w, dy ref
	if err := c.smalls(st.In[:2], &w, &dy); err != nil {
		return err
	}
	return c.denseKernel(st, "dense_input", c.shape(st.In[0]), driver.D1(c.p.Batch), w, dy)
}

// denseKernel launches a kernel with the inputs, the result and the numbers of features and classes of the weights [classes, features].
func (c *compiler) denseKernel(st *plan.Step, kernel string, weights []int, grid driver.Dim, in ...ref) error {
	out := c.floats(c.p.Values[st.Out].Shape.TotalSize())
	c.values[st.Out].mem = out
	refs := append(in, out)
	classes, features := int32(weights[0]), int32(weights[1])
	c.launch(launch{kernel: kernel, module: "head", why: st.Name(), grid: grid, threads: 128, arguments: func() []any {
		var a []any
		for _, r := range refs {
			a = append(a, r.ptr())
		}
		return append(a, features, classes)
	}}, refs...)
	return nil
}

// denseGradWeights: dw = the sum over the batch of dy x^T; with the bias's gradient in the same launch.
func (c *compiler) denseGradWeights(st *plan.Step) error {
	var x, dy, db ref
	if err := c.smalls(st.In[:2], &x, &dy); err != nil {
		return err
	}
	for i := range c.p.Steps {
		if bias := &c.p.Steps[i]; plan.KindOf(bias) == ops.KindDenseGradBias && bias.In[0] == st.In[1] {
			db = c.floats(c.shape(bias.Out)[0])
			c.values[bias.Out].mem = db
		}
	}
	dw := c.floats(c.p.Values[st.Out].Shape.TotalSize())
	c.values[st.Out].mem = dw
	c.denseSums(st, x, dy, dw, db, c.shape(st.Out)[1], c.shape(st.Out)[0])
	return nil
}

// denseGradBias: db = the sum over the batch of dy, unless the weights' gradient has brought it.
func (c *compiler) denseGradBias(st *plan.Step) error {
	if !c.values[st.Out].mem.isNull() {
		return nil
	}
	dy, err := c.small(st.In[0])
	db := c.floats(c.shape(st.Out)[0])
	c.values[st.Out].mem = db
	c.denseSums(st, ref{}, dy, ref{}, db, 0, c.shape(st.Out)[0])
	return err
}

func (c *compiler) denseSums(st *plan.Step, x, dy, dw, db ref, features, classes int) {
	images := int32(c.p.Batch)
	c.launch(launch{
		kernel: "dense_weights", module: "head", why: st.Name(), grid: driver.D1(((features+1)*classes + 127) / 128), threads: 128,
		arguments: func() []any {
			return []any{x.ptr(), dy.ptr(), dw.ptr(), db.ptr(), images, int32(features), int32(classes)}
		},
	}, x, dy, dw, db)
}

// rowOperations are the codes of rows.cu.
var rowOperations = map[ops.Kind]int32{
	ops.KindAffine: 0, ops.KindExp: 1, ops.KindLog: 2, ops.KindSoftplus: 3, ops.KindSigmoid: 4, ops.KindPower: 5, ops.KindDetach: 6, ops.KindSpread: 6,
	ops.KindRowAdd: 7, ops.KindSub: 8, ops.KindMul: 9, ops.KindDiv: 10, ops.KindGreaterEqual: 11,
	ops.KindRowSum: 12, ops.KindRowMax: 13, ops.KindLogSumExp: 14, ops.KindBatchMeanGrad: 15,
}

// rowWarps is the number of samples that a block of rows.cu takes.
const rowWarps = 4

// rows runs a loss, forward and backward, and counts the metrics.
func (c *compiler) rows(r *plan.RowProgram) error {
	var refs []ref
	port := func(p plan.RowPort) error {
		at, err := c.small(p.Value)
		refs = append(refs, at)
		return err
	}
	for _, in := range r.Inputs {
		if err := port(in); err != nil {
			return fmt.Errorf("rows: %w", err)
		}
	}
	for _, out := range r.Outputs {
		c.values[out.Value].mem = c.floats(c.p.Values[out.Value].Shape.TotalSize())
		if err := port(out); err != nil {
			return fmt.Errorf("rows: %w", err)
		}
	}
	logits, err := c.small(c.p.Logits)
	if err != nil {
		return fmt.Errorf("rows: %w", err)
	}
	code, ports := c.layout.keep(int64(len(r.Code))*rowCodeBytes), c.layout.keep(int64(len(refs)+len(r.Means))*rowPortBytes)
	c.tables = append(c.tables, table{code, func() any { return rowCode(r) }}, table{ports, func() any { return rowPorts(r, refs) }})
	ticket := c.ticket()
	shared := 4 * rowWarps * r.Registers * r.Classes
	c.launch(launch{
		kernel: "rows", module: "rows", why: "loss", grid: driver.D1((r.Rows + rowWarps - 1) / rowWarps), threads: 32 * rowWarps, shared: shared,
		arguments: func() []any {
			a := rowsArgument{
				Code: code.ptr(), Ports: ports.ptr(), Instructions: int32(len(r.Code)), Inputs: int32(len(r.Inputs)), Outputs: int32(len(r.Outputs)), Means: int32(len(r.Means)),
				Rows: int32(r.Rows), Classes: int32(r.Classes), Registers: int32(r.Registers),
				Logits: logits.ptr(), Labels: c.labels.ptr(), Losses: c.losses.ptr(), Confusion: c.confusion.ptr(), Control: c.control.ptr(), Ticket: ticket.ptr(),
			}
			if len(r.Means) > 0 {
				a.Metrics = 1
			}
			return []any{a}
		},
	}, append(refs, logits)...)
	return nil
}

const (
	rowCodeBytes = 36
	rowPortBytes = 24
)

func rowCode(r *plan.RowProgram) []rowCodeArgument {
	var code []rowCodeArgument
	for _, i := range r.Code {
		code = append(code, rowCodeArgument{
			Operation: rowOperations[i.Kind], To: int32(i.Dst), A: int32(i.A), B: int32(i.B),
			Wide: flag(i.Wide), AWide: flag(i.AWide), BWide: flag(i.BWide), X: i.X, Y: i.Y,
		})
	}
	return code
}

func rowPorts(r *plan.RowProgram, at []ref) []rowPortArgument {
	var ports []rowPortArgument
	for i, p := range append(r.Inputs[:len(r.Inputs):len(r.Inputs)], r.Outputs...) {
		ports = append(ports, rowPortArgument{Values: at[i].ptr(), Reg: int32(p.Register), Wide: flag(p.Wide), PerClass: flag(p.PerClass)})
	}
	for _, p := range r.Means {
		ports = append(ports, rowPortArgument{Reg: int32(p.Register), Wide: flag(p.Wide), Mean: 1})
	}
	return ports
}

func flag(b bool) int32 {
	if b {
		return 1
	}
	return 0
}
