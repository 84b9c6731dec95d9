//go:build gpu

package cuda

import (
	"errors"

	"longtail/cuda/driver"
	"longtail/data"
)

// uploads brings the images of a session's steps to the device while earlier steps run, for a set that does not stay there. Its buffers
// take turns: each holds the images of some steps, one step after the other, as the kernel of the images finds them (lower.Options.Ring).
// The host fills the pinned half of a buffer once its last copy is done; the copy, on a stream of its own, waits for the steps that read
// the half on the device; steps wait for the copy.
type uploads struct {
	images  data.Images
	batch   int        // images of a step
	steps   int        // of a buffer
	pixels  driver.Ptr // [buffers * steps * batch, channels, height, width]
	stream  *driver.Stream
	buffers [2]uploadBuffer
}

// uploadBuffer is one of the buffers.
type uploadBuffer struct {
	host         *driver.Pinned // [steps * batch, channels, height, width]
	at           driver.Ptr     // the same on the device
	copied, read *driver.Event  // the copy is done; the steps that read it are
}

// uploadBytes is Backend.ringBytes, the bound of a buffer that holds more than one step: large enough that a copy has the speed of the bus, and small beside the
// activations of networks for the images of large sets.
const uploadBytes = 64 << 20

// newUploads allocates the buffers, of so many bytes where that holds more than one step. Small images do not fill them: a call takes several
// turns, so that most copies have steps to run beside.
func newUploads(c *driver.Context, images data.Images, batch, most int) (*uploads, error) {
	size := batch * images.ImageBytes()
	u := &uploads{images: images, batch: batch, steps: min(max(most/size, 1), stepsPerCall/8)}
	bytes := int64(u.steps * size)
	var err error
	if u.pixels, err = c.Alloc(int64(len(u.buffers))*bytes, "the images of some steps"); err != nil {
		return nil, err
	}
	if u.stream, err = c.NewStream(); err != nil {
		return nil, errors.Join(err, c.Free(u.pixels))
	}
	for i := range u.buffers {
		b := &u.buffers[i]
		b.at = u.pixels.Add(int64(i) * bytes)
		if err := b.open(c, bytes); err != nil {
			return nil, errors.Join(err, u.close())
		}
	}
	return u, nil
}

func (b *uploadBuffer) open(c *driver.Context, bytes int64) (err error) {
	if b.host, err = c.AllocPinned(bytes); err != nil {
		return err
	}
	if b.copied, err = c.NewEvent(); err != nil {
		return err
	}
	b.read, err = c.NewEvent()
	return err
}

// run queues the steps of a call on a stream, with the copies that they wait for: order holds their images, and replay queues so many steps.
func (u *uploads) run(on *countingStream, order []int32, replay func(steps int) error) error {
	for i := 0; len(order) > 0; i++ { // the first step of a call looks into the first buffer
		b := &u.buffers[i%len(u.buffers)]
		steps := min(u.steps, len(order)/u.batch)
		if err := u.upload(b, order[:steps*u.batch]); err != nil {
			return err
		}
		on.uploads++
		order = order[steps*u.batch:]
		if err := on.Wait(b.copied); err != nil {
			return err
		}
		if err := replay(steps); err != nil {
			return err
		}
		if err := b.read.Record(on.Stream); err != nil {
			return err
		}
	}
	return nil
}

// upload queues the copy of images into a buffer.
func (u *uploads) upload(b *uploadBuffer, order []int32) error {
	if err := u.fill(b, order); err != nil {
		return err
	}
	if err := u.stream.Wait(b.read); err != nil {
		return err
	}
	if err := u.stream.UploadPinned(b.at, b.host, 0, int64(len(order)*u.images.ImageBytes())); err != nil {
		return err
	}
	return b.copied.Record(u.stream)
}

// fill gathers images on the host; padding keeps what is there, which no kernel reads.
func (u *uploads) fill(b *uploadBuffer, order []int32) error {
	if err := u.images.Intact(order); err != nil {
		return err
	}
	if err := b.copied.Synchronize(); err != nil {
		return err
	}
	to, size := b.host.Bytes(), u.images.ImageBytes()
	for i, image := range order {
		if image < 0 {
			continue
		}
		if err := u.images.Read(int(image), func(bytes []byte) { copy(to[i*size:], bytes) }); err != nil {
			return err
		}
	}
	return nil
}

// close waits for copies and frees the buffers.
func (u *uploads) close() error {
	context := u.stream.Context()
	errs := []error{u.stream.Synchronize()}
	for i := range u.buffers {
		b := &u.buffers[i]
		for _, e := range []*driver.Event{b.copied, b.read} {
			if e != nil {
				errs = append(errs, e.Close())
			}
		}
		if b.host != nil {
			errs = append(errs, b.host.Free())
		}
	}
	return errors.Join(append(errs, u.stream.Close(), context.Free(u.pixels))...)
}
