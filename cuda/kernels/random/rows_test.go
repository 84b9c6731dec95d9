//go:build gpu

package random_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"longtail/cuda/cudatest"
	"longtail/cuda/driver"
	"longtail/cuda/lower"
	"longtail/internal/ops"
	"longtail/internal/plan"
)

// rowInstructions are of one operand, of two, and sums over a row.
var rowInstructions = [3][]ops.Kind{
	{ops.KindAffine, ops.KindExp, ops.KindLog, ops.KindSoftplus, ops.KindSigmoid, ops.KindPower, ops.KindDetach, ops.KindBatchMeanGrad},
	{ops.KindRowAdd, ops.KindSub, ops.KindMul, ops.KindDiv, ops.KindGreaterEqual},
	{ops.KindRowSum, ops.KindRowMax, ops.KindLogSumExp},
}

// rowTest is a random row program and what it reads; its loss is the last register and all numbers of register 1.
type rowTest struct {
	*maker
	program *plan.RowProgram
	inputs  []lower.RowInput
	wide    []bool // of the registers that hold something
	labels  []int32
}

const rowNumbers = 45 // that an input is the sum of

// newRowTest draws a program of every kind of input and 12 instructions, each into a register of its own.
func newRowTest(m *maker, rows, classes int) *rowTest {
	x := &rowTest{maker: m, program: &plan.RowProgram{Rows: rows, Width: classes, Inputs: make([]plan.RowPort, 4), Means: make([]plan.RowPort, 2)}}
	x.inputs = []lower.RowInput{
		{Values: m.floats(rows * classes), Wide: 1}, {Values: m.floats(classes), Register: 1, Wide: 1, PerColumn: 1},
		{Values: m.floats(rows), Register: 2}, {Values: m.floats(rowNumbers), Register: 3, PerColumn: 1, Sum: rowNumbers},
	}
	x.wide = []bool{true, true, false, false}
	for range 12 {
		x.instruction()
	}
	x.program.Code = append(x.program.Code, plan.RowCode{Kind: ops.KindRowMax, Dst: len(x.wide), A: 0, B: -1, AWide: true})
	x.wide = append(x.wide, false)
	x.program.Registers, x.program.Outputs = len(x.wide), make([]plan.RowPort, len(x.wide))
	x.labels = make([]int32, rows)
	for i := range x.labels {
		x.labels[i] = int32(m.r.IntN(classes+1) - 1)
	}
	return x
}

func (x *rowTest) instruction() {
	operands := x.r.IntN(len(rowInstructions))
	kinds := rowInstructions[operands]
	i := plan.RowCode{Kind: kinds[x.r.IntN(len(kinds))], Dst: len(x.wide), A: x.r.IntN(len(x.wide)), B: -1, X: x.factor(), Y: x.factor()}
	if i.Kind == ops.KindPower && x.r.IntN(2) == 0 {
		i.X = float32(x.r.IntN(3))
	}
	i.AWide = x.wide[i.A]
	i.Wide = i.AWide || x.r.IntN(2) == 0
	switch operands {
	case 1:
		i.B = x.r.IntN(len(x.wide))
		i.BWide = x.wide[i.B]
		i.Wide = i.Wide || i.BWide
	case 2:
		i.Wide = false
	}
	x.program.Code, x.wide = append(x.program.Code, i), append(x.wide, i.Wide)
}

// run gives all registers, losses and predictions of one launch, and the registers of two programs in another. The logits are register 0, which the
// launch itself stores.
func (x *rowTest) run(inMemory bool) (results [][]float32, predictions []int32) {
	r := x.program
	var outputs []lower.Ref
	width := func(reg int) int {
		if x.wide[reg] {
			return r.Width
		}
		return 1
	}
	arguments := func() lower.Rows {
		ports := slices.Clone(x.inputs)
		for reg, wide := range x.wide {
			outputs = append(outputs, x.floatRoom(r.Rows*width(reg)))
			ports = append(ports, lower.RowInput{Values: outputs[len(outputs)-1], Register: int32(reg)})
			if wide {
				ports[len(ports)-1].Wide = 1
			}
		}
		ports = append(ports, lower.RowInput{Register: int32(len(x.wide) - 1)}, lower.RowInput{Register: 1, Wide: 1})
		a := lower.RowsSizes(r)
		a.Code, a.Ports = x.table(lower.RowsCode(r)), x.table(ports)
		if inMemory {
			a.Memory = x.floatRoom(lower.RowsMemory(r))
		}
		return a
	}
	order := absolute(cudatest.Upload(x.t, x.s, make([]int32, r.Rows)))
	a := arguments()
	a.Stride, a.Logits, a.Labels, a.Losses = int32(r.Rows), outputs[0], absolute(cudatest.Upload(x.t, x.s, x.labels)), x.floatRoom(r.Rows)
	a.Control, a.Ticket = x.table(lower.Control{Order: order}), x.table([]uint32{0})
	x.launch(lower.RowsLaunch(inMemory, r), lower.RowsParameters{Rows: a})
	l := lower.RowsTogetherLaunch(inMemory, r, r)
	first := []int32{0, int32(lower.RowBlocks(r, l.Threads))}
	x.launch(l, lower.RowsTogetherParameters{Programs: x.table([]lower.Rows{arguments(), arguments()}), First: x.table(first), Count: 2})
	for i, at := range outputs {
		results = append(results, x.readFloats(at, r.Rows*width(i%len(x.wide))))
	}
	return append(results, x.readFloats(a.Losses, r.Rows)), cudatest.Download[int32](x.t, x.s, driver.Ptr(order.Offset), r.Rows)
}

// Random row programs leave the same bits with registers in shared and in device memory, alone and together, and the same predictions.
func TestRows(t *testing.T) {
	sizes := []struct{ rows, classes int }{{5, 3}, {9, 32}, {6, 33}, {3, 200}, {4, 300}}
	for n := range 10 * len(sizes) {
		size := sizes[n%len(sizes)]
		t.Run(fmt.Sprint(n, size), func(t *testing.T) {
			x := newRowTest(newMaker(t, uint64(n), 14, false), size.rows, size.classes)
			want, classes := x.run(false)
			got, inMemory := x.run(true)
			registers := len(x.wide)
			for i := range want {
				if !sameBits(got[i], want[i]) || i < 3*registers && !sameBits(want[i], want[i%registers]) {
					t.Errorf("result %d of %d registers: other bits in device memory or among several programs: %v", i, registers, x.program.Code)
				}
			}
			if !slices.Equal(classes, inMemory) {
				t.Errorf("predictions are %v in shared and %v in device memory", classes, inMemory)
			}
			for i, label := range x.labels {
				if (label < 0) != (classes[i] < 0) || classes[i] >= int32(size.classes) {
					t.Errorf("of label %d, %d is predicted", label, classes[i])
				}
			}
		})
	}
}

func sameBits(a, b []float32) bool {
	return slices.EqualFunc(a, b, func(a, b float32) bool { return math.Float32bits(a) == math.Float32bits(b) })
}
