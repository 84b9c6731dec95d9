package lower

import (
	"longtail/internal/plan"

	"gorgonia.org/tensor"
)

// alignment of buffers in bytes: a multiple of the sectors of device memory, so that two buffers never meet in one.
const alignment = 256

// buffer makes a buffer of so many bytes; it lives from the first launch that refers to it to the last.
func (l *lowering) buffer(name string, bytes int) Ref {
	s := l.schedule
	s.Buffers = append(s.Buffers, Buffer{Buffer: plan.Buffer{Size: bytes}, Name: name})
	return Ref{Space: InBlock, Index: len(s.Buffers) - 1}
}

// kept is a buffer that keeps what the host writes.
func (l *lowering) kept(name string, bytes int) Ref {
	r := l.buffer(name, bytes)
	l.schedule.Buffers[r.Index].Kept = true
	return r
}

// floats makes a buffer of fp32 numbers.
func (l *lowering) floats(name string, n int) Ref { return l.buffer(name, 4*n) }

// activation makes a buffer for images of an extent.
func (l *lowering) activation(name string, extent Source) Ref {
	bytes := 4
	if l.mixed {
		bytes = 2
	}
	return l.buffer(name, bytes*l.p.Batch*int(extent.Height*extent.Width*extent.Channels))
}

// table makes a buffer for what is uploaded once.
func (l *lowering) table(name string, content ...any) (Ref, error) {
	packed, err := Pack(func(Ref) uint64 { return 0 }, content...)
	if err != nil {
		return Ref{}, err
	}
	r := l.kept(name, len(packed))
	l.upload(r, content...)
	return r, nil
}

// upload fills a kept buffer once, before the first step.
func (l *lowering) upload(to Ref, content ...any) {
	l.schedule.Tables = append(l.schedule.Tables, Table{to, content})
}

// ticket is a counter of arriving blocks, 0 between launches.
func (l *lowering) ticket() Ref { return l.manyTickets(1) }

// manyTickets are n tickets, one behind the other.
func (l *lowering) manyTickets(n int) Ref {
	tickets := &l.schedule.Buffers[l.tickets.Index]
	r := l.tickets.Add(int64(tickets.Size))
	tickets.Size += 4 * n
	return r
}

// tensor names what the store must hold.
func (l *lowering) tensor(name string, shape tensor.Shape, half bool) Ref {
	if r, ok := l.tensors[name]; ok {
		return r
	}
	r := Ref{Space: InStore, Index: len(l.schedule.Tensors)}
	l.schedule.Tensors = append(l.schedule.Tensors, Stored{name, shape, half})
	l.tensors[name] = r
	return r
}

// launch adds a kernel to the step.
func (l *lowering) launch(k Launch) { l.schedule.Launches = append(l.schedule.Launches, k) }

// place ends lowering: it finds the lifetimes of the buffers in the arguments of the launches, and their places in the block.
func (l *lowering) place() {
	s := l.schedule
	l.upload(l.tickets, make([]uint32, s.Buffers[l.tickets.Index].Size/4))
	for _, r := range s.Results {
		s.Buffers[r.At.Index].Result = true
	}
	end := len(s.Launches)
	for i := range s.Buffers {
		s.Buffers[i].First, s.Buffers[i].Last = end, -1
	}
	for i := range s.Launches {
		s.eachRef(i, func(r Ref, _ access) {
			if r.Space == InBlock {
				b := &s.Buffers[r.Index]
				b.First, b.Last = min(b.First, i), max(b.Last, i)
			}
		})
	}
	all := make([]*plan.Buffer, len(s.Buffers))
	for i := range s.Buffers {
		b := &s.Buffers[i]
		switch {
		case b.Kept:
			b.First, b.Last = 0, end
		case b.Result:
			b.Last = end
		}
		all[i] = &b.Buffer
	}
	s.BlockBytes = int64(plan.Arena(all, alignment))
}
