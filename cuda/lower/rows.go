package lower

import (
	"longtail/internal/ops"
	"longtail/internal/plan"
)

// rowOperations are the codes of rows.cu.
var rowOperations = map[ops.Kind]int32{
	ops.KindAffine: 0, ops.KindExp: 1, ops.KindLog: 2, ops.KindSoftplus: 3, ops.KindSigmoid: 4, ops.KindPower: 5, ops.KindDetach: 6, ops.KindSpread: 6,
	ops.KindRowAdd: 7, ops.KindSub: 8, ops.KindMul: 9, ops.KindDiv: 10, ops.KindGreaterEqual: 11,
	ops.KindRowSum: 12, ops.KindRowMax: 13, ops.KindLogSumExp: 14, ops.KindBatchMeanGrad: 15,
}

// rowWarps is the number of rows that a block of rows.cu takes, each with registers of its own in shared memory.
const rowWarps = 4

const (
	rowCodeBytes = 36                // of an instruction, whose copies follow the registers
	rowLossBytes = 8 * 32 * rowWarps // of losses and labels, a thread one each, which take their place at the end
)

// RowsLaunch is the launch of a row program, without arguments.
func RowsLaunch(r *plan.RowProgram) Launch {
	return Launch{
		Kernel: "rows", Module: "rows", Grid: Dim{(r.Rows + rowWarps - 1) / rowWarps, 1, 1}, Threads: 32 * rowWarps,
		Shared: max(4*rowWarps*r.Registers*r.Width+rowCodeBytes*len(r.Code), rowLossBytes),
	}
}

// RowsCode is a row program as the kernel reads it.
func RowsCode(r *plan.RowProgram) []RowCode {
	var code []RowCode
	for _, i := range r.Code {
		code = append(code, RowCode{
			Operation: rowOperations[i.Kind], To: int32(i.Dst), A: int32(i.A), B: int32(i.B),
			Wide: toInt(i.Wide), AWide: toInt(i.AWide), BWide: toInt(i.BWide), X: i.X, Y: i.Y,
		})
	}
	return code
}

// rows runs a row program. The one that ends in the loss also counts the metrics.
func (l *lowering) rows(r *plan.RowProgram) (err error) {
	a := Rows{
		Instructions: int32(len(r.Code)), Inputs: int32(len(r.Inputs)), Outputs: int32(len(r.Outputs)), Means: int32(len(r.Means)),
		Rows: int32(r.Rows), Classes: int32(r.Width), Registers: int32(r.Registers),
	}
	inputs, outputs, means, err := l.rowPorts(r)
	if err != nil {
		return err
	}
	k := RowsLaunch(r)
	k.Why = "rows"
	if len(r.Means) > 0 {
		k.Why, a.CountsMetrics = "loss", 1
		a.Labels, a.Losses, a.Confusion, a.Control, a.Ticket = l.labels, l.losses, l.confusion, l.schedule.Control, l.ticket()
		if a.Logits, err = l.smallRef(l.p.Logits); err != nil {
			return err
		}
	}
	if a.Code, err = l.table("row code", RowsCode(r)); err != nil {
		return err
	}
	if a.Ports, err = l.table("row ports", inputs, outputs, means); err != nil {
		return err
	}
	k.Arguments = RowsParameters{a}
	l.launch(k)
	return nil
}

// rowPorts finds the inputs of a row program, and makes room for its outputs.
func (l *lowering) rowPorts(r *plan.RowProgram) (inputs []RowInput, outputs []RowOutput, means []RowInput, err error) {
	port := func(p plan.RowPort) RowInput {
		return RowInput{Register: int32(p.Register), Wide: toInt(p.Wide), PerColumn: toInt(p.PerColumn)}
	}
	for _, p := range r.Inputs {
		in := port(p)
		if in.Values, err = l.smallRef(p.Value); err != nil {
			return nil, nil, nil, err
		}
		inputs = append(inputs, in)
	}
	for _, p := range r.Outputs {
		out := RowOutput(port(p))
		out.Values = l.floats(l.name(p.Value), l.p.Values[p.Value].Shape.TotalSize())
		l.values[p.Value].at = out.Values
		outputs = append(outputs, out)
	}
	for _, p := range r.Means {
		mean := port(p)
		mean.Mean = 1
		means = append(means, mean)
	}
	return inputs, outputs, means, nil
}
