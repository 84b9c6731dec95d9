//go:build gpu

package cuda

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"longtail/cuda/driver"
	"longtail/cuda/lower"
	"longtail/data"
	"longtail/internal/ops"
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

// Every instruction of row programs on its own, on all three widths, against package math; the tolerance is 8 roundings of the result.
func TestRowInstructions(t *testing.T) {
	power := func(x float64) float64 { return math.Pow(math.Abs(x)+0.1, 1.7) }
	kinds := map[ops.Kind]func(a, b float64) float64{
		ops.KindAffine: func(a, _ float64) float64 { return 1.5*a - 0.25 }, ops.KindExp: func(a, _ float64) float64 { return math.Exp(a) },
		ops.KindSoftplus: func(a, _ float64) float64 { return max(a, 0) + math.Log1p(math.Exp(-math.Abs(a))) },
		ops.KindSigmoid:  func(a, _ float64) float64 { return 1 / (1 + math.Exp(-a)) }, ops.KindDetach: func(a, _ float64) float64 { return a },
		ops.KindRowAdd: func(a, b float64) float64 { return a + b }, ops.KindSub: func(a, b float64) float64 { return a - b },
		ops.KindMul: func(a, b float64) float64 { return a * b }, ops.KindDiv: func(a, b float64) float64 { return a / b },
		ops.KindGreaterEqual: func(a, b float64) float64 { return float64(flag(a >= b)) },
		ops.KindLog:          func(a, _ float64) float64 { return math.Log(math.Abs(a) + 0.1) }, ops.KindPower: func(a, _ float64) float64 { return power(a) },
	}
	binary := []ops.Kind{ops.KindRowAdd, ops.KindSub, ops.KindMul, ops.KindDiv, ops.KindGreaterEqual}
	for _, classes := range []int{10, 100, 2000, 4000} { // the last two leave a block room for two rows and for one
		for kind, f := range kinds {
			t.Run(fmt.Sprintf("%v %d", kind, classes), func(t *testing.T) {
				b := newBench(t, 10)
				const rows = 5
				a, c := b.normal(rows*classes), b.normal(rows)
				for i := range a {
					a[i] *= 5
					if kind == ops.KindLog || kind == ops.KindPower {
						a[i] = float32(math.Abs(float64(a[i])) + 0.1)
					}
				}
				code := plan.RowCode{Kind: kind, Dst: 2, A: 0, B: -1, Wide: true, AWide: true, X: 1.5, Y: -0.25}
				if kind == ops.KindPower {
					code.X = 1.7
				}
				if slices.Contains(binary, kind) {
					code.B = 1
				}
				got := b.rows(classes, rows, a, c, code)
				for i := range got {
					x := float64(a[i])
					if kind == ops.KindLog || kind == ops.KindPower {
						x -= 0.1
					}
					want := f(x, float64(c[i/classes]))
					bound := 0x1p-21
					if kind == ops.KindPower { // the exponential of a product
						bound = 0x1p-20
					}
					if d := math.Abs(float64(got[i]) - want); d > bound*max(math.Abs(want), 0.25) {
						t.Fatalf("%v of %v and %v is %v, want %v", kind, a[i], c[i/classes], got[i], want)
					}
				}
			})
		}
	}
}

// Reductions of rows.
func TestRowReductions(t *testing.T) {
	for _, classes := range []int{10, 100} {
		for kind, f := range map[ops.Kind]func(sum, largest, exp float64) float64{
			ops.KindRowSum: func(sum, _, _ float64) float64 { return sum }, ops.KindRowMax: func(_, largest, _ float64) float64 { return largest },
			ops.KindLogSumExp: func(_, largest, exp float64) float64 { return largest + math.Log(exp) },
		} {
			b := newBench(t, 11)
			const rows = 6
			a := b.normal(rows * classes)
			got := b.rows(classes, rows, a, b.normal(rows), plan.RowCode{Kind: kind, Dst: 2, A: 0, B: -1, AWide: true})
			for n := range rows {
				sum, largest, exp := 0.0, math.Inf(-1), 0.0
				for _, x := range a[n*classes:][:classes] {
					sum, largest = sum+float64(x), max(largest, float64(x))
				}
				for _, x := range a[n*classes:][:classes] {
					exp += math.Exp(float64(x) - largest)
				}
				if want := f(sum, largest, exp); math.Abs(float64(got[n])-want) > 0x1p-20*max(1, math.Abs(want)) {
					t.Errorf("%v of %d classes is %v, want %v", kind, classes, got[n], want)
				}
			}
		}
	}
}

// rows runs one instruction on register 0, a [rows, classes], and register 1, c [rows, 1], and gives register 2: alone, and together with two
// shorter programs around it, which must not change a bit.
func (b *bench) rows(classes, rows int, a, c []float32, code plan.RowCode) []float32 {
	b.t.Helper()
	width := 1
	if code.Wide {
		width = classes
	}
	r := &plan.RowProgram{Rows: rows, Width: classes, Registers: 3, Code: []plan.RowCode{code}, Inputs: make([]plan.RowPort, 2), Outputs: make([]plan.RowPort, 1)}
	in := []lower.RowInput{{Values: b.floats(a), Wide: 1}, {Values: b.floats(c), Register: 1}}
	program := func(r *plan.RowProgram) (lower.Rows, lower.Ref) {
		out := b.room(r.Rows * width)
		return b.program(r, append(in[:2:2], lower.RowInput{Values: out, Register: 2, Wide: flag(code.Wide)})), out
	}
	alone, at := program(r)
	l := lower.RowsLaunch(r)
	b.run(l.Module, l.Kernel, driver.Dim(l.Grid), l.Threads, l.Shared, alone)
	got := b.read(at, rows*width)
	short := *r
	short.Rows = 1
	first, firstAt := program(&short)
	middle, middleAt := program(r)
	last, lastAt := program(&short)
	b.together([]*plan.RowProgram{&short, r, &short}, []lower.Rows{first, middle, last})
	for _, x := range []struct {
		at lower.Ref
		n  int
	}{{firstAt, width}, {middleAt, rows * width}, {lastAt, width}} {
		if !slices.EqualFunc(b.read(x.at, x.n), got[:x.n], sameBits) {
			b.t.Errorf("%v of %d classes: other bits among several programs", code.Kind, classes)
		}
	}
	return got
}

func sameBits(a, b float32) bool { return math.Float32bits(a) == math.Float32bits(b) }

// program uploads a row program; ports are its inputs, then its outputs.
func (b *bench) program(r *plan.RowProgram, ports []lower.RowInput) lower.Rows {
	return lower.Rows{
		Code: b.table(lower.RowsCode(r)), Ports: b.table(ports), Instructions: int32(len(r.Code)), Inputs: int32(len(r.Inputs)), Outputs: int32(len(r.Outputs)),
		Rows: int32(r.Rows), Classes: int32(r.Width), Registers: int32(r.Registers),
	}
}

// together runs row programs in one launch.
func (b *bench) together(programs []*plan.RowProgram, rows []lower.Rows) {
	b.t.Helper()
	l := lower.RowsTogetherLaunch(programs...)
	first, block := make([]int32, len(programs)), 0
	for i, r := range programs {
		first[i] = int32(block)
		block += lower.RowBlocks(r, l.Threads)
	}
	b.run(l.Module, l.Kernel, driver.Dim(l.Grid), l.Threads, l.Shared, b.table(rows), b.table(first), int32(len(programs)))
}

// Programs of different widths and lengths in one launch, with every kind of port: wide, narrow and the same for all rows, sums of more numbers
// than a warp has lanes, several outputs.
func TestRowProgramsTogether(t *testing.T) {
	b := newBench(t, 15)
	var programs []*plan.RowProgram
	var rows []lower.Rows
	var checks []func()
	for _, size := range []struct{ rows, classes, numbers int }{{5, 10, 7}, {1, 3, 45}, {9, 70, 200}} {
		x, shift, factor, numbers := b.normal(size.rows*size.classes), b.normal(size.classes), b.normal(size.rows), b.normal(size.numbers)
		product, total := b.room(size.rows*size.classes), b.room(size.rows)
		// (x + shift) * factor, wide, and the row's sum of x times the sum of the numbers.
		r := &plan.RowProgram{Rows: size.rows, Width: size.classes, Registers: 7, Inputs: make([]plan.RowPort, 4), Outputs: make([]plan.RowPort, 2), Code: []plan.RowCode{
			{Kind: ops.KindRowAdd, Dst: 4, A: 0, B: 1, Wide: true, AWide: true, BWide: true},
			{Kind: ops.KindMul, Dst: 4, A: 4, B: 2, Wide: true, AWide: true},
			{Kind: ops.KindRowSum, Dst: 5, A: 0, B: -1, AWide: true},
			{Kind: ops.KindMul, Dst: 6, A: 5, B: 3},
		}}
		programs = append(programs, r)
		rows = append(rows, b.program(r, []lower.RowInput{
			{Values: b.floats(x), Wide: 1}, {Values: b.floats(shift), Register: 1, Wide: 1, PerColumn: 1}, {Values: b.floats(factor), Register: 2},
			{Values: b.floats(numbers), Register: 3, PerColumn: 1, Sum: int32(size.numbers)},
			{Values: product, Register: 4, Wide: 1}, {Values: total, Register: 6},
		}))
		checks = append(checks, func() {
			wantProduct, wantTotal, sum := make([]float64, len(x)), make([]float64, size.rows), 0.0
			for _, v := range numbers {
				sum += float64(v)
			}
			for i, v := range x {
				n, c := i/size.classes, i%size.classes
				wantProduct[i] = (float64(v) + float64(shift[c])) * float64(factor[n])
				wantTotal[n] += float64(v) * sum
			}
			compareDouble(t, "products", b.read(product, len(x)), wantProduct, 8)
			compareDouble(t, "totals", b.read(total, size.rows), wantTotal, 64)
		})
	}
	b.together(programs, rows)
	for _, check := range checks {
		check()
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
