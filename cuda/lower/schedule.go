package lower

import (
	"fmt"
	"reflect"
	"strings"
	"text/tabwriter"

	"longtail/internal/plan"

	"gorgonia.org/tensor"
)

// Schedule is a program for a GPU: what a session allocates and uploads once, and what it launches each step.
type Schedule struct {
	Launches   []Launch          // of one step, in order
	Buffers    []Buffer          // of the session's block
	BlockBytes int64             // of the block
	Tables     []Table           // uploaded once
	Tensors    []Stored          // what the store must hold
	Control    Ref               // a Control, which the host writes and reads around a call
	Inputs     map[string]Ref    // the program's inputs that are values, fp32
	Results    map[string]Result // what the host may read after a step, by the names of package device
}

// Dim is the size of a grid in blocks.
type Dim struct{ X, Y, Z int }

// String is the size in three dimensions, as 128x1x1.
func (d Dim) String() string { return fmt.Sprintf("%dx%dx%d", d.X, d.Y, d.Z) }

// Launch is one kernel of a step.
type Launch struct {
	Kernel, Module string // the kernel, and the .cu file that it is in
	Why            string // what it does for the program, for people
	Grid           Dim
	Threads        int // a block
	Shared         int // bytes of dynamic shared memory a block
	Static         int // where Shared is not 0: the static shared memory beside it is at most so many bytes
	Arguments      any // a struct whose fields are the kernel's parameters in order
}

// Parameters are the kernel's, in order, for Pack. The struct of the arguments itself may have padding at its end, which no kernel takes.
func (l *Launch) Parameters() []any {
	v := reflect.ValueOf(l.Arguments)
	all := make([]any, v.NumField())
	for i := range all {
		all[i] = v.Field(i).Interface()
	}
	return all
}

// Buffer is memory of the session's block, needed from launch First to launch Last.
type Buffer struct {
	plan.Buffer        // in bytes
	Name        string // what it holds, for people
	Kept        bool   // holds what the host wrote, from step to step
	Result      bool   // is read by the host after the step
}

// Table is what is uploaded once, before the first step.
type Table struct {
	To      Ref
	Content []any // structs, numbers or slices of those, as Pack takes them
}

// Stored is a tensor of the store: a parameter, a momentum or running moments. Four dimensions, [O, I, K, K], lie as [K, K, I, O].
type Stored struct {
	Name  string
	Shape tensor.Shape // logical
	Half  bool         // kernels also read an fp16 copy
}

// Result is where the host reads a value: fp32, four dimensions laid out as a Stored's.
type Result struct {
	At    Ref
	Shape tensor.Shape // logical; [N] of the loss, which is the mean
}

// eachRef visits what launch i reads and writes, in its arguments and through the tables that they point to.
func (s *Schedule) eachRef(i int, visit func(Ref, access)) {
	var through func(Ref, access)
	through = func(r Ref, how access) {
		visit(r, how)
		for t := range s.Tables {
			if table := &s.Tables[t]; r.Space == InBlock && table.To.Space == InBlock && table.To.Index == r.Index {
				eachRef(reflect.ValueOf(table.Content), accesses[""], through)
			}
		}
	}
	eachRef(reflect.ValueOf(s.Launches[i].Arguments), accesses[""], through)
}

// bytes is the size of what a reference lies in; 0 where it is not known here.
func (s *Schedule) bytes(r Ref) int64 {
	switch r.Space {
	case InBlock:
		return int64(s.Buffers[r.Index].Size)
	case InStore:
		return 4 * int64(s.Tensors[r.Index].Shape.TotalSize())
	case InStoreHalf:
		return 2 * int64(s.Tensors[r.Index].Shape.TotalSize())
	}
	return 0
}

// StoredBytes is the size of the tensors of the store.
func (s *Schedule) StoredBytes() (bytes int64) {
	for i := range s.Tensors {
		bytes += s.bytes(Ref{Space: InStore, Index: i})
		if s.Tensors[i].Half {
			bytes += s.bytes(Ref{Space: InStoreHalf, Index: i})
		}
	}
	return bytes
}

// Traffic is the bytes of the buffers and tensors that launch i reads and writes, each counted once; of the images it counts nothing.
func (s *Schedule) Traffic(i int) (read, written int64) {
	seen := [2]map[Ref]bool{{}, {}}
	s.eachRef(i, func(r Ref, how access) {
		size := s.bytes(r)
		r.Offset = 0
		if how.read && !seen[0][r] {
			seen[0][r] = true
			read += size
		}
		if how.write && !seen[1][r] {
			seen[1][r] = true
			written += size
		}
	})
	return read, written
}

// String is a table of the launches for people, a line each, and a line of totals.
func (s *Schedule) String() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "#\tkernel\tgrid\tthreads\tshared\tread\twritten\twhy")
	for i := range s.Launches {
		l := &s.Launches[i]
		read, written := s.Traffic(i)
		fmt.Fprintf(w, "%d\t%s\t%v\t%d\t%d\t%d\t%d\t%s\n", i, l.Kernel, l.Grid, l.Threads, l.Shared, read, written, l.Why)
	}
	w.Flush()
	fmt.Fprintf(&b, "%d launches a step, %d buffers in %d bytes, %d tables, %d stored tensors\n",
		len(s.Launches), len(s.Buffers), s.BlockBytes, len(s.Tables), len(s.Tensors))
	return b.String()
}
