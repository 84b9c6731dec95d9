//go:build gpu

package cuda

import (
	"errors"
	"fmt"
	"sync"
	"unsafe"

	"longtail/cuda/driver"
	"longtail/data"
	"longtail/internal/device"
	"longtail/internal/fail"
	"longtail/internal/plan"
)

// Backend runs programs on one GPU. Several sessions may run at once, each from a goroutine of its own.
type Backend struct {
	context *driver.Context
	modules *modules

	mutex  sync.Mutex
	images map[imagesKey]*deviceImages
}

// New opens a GPU. Where there is none that can be used, the error is of the kind fail.Device.
func New(o Options) (*Backend, error) {
	context, err := driver.Open(o.Device)
	if err != nil {
		return nil, err
	}
	return &Backend{
		context: context, modules: &modules{context: context, loaded: map[string]*driver.Module{}},
		images: map[imagesKey]*deviceImages{},
	}, nil
}

// Info describes the GPU and its driver.
func (b *Backend) Info() device.Info {
	gpu := b.context.Info()
	return device.Info{
		Name: name, Description: "cuda, " + gpu.String(), GPU: gpu.Name, GPUDriver: "CUDA " + gpu.Driver(),
		Arithmetic: fmt.Sprintf("cuda sm_%d", gpu.Compute),
	}
}

// Close gives the GPU back; all sessions must be closed.
func (b *Backend) Close() error { return errors.Join(b.modules.close(), b.context.Close()) }

// Check returns an error that names an operation of the program, or the precision, that the backend lacks.
func (b *Backend) Check(p *plan.Program, precision device.Precision) error {
	if precision != device.FP32 && precision != device.Mixed {
		return fail.Usage("precision %q is neither fp32 nor mixed", precision)
	}
	return check(p)
}

// Open checks and allocates a program and captures its step. When the device has no room, the error says what was needed and what was
// free, and nothing stays allocated.
func (b *Backend) Open(p *plan.Program, precision device.Precision, images data.Images, share device.Session) (device.Session, error) {
	if err := errors.Join(b.Check(p, precision), device.CheckImages(p, images)); err != nil {
		return nil, err
	}
	s := &session{backend: b, context: b.context, program: p}
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
	if err := s.open(images, precision == device.Mixed); err != nil {
		err = errors.Join(err, s.Close())
		if errors.Is(err, driver.ErrOutOfMemory) {
			return nil, fail.Device("%w", err)
		}
		return nil, err
	}
	return s, nil
}

// imagesKey tells data sets apart by where their bytes lie.
type imagesKey struct {
	pixels *byte
	labels *int32
	n      int
}

// deviceImages are a data set's bytes and labels on the device, for all sessions that index it.
type deviceImages struct {
	key            imagesKey
	pixels, labels driver.Ptr
	users          int
}

// takeImages uploads a data set unless it is there already.
func (b *Backend) takeImages(stream *driver.Stream, images data.Images) (*deviceImages, error) {
	key := imagesKey{unsafe.SliceData(images.Pixels), unsafe.SliceData(images.Labels), len(images.Pixels)}
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if d := b.images[key]; d != nil {
		d.users++
		return d, nil
	}
	d := &deviceImages{key: key, users: 1}
	var err error
	if d.pixels, err = b.context.Alloc(int64(max(1, len(images.Pixels))), "the images"); err != nil {
		return nil, err
	}
	if d.labels, err = b.context.Alloc(4*int64(max(1, len(images.Labels))), "the labels"); err == nil {
		err = errors.Join(driver.Upload(stream, d.pixels, images.Pixels), driver.Upload(stream, d.labels, images.Labels))
	}
	if err != nil {
		return nil, errors.Join(err, b.context.Free(d.pixels), b.context.Free(d.labels))
	}
	b.images[key] = d
	return d, nil
}

// leaveImages frees a data set that no session uses any more.
func (b *Backend) leaveImages(d *deviceImages) error {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if d.users--; d.users > 0 {
		return nil
	}
	delete(b.images, d.key)
	return errors.Join(b.context.Free(d.pixels), b.context.Free(d.labels))
}
