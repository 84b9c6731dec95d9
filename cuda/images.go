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
	key := imagesKey{unsafe.SliceData(images.Pixels), unsafe.SliceData(images.Labels), images.Len()}
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if d := b.images[key]; d != nil {
		d.users++
		return d, nil
	}
	d := &deviceImages{key: key, count: images.Len(), users: 1}
	var err error
	if d.pixels, err = b.context.Alloc(max(1, int64(images.Len())*int64(images.ImageBytes())), "the images"); err != nil {
		return nil, err
	}
	if d.labels, err = b.context.Alloc(4*int64(max(1, len(images.Labels))), "the labels"); err == nil {
		err = errors.Join(uploadPixels(stream, d.pixels, images), upload(stream, d.labels, images.Labels))
	}
	if err != nil {
		return nil, errors.Join(err, b.context.Free(d.pixels), b.context.Free(d.labels))
	}
	b.images[key] = d
	return d, nil
}

// gathered is how many bytes of images that do not lie one after the other are copied at a time.
const gathered = 32 << 20

// uploadPixels uploads images in their order.
func uploadPixels(stream *countingStream, to driver.Ptr, images data.Images) error {
	if images.Rows == nil {
		return upload(stream, to, images.Pixels)
	}
	size := images.ImageBytes()
	buffer := make([]byte, 0, max(gathered/size, 1)*size)
	for i := range images.Len() {
		if err := images.Intact([]int32{int32(i)}); err != nil {
			return err
		}
		if err := images.Read(i, func(image []byte) { buffer = append(buffer, image...) }); err != nil {
			return err
		}
		if len(buffer) == cap(buffer) || i == images.Len()-1 {
			if err := upload(stream, to, buffer); err != nil {
				return err
			}
			to += driver.Ptr(len(buffer))
			buffer = buffer[:0]
		}
	}
	return nil
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
