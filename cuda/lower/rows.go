package lower

import (
	"longtail/internal/device"
	"longtail/internal/ops"
	"longtail/internal/plan"
)

// rowOperations are the codes of rows.cu.
var rowOperations = map[ops.Kind]int32{
	ops.KindAffine: 0, ops.KindExp: 1, ops.KindLog: 2, ops.KindSoftplus: 3, ops.KindSigmoid: 4, ops.KindPower: 5, ops.KindDetach: 6, ops.KindSpread: 6,
	ops.KindRowAdd: 7, ops.KindSub: 8, ops.KindMul: 9, ops.KindDiv: 10, ops.KindGreaterEqual: 11,
	ops.KindRowSum: 12, ops.KindRowMax: 13, ops.KindLogSumExp: 14, ops.KindBatchMeanGrad: 15,
}

// rowsStatic is no less than the static shared memory of rows.cu in bytes.
const rowsStatic = 64

// rowWarps is the most rows that a block of rows.cu takes, each with registers of its own in shared memory.
const rowWarps = 4

const (
	rowCodeBytes = 36 // of an instruction
	rowPortBytes = 24 // of a port
	rowLossBytes = 8  // of a loss and a label
)

// RowsFit reports whether the registers of row programs, at least those of one row a block, fit shared memory on every GPU. Others are in device memory.
func RowsFit(programs ...*plan.RowProgram) bool {
	return rowsShared(1, false, programs)+rowsStatic <= leastShared[device.FP32]
}

// RowsLaunch is the launch of a row program, without arguments, with its registers in shared or in device memory.
func RowsLaunch(inMemory bool, r *plan.RowProgram) Launch {
	return rowsLaunch("rows", inMemory, r)
}

// RowsTogetherLaunch is the launch of several row programs, as RowsLaunch.
func RowsTogetherLaunch(inMemory bool, programs ...*plan.RowProgram) Launch {
	return rowsLaunch("rows_together", inMemory, programs...)
}

// RowsMemory is the number of floats that the registers of a row program take in device memory.
func RowsMemory(r *plan.RowProgram) int { return r.Rows * r.Registers * r.Width }

// rowsLaunch is the launch of row programs. A block takes fewer rows where their registers would not fit, and one where these are in device memory: long
// rows keep the cache of a multiprocessor to themselves.
func rowsLaunch(kernel string, inMemory bool, programs ...*plan.RowProgram) Launch {
	warps := rowWarps
	if inMemory {
		kernel, warps = kernel+"_in_memory", 1
	}
	for warps > 1 && rowsShared(warps, inMemory, programs)+rowsStatic > leastShared[device.FP32] {
		warps /= 2
	}
	k := Launch{Kernel: kernel, Module: "rows", Why: "rows", Threads: 32 * warps, Shared: rowsShared(warps, inMemory, programs), Static: rowsStatic}
	for _, r := range programs {
		k.Grid.X += RowBlocks(r, k.Threads)
	}
	k.Grid.Y, k.Grid.Z = 1, 1
	return k
}

// rowsShared is the dynamic shared memory of a block of so many rows: registers, unless they are in device memory, and behind them, at a multiple of 8
// bytes, copies of the ports and instructions; at the end a loss and a label a thread take their place.
func rowsShared(warps int, inMemory bool, programs []*plan.RowProgram) int {
	bytes := rowLossBytes * 32 * warps
	for _, r := range programs {
		registers := roundUp(4*warps*r.Registers*r.Width, 8)
		if inMemory {
			registers = 0
		}
		bytes = max(bytes, registers+rowPortBytes*(len(r.Inputs)+len(r.Outputs)+len(r.Means))+rowCodeBytes*len(r.Code))
	}
	return shared(bytes, rowsStatic)
}

// RowBlocks is how many blocks of so many threads a row program takes, a warp a row.
func RowBlocks(r *plan.RowProgram, threads int) int { return CeilDiv(32*r.Rows, threads) }

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
func (l *lowering) rows(r *plan.RowProgram) error {
	inMemory := !RowsFit(r)
	a, err := l.rowsArguments(r, inMemory)
	if err != nil {
		return err
	}
	k := RowsLaunch(inMemory, r)
	if len(r.Means) > 0 {
		k.Why, a.Stride = "loss", int32(OrderStride(l.p))
		a.Labels, a.Losses, a.Control, a.Ticket = l.labels, l.losses, l.schedule.Control, l.ticket()
		if a.Logits, err = l.smallRef(l.p.Logits); err != nil {
			return err
		}
	}
	k.Arguments = RowsParameters{a}
	l.launch(k)
	return nil
}

// rowsTogether runs row programs that do not depend on each other in one launch.
func (l *lowering) rowsTogether(programs []*plan.RowProgram) (err error) {
	inMemory := !RowsFit(programs...)
	k := RowsTogetherLaunch(inMemory, programs...)
	all, first, block := make([]Rows, len(programs)), make([]int32, len(programs)), int32(0)
	for i, r := range programs {
		if all[i], err = l.rowsArguments(r, inMemory); err != nil {
			return err
		}
		first[i] = block
		block += int32(RowBlocks(r, k.Threads))
	}
	a := RowsTogetherParameters{Count: int32(len(programs))}
	if a.Programs, err = l.table("row programs", all); err != nil {
		return err
	}
	if a.First, err = l.table("first blocks of row programs", first); err != nil {
		return err
	}
	k.Arguments = a
	l.launch(k)
	return nil
}

// RowsSizes are the arguments of a row program that are sizes.
func RowsSizes(r *plan.RowProgram) Rows {
	return Rows{
		Instructions: int32(len(r.Code)), Inputs: int32(len(r.Inputs)), Outputs: int32(len(r.Outputs)), Means: int32(len(r.Means)),
		Rows: int32(r.Rows), Classes: int32(r.Width), Registers: int32(r.Registers),
	}
}

// rowsArguments are those of a row program, without metrics.
func (l *lowering) rowsArguments(r *plan.RowProgram, inMemory bool) (Rows, error) {
	a := RowsSizes(r)
	if inMemory {
		a.Memory = l.floats("registers of rows", RowsMemory(r))
	}
	inputs, outputs, means, err := l.rowPorts(r)
	if err != nil {
		return a, err
	}
	if a.Code, err = l.table("row code", RowsCode(r)); err != nil {
		return a, err
	}
	a.Ports, err = l.table("row ports", inputs, outputs, means)
	return a, err
}

// rowPorts finds the inputs of a row program, and makes room for its outputs.
func (l *lowering) rowPorts(r *plan.RowProgram) (inputs []RowInput, outputs []RowOutput, means []RowInput, err error) {
	port := func(p plan.RowPort) RowInput {
		return RowInput{Register: int32(p.Register), Wide: toInt(p.Wide), PerColumn: toInt(p.PerColumn)}
	}
	for _, p := range r.Inputs {
		in := port(p)
		from, summed := l.waiting.summed[p.Value]
		if summed {
			in.Sum = int32(l.p.Batch)
		} else {
			from = p.Value
		}
		if in.Values, err = l.smallRef(from); err != nil {
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
		means = append(means, port(p))
	}
	return inputs, outputs, means, nil
}
