//go:build gpu

package cuda

import (
	"errors"
	"unsafe"

	"longtail/cuda/driver"
	"longtail/data"
)

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
	count          int // of images
	users          int
}

// takeImages uploads a data set unless it is there already.
func (b *Backend) takeImages(stream *countingStream, images data.Images) (*deviceImages, error) {
	key := imagesKey{unsafe.SliceData(images.Pixels), unsafe.SliceData(images.Labels), len(images.Pixels)}
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if d := b.images[key]; d != nil {
		d.users++
		return d, nil
	}
	d := &deviceImages{key: key, count: images.Len(), users: 1}
	var err error
	if d.pixels, err = b.context.Alloc(int64(max(1, len(images.Pixels))), "the images"); err != nil {
		return nil, err
	}
	if d.labels, err = b.context.Alloc(4*int64(max(1, len(images.Labels))), "the labels"); err == nil {
		err = errors.Join(upload(stream, d.pixels, images.Pixels), upload(stream, d.labels, images.Labels))
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
