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
	a := &average{value: st.Out, at: c.now()}
	c.averages = append(c.averages, a)
	c.launch(launch{
		kernel: "average" + c.suffix(), module: "head", why: st.Name(), grid: driver.D1(c.p.Batch), threads: 256,
		arguments: func() []any { return []any{s.argument(), to.ptr(), features.ptr(), a.dense.argument()} },
	}, append(s.refs(), to, features)...)
	return nil
}

// average is a launch whose kernel has room for the dense layer behind it.
type average struct {
	value plan.ValueID
	at    int // number of the launch
	dense dense
}

// dense is a dense layer's weights [classes, features], bias and result.
type dense struct {
	w, b, y ref
	classes int
}

func (d *dense) argument() denseArgument {
	return denseArgument{d.w.ptr(), d.b.ptr(), d.y.ptr(), int32(d.classes)}
}

// globalAverageGrad: every pixel gets its share of [N, C]. Here gradients enter storage: they get the loss scale.
func (c *compiler) globalAverageGrad(st *plan.Step) error {
	g, err := c.small(st.In[0])
	e := c.extent(st.Out)
	c.note(st.Out, source{extent: e, first: operand{kind: termAverageGradient, x: g, scale: c.lossScale / float32(e.h*e.w)}})
	return err
}

// dense: y = x w^T + b, in the kernel that averages x if x is an average and the weights are parameters, not made by a later launch.
func (c *compiler) dense(st *plan.Step) error {
	d := dense{classes: c.shape(st.In[1])[0]}
	var x ref
	if err := c.smalls(st.In[:3], &x, &d.w, &d.b); err != nil {
		return err
	}
	d.y = c.floats(c.p.Batch * d.classes)
	c.values[st.Out].mem = d.y
	for _, a := range c.averages {
		if a.value == st.In[0] && a.dense.y.isNull() && d.w.isOutside() && d.b.isOutside() {
			a.dense = d
			d.y.use(a.at)
			return nil
		}
	}
	features := int32(c.shape(st.In[1])[1])
	c.launch(launch{
		kernel: "dense", module: "head", why: st.Name(), grid: driver.D1(c.p.Batch), threads: 128,
		arguments: func() []any { return []any{x.ptr(), d.argument(), features} },
	}, x, d.w, d.b, d.y)
	return nil
}

// denseGradient: the gradients of a dense layer's input, weights and bias. The first step that asks for one of them launches all.
func (c *compiler) denseGradient(st *plan.Step) error {
	if !c.values[st.Out].mem.isNull() {
		return nil
	}
	gradient := st.In[len(st.In)-1]
	var x, w, dy, dx, dw, db ref
	var err error
	features, classes := 0, c.shape(gradient)[1]
	if dy, err = c.small(gradient); err != nil {
		return err
	}
	for i := range c.p.Steps {
		s := &c.p.Steps[i]
		if kind := plan.KindOf(s); len(s.In) == 0 || s.In[len(s.In)-1] != gradient || !c.values[s.Out].mem.isNull() {
			continue
		} else if kind == ops.KindDenseGradInput {
			dx, features = c.floats(c.p.Batch*c.shape(s.Out)[1]), c.shape(s.Out)[1]
			w, err = c.small(s.In[0])
			c.values[s.Out].mem = dx
		} else if kind == ops.KindDenseGradWeights {
			dw, features = c.floats(c.p.Values[s.Out].Shape.TotalSize()), c.shape(s.Out)[1]
			x, err = c.small(s.In[0])
			c.values[s.Out].mem = dw
		} else if kind == ops.KindDenseGradBias {
			db = c.floats(classes)
			c.values[s.Out].mem = db
		}
		if err != nil {
			return err
		}
	}
	blocks := ((features+1)*classes + 127) / 128
	if !dx.isNull() {
		blocks += c.p.Batch
	}
	images := int32(c.p.Batch)
	c.launch(launch{
		kernel: "dense_gradients", module: "head", why: "the dense layer's gradients", grid: driver.D1(blocks), threads: 128,
		arguments: func() []any {
			return []any{x.ptr(), w.ptr(), dy.ptr(), dx.ptr(), dw.ptr(), db.ptr(), images, int32(features), int32(classes)}
		},
	}, x, w, dy, dx, dw, db)
	return nil
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
	var logits ref
	if len(r.Means) > 0 { // metrics are counted where the loss is
		var err error
		if logits, err = c.small(c.p.Logits); err != nil {
			return fmt.Errorf("rows: %w", err)
		}
	}
	code, ports := c.layout.keep(int64(len(r.Code))*rowCodeBytes), c.layout.keep(int64(len(refs)+len(r.Means))*rowPortBytes)
	c.tables = append(c.tables, table{code, func() any { return rowCode(r) }}, table{ports, func() any { return rowPorts(r, refs) }})
	ticket := c.ticket()
	shared := 4 * rowWarps * r.Registers * r.Width
	c.launch(launch{
		kernel: "rows", module: "rows", why: "loss", grid: driver.D1((r.Rows + rowWarps - 1) / rowWarps), threads: 32 * rowWarps, shared: shared,
		arguments: func() []any {
			a := rowsArgument{
				Code: code.ptr(), Ports: ports.ptr(), Instructions: int32(len(r.Code)), Inputs: int32(len(r.Inputs)), Outputs: int32(len(r.Outputs)), Means: int32(len(r.Means)),
				Rows: int32(r.Rows), Classes: int32(r.Width), Registers: int32(r.Registers),
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
		ports = append(ports, rowPortArgument{Values: at[i].ptr(), Reg: int32(p.Register), Wide: flag(p.Wide), PerClass: flag(p.PerColumn)})
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
