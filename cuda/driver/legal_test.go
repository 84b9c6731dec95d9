//go:build gpu

package driver_test

import (
	"testing"

	"longtail/cuda/cudatest"
	"longtail/cuda/driver"
	"longtail/cuda/kernels/testkernels"
)

// What is correct must run, with the right result, twice, and with one block or several.
func TestCorrectSharingIsNoRace(t *testing.T) {
	c, s := cudatest.Open(t)
	for _, blocks := range []int{4, 16} {
		launch := func(t *testing.T, name string, threads int, arguments ...any) {
			t.Helper()
			f := cudatest.Kernel(t, c, testkernels.Legal, name)
			for range 2 {
				check(t, f.Launch(s, driver.D1(blocks), driver.D1(threads), 0, arguments...))
			}
		}
		t.Run("halves_in_place", func(t *testing.T) {
			n := blocks*33 - 5
			x := cudatest.Upload(t, s, make([]uint16, n))
			launch(t, "halves_in_place", 33, int32(n), x)
			for i, v := range cudatest.Download[uint16](t, s, x, n) {
				if v != 8 {
					t.Fatalf("[%d] is %d, want 8", i, v)
				}
			}
		})
		t.Run("bytes_then_words", func(t *testing.T) {
			x, words := cudatest.Alloc[uint8](t, s, blocks*64), cudatest.Alloc[uint32](t, s, blocks*16)
			launch(t, "bytes_then_words", 64, x, words)
			for i, v := range cudatest.Download[uint32](t, s, words, blocks*16) {
				if want := uint32(i%16)*0x04040404 + 0x03020100; v != want {
					t.Fatalf("[%d] is %#x, want %#x", i, v, want)
				}
			}
		})
		t.Run("handed_on", func(t *testing.T) {
			x := cudatest.Alloc[float32](t, s, blocks*64)
			launch(t, "handed_on", 64, x)
			for i, v := range cudatest.Download[float32](t, s, x, blocks*64) {
				if want := float32(63-(i%64^1)) + 1; v != want {
					t.Fatalf("[%d] is %g, want %g", i, v, want)
				}
			}
		})
		t.Run("last_block_updates", func(t *testing.T) {
			weights := make([]float32, 64)
			for i := range weights {
				weights[i] = 8
			}
			w, parts, seen := cudatest.Upload(t, s, weights), cudatest.Alloc[float32](t, s, blocks*64), cudatest.Alloc[uint32](t, s, 1)
			launch(t, "last_block_updates", 64, w, parts, cudatest.Upload(t, s, []uint32{0}), cudatest.Upload(t, s, []uint32{0}), seen)
			for i, v := range cudatest.Download[float32](t, s, w, 64) {
				if v != 2 { // halved by each launch
					t.Fatalf("[%d] is %g, want 2", i, v)
				}
			}
			if n := cudatest.Download[uint32](t, s, seen, 1)[0]; n != uint32(blocks*64) {
				t.Errorf("counted %d threads of %d", n, blocks*64)
			}
		})
		t.Run("two_tickets", func(t *testing.T) {
			parts, groups, sum := cudatest.Alloc[float32](t, s, blocks), cudatest.Alloc[float32](t, s, blocks/4), cudatest.Alloc[float32](t, s, 1)
			launch(t, "two_tickets", 32, parts, groups, cudatest.Upload(t, s, make([]uint32, 1+blocks/4)), sum)
			if got := cudatest.Download[float32](t, s, sum, 1)[0]; got != float32(blocks*(blocks-1)/2) {
				t.Errorf("sum %g", got)
			}
		})
		t.Run("vectors_and_parts", func(t *testing.T) {
			x := make([]float32, 32)
			for i := range x {
				x[i] = 1
			}
			y := cudatest.Alloc[float32](t, s, blocks*32)
			launch(t, "vectors_and_parts", 32, cudatest.Upload(t, s, x), y)
			if got := cudatest.Download[float32](t, s, y, 1)[0]; got != 3 {
				t.Errorf("%g, want 3", got)
			}
		})
	}
}
