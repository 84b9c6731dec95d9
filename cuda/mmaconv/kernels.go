//go:build gpu

package mmaconv

import (
	"fmt"

	"longtail/cuda/driver"
	"longtail/cuda/kernels"
)

// Kernels are the loaded kernels of a context, for use by one goroutine at a time.
type Kernels struct {
	modules   []*driver.Module
	functions map[string]*driver.Function
}

// Load loads the kernels and allows them the shared memory that they need. Close them when done.
func Load(c *driver.Context) (*Kernels, error) {
	k := &Kernels{functions: make(map[string]*driver.Function)}
	modules := make(map[string]*driver.Module)
	for s := range names {
		for _, l := range s.launches(1) {
			if modules[l.Module] == nil {
				text, ok := kernels.PTX(l.Module)
				if !ok {
					return nil, fmt.Errorf("loading the tensor-core convolutions: no PTX of %s.cu", l.Module)
				}
				m, err := c.Load(l.Module, text)
				if err != nil {
					return nil, err
				}
				modules[l.Module], k.modules = m, append(k.modules, m)
			}
			f, err := modules[l.Module].Function(l.Kernel)
			if err != nil {
				return nil, err
			}
			if err := f.AllowShared(l.Shared); err != nil {
				return nil, err
			}
			k.functions[l.Kernel] = f
		}
	}
	return k, nil
}

// launches are all of a shape.
func (s Shape) launches(images int) []Launch {
	if s.stem() {
		return []Launch{s.Forward(images), s.Weights(images)}
	}
	return []Launch{s.Forward(images), s.Backward(images), s.Weights(images), s.Gradients(images)}
}

// Close unloads the kernels.
func (k *Kernels) Close() error {
	for _, m := range k.modules {
		if err := m.Unload(); err != nil {
			return err
		}
	}
	return nil
}

func (k *Kernels) run(stream *driver.Stream, l Launch, arguments ...any) error {
	return k.functions[l.Kernel].Launch(stream, l.Grid, driver.D1(l.Threads), l.Shared, arguments...)
}

// Forward queues y = epilogue(conv(in)) for images [images, Side, Side, In]; the values of in are stored at joined too, unless it is 0
// (a projection, the first layer and a plain tensor store none). The sizes in a's sources are set here.
func (k *Kernels) Forward(stream *driver.Stream, s Shape, images int, a Convolution, joined driver.Ptr) error {
	if err := s.CheckForward(a.In, a.Out, a.Statistics); err != nil {
		return err
	}
	if joined != 0 && (s.stem() || s.Window == 1 || a.In.First.Kind == Tensor) {
		return fmt.Errorf("tensor-core convolution: %v does not store its input's values", s)
	}
	resize(&a.In, s.Side, s.In)
	resize(&a.Out, s.ResultSide(), s.Out)
	a.Images = int32(images)
	return k.run(stream, s.Forward(images), a, joined)
}

// Backward queues the gradient of the convolution's input from in [images, ResultSide, ResultSide, Out], through the epilogue, to
// [images, GradientSide, GradientSide, In].
func (k *Kernels) Backward(stream *driver.Stream, s Shape, images int, a Convolution) error {
	if err := s.CheckBackward(a.In, a.Out, a.Statistics); err != nil {
		return err
	}
	a.backward(s, images)
	return k.run(stream, s.Backward(images), a, driver.Ptr(0))
}

// Weights queues the gradient of the weights, in s.Slices(images) parts.
func (k *Kernels) Weights(stream *driver.Stream, s Shape, images int, a ConvWeights) error {
	if err := s.CheckWeights(a.X, a.Dy); err != nil {
		return err
	}
	a.sized(s, images, s.Slices(images))
	return k.run(stream, s.Weights(images), a)
}

// Gradients queues Backward and Weights in one launch, the gradient of the weights in some number of slices up to images.
func (k *Kernels) Gradients(stream *driver.Stream, s Shape, images, slices int, a Convolution, w ConvWeights) error {
	if err := first(s.CheckBackward(a.In, a.Out, a.Statistics), s.CheckWeights(w.X, w.Dy)); err != nil {
		return err
	}
	if slices < 1 || slices > images {
		return fmt.Errorf("tensor-core convolution: %d slices of %d images", slices, images)
	}
	a.backward(s, images)
	w.sized(s, images, slices)
	return k.run(stream, s.Gradients(images), a, w)
}

func (a *Convolution) backward(s Shape, images int) {
	resize(&a.In, s.ResultSide(), s.Out)
	resize(&a.Out, s.GradientSide(), s.In)
	a.Images, a.Backward = int32(images), 1
}

func (w *ConvWeights) sized(s Shape, images, slices int) {
	resize(&w.X, s.Side, s.In)
	resize(&w.Dy, s.ResultSide(), s.Out)
	w.Images, w.Slices = int32(images), int32(slices)
}

func resize(s *Source, side, channels int) {
	s.Height, s.Width, s.Channels = int32(side), int32(side), int32(channels)
}
