//go:build gpu

package driver

import (
	"time"

	"gorgonia.org/cu"
)

// Stream is a queue of work that the GPU does in order.
type Stream struct {
	context *Context
	handle  cu.Stream
}

// NewStream makes a stream that waits for no other.
func (c *Context) NewStream() (*Stream, error) {
	s := &Stream{context: c}
	return s, c.do("making a stream", func() (err error) {
		s.handle, err = cu.MakeStream(cu.NonBlocking)
		return err
	})
}

// Context is the context that the stream belongs to.
func (s *Stream) Context() *Context { return s.context }

// Synchronize waits until the work that was queued is done, and tells of faults in it.
func (s *Stream) Synchronize() error {
	return s.context.do("waiting for the GPU", s.handle.Synchronize)
}

// Wait makes the work queued from here on wait for the event. While the event's stream is captured, this draws s into the capture, or
// joins the event's stream to s.
func (s *Stream) Wait(e *Event) error {
	return s.context.do("waiting for an event", func() error { return s.handle.Wait(e.handle, 0) })
}

// Close ends the stream; queued work is still done.
func (s *Stream) Close() error { return s.context.do("closing a stream", s.handle.Destroy) }

// Event is a point in a stream's work.
type Event struct {
	context *Context
	handle  cu.Event
}

// NewEvent makes an event.
func (c *Context) NewEvent() (*Event, error) {
	e := &Event{context: c}
	return e, c.do("making an event", func() (err error) {
		e.handle, err = cu.MakeEvent(cu.DefaultEvent)
		return err
	})
}

// Record puts the event behind what is queued on the stream.
func (e *Event) Record(s *Stream) error {
	return e.context.do("recording an event", func() error { return e.handle.Record(s.handle) })
}

// Synchronize waits until the work before the event is done.
func (e *Event) Synchronize() error {
	return e.context.do("waiting for an event", e.handle.Synchronize)
}

// Since is the GPU's time from an earlier event to this one; both must have been reached. Resolution about 0.5 us.
func (e *Event) Since(start *Event) (time.Duration, error) {
	var ms float64
	err := e.context.do("measuring time between events", func() (err error) {
		ms, err = start.handle.Elapsed(e.handle)
		return err
	})
	return time.Duration(ms * float64(time.Millisecond)), err
}

// Close ends the event.
func (e *Event) Close() error {
	return e.context.do("closing an event", func() error { return cu.DestroyEvent(&e.handle) })
}
