//go:build gpu

package cuda

import (
	"errors"
	"fmt"
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
	bytes          int64 // of the pixels that stay on the device
	count          int   // of images
	users          int
}

// resident reports whether the pixels are on the device; elsewhere sessions upload the images of their steps.
func (d *deviceImages) resident() bool { return d.pixels != 0 }

// takeImages uploads a data set unless it is there already. Pixels that do not fit beside so many bytes that sessions need are left to them:
// see uploads.
func (b *Backend) takeImages(stream *countingStream, images data.Images, beside int64) (*deviceImages, error) {
	key := imagesKey{unsafe.SliceData(images.Pixels), unsafe.SliceData(images.Labels), images.Len()}
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if d := b.images[key]; d != nil {
		d.users++
		return d, nil
	}
	d := &deviceImages{key: key, count: images.Len(), users: 1}
	size := int64(images.Len()) * int64(images.ImageBytes())
	room, err := b.roomForImages(beside)
	if err != nil {
		return nil, err
	}
	if size <= room {
		d.bytes = size
		if d.pixels, err = b.context.Alloc(max(1, size), "the images"); err == nil {
			err = uploadPixels(stream, d.pixels, images)
		}
	} else {
		b.remark(fmt.Sprintf("images: %.3g GB of %d images do not fit into the %.3g GB of device memory left for them: uploaded batch by batch",
			float64(size)/1e9, images.Len(), float64(room)/1e9))
	}
	if err == nil {
		d.labels, err = b.context.Alloc(4*int64(max(1, len(images.Labels))), "the labels")
	}
	if err == nil {
		err = upload(stream, d.labels, images.Labels)
	}
	if err != nil {
		return nil, errors.Join(err, b.context.Free(d.pixels), b.context.Free(d.labels))
	}
	b.images[key] = d
	return d, nil
}

// spareMemory is left free when images are kept on the device: code of kernels, streams and graphs of this and further sessions.
const spareMemory = 256 << 20

// roomForImages is how many bytes of images may stay on the device beside so many that sessions need, at least 0. The mutex is held.
func (b *Backend) roomForImages(beside int64) (int64, error) {
	free, _, err := b.context.Memory()
	if err != nil {
		return 0, err
	}
	room := max(0, free-beside-spareMemory)
	if b.imageLimit == nil {
		return room, nil
	}
	limit := *b.imageLimit
	for _, d := range b.images {
		limit -= d.bytes
	}
	return max(0, min(room, limit)), nil
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
