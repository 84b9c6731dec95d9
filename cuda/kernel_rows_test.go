//go:build gpu

package cuda

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"longtail/cuda/driver"
	"longtail/cuda/lower"
	"longtail/internal/device"
	"longtail/internal/ops"
	"longtail/internal/plan"
)

// Every instruction of row programs on its own, on all three widths, against package math; the tolerance is 8 roundings of the result.
func TestRowInstructions(t *testing.T) {
	power := func(x float64) float64 { return math.Pow(math.Abs(x)+0.1, 1.7) }
	kinds := map[ops.Kind]func(a, b float64) float64{
		ops.KindAffine: func(a, _ float64) float64 { return 1.5*a - 0.25 }, ops.KindExp: func(a, _ float64) float64 { return math.Exp(a) },
		ops.KindSoftplus: func(a, _ float64) float64 { return max(a, 0) + math.Log1p(math.Exp(-math.Abs(a))) },
		ops.KindSigmoid:  func(a, _ float64) float64 { return 1 / (1 + math.Exp(-a)) }, ops.KindDetach: func(a, _ float64) float64 { return a },
		ops.KindRowAdd: func(a, b float64) float64 { return a + b }, ops.KindSub: func(a, b float64) float64 { return a - b },
		ops.KindMul: func(a, b float64) float64 { return a * b }, ops.KindDiv: func(a, b float64) float64 { return a / b },
		ops.KindGreaterEqual: func(a, b float64) float64 { return float64(flag(a >= b)) },
		ops.KindLog:          func(a, _ float64) float64 { return math.Log(math.Abs(a) + 0.1) }, ops.KindPower: func(a, _ float64) float64 { return power(a) },
	}
	binary := []ops.Kind{ops.KindRowAdd, ops.KindSub, ops.KindMul, ops.KindDiv, ops.KindGreaterEqual}
	for _, classes := range []int{10, 100, 2000, 4000, 6000} { // the last three leave a block room for two rows, for one and for none
		for kind, f := range kinds {
			t.Run(fmt.Sprintf("%v %d", kind, classes), func(t *testing.T) {
				b := newBench(t, 10)
				const rows = 5
				a, c := b.normal(rows*classes), b.normal(rows)
				for i := range a {
					a[i] *= 5
					if kind == ops.KindLog || kind == ops.KindPower {
						a[i] = float32(math.Abs(float64(a[i])) + 0.1)
					}
				}
				code := plan.RowCode{Kind: kind, Dst: 2, A: 0, B: -1, Wide: true, AWide: true, X: 1.5, Y: -0.25}
				if kind == ops.KindPower {
					code.X = 1.7
				}
				if slices.Contains(binary, kind) {
					code.B = 1
				}
				got := b.rows(classes, rows, a, c, code)
				for i := range got {
					x := float64(a[i])
					if kind == ops.KindLog || kind == ops.KindPower {
						x -= 0.1
					}
					want := f(x, float64(c[i/classes]))
					bound := 0x1p-21
					if kind == ops.KindPower { // the exponential of a product
						bound = 0x1p-20
					}
					if d := math.Abs(float64(got[i]) - want); d > bound*max(math.Abs(want), 0.25) {
						t.Fatalf("%v of %v and %v is %v, want %v", kind, a[i], c[i/classes], got[i], want)
					}
				}
			})
		}
	}
}

// Reductions of rows.
func TestRowReductions(t *testing.T) {
	for _, classes := range []int{10, 100, 6000} {
		for kind, f := range map[ops.Kind]func(sum, largest, exp float64) float64{
			ops.KindRowSum: func(sum, _, _ float64) float64 { return sum }, ops.KindRowMax: func(_, largest, _ float64) float64 { return largest },
			ops.KindLogSumExp: func(_, largest, exp float64) float64 { return largest + math.Log(exp) },
		} {
			b := newBench(t, 11)
			const rows = 6
			a := b.normal(rows * classes)
			got := b.rows(classes, rows, a, b.normal(rows), plan.RowCode{Kind: kind, Dst: 2, A: 0, B: -1, AWide: true})
			for n := range rows {
				sum, largest, exp := 0.0, math.Inf(-1), 0.0
				for _, x := range a[n*classes:][:classes] {
					sum, largest = sum+float64(x), max(largest, float64(x))
				}
				for _, x := range a[n*classes:][:classes] {
					exp += math.Exp(float64(x) - largest)
				}
				if want := f(sum, largest, exp); math.Abs(float64(got[n])-want) > 0x1p-20*max(1, math.Abs(want)) {
					t.Errorf("%v of %d classes is %v, want %v", kind, classes, got[n], want)
				}
			}
		}
	}
}

// rows runs one instruction on register 0, a [rows, classes], and register 1, c [rows, 1], and gives register 2: alone, and together with two
// shorter programs around it, with registers in shared and in device memory, none of which must change a bit. Rows that fit shared memory and are
// long are not run in device memory, which takes its time.
func (b *bench) rows(classes, rows int, a, c []float32, code plan.RowCode) []float32 {
	b.t.Helper()
	width := 1
	if code.Wide {
		width = classes
	}
	r := &plan.RowProgram{Rows: rows, Width: classes, Registers: 3, Code: []plan.RowCode{code}, Inputs: make([]plan.RowPort, 2), Outputs: make([]plan.RowPort, 1)}
	short := *r
	short.Rows = 1
	in := []lower.RowInput{{Values: b.floats(a), Wide: 1}, {Values: b.floats(c), Register: 1}}
	var got []float32
	same := func(at lower.Ref, n int) {
		b.t.Helper()
		v := b.read(at, n*width)
		if got == nil {
			got = v
		} else if !slices.EqualFunc(v, got[:len(v)], sameBits) {
			b.t.Errorf("%v of %d classes: other bits among several programs or in device memory", code.Kind, classes)
		}
	}
	for _, inMemory := range []bool{false, true} {
		if inMemory == lower.RowsFit(r) && classes > 100 {
			continue
		}
		var at []lower.Ref
		program := func(r *plan.RowProgram) lower.Rows {
			at = append(at, b.room(r.Rows*width))
			return b.program(inMemory, r, append(in[:2:2], lower.RowInput{Values: at[len(at)-1], Register: 2, Wide: flag(code.Wide)}))
		}
		alone := program(r)
		l := lower.RowsLaunch(inMemory, r)
		b.run(l.Module, l.Kernel, driver.Dim(l.Grid), l.Threads, l.Shared, alone)
		b.together(inMemory, []*plan.RowProgram{&short, r, &short}, []lower.Rows{program(&short), program(r), program(&short)})
		for i, n := range []int{rows, 1, rows, 1} {
			same(at[i], n)
		}
	}
	return got
}

func sameBits(a, b float32) bool { return math.Float32bits(a) == math.Float32bits(b) }

// program uploads a row program; ports are its inputs, then its outputs and means.
func (b *bench) program(inMemory bool, r *plan.RowProgram, ports []lower.RowInput) lower.Rows {
	rows := lower.RowsSizes(r)
	rows.Code, rows.Ports = b.table(lower.RowsCode(r)), b.table(ports)
	if inMemory {
		rows.Memory = b.room(lower.RowsMemory(r))
	}
	return rows
}

// together runs row programs in one launch.
func (b *bench) together(inMemory bool, programs []*plan.RowProgram, rows []lower.Rows) {
	b.t.Helper()
	l := lower.RowsTogetherLaunch(inMemory, programs...)
	first, block := make([]int32, len(programs)), 0
	for i, r := range programs {
		first[i] = int32(block)
		block += lower.RowBlocks(r, l.Threads)
	}
	b.run(l.Module, l.Kernel, driver.Dim(l.Grid), l.Threads, l.Shared, b.table(rows), b.table(first), int32(len(programs)))
}

// Programs of different widths and lengths in one launch, with every kind of port: wide, narrow and the same for all rows, sums of more numbers
// than a warp has lanes, several outputs.
func TestRowProgramsTogether(t *testing.T) {
	for _, inMemory := range []bool{false, true} {
		newBench(t, 15).programsTogether(inMemory)
	}
}

func (b *bench) programsTogether(inMemory bool) {
	var programs []*plan.RowProgram
	var rows []lower.Rows
	var checks []func()
	for _, size := range []struct{ rows, classes, numbers int }{{5, 10, 7}, {1, 3, 45}, {9, 70, 200}} {
		x, shift, factor, numbers := b.normal(size.rows*size.classes), b.normal(size.classes), b.normal(size.rows), b.normal(size.numbers)
		product, total := b.room(size.rows*size.classes), b.room(size.rows)
		// (x + shift) * factor, wide, and the row's sum of x times the sum of the numbers.
		r := &plan.RowProgram{Rows: size.rows, Width: size.classes, Registers: 7, Inputs: make([]plan.RowPort, 4), Outputs: make([]plan.RowPort, 2), Code: []plan.RowCode{
			{Kind: ops.KindRowAdd, Dst: 4, A: 0, B: 1, Wide: true, AWide: true, BWide: true},
			{Kind: ops.KindMul, Dst: 4, A: 4, B: 2, Wide: true, AWide: true},
			{Kind: ops.KindRowSum, Dst: 5, A: 0, B: -1, AWide: true},
			{Kind: ops.KindMul, Dst: 6, A: 5, B: 3},
		}}
		programs = append(programs, r)
		rows = append(rows, b.program(inMemory, r, []lower.RowInput{
			{Values: b.floats(x), Wide: 1}, {Values: b.floats(shift), Register: 1, Wide: 1, PerColumn: 1}, {Values: b.floats(factor), Register: 2},
			{Values: b.floats(numbers), Register: 3, PerColumn: 1, Sum: int32(size.numbers)},
			{Values: product, Register: 4, Wide: 1}, {Values: total, Register: 6},
		}))
		checks = append(checks, func() {
			wantProduct, wantTotal, sum := make([]float64, len(x)), make([]float64, size.rows), 0.0
			for _, v := range numbers {
				sum += float64(v)
			}
			for i, v := range x {
				n, c := i/size.classes, i%size.classes
				wantProduct[i] = (float64(v) + float64(shift[c])) * float64(factor[n])
				wantTotal[n] += float64(v) * sum
			}
			compareDouble(b.t, "products", b.read(product, len(x)), wantProduct, 8)
			compareDouble(b.t, "totals", b.read(total, size.rows), wantTotal, 64)
		})
	}
	b.together(inMemory, programs, rows)
	for _, check := range checks {
		check()
	}
}

// The metrics of a loss: the sum of the samples' losses, and in the order the class of the largest logit, the first of equals, of NaN in front class 0;
// -1 of padding, and of all once a loss was not finite. Other steps and other numbers of a step in the order stay as they are.
func TestRowMetrics(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	const rows, classes, stride, done = 9, 70, 11, 1
	for _, inMemory := range []bool{false, true} {
		for _, bad := range []bool{false, true} {
			b := newBench(t, 16)
			logits, labels := b.normal(rows*classes), []int32{0, 1, 2, 3, 4, 5, 6, -1, 69}
			set := func(row int, values map[int]float32) {
				for c, v := range values {
					logits[row*classes+c] = v
				}
			}
			want := []int32{0, 33, 69, 5, 5, 1, 0, -1, 40}
			set(0, map[int]float32{0: 9, 32: 9, 69: 9})
			set(1, map[int]float32{33: 9, 34: 9, 65: 9})
			set(2, map[int]float32{69: inf})
			set(3, map[int]float32{5: 9, 37: 9, 4: nan, 36: nan})
			set(4, map[int]float32{5: 9, 8: 9, 37: nan})
			set(5, map[int]float32{0: -9, 1: 9, 33: 9, 32: 8})
			set(6, map[int]float32{0: nan, 7: 9})
			set(8, map[int]float32{40: 9, 41: 8, 8: 8})
			loss := b.normal(rows)
			code := []plan.RowCode{{Kind: ops.KindAffine, Dst: 1, A: 0, B: -1, X: 2}}
			r := &plan.RowProgram{Rows: rows, Width: classes, Registers: 2, Code: code, Inputs: make([]plan.RowPort, 1), Means: make([]plan.RowPort, 1)}
			a := b.program(inMemory, r, []lower.RowInput{{Values: b.floats(loss)}, {Register: 1}})
			order := make([]int32, stride*(done+2))
			for i := range order {
				order[i] = int32(100 + i)
			}
			orderAt := uploaded(b, order)
			a.Stride, a.Logits, a.Labels, a.Losses, a.Ticket = stride, b.floats(logits), uploaded(b, labels), b.room(rows), b.zeros(1)
			a.Control = b.table(lower.Control{Order: orderAt, Step: 7, Done: done, Loss: 0.5, Samples: 3, Bad: uint32(flag(bad))})
			l := lower.RowsLaunch(inMemory, r)
			b.run(l.Module, l.Kernel, driver.Dim(l.Grid), l.Threads, l.Shared, a)
			sums := must[device.Sums](t)(lower.ReadControl(downloaded[byte](b, a.Control, lower.ControlBytes)))
			total, count := 0.5, int64(3)
			for n := range want {
				if bad {
					want[n] = -1
				} else if labels[n] >= 0 {
					total, count = total+2*float64(loss[n]), count+1
				}
			}
			copy(order[stride*done:], want)
			if got := downloaded[int32](b, orderAt, len(order)); !slices.Equal(got, order) {
				t.Errorf("in memory %t, bad %t: the order is %v, want %v", inMemory, bad, got, order)
			}
			if math.Abs(sums.Loss-total) > 1e-12 || sums.Samples != count || sums.NonFinite != bad {
				t.Errorf("in memory %t, bad %t: sums are %+v, want a loss of %v of %d samples", inMemory, bad, sums, total, count)
			}
		}
	}
}
