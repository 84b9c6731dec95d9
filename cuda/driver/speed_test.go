//go:build gpu

package driver_test

import (
	"testing"

	"longtail/cuda/cudatest"
	"longtail/cuda/driver"
	"longtail/cuda/kernels/testkernels"
)

// How fast the emulator is decides how much CI can run on it:
//
//	go test -tags gpu -bench . ./cuda/driver

func BenchmarkMMA(b *testing.B) {
	c, s := cudatest.Open(b)
	const blocks, rounds = 4, 500
	out := cudatest.Alloc[float32](b, s, 256*blocks)
	f := cudatest.Kernel(b, c, testkernels.Basic, "mma_speed")
	for b.Loop() {
		if err := f.Launch(s, driver.D1(blocks), driver.D1(256), 0, int32(rounds), out); err != nil {
			b.Fatal(err)
		}
	}
	if err := s.Synchronize(); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.N)*blocks*8*rounds/b.Elapsed().Seconds(), "mma/s")
}

func BenchmarkConvolutionOfTwoImages(b *testing.B) {
	c, s := cudatest.Open(b)
	const images = 2
	conv := cudatest.Kernel(b, c, testkernels.Conv3x3, "conv3x3")
	if err := conv.AllowShared(convShared); err != nil {
		b.Fatal(err)
	}
	n := images * convSide * convSide * convChannels
	x, w := cudatest.Upload(b, s, make([]uint16, n)), cudatest.Upload(b, s, make([]uint16, 9*convChannels*convChannels))
	y := cudatest.Alloc[float32](b, s, n)
	for b.Loop() {
		if err := conv.Launch(s, driver.D1(images), driver.D1(256), convShared, x, w, y); err != nil {
			b.Fatal(err)
		}
	}
	if err := s.Synchronize(); err != nil {
		b.Fatal(err)
	}
}

func BenchmarkSaxpy(b *testing.B) {
	c, s := cudatest.Open(b)
	const n = 1 << 18
	x, y := cudatest.Upload(b, s, make([]float32, n)), cudatest.Upload(b, s, make([]float32, n))
	f := cudatest.Kernel(b, c, testkernels.Basic, "saxpy")
	for b.Loop() {
		if err := f.Launch(s, driver.D1(n/256), driver.D1(256), 0, int32(n), float32(1), x, y); err != nil {
			b.Fatal(err)
		}
	}
	if err := s.Synchronize(); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.N)*n/b.Elapsed().Seconds(), "threads/s")
}

func BenchmarkLaunchOfOneWarp(b *testing.B) {
	c, s := cudatest.Open(b)
	out := cudatest.Alloc[float32](b, s, 32)
	f := cudatest.Kernel(b, c, testkernels.Basic, "mma_speed")
	for b.Loop() {
		if err := f.Launch(s, driver.D1(1), driver.D1(32), 0, int32(0), out); err != nil {
			b.Fatal(err)
		}
	}
	if err := s.Synchronize(); err != nil {
		b.Fatal(err)
	}
}
