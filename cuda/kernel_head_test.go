//go:build gpu

package cuda

import (
	"math"
	"strings"
	"testing"

	"longtail/cuda/driver"
	"longtail/cuda/lower"
	"longtail/data"
	"longtail/internal/plan"
	"longtail/internal/program/programtest"
	"longtail/internal/rng"
)

// control writes a control block of `step`, the first of a run with that order.
func (b *bench) control(order []int32, rates []float32, step uint32) lower.Ref {
	return b.table(lower.Control{Order: uploaded(b, order), Rates: uploaded(b, rates), Step: step})
}

// resized draws parts of images as a config does by default.
func resized(side int) plan.Resized {
	return plan.Resized(data.NewResized([2]float64{0.08, 1}, [2]float64{0.75, 1.3333}, side, side))
}

// Every image of a batch is, bit for bit, the crop that data.Augment draws, or the resized part that data.Resized does; padding is zero.
func TestImagesAreTheDrawsOfData(t *testing.T) {
	const images, batch, classes = 11, 7, 10
	standard := must[data.Input](t)(data.NewInput(data.StandardInput, 3))
	plain := must[data.Input](t)(data.NewInput(data.BytesInput, 3))
	for name, o := range map[string]plan.Options{
		"in the middle":                   {},
		"crop and flip":                   {Augment: true},
		"repeats from the first epoch on": {Augment: true, Repeats: true},
		"repeats from an epoch on":        {Augment: true, Repeats: true, RepeatsFrom: 3},
		"a square of zeros":               {Augment: true, Cutout: 16},
		"larger images":                   {Augment: true, Cutout: 24},
		"resized":                         {Augment: true, Resized: resized(32), Repeats: true, RepeatsFrom: 3},
		"larger images, resized":          {Augment: true, Resized: resized(48), Cutout: 24},
	} {
		side := 32
		if strings.HasPrefix(name, "larger images") {
			side = 48
		}
		for _, input := range []data.Input{plain, standard} {
			b := newBench(t, 8)
			m := b.images(images, side, classes)
			order, step := []int32{3, 10, 0, -1, 7, 7, 1}, uint32(5)
			o.Seed, o.Samples = uint64(1)<<40+77, images
			out, target, batchLabels := b.room(batch*side*side*4), b.room(batch*classes), uploaded(b, make([]int32, batch))
			b.run("images", "images_f32", driver.D1(batch), 256, 0, lower.Draw{
				Pixels: uploaded(b, m.Pixels), Labels: uploaded(b, m.Labels), Control: b.control(order, []float32{0}, step),
				Images: out, Target: target, BatchLabels: batchLabels, Seed: o.Seed, Batch: batch, Samples: images, Classes: classes, Channels: 3, Height: int32(side), Width: int32(side),
				Augment: flag(o.Augment), Purpose: uint32(rng.Crop), RepeatsFrom: lower.RepeatsFrom(&o), Hole: int32(o.Cutout),
				Scale: input.Scale, Shift: input.Shift, Outside: input.Border, Stride: batch, Resized: o.Resized,
			})
			got, goal, seen := b.read(out, batch*side*side*4), b.read(target, batch*classes), downloaded[int32](b, batchLabels, batch)
			for n, sample := range order {
				for i := range side * side * 4 {
					if want := programtest.Pixel(&o, plan.Pixels(input), m, int(step)*batch+n, int(sample), i/4/side, i/4%side, i%4); got[n*side*side*4+i] != want {
						t.Fatalf("%s: image %d, number %d is %v, want %v", name, n, i, got[n*side*side*4+i], want)
					}
				}
				for c := range classes {
					if want := flag(sample >= 0 && m.Labels[sample] == int32(c)); goal[n*classes+c] != float32(want) {
						t.Errorf("target %d, class %d is %v", n, c, goal[n*classes+c])
					}
				}
				if want := int32(-1); sample >= 0 && seen[n] != m.Labels[sample] || sample < 0 && seen[n] != want {
					t.Errorf("label %d is %d", n, seen[n])
				}
			}
		}
	}
}

// images are n random images of 3 x side x side.
func (b *bench) images(n, side, classes int) data.Images {
	m := data.Images{Pixels: make([]byte, n*3*side*side), Labels: make([]int32, n), Classes: classes, Channels: 3, Height: side, Width: side}
	for i := range m.Pixels {
		m.Pixels[i] = byte(b.r.Uint32())
	}
	for i := range m.Labels {
		m.Labels[i] = int32(b.r.IntN(classes))
	}
	return m
}

// The average of a source that is stored on the way, the dense layer behind it, the dense layer alone, and its gradients.
func TestClassifier(t *testing.T) {
	for _, d := range [][5]int{{3, 8, 8, 64, 10}, {5, 4, 6, 32, 100}, {1, 3, 3, 12, 7}, {16, 2, 2, 12, 7}, {35, 2, 2, 8, 5}} {
		n, h, w, c, classes := d[0], d[1], d[2], d[3], d[4]
		b := newBench(t, 9)
		x, k := b.image(n, h, w, c), b.norm(c)
		source := dimensions(h, w, c)
		source.First = k.term(x, lower.TermNormReLU)
		value := func(n, y, xx, ch int) float64 { return max(0, k.apply(x.v[x.index(n, y, xx, ch)], ch)) }
		weights, bias, dy := b.normal(classes*c), b.normal(classes), b.normal(n*classes)
		stored, features, y, y2 := b.room(len(x.v)), b.room(n*c), b.room(n*classes), b.room(n*classes)
		weightsAt, biasAt, dyAt := b.floats(weights), b.floats(bias), b.floats(dy)
		b.run("head", "average_f32", driver.D1(n), 256, 0, source, stored, features, lower.Dense{W: weightsAt, B: biasAt, Y: y, Classes: int32(classes)})
		wantFeatures, all := make([]float64, n*c), formula(value).evaluate(n, h, w, c)
		for i, v := range all {
			wantFeatures[i/(h*w*c)*c+i%c] += v / float64(h*w)
		}
		compareDouble(t, "stored", b.read(stored, len(all)), all, 8)
		f := b.read(features, n*c)
		compareDouble(t, "features", f, wantFeatures, 8)
		want := make([]float64, n*classes)
		dx, dw, db := make([]float64, n*c), make([]float64, classes*c), make([]float64, classes)
		for i := range n * classes {
			want[i] = float64(bias[i%classes])
			db[i%classes] += float64(dy[i])
			for j := range c {
				feature, weight := float64(f[i/classes*c+j]), float64(weights[i%classes*c+j])
				want[i] += feature * weight
				dx[i/classes*c+j] += float64(dy[i]) * weight
				dw[i%classes*c+j] += float64(dy[i]) * feature
			}
		}
		compareDouble(t, "logits behind the average", b.read(y, n*classes), want, 16)
		b.run("head", "dense", driver.D1(n), 128, 0, features, lower.Dense{W: weightsAt, B: biasAt, Y: y2, Classes: int32(classes)}, int32(c))
		compareDouble(t, "logits", b.read(y2, n*classes), want, 16)
		dxAt, dwAt, dbAt := b.room(n*c), b.room(classes*c), b.room(classes)
		b.run("head", "dense_gradients", driver.D1(n+((c+1)*classes+127)/128), 128, 0, features, weightsAt, dyAt, dxAt, dwAt, dbAt, int32(n), int32(c), int32(classes))
		compareDouble(t, "dx", b.read(dxAt, n*c), dx, 16)
		compareDouble(t, "dw", b.read(dwAt, classes*c), dw, 16)
		compareDouble(t, "db", b.read(dbAt, classes), db, 16)
	}
}

// The update of a parameter with slices and a 16-bit copy, of one without, and of running moments; and none after a bad loss.
func TestUpdate(t *testing.T) {
	for _, c := range []struct{ bad, nesterov bool }{{false, false}, {false, true}, {true, false}} {
		bad, b := c.bad, newBench(t, 12)
		// Slices for the loops that are unrolled 8 and 32 times, and some over; up to four numbers a thread of the last block; no factor is a power of two, so that every product is rounded.
		const n, pieces, factor, momentum, keep, decay, rate, unbias = 2000, 41, 0.3, 0.9, 0.8, 0.01, 0.13, 1.3
		w, v, parts, running, moments := b.normal(n), b.normal(n), b.normal(n*pieces), b.normal(20), b.normal(20)
		wAt, vAt, gAt, runningAt := b.floats(w), b.floats(v), b.room(n), b.floats(running)
		half := uploaded(b, make([]uint16, n))
		control := b.control([]int32{0}, []float32{0, 0, rate}, 2)
		if bad {
			if err := driver.Upload(b.stream, driver.Ptr(control.Offset+40), []uint32{1}); err != nil {
				t.Fatal(err)
			}
		}
		segments := b.table([]lower.Segment{
			{W: wAt, V: vAt, G: gAt, Parts: b.floats(parts), Copy: half, N: n, Slices: pieces, Factor: factor, DecayFactor: decay},
			{W: runningAt, Parts: b.floats(moments), N: 20, Slices: 1, Factor: 1, DecayFactor: unbias},
		})
		portions := b.table([]lower.Portion{{Segment: 0, Begin: 0}, {Segment: 0, Begin: 1024}, {Segment: 1, Begin: 0}})
		b.run("update", "update", driver.D1(3), 256, 0, segments, portions, control, b.zeros(1), float32(momentum), float32(keep), flag(c.nesterov))
		g, wantV, wantW, wantRunning := make([]float64, n), widened(v), widened(w), widened(running)
		for i := range n {
			for s := range pieces {
				g[i] += factor * float64(parts[s*n+i])
			}
			if !bad {
				step := g[i] + decay*wantW[i]
				wantV[i] = momentum*wantV[i] + step
				if c.nesterov {
					step += momentum * wantV[i]
				} else {
					step = wantV[i]
				}
				wantW[i] -= rate * step
			}
		}
		for i := range wantRunning {
			if !bad {
				wantRunning[i] = keep*wantRunning[i] + (1-keep)*float64(moments[i])*(1+(unbias-1)*float64(i/10))
			}
		}
		compareDouble(t, "gradient", b.read(gAt, n), g, 6)
		compareDouble(t, "momentum", b.read(vAt, n), wantV, 6)
		got := b.read(wAt, n)
		compareDouble(t, "weights", got, wantW, 6)
		compareDouble(t, "running moments", b.read(runningAt, 20), wantRunning, 4)
		for i, bits := range downloaded[uint16](b, half, n) {
			if want := halfBits(got[i]); bits != want && !bad {
				t.Fatalf("the copy of %v is %#x, want %#x", got[i], bits, want)
			}
		}
		if now := downloaded[uint32](b, control, 12); now[8] != 3 || now[9] != 1 {
			t.Errorf("step %d, done %d; want 3 and 1", now[8], now[9])
		}
	}
}

func TestHalfBits(t *testing.T) {
	for v, want := range map[float32]uint16{
		0: 0, 1: 0x3c00, -2: 0xc000, 65504: 0x7bff, 65520: 0x7c00, 65519: 0x7bff, 0x1p-24: 1, 0x1p-25: 0, 0x1.8p-25: 1, 0x1p-14: 0x400, 0x1.ff8p-15: 0x3ff,
		1 + 0x1p-11: 0x3c00, 1 + 0x1.8p-10: 0x3c02, -0x1p-14: 0x8400, 0.1: 0x2e66,
	} {
		if got := halfBits(v); got != want {
			t.Errorf("%v is %#x, want %#x", v, got, want)
		}
	}
	for bits := range uint16(0x7c01) {
		if got := halfBits(halfValue(bits)); got != bits {
			t.Fatalf("%#x is %v, which is %#x", bits, halfValue(bits), got)
		}
	}
	if got := halfBits(float32(math.NaN())); got&0x7c00 != 0x7c00 || got&0x3ff == 0 {
		t.Errorf("NaN is %#x", got)
	}
}
