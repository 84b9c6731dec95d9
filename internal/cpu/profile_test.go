package cpu_test

import (
	"bytes"
	"strings"
	"testing"

	"longtail/internal/device"
	"longtail/internal/program/programtest"
)

// A profile names the passes of a step, counts the products that they do, and leaves the state that a run leaves.
func TestProfileOfAStep(t *testing.T) {
	const batch = 8
	images := noise(1, 40, 10)
	n := network("resnet8", "avgpool", "softmax", 10)
	plain, measured := open(t, 2, n, batch, images), open(t, 2, n, batch, images)
	run(t, plain, images, batch, 0, 3)
	passes, err := measured.(device.Profiler).Profile(programtest.Order(5, images.Len(), 0, 3*batch), 0, 3)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(bits(t, plain), bits(t, measured)) {
		t.Error("a profile changes the result")
	}
	var flops, direct, moved float64
	kinds := map[string]bool{}
	for _, p := range passes {
		if p.Nanos <= 0 || p.Count <= 0 || p.Name == "" {
			t.Errorf("%+v", p)
		}
		flops, direct, moved = flops+p.Flops, direct+p.Direct, moved+p.Bytes
		kinds[p.Kind] = true
	}
	for _, kind := range []string{"product", "transform", "statistics", "normalise", "elementwise", "shortcut", "copy", "head", "once a step"} {
		if !kinds[kind] {
			t.Errorf("no pass of the kind %q", kind)
		}
	}
	counters := plain.Counters()
	const images3 = 3 * batch
	if flops != counters.Flops/images3 || direct != counters.Direct/images3 || moved != counters.Bytes/images3 {
		t.Errorf("passes have %g, %g flops and %g bytes an image, counters %+v", flops, direct, moved, counters)
	}
	if want := directFlops(); direct != want {
		t.Errorf("%g direct operations an image, want %g", direct, want)
	}
}

// directFlops counts the convolutions of resnet8: a stem, three blocks of two, the first of the last two with stride 2. Each
// counts three times, for its output and two gradients, but the stem's input has none.
func directFlops() float64 {
	conv := func(pixels, in, out int) int { return 2 * pixels * 9 * in * out }
	stem := conv(32*32, 3, 16)
	blocks := 2*conv(32*32, 16, 16) + conv(16*16, 16, 32) + conv(16*16, 32, 32) + conv(8*8, 32, 64) + conv(8*8, 64, 64)
	return float64(2*stem + 3*blocks)
}

// Passes over the batch are counted like those over an image.
func TestProfileOfLargeLayers(t *testing.T) {
	const batch = 2
	images := noise(1, 4, 10)
	precision := precisions()[len(precisions())-1]
	n := network("resnet18", "avgpool", "softmax", 10)
	plain, measured := openIn(t, precision, 2, n, batch, images), openIn(t, precision, 2, n, batch, images)
	run(t, plain, images, batch, 0, 1)
	passes, err := measured.(device.Profiler).Profile(programtest.Order(5, images.Len(), 0, batch), 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	flops, pairs := 0.0, 0
	for _, p := range passes {
		if p.Nanos <= 0 || p.Count <= 0 {
			t.Errorf("%+v", p)
		}
		if strings.HasPrefix(p.Name, "pair ") {
			pairs++
		}
		flops += p.Flops
	}
	if want := plain.Counters().Flops / batch; flops != want {
		t.Errorf("passes have %g flops an image, counters %g", flops, want)
	}
	if precision == device.Mixed && pairs == 0 {
		t.Error("no pass over the batch is there")
	}
}
