//go:build gpu

package mmaconv

import (
	"fmt"

	"longtail/cuda/cudatest"
	"longtail/cuda/driver"
	"longtail/cuda/kernels"
	"longtail/cuda/lower"
)

// kernel loads the kernel of a launch until the test ends.
func (b *bench) kernel(l lower.Launch) (*driver.Function, error) {
	if f := b.loaded[l.Kernel]; f != nil {
		return f, nil
	}
	text, ok := kernels.PTX(l.Module)
	if !ok {
		return nil, fmt.Errorf("no PTX of %s.cu", l.Module)
	}
	f := cudatest.Kernel(b.t, b.c, text, l.Kernel)
	b.loaded[l.Kernel] = f
	return f, f.AllowShared(l.Shared)
}

// run queues a launch whose references are absolute.
func (b *bench) run(l lower.Launch, arguments any) error {
	f, err := b.kernel(l)
	if err != nil {
		return err
	}
	l.Arguments = arguments
	packed, err := lower.Pack(address, l.Parameters()...)
	if err != nil {
		return err
	}
	return f.LaunchPacked(b.s, driver.Dim(l.Grid), driver.D1(l.Threads), l.Shared, packed)
}

func address(r lower.Ref) uint64 { return uint64(r.Offset) }

func absolute(p driver.Ptr) lower.Ref { return lower.Ref{Offset: int64(p)} }

// alloc makes room for n values, unwritten.
func alloc[T driver.Plain](b *bench, n int) lower.Ref {
	return absolute(cudatest.Alloc[T](b.t, b.s, n))
}

// uploaded copies values to a buffer of their size.
func uploaded[T driver.Plain](b *bench, values []T) lower.Ref {
	return absolute(cudatest.Upload(b.t, b.s, values))
}

// download copies n values from the device.
func download[T driver.Plain](b *bench, from lower.Ref, n int) []T {
	return cudatest.Download[T](b.t, b.s, driver.Ptr(from.Offset), n)
}

// forward queues y = epilogue(conv(in)) for images [images, Side, Side, In]; the values of in are stored at joined too, unless it is null.
// The sizes in a's sources are set here.
func (b *bench) forward(s lower.MMAShape, images int, a lower.Convolution, joined lower.Ref) error {
	if err := s.CheckForward(a.In, a.Out, a.Statistics); err != nil {
		return err
	}
	resize(&a.In, s.Side, s.In)
	resize(&a.Out, s.ResultSide(), s.Out)
	a.Images = int32(images)
	return b.run(s.Forward(images), lower.ConvolutionParameters{Convolution: a, Joined: joined})
}

// backward queues the gradient of the convolution's input from in [images, ResultSide, ResultSide, Out], through the epilogue, to
// [images, GradientSide, GradientSide, In].
func (b *bench) backward(s lower.MMAShape, images int, a lower.Convolution) error {
	if err := s.CheckBackward(a.In, a.Out, a.Statistics); err != nil {
		return err
	}
	return b.run(s.Backward(images), lower.ConvolutionParameters{Convolution: sizedBackward(a, s, images)})
}

// weightGradient queues the gradient of the weights, in s.Slices(images) parts.
func (b *bench) weightGradient(s lower.MMAShape, images int, a lower.ConvWeights) error {
	if err := s.CheckWeights(a.X, a.Dy); err != nil {
		return err
	}
	return b.run(s.Weights(images), lower.ConvWeightsParameters{Weights: sizedWeights(a, s, images, s.Slices(images))})
}

// bothGradients queues both in one launch, the gradient of the weights in some number of slices up to images.
func (b *bench) bothGradients(s lower.MMAShape, images, slices int, a lower.Convolution, w lower.ConvWeights) error {
	if err := s.CheckBackward(a.In, a.Out, a.Statistics); err != nil {
		return err
	}
	if err := s.CheckWeights(w.X, w.Dy); err != nil {
		return err
	}
	return b.run(s.Gradients(images, slices), lower.GradientsParameters{Input: sizedBackward(a, s, images), Weights: sizedWeights(w, s, images, slices)})
}

func sizedBackward(a lower.Convolution, s lower.MMAShape, images int) lower.Convolution {
	resize(&a.In, s.ResultSide(), s.Out)
	resize(&a.Out, s.GradientSide(), s.In)
	a.Images, a.Backward = int32(images), 1
	return a
}

func sizedWeights(w lower.ConvWeights, s lower.MMAShape, images, slices int) lower.ConvWeights {
	resize(&w.X, s.Side, s.In)
	resize(&w.Dy, s.ResultSide(), s.Out)
	w.Images, w.Slices = int32(images), int32(slices)
	return w
}

func resize(s *lower.Source, side, channels int) {
	s.Height, s.Width, s.Channels = int32(side), int32(side), int32(channels)
}
