//go:build gpu

package cuda

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"longtail/cuda/driver"
	"longtail/cuda/lower"
	"longtail/data"
	"longtail/internal/device"
	"longtail/internal/fail"
	"longtail/internal/plan"
)

// Backend runs programs on one GPU. Several sessions may run at once, each from a goroutine of its own.
type Backend struct {
	context    *driver.Context
	modules    *modules
	remark     func(string)
	imageLimit *int64 // see Options
	ringBytes  int    // of a buffer of uploads that holds more than one step

	mutex  sync.Mutex
	images map[imagesKey]*deviceImages
}

// New opens a GPU. Where there is none that can be used, the error is of the kind fail.Device.
func New(o Options) (*Backend, error) {
	context, err := driver.Open(o.Device)
	if err != nil {
		return nil, err
	}
	remark := o.Remark
	if remark == nil {
		remark = func(string) {}
	}
	return &Backend{
		context: context, modules: newModules(context, remark), remark: remark, imageLimit: o.ImageLimit, ringBytes: uploadBytes,
		images: map[imagesKey]*deviceImages{},
	}, nil
}

// Info describes the GPU and its driver.
func (b *Backend) Info() device.Info {
	gpu := b.context.Info()
	return device.Info{
		Name: name, Description: "cuda, " + gpu.String(), GPU: gpu.Name, GPUDriver: "CUDA " + gpu.Driver(),
		Arithmetic: fmt.Sprintf("cuda sm_%d", gpu.Compute), Precisions: precisions(gpu), Lacks: lacks(gpu),
	}
}

// Close releases the GPU; all sessions must be closed before.
func (b *Backend) Close() error { return errors.Join(b.modules.close(), b.context.Close()) }

// Check returns an error that names an operation of the program, or the precision, that the backend lacks.
func (b *Backend) Check(p *plan.Program, precision device.Precision) error {
	_, err := b.lower(p, precision, 0)
	return err
}

// lower makes the schedule of a program for this GPU, with a ring of images of so many steps: see lower.Options.
func (b *Backend) lower(p *plan.Program, precision device.Precision, ring int) (*lower.Schedule, error) {
	gpu := b.context.Info()
	if precision == device.Mixed && !slices.Contains(precisions(gpu), precision) {
		return nil, fail.Device("%v cannot run precision %s: %s\nuse precision=%s", gpu, precision, lacks(gpu), device.FP32)
	}
	return lower.Lower(p, lower.Options{Precision: precision, SharedMemory: gpu.SharedMemory, Ring: ring})
}

// Memory is the size of the block of buffers and of the tensors that are kept, and what the GPU has left.
func (b *Backend) Memory(p *plan.Program, precision device.Precision) (need, available int64) {
	if schedule, err := b.lower(p, precision, 0); err == nil {
		need = schedule.BlockBytes + schedule.StoredBytes()
	}
	free, _, err := b.context.Memory()
	if err != nil {
		return need, 0
	}
	return need, free
}

// Open lowers and allocates a program and captures its step. When the device has no room, the error says what was needed and what was
// free, and nothing stays allocated.
func (b *Backend) Open(p *plan.Program, precision device.Precision, images data.Images, share device.Session) (device.Session, error) {
	schedule, err := b.lower(p, precision, 0)
	if err := errors.Join(err, device.CheckImages(p, images)); err != nil {
		return nil, err
	}
	s := &session{backend: b, context: b.context, program: p, precision: precision, schedule: schedule}
	if share != nil {
		other, ok := share.(*session)
		if !ok || other.backend != b {
			return nil, fmt.Errorf("a session on this GPU cannot share a %T", share)
		}
		s.store = other.store
	} else {
		s.store = newStore(b.context)
	}
	s.store.users++
	if err := s.open(images); err != nil {
		err = errors.Join(err, s.Close())
		if errors.Is(err, driver.ErrOutOfMemory) {
			return nil, fail.Device("%w", err)
		}
		return nil, err
	}
	return s, nil
}
