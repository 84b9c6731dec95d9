//go:build gpu

package cuda

import (
	"errors"
	"fmt"

	"longtail/cuda/driver"
	"longtail/cuda/lower"
	"longtail/internal/device"
	"longtail/internal/metrics"
	"longtail/internal/plan"
)

// session is a program with its memory on the device, its stream and its captured step.
type session struct {
	backend  *Backend
	context  *driver.Context
	program  *plan.Program
	schedule *lower.Schedule
	store    *store
	tensors  []*storedTensor // of the store, in the schedule's order
	images   *deviceImages
	uploads  *uploads // of the images of the steps; nil where all images are on the device
	labels   []int32  // of the images, on the host
	stream   *countingStream
	block    driver.Ptr
	graph    *driver.Graph

	precision device.Precision

	rates, order           driver.Ptr
	rateCount, orderLength int
	counters               device.Counters // the stream counts the copies until it is closed
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
		return upload(s.stream, s.address(s.schedule.Inputs[name]), v)
	}
	if err := s.context.Free(s.rates); err != nil {
		return err
	}
	s.rates, s.rateCount = 0, 0
	if s.rates, err = s.context.Alloc(4*int64(max(1, len(v))), "the learning rates"); err != nil {
		return err
	}
	s.rateCount = len(v)
	return upload(s.stream, s.rates, v)
}

// stepsPerCall is how many steps a call queues: at 2,000 steps a second the transfers of a call are spread thin, and a terminal still
// sees progress several times a second.
const stepsPerCall = 100

// StepsPerCall is the number of steps between two transfers.
func (s *session) StepsPerCall() int { return stepsPerCall }

// Run does n steps on order[0 : n*batch].
func (s *session) Run(order []int32, first, n int) (device.Sums, error) {
	if err := device.CheckRun(s.program, order, first, n, s.images.count, s.rateCount); err != nil {
		return device.Sums{}, err
	}
	if n == 0 {
		return device.Sums{Confusion: metrics.Counts{}}, nil
	}
	mixtures, err := device.Mixtures(s.program, s.labels, order, first)
	if err != nil {
		return device.Sums{}, err
	}
	all := lower.Order(s.program, order, mixtures)
	if err := s.begin(all, first); err != nil {
		return device.Sums{}, err
	}
	before, _ := driver.ReadCounters()
	if err := s.launch(order, n); err != nil {
		return device.Sums{}, errors.Join(err, s.stream.Synchronize())
	}
	s.tally(before, n)
	return s.end(order, make([]int32, len(all)))
}

// launch queues n steps on order, with the uploads that they wait for.
func (s *session) launch(order []int32, n int) error {
	if s.uploads == nil {
		return s.replay(n)
	}
	return s.uploads.run(s.stream, order, s.replay)
}

// replay queues n steps.
func (s *session) replay(n int) error {
	for range n {
		if err := s.graph.Launch(s.stream.Stream); err != nil {
			return err
		}
	}
	return nil
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

// Counters are the kernels launched by Run and all copies since the session was opened and, under the emulator, the bytes of device memory
// that the kernels and the uploads of their images read and wrote and their tensor-core operations (mma.m16n8k16).
func (s *session) Counters() device.Counters {
	c := s.counters
	if s.stream != nil {
		c.Uploads, c.Downloads = float64(s.stream.uploads), float64(s.stream.downloads)
	}
	return c
}

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
	if err := upload(s.stream, s.order, order); err != nil {
		return err
	}
	packed, err := lower.Pack(s.resolve, lower.Control{Order: absolute(s.order), Rates: absolute(s.rates), Step: uint32(first)})
	if err != nil {
		return err
	}
	return upload(s.stream, s.address(s.schedule.Control), packed)
}

// end waits for the steps and reads the sums and, into the room for an order, what the steps left in that of the samples.
func (s *session) end(samples, order []int32) (device.Sums, error) {
	control := make([]byte, lower.ControlBytes)
	if err := errors.Join(download(s.stream, control, s.address(s.schedule.Control)), download(s.stream, order, s.order)); err != nil {
		return device.Sums{}, err
	}
	sums, err := lower.ReadControl(control)
	sums.Confusion = lower.Predictions(s.program, samples, s.labels, order)
	return sums, err
}

// Read copies a result of the last step.
func (s *session) Read(name string) ([]float32, error) {
	result, ok := s.schedule.Results[name]
	if !ok {
		return nil, fmt.Errorf("the program has no result %q", name)
	}
	v := make([]float32, result.Shape.TotalSize())
	if err := download(s.stream, v, s.address(result.At)); err != nil {
		return nil, err
	}
	if name == device.Loss {
		sum := 0.0
		for _, loss := range v {
			sum += float64(loss)
		}
		return []float32{float32(sum / float64(len(v)))}, nil
	}
	return toLogical(v, result.Shape), nil
}

// Load replaces parameters, momenta and running moments.
func (s *session) Load(state device.State) error { return s.store.load(s.stream, state) }

// Save copies parameters, momenta and running moments.
func (s *session) Save() (device.State, error) { return s.store.save(s.stream) }

// Close frees the session's memory.
func (s *session) Close() error {
	var errs []error
	s.counters = s.Counters()
	if s.graph != nil {
		errs = append(errs, s.graph.Close())
	}
	errs = append(errs, s.context.Free(s.block), s.context.Free(s.rates), s.context.Free(s.order))
	if s.uploads != nil {
		errs = append(errs, s.uploads.close())
	}
	if s.images != nil {
		errs = append(errs, s.backend.leaveImages(s.images))
	}
	if s.store != nil {
		errs = append(errs, s.store.leave())
	}
	if s.stream != nil {
		errs = append(errs, s.stream.Close())
	}
	s.graph, s.block, s.rates, s.order, s.images, s.uploads, s.store, s.stream = nil, 0, 0, 0, nil, nil, nil, nil
	return errors.Join(errs...)
}
