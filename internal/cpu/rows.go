package cpu

import (
	"math"

	"longtail/internal/ops"
	"longtail/internal/plan"
)

// runRows interprets a row program for one row, in float64. load and store give the memory of a value for the row: Width
// numbers or one. It returns the row's part of the loss, before the division by the number of rows.
func runRows(r *plan.RowProgram, w *worker, load func(plan.ValueID) []float32, store func(plan.ValueID) []float32) float64 {
	width := r.Width
	if need := r.Registers * width; len(w.rows) < need {
		w.rows = make([]float64, need)
	}
	register := func(i int) []float64 { return w.rows[i*width : (i+1)*width] }
	for _, in := range r.Inputs {
		for i, x := range load(in.Value) {
			register(in.Register)[i] = float64(x)
		}
	}
	for i := range r.Code {
		runRow(&r.Code[i], width, register)
	}
	for _, out := range r.Outputs {
		to := store(out.Value)
		for i := range to {
			to[i] = float32(register(out.Register)[i])
		}
	}
	loss := 0.0
	for _, mean := range r.Means {
		for _, x := range register(mean.Register)[:span(mean.Wide, width)] {
			loss += x
		}
	}
	return loss
}

func span(wide bool, width int) int {
	if wide {
		return width
	}
	return 1
}

// runRow is one instruction.
func runRow(c *plan.RowCode, width int, register func(int) []float64) {
	dst := register(c.Dst)[:span(c.Wide, width)]
	var a, b []float64
	if c.A >= 0 {
		a = register(c.A)[:span(c.AWide, width)]
	}
	if c.B >= 0 {
		b = register(c.B)[:span(c.BWide, width)]
	}
	switch {
	case c.Kind == ops.KindBatchMeanGrad:
		for i := range dst {
			dst[i] = float64(c.X)
		}
	case c.Kind == ops.KindRowSum || c.Kind == ops.KindRowMax || c.Kind == ops.KindLogSumExp:
		dst[0] = reduceRow(c.Kind, a)
	case b != nil:
		f := binaryRow(c.Kind)
		for i := range dst {
			dst[i] = f(a[min(i, len(a)-1)], b[min(i, len(b)-1)])
		}
	default:
		f := unaryRow(c)
		for i := range dst {
			dst[i] = f(a[min(i, len(a)-1)])
		}
	}
}

func reduceRow(k ops.Kind, a []float64) float64 {
	largest := math.Inf(-1)
	sum := 0.0
	for _, x := range a {
		largest = max(largest, x)
		sum += x
	}
	switch k {
	case ops.KindRowSum:
		return sum
	case ops.KindRowMax:
		return largest
	}
	sum = 0
	for _, x := range a {
		sum += math.Exp(x - largest)
	}
	return largest + math.Log(sum)
}

func binaryRow(k ops.Kind) func(a, b float64) float64 {
	switch k {
	case ops.KindRowAdd:
		return func(a, b float64) float64 { return a + b }
	case ops.KindSub:
		return func(a, b float64) float64 { return a - b }
	case ops.KindMul:
		return func(a, b float64) float64 { return a * b }
	case ops.KindDiv:
		return func(a, b float64) float64 { return a / b }
	case ops.KindGreaterEqual:
		return func(a, b float64) float64 {
			if a >= b {
				return 1
			}
			return 0
		}
	}
	return nil
}

func unaryRow(c *plan.RowCode) func(float64) float64 {
	switch c.Kind {
	case ops.KindAffine:
		scale, shift := float64(c.X), float64(c.Y)
		return func(x float64) float64 { return scale*x + shift }
	case ops.KindExp:
		return math.Exp
	case ops.KindLog:
		return math.Log
	case ops.KindSoftplus:
		return func(x float64) float64 { return max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }
	case ops.KindSigmoid:
		return func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
	case ops.KindPower:
		exponent := float64(c.X)
		return func(x float64) float64 { return math.Pow(x, exponent) }
	case ops.KindDetach, ops.KindSpread:
		return func(x float64) float64 { return x }
	}
	return nil
}

// knowsRow reports whether an instruction of that kind can be interpreted.
func knowsRow(c *plan.RowCode) bool {
	switch c.Kind {
	case ops.KindBatchMeanGrad, ops.KindRowSum, ops.KindRowMax, ops.KindLogSumExp:
		return true
	}
	return c.B >= 0 && binaryRow(c.Kind) != nil || c.B < 0 && unaryRow(c) != nil
}
