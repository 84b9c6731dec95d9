//go:build gpu

package cuda

import (
	"longtail/cuda/driver"
	"longtail/internal/plan"
)

// alignment of buffers in bytes: a multiple of the sectors of device memory, so that two buffers never meet in one.
const alignment = 256

// buffer is device memory of a session that is wanted from launch first to launch last.
type buffer struct {
	plan.Buffer
	base *driver.Ptr // start of the block that it lies in
}

// ref is an address in device memory that is known once the session's memory was allocated. The zero ref is a null pointer.
type ref struct {
	buffer *buffer
	at     *driver.Ptr // for what lies outside the session's block: the store's and the data set's memory
	offset int64
}

func (r ref) isNull() bool { return r.buffer == nil && r.at == nil }

// isOutside reports whether the address lies outside the session's block, where it is valid at every launch.
func (r ref) isOutside() bool { return r.buffer == nil && r.at != nil }

// ptr is the address.
func (r ref) ptr() driver.Ptr {
	switch {
	case r.buffer != nil:
		return r.buffer.base.Add(int64(r.buffer.Offset) + r.offset)
	case r.at != nil:
		return r.at.Add(r.offset)
	}
	return 0
}

func (r ref) add(bytes int64) ref {
	r.offset += bytes
	return r
}

// layout collects the buffers of a session and places them.
type layout struct {
	base    driver.Ptr
	buffers []*buffer
}

// always is the lifetime of what a session keeps from step to step.
const always = int(^uint(0) >> 1)

// take wants bytes at launch `at`; uses extend the lifetime.
func (l *layout) take(bytes int64, at int) ref {
	b := &buffer{Buffer: plan.Buffer{Size: int(bytes), First: at, Last: at}, base: &l.base}
	l.buffers = append(l.buffers, b)
	return ref{buffer: b}
}

// keep wants bytes for the whole life of the session.
func (l *layout) keep(bytes int64) ref {
	r := l.take(bytes, 0)
	r.buffer.Last = always
	return r
}

// use extends a buffer's lifetime to launch `at`.
func (r ref) use(at int) {
	if r.buffer != nil {
		r.buffer.Last = max(r.buffer.Last, at)
		r.buffer.First = min(r.buffer.First, at)
	}
}

// place finds room for all buffers and gives the size of the block.
func (l *layout) place() int64 {
	all := make([]*plan.Buffer, len(l.buffers))
	for i, b := range l.buffers {
		all[i] = &b.Buffer
	}
	return int64(plan.Arena(all, alignment))
}
