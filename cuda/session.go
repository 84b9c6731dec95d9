//go:build gpu

package cuda

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strings"

	"longtail/cuda/driver"
	"longtail/data"
	"longtail/internal/device"
	"longtail/internal/plan"
)

// session is a program with its memory on the device, its stream and its captured step.
type session struct {
	backend *Backend
	context *driver.Context
	program *plan.Program
	store   *store
	images  *deviceImages
	count   int // of images
	stream  *driver.Stream

	layout   layout
	compiled *compiler
	graph    *driver.Graph

	rates, order           driver.Ptr
	rateCount, orderLength int
	counters               device.Counters
}

// open makes the session ready to run.
func (s *session) open(images data.Images, mixed bool) (err error) {
	if s.stream, err = s.context.NewStream(); err != nil {
		s.stream = nil
		return err
	}
	if s.images, err = s.backend.takeImages(s.stream, images); err != nil {
		return err
	}
	s.count = images.Len()
	known := len(s.store.values)
	if s.compiled, err = s.compile(images, mixed); err != nil {
		return err
	}
	if s.layout.base, err = s.context.Alloc(s.layout.place(), "a session: "+s.program.Summary()); err != nil {
		return err
	}
	if known == 0 {
		if err := s.store.clear(s.stream); err != nil {
			return err
		}
	}
	if err := s.upload(); err != nil {
		return err
	}
	s.graph, err = s.capture()
	return err
}

// upload writes tables, zeroed tickets and the initial values of the inputs.
func (s *session) upload() error {
	c := s.compiled
	if err := s.stream.Fill32(c.tickets.ptr(), 0, maxTickets); err != nil {
		return err
	}
	for _, t := range c.tables {
		if err := uploadTable(s.stream, t.to.ptr(), t.content()); err != nil {
			return err
		}
	}
	for _, in := range s.program.Inputs {
		if in.Value == plan.None {
			continue
		}
		if err := driver.Upload(s.stream, c.values[in.Value].mem.ptr(), in.Initial); err != nil {
			return err
		}
	}
	return nil
}

func uploadTable(stream *driver.Stream, to driver.Ptr, content any) error {
	var bytes []byte
	bytes, err := binary.Append(nil, binary.NativeEndian, content)
	if err != nil {
		return err
	}
	return driver.Upload(stream, to, bytes)
}

// capture records one step.
func (s *session) capture() (*driver.Graph, error) {
	c := s.compiled
	type ready struct {
		function *driver.Function
		launch   *launch
		packed   []byte
	}
	all := make([]ready, len(c.launches))
	for i := range c.launches {
		l := &c.launches[i]
		f, err := s.backend.modules.function(l.module, l.kernel)
		if err != nil {
			return nil, err
		}
		packed, err := driver.Pack(l.arguments()...)
		if err != nil {
			return nil, fmt.Errorf("kernel %s: %w", l.kernel, err)
		}
		if l.shared > 48<<10 {
			if err := f.AllowShared(l.shared); err != nil {
				return nil, err
			}
		}
		all[i] = ready{f, l, packed}
	}
	return s.stream.Capture(func() error {
		for _, r := range all {
			if err := r.function.LaunchPacked(s.stream, r.launch.grid, driver.D1(r.launch.threads), r.launch.shared, r.packed); err != nil {
				return fmt.Errorf("%s: %w", r.launch.why, err)
			}
		}
		return nil
	})
}

// Set fills an input of the program.
func (s *session) Set(name string, v []float32) error {
	in, err := s.program.Input(name)
	if err != nil {
		return err
	}
	if err := in.Check(v); err != nil {
		return err
	}
	if in.Value != plan.None {
		return driver.Upload(s.stream, s.compiled.values[in.Value].mem.ptr(), v)
	}
	if err := s.context.Free(s.rates); err != nil {
		return err
	}
	s.rates, s.rateCount = 0, 0
	if s.rates, err = s.context.Alloc(4*int64(max(1, len(v))), "the learning rates"); err != nil {
		return err
	}
	s.rateCount = len(v)
	return driver.Upload(s.stream, s.rates, v)
}

// stepsPerCall is how many steps a call queues: at 2,000 steps a second the transfers of a call are spread thin, and a terminal still
// sees progress several times a second.
const stepsPerCall = 100

// StepsPerCall is the number of steps between two transfers.
func (s *session) StepsPerCall() int { return stepsPerCall }

// Run does n steps on order[0 : n*batch].
func (s *session) Run(order []int32, first, n int) (device.Sums, error) {
	p := s.program
	sums := device.Sums{Confusion: make([]int64, p.Classes*p.Classes)}
	if err := device.CheckRun(p, order, first, n, s.count, s.rateCount); err != nil {
		return sums, err
	}
	if n == 0 {
		return sums, nil
	}
	if err := s.begin(order, first); err != nil {
		return sums, err
	}
	before, _ := driver.ReadCounters()
	for range n {
		if err := s.graph.Launch(s.stream); err != nil {
			return sums, err
		}
	}
	s.tally(before, n)
	return sums, s.end(&sums)
}

// tally adds what the steps cost. Under the emulator, where work is done when it is queued, bytes and tensor-core operations are known;
// they are those of all sessions that ran meanwhile.
func (s *session) tally(before driver.Counters, steps int) {
	s.counters.Launches += float64(steps * s.graph.Nodes())
	if now, counted := driver.ReadCounters(); counted {
		d := now.Sub(before)
		s.counters.Bytes += float64(d.BytesRead + d.BytesWritten)
		s.counters.MMA += float64(d.MMA)
	}
}

// Counters are the kernels launched and the copies made by Run since the session was opened and, under the emulator, the bytes of
// device memory read and written and the tensor-core operations (mma.m16n8k16).
func (s *session) Counters() device.Counters { return s.counters }

// begin uploads the order and resets the control block.
func (s *session) begin(order []int32, first int) error {
	if len(order) > s.orderLength {
		if err := s.context.Free(s.order); err != nil {
			return err
		}
		s.order, s.orderLength = 0, 0
		var err error
		if s.order, err = s.context.Alloc(4*int64(len(order)), "the order of the samples"); err != nil {
			return err
		}
		s.orderLength = len(order)
	}
	if err := driver.Upload(s.stream, s.order, order); err != nil {
		return err
	}
	s.counters.Uploads += 2
	control := make([]byte, controlBytes+8*s.program.Classes*s.program.Classes)
	binary.NativeEndian.PutUint64(control[0:], uint64(s.order))
	binary.NativeEndian.PutUint64(control[8:], uint64(s.rates))
	binary.NativeEndian.PutUint32(control[32:], uint32(first))
	return driver.Upload(s.stream, s.compiled.control.ptr(), control)
}

// end waits for the steps and reads the sums.
func (s *session) end(sums *device.Sums) error {
	control := make([]byte, controlBytes+8*len(sums.Confusion))
	s.counters.Downloads++
	if err := driver.Download(s.stream, control, s.compiled.control.ptr()); err != nil {
		return err
	}
	sums.Loss = math.Float64frombits(binary.NativeEndian.Uint64(control[16:]))
	sums.Samples = int64(binary.NativeEndian.Uint64(control[24:]))
	sums.NonFinite = binary.NativeEndian.Uint32(control[40:]) != 0
	for i := range sums.Confusion {
		sums.Confusion[i] = int64(binary.NativeEndian.Uint64(control[controlBytes+8*i:]))
	}
	return nil
}

// Read copies a result of the last step.
func (s *session) Read(name string) ([]float32, error) {
	p, c := s.program, s.compiled
	download := func(at ref, n int) ([]float32, error) {
		v := make([]float32, n)
		return v, driver.Download(s.stream, v, at.ptr())
	}
	switch name {
	case device.Logits:
		return download(c.values[p.Logits].mem, p.Batch*p.Classes)
	case device.Loss:
		losses, err := download(c.losses, p.Batch)
		sum := 0.0
		for _, l := range losses {
			sum += float64(l)
		}
		return []float32{float32(sum / float64(p.Batch))}, err
	}
	if parameter, ok := strings.CutPrefix(name, device.GradientPrefix); ok {
		for _, u := range p.Params {
			v := &p.Values[u.Value]
			if u.Gradient == plan.None || v.Name != parameter {
				continue
			}
			at := ref{}
			if g := c.gradients[u.Gradient]; g != nil {
				at = g.sum
			} else {
				base, offset := p.Locate(u.Gradient)
				at = c.values[base].mem.add(4 * int64(offset))
			}
			g, err := download(at, v.Shape.TotalSize())
			return toLogical(g, v.Shape), err
		}
	}
	return nil, fmt.Errorf("the program has no result %q", name)
}

// Load replaces parameters, momenta and running moments.
func (s *session) Load(state device.State) error { return s.store.load(s.stream, state) }

// Save copies parameters, momenta and running moments.
func (s *session) Save() (device.State, error) { return s.store.save(s.stream) }

// Close frees the session's memory.
func (s *session) Close() error {
	var errs []error
	if s.graph != nil {
		errs = append(errs, s.graph.Close())
	}
	errs = append(errs, s.context.Free(s.layout.base), s.context.Free(s.rates), s.context.Free(s.order))
	if s.images != nil {
		errs = append(errs, s.backend.leaveImages(s.images))
	}
	if s.store != nil {
		errs = append(errs, s.store.leave())
	}
	if s.stream != nil {
		errs = append(errs, s.stream.Close())
	}
	s.graph, s.layout.base, s.rates, s.order, s.images, s.store, s.stream = nil, 0, 0, 0, nil, nil, nil
	return errors.Join(errs...)
}
