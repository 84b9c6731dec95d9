//go:build gpu

package cuda

import (
	"fmt"

	"longtail/cuda/driver"
	"longtail/cuda/lower"
	"longtail/data"
)

// open allocates what the schedule needs, uploads its tables and captures a step.
func (s *session) open(images data.Images) (err error) {
	stream, err := s.context.NewStream()
	if err != nil {
		return err
	}
	s.stream = &countingStream{Stream: stream}
	s.labels = images.Labels
	if s.tensors, err = s.store.need(s.stream, s.schedule.Tensors); err != nil {
		return err
	}
	if err := s.openImages(images); err != nil {
		return err
	}
	if s.block, err = s.context.Alloc(s.schedule.BlockBytes, "a session: "+s.program.Summary()); err != nil {
		return err
	}
	for _, t := range s.schedule.Tables {
		packed, err := lower.Pack(s.resolve, t.Content...)
		if err != nil {
			return err
		}
		if err := upload(s.stream, s.address(t.To), packed); err != nil {
			return err
		}
	}
	s.graph, err = s.capture()
	s.stream.uploads, s.stream.downloads = 0, 0
	return err
}

// openImages gets the images onto the device or, where they do not fit, what uploads those of each step.
func (s *session) openImages(images data.Images) (err error) {
	beside := s.schedule.BlockBytes
	if s.program.Train {
		beside *= 2 // evaluation sessions follow, which need less
	}
	if s.images, err = s.backend.takeImages(s.stream, images, beside); err != nil || s.images.resident() {
		return err
	}
	if s.uploads, err = newUploads(s.context, images, s.program.Batch, s.backend.ringBytes); err != nil {
		return err
	}
	s.schedule, err = s.backend.lower(s.program, s.precision, len(s.uploads.buffers)*s.uploads.steps)
	return err
}

// address is where a reference points to.
func (s *session) address(r lower.Ref) driver.Ptr {
	base := driver.Ptr(0)
	switch r.Space {
	case lower.InBlock:
		base = s.block.Add(int64(s.schedule.Buffers[r.Index].Offset))
	case lower.InStore:
		base = s.tensors[r.Index].at
	case lower.InStoreHalf:
		base = s.tensors[r.Index].half
	case lower.InPixels:
		if base = s.images.pixels; s.uploads != nil {
			base = s.uploads.pixels
		}
	case lower.InLabels:
		base = s.images.labels
	}
	return base.Add(r.Offset)
}

// resolve is address as lower.Pack wants it.
func (s *session) resolve(r lower.Ref) uint64 { return uint64(s.address(r)) }

// absolute is a reference to an address.
func absolute(p driver.Ptr) lower.Ref { return lower.Ref{Offset: int64(p)} }

// capture records one step.
func (s *session) capture() (*driver.Graph, error) {
	launches := s.schedule.Launches
	if err := s.backend.modules.need(launches); err != nil {
		return nil, err
	}
	functions, packed := make([]*driver.Function, len(launches)), make([][]byte, len(launches))
	for i := range launches {
		l := &launches[i]
		var err error
		if functions[i], err = s.backend.modules.function(l); err != nil {
			return nil, err
		}
		if packed[i], err = lower.Pack(s.resolve, l.Parameters()...); err != nil {
			return nil, fmt.Errorf("kernel %s: %w", l.Kernel, err)
		}
	}
	return s.stream.Capture(func() error {
		for i := range launches {
			l := &launches[i]
			if err := functions[i].LaunchPacked(s.stream.Stream, driver.Dim(l.Grid), driver.D1(l.Threads), l.Shared, packed[i]); err != nil {
				return fmt.Errorf("%s: %w", l.Why, err)
			}
		}
		return nil
	})
}
