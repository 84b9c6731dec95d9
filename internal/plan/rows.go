package plan

import "longtail/internal/ops"

// RowProgram computes on rows, one at a time: a loss forward and backward on the samples of a batch, or the normalisation of
// a matrix of weights. A register holds Width numbers, of which a narrow value uses the first.
type RowProgram struct {
	Rows, Width int  // of the matrices that it reads and writes
	OverBatch   bool // a row is a sample of the batch; otherwise a row of a parameter or of a sum
	Registers   int
	Inputs      []RowPort // loaded before the first instruction
	Code        []RowCode
	Outputs     []RowPort // stored after the last instruction
	Means       []RowPort // scalars: the register's numbers summed over all rows, divided by Rows
}

// RowPort ties a register to a value.
type RowPort struct {
	Value     ValueID
	Register  int
	Wide      bool // Width numbers a row; otherwise one
	PerColumn bool // [Width]: the same for every row
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
