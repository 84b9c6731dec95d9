package cpu

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// drawLarge is a convolution of whole panels of channels.
func drawLarge(t *rapid.T) (s shape, batch int) {
	s.K = rapid.SampledFrom([]int{1, 3, 3, 5}).Draw(t, "window")
	s.Stride = rapid.IntRange(1, 2).Draw(t, "stride")
	s.Pad = rapid.IntRange(0, s.K/2).Draw(t, "pad")
	side := rapid.IntRange(s.K-2*s.Pad, 7)
	s.H, s.W = side.Draw(t, "h"), side.Draw(t, "w")
	channels := rapid.SampledFrom([]int{32, 64, 96})
	s.c, s.o = channels.Draw(t, "in"), channels.Draw(t, "out")
	if s.K == 1 && rapid.Bool().Draw(t, "many") {
		s.o = 288
	}
	s.C, s.O = s.c, s.o
	s.OH, s.OW = (s.H+2*s.Pad-s.K)/s.Stride+1, (s.W+2*s.Pad-s.K)/s.Stride+1
	return s, rapid.IntRange(1, 5).Draw(t, "batch")
}

// fewBits are numbers that all formats hold, so that sums of their products are nearly exact.
func fewBits(t *rapid.T, name string, n int) []float32 {
	out := randomFloats(t, name, n)
	for i, v := range out {
		out[i] = float32(math.Round(64*float64(v))) / 64
	}
	return out
}

// inFormat rounds numbers to a format.
func inFormat(f format, v []float32) []uint16 {
	out := make([]uint16, len(v))
	compressGeneric(f, out, v)
	return out
}

// mixedKernels are the sets of this processor that have products of bfloat16.
func mixedKernels(t *testing.T, property func(t *rapid.T, k kernels)) {
	for _, k := range kernelSets() {
		if k.mixed = true; k.mixes() {
			t.Run(k.name, func(t *testing.T) { rapid.Check(t, func(t *rapid.T) { property(t, k) }) })
		}
	}
}

// runLarge packs weights and does all tasks; the results before and after they are rounded.
func runLarge(t *rapid.T, s shape, l *largeConv, w []float32, format format, from []float32) (exact, rounded []float32) {
	other := make([]float32, len(w))
	p := weightPacker{
		kernels: l.kernels, in: s.c, out: s.o, taps: s.K * s.K, users: []*largeConv{l}, values: func() []float32 { return other },
	}
	for i := range l.direct.parts {
		p := &l.direct.parts[i]
		p.panels = make([]float32, l.direct.out*l.pairs(p))
	}
	for range 2 { // what the first packing left behind shows
		for o := 0; o < s.o; o += wideColumns {
			p.pack(o)
		}
		copy(other, w)
	}
	halfWords := inFormat(format, from)
	to := make([]uint16, l.batch*l.to.size())
	exact, rounded = make([]float32, len(to)), make([]float32, len(to))
	for i := range to {
		to[i] = 0xffff
	}
	for i := range l.tasks {
		task := &l.tasks[i]
		work := newBlock(l.workspace())
		c := l.run(task, to, float16, halfWords, format, work.body())
		columns := task.end - task.column
		for r := task.first; r < task.last; r++ {
			n, y, x := task.part.pixel(r)
			at := ((n*l.to.h+task.part.toY+y*task.part.toStep)*l.to.w+task.part.toX+x*task.part.toStep)*l.to.c + task.column
			copy(exact[at:][:columns], c[(r-task.first)*columns:])
		}
		work.check(t, "workspace")
	}
	expandGeneric(float16, rounded, to)
	return exact, rounded
}

// eachOf calls f for the products of all images, with offsets in the values of the batch.
func (s shape) eachOf(batch int, f func(x, y, w int)) {
	s.each(func(y, x, c, oy, ox, o, w int) {
		for n := range batch {
			f(((n*s.H+y)*s.W+x)*s.C+c, ((n*s.OH+oy)*s.OW+ox)*s.O+o, w)
		}
	})
}

const float16Step = 1.0 / 2048 // the largest error of a float16 beside the number

func TestLargeConvAgainstDefinition(t *testing.T) {
	mixedKernels(t, func(t *rapid.T, k kernels) {
		s, batch := drawLarge(t)
		x, w := fewBits(t, "x", batch*s.H*s.W*s.C), fewBits(t, "w", s.o*s.c*s.K*s.K)
		want, scale := make([]float64, batch*s.OH*s.OW*s.O), make([]float64, batch*s.OH*s.OW*s.O)
		s.eachOf(batch, func(from, to, i int) {
			v := float64(x[from]) * float64(w[i])
			want[to], scale[to] = want[to]+v, scale[to]+math.Abs(v)
		})
		l := newLargeConv(k, k.newDirect(s.geometry, s.c, s.o), area{s.H, s.W, s.C}, area{s.OH, s.OW, s.O}, batch)
		format := rapid.SampledFrom([]format{float16, bfloat16}).Draw(t, "format")
		exact, rounded := runLarge(t, s, l, w, format, x)
		near(t, "conv", exact, want, scale, sumTolerance)
		near(t, "rounded conv", rounded, want, scale, sumTolerance+float16Step)
	})
}

func TestLargeConvGradInputAgainstDefinition(t *testing.T) {
	mixedKernels(t, func(t *rapid.T, k kernels) {
		s, batch := drawLarge(t)
		dy, w := fewBits(t, "dy", batch*s.OH*s.OW*s.O), fewBits(t, "w", s.o*s.c*s.K*s.K)
		want, scale := make([]float64, batch*s.H*s.W*s.C), make([]float64, batch*s.H*s.W*s.C)
		s.eachOf(batch, func(to, from, i int) {
			v := float64(dy[from]) * float64(w[i])
			want[to], scale[to] = want[to]+v, scale[to]+math.Abs(v)
		})
		l := newLargeConv(k, k.newDirectGradInput(s.geometry, s.c, s.o), area{s.OH, s.OW, s.O}, area{s.H, s.W, s.C}, batch)
		exact, rounded := runLarge(t, s, l, w, bfloat16, dy)
		near(t, "input gradient", exact, want, scale, sumTolerance)
		near(t, "rounded input gradient", rounded, want, scale, sumTolerance+float16Step)
	})
}

func TestLargeGradWeightsAgainstDefinition(t *testing.T) {
	mixedKernels(t, func(t *rapid.T, k kernels) {
		s, batch := drawLarge(t)
		x, dy := fewBits(t, "x", batch*s.H*s.W*s.C), fewBits(t, "dy", batch*s.OH*s.OW*s.O)
		want, scale := make([]float64, s.o*s.c*s.K*s.K), make([]float64, s.o*s.c*s.K*s.K)
		s.eachOf(batch, func(from, to, i int) {
			v := float64(x[from]) * float64(dy[to])
			want[i], scale[i] = want[i]+v, scale[i]+math.Abs(v)
		})
		l := newLargeGradWeights(k, s.geometry, batch)
		roomX, roomY := l.room()
		blockX, blockY, got := newBlock(roomX), newBlock(roomY), newBlock(len(want))
		l.x, l.dy = blockX.body(), blockY.body()
		format := rapid.SampledFrom([]format{float16, bfloat16}).Draw(t, "format")
		halfX, halfY, nothing := inFormat(format, x), inFormat(bfloat16, dy), make([]uint16, max(s.C, s.O))
		for i := range l.pairTasks() {
			l.pair(i, halfX, format, halfY, nothing)
		}
		for i := range l.tasks {
			work := newBlock(l.workspace())
			l.multiply(&l.tasks[i], got.body(), work.body())
			work.check(t, "workspace")
		}
		near(t, "weight gradient", got.body(), want, scale, sumTolerance)
		blockX.check(t, "pairs of x")
		blockY.check(t, "pairs of dy")
		got.check(t, "gradient")
	})
}

// Sums that are cut into jobs must have the bits of one job.
func TestPanelsContinueSums(t *testing.T) {
	fast, _ := mixedSets(t)
	rapid.Check(t, func(t *rapid.T) {
		steps, cut := rapid.IntRange(2, 40).Draw(t, "steps"), 0
		cut = rapid.IntRange(1, steps-1).Draw(t, "first")
		a := make([]float32, wideRows*steps)
		b := make([]float32, wideColumns*steps)
		compressGeneric(bfloat16, halves(a), randomFloats(t, "a", 2*len(a)))
		compressGeneric(bfloat16, halves(b), randomFloats(t, "b", 2*len(b)))
		whole, parts := make([]float32, wideRows*wideColumns), make([]float32, wideRows*wideColumns)
		j := panelJob{c: whole, a: a, b: b, rows: wideRows, steps: steps, cRow: wideColumns, aRow: steps, aStep: 1}
		fast.panel(&j)
		j.c, j.steps = parts, cut
		fast.panel(&j)
		j.a, j.b, j.steps, j.add = a[cut:], b[cut*wideColumns:], steps-cut, true
		fast.panel(&j)
		if !slices.Equal(whole, parts) {
			t.Fatal("sums in two parts have other bits")
		}
	})
}

func TestLargeLayersAreNotThoseOfCIFAR(t *testing.T) {
	for _, c := range []struct {
		g    geometry
		want bool
	}{
		{geometry{H: 8, W: 8, C: 64, OH: 8, OW: 8, O: 64, K: 3, Stride: 1, Pad: 1}, false},
		{geometry{H: 16, W: 16, C: 32, OH: 8, OW: 8, O: 64, K: 3, Stride: 2, Pad: 1}, false},
		{geometry{H: 16, W: 16, C: 32, OH: 8, OW: 8, O: 64, K: 1, Stride: 2}, false},
		{geometry{H: 8, W: 8, C: 128, OH: 8, OW: 8, O: 128, K: 3, Stride: 1, Pad: 1}, false},
		{geometry{H: 128, W: 128, C: 4, OH: 64, OW: 64, O: 64, K: 7, Stride: 2, Pad: 3}, false},
		{geometry{H: 16, W: 16, C: 64, OH: 16, OW: 16, O: 64, K: 1, Stride: 1}, true},
		{geometry{H: 16, W: 16, C: 64, OH: 8, OW: 8, O: 128, K: 3, Stride: 2, Pad: 1}, true},
		{geometry{H: 4, W: 4, C: 256, OH: 4, OW: 4, O: 256, K: 3, Stride: 1, Pad: 1}, true},
		{geometry{H: 8, W: 8, C: 256, OH: 8, OW: 8, O: 256, K: 3, Stride: 1, Pad: 1}, true},
	} {
		if got := c.g.large(); got != c.want {
			t.Errorf("%+v: large is %v", c.g, got)
		}
	}
}

func TestTransposeAgainstPlainGo(t *testing.T) {
	fast, _ := mixedSets(t)
	rapid.Check(t, func(t *rapid.T) {
		row := 16 * rapid.IntRange(1, 9).Draw(t, "blocks")
		src := randomFloats(t, "words", row*wideColumns)
		got, want := newBlock(len(src)), make([]float32, len(src))
		fast.transpose(got.body(), src, row)
		transposeGeneric(want, src, row)
		if !slices.Equal(got.body(), want) {
			t.Fatal("other words")
		}
		got.check(t, "columns")
	})
}
