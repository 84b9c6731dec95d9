package cpu

import (
	"math"

	"longtail/internal/plan"
)

// moments: mean and variance of each channel over the batch, merged image by image (Chan et al. 1979).
func (c *compiler) moments(st *plan.Step) {
	s, k, x := c.s, c.s.kernels, c.read(st.In[0])
	channels, pixels := x.shape.c, x.shape.h*x.shape.w
	result := c.result(st.Out)
	partial := make([]float64, c.s.chunks()*2*channels) // a chunk: mean [c], sum of squared deviations [c]
	of := func(chunk int) (mean, m2 []float64) {
		at := partial[chunk*2*channels:]
		return at[:channels], at[channels : 2*channels]
	}
	c.level.sums = append(c.level.sums, sum{
		reset: func(chunk int) { clear(partial[chunk*2*channels:][:2*channels]) },
		finish: func() {
			mean, m2 := of(0)
			for chunk := 1; chunk < c.s.chunks(); chunk++ {
				otherMean, otherM2 := of(chunk)
				mergeMoments(mean, m2, chunk*imagesPerChunk*pixels, otherMean, otherM2, c.imagesIn(chunk)*pixels)
			}
			all := float64(c.s.program.Batch * pixels)
			for i := range len(result) / 2 {
				result[i], result[len(result)/2+i] = float32(mean[i]), float32(m2[i]/all)
			}
		},
	})
	c.do(func(w *worker, n int) {
		if len(w.moments) < 2*channels {
			w.moments = make([]float64, 2*channels)
		}
		mean, m2 := w.moments[:channels], w.moments[channels:2*channels]
		k.moments(s.at(x, w, n), x.shape.h, x.shape.w, channels, mean, m2)
		chunkMean, chunkM2 := of(n / imagesPerChunk)
		mergeMoments(chunkMean, chunkM2, n%imagesPerChunk*pixels, mean, m2, pixels)
	})
}

// normalize: y = relu(x * scale + shift + plus), with scale and shift from moments, gamma and beta.
func (c *compiler) normalize(st *plan.Step) {
	s, k := c.s, c.s.kernels
	x := c.read(st.In[0])
	moments, gamma, beta := c.values(st.In[1]), c.values(st.In[2]), c.values(st.In[3])
	scale, shift := make([]float32, x.shape.c), make([]float32, x.shape.c)
	eps := st.Attrs.Eps
	c.level.prepare = append(c.level.prepare, func() {
		m, g, b := moments(), gamma(), beta()
		for i := range g {
			a := float64(g[i]) / math.Sqrt(float64(m[len(g)+i])+eps)
			scale[i], shift[i] = float32(a), float32(float64(b[i])-a*float64(m[i]))
		}
	})
	relu := st.ReLU
	if st.Plus == plan.None {
		y := c.write(st.Out)
		c.do(func(w *worker, n int) {
			k.normalize(s.at(y, w, n), s.at(x, w, n), nil, y.shape.h, y.shape.w, scale, shift, relu)
		})
		return
	}
	if x.kept == single || !c.narrow(st.Plus, float16) {
		c.provide(st.Plus)
	}
	plus, y := c.read(st.Plus), c.write(st.Out)
	c.do(func(w *worker, n int) {
		added := s.at(plus, w, n)
		k.normalize(s.at(y, w, n), s.at(x, w, n), &added, y.shape.h, y.shape.w, scale, shift, relu)
	})
}

// values finds what lives outside the images when it is needed: some of it is made by a later step's compilation.
func (c *compiler) values(v plan.ValueID) func() []float32 {
	s := c.s
	base, offset := s.program.Locate(v)
	size := s.program.Values[v].Shape.TotalSize()
	return func() []float32 { return s.small[base][offset:][:size] }
}

// normalizeSums: the sums over the batch of g and of g * xhat, by channel.
func (c *compiler) normalizeSums(st *plan.Step) {
	s, k := c.s, c.s.kernels
	x, g := c.read(st.In[0]), c.read(st.In[2])
	mean, inv, of := c.gradientSums(st, x.shape.c)
	c.do(func(w *worker, n int) {
		sumG, sumGX := of(n / imagesPerChunk)
		k.gradSums(s.at(g, w, n), s.at(x, w, n), x.shape.h, x.shape.w, mean, inv, sumG, sumGX)
	})
}

// reluGradSums: the gradient of a ReLU, of a sum unless add is nil, and the sums over the batch of normalizeSums. Where narrow is set, it
// writes the gradient in two bytes.
func (c *compiler) reluGradSums(add, relu, st *plan.Step, narrow bool) {
	s, k := c.s, c.s.kernels
	gradient, other := relu.In[1], plan.None
	if add != nil {
		gradient, other = add.In[0], add.In[1]
	}
	out, x, g := c.read(relu.In[0]), c.read(st.In[0]), c.read(gradient)
	var plus *place
	if other != plan.None {
		plus = c.read(other)
	}
	dst := c.s.places[relu.Out]
	if narrow {
		c.cost.bytes += dst.bytes()
	} else {
		dst = c.write(relu.Out)
	}
	mean, inv, of := c.gradientSums(st, x.shape.c)
	c.do(func(w *worker, n int) {
		var added *view
		if plus != nil {
			v := s.at(plus, w, n)
			added = &v
		}
		sumG, sumGX := of(n / imagesPerChunk)
		k.reluGradSums(s.at(dst, w, n), s.at(out, w, n), s.at(g, w, n), added, s.at(x, w, n), x.shape.h, x.shape.w, mean, inv, sumG, sumGX)
	})
}

// gradientSums makes the sums of a normalizeSums step: the mean and inverse deviation by channel, and the partial sums of a chunk.
func (c *compiler) gradientSums(st *plan.Step, channels int) (mean, inv []float32, of func(chunk int) (sumG, sumGX []float64)) {
	mean, inv = c.standardize(st.In[1], st.Attrs.Eps, channels)
	result := c.result(st.Out)
	partial := make([]float64, c.s.chunks()*2*channels)
	c.level.sums = append(c.level.sums, sum{
		reset: func(chunk int) { clear(partial[chunk*2*channels:][:2*channels]) },
		finish: func() {
			half := len(result) / 2
			for i := range result {
				total := 0.0
				for chunk := range c.s.chunks() {
					total += partial[chunk*2*channels+i/half*channels+i%half]
				}
				result[i] = float32(total)
			}
		},
	})
	return mean, inv, func(chunk int) (sumG, sumGX []float64) {
		at := partial[chunk*2*channels:]
		return at[:channels], at[channels : 2*channels]
	}
}

// standardize gives the mean and the inverse standard deviation by channel, filled before the level starts.
func (c *compiler) standardize(moments plan.ValueID, eps float64, channels int) (mean, inv []float32) {
	mean, inv = make([]float32, channels), make([]float32, channels)
	values := c.values(moments)
	c.level.prepare = append(c.level.prepare, func() {
		m := values()
		half := len(m) / 2
		for i := range half {
			mean[i], inv[i] = m[i], float32(1/math.Sqrt(float64(m[half+i])+eps))
		}
	})
	return mean, inv
}

// normalizeGradInput: dx = gamma inv (g - sum(g) / m - xhat sum(g xhat) / m) = a g + b x + d by channel.
func (c *compiler) normalizeGradInput(st *plan.Step) {
	s, k := c.s, c.s.kernels
	x, g := c.read(st.In[0]), c.read(st.In[3])
	moments, gamma, sums := c.values(st.In[1]), c.values(st.In[2]), c.values(st.In[4])
	a, b, d := make([]float32, x.shape.c), make([]float32, x.shape.c), make([]float32, x.shape.c)
	eps, batch := st.Attrs.Eps, st.Attrs.Batch
	count := float64(s.program.Batch * x.shape.h * x.shape.w)
	c.level.prepare = append(c.level.prepare, func() {
		m, gm, total := moments(), gamma(), sums()
		for i := range gm {
			inv := 1 / math.Sqrt(float64(m[len(gm)+i])+eps)
			scale := float64(gm[i]) * inv
			a[i] = float32(scale)
			if batch {
				slope := scale * inv * float64(total[len(gm)+i]) / count
				b[i], d[i] = float32(-slope), float32(slope*float64(m[i])-scale*float64(total[i])/count)
			}
		}
	})
	dx := c.write(st.Out)
	c.do(func(w *worker, n int) {
		k.combine(s.at(dx, w, n), s.at(g, w, n), s.at(x, w, n), dx.shape.h, dx.shape.w, a, b, d)
	})
}

// relu: max(x, 0).
func (c *compiler) relu(st *plan.Step) {
	s, k := c.s, c.s.kernels
	x, y := c.read(st.In[0]), c.write(st.Out)
	c.do(func(w *worker, n int) {
		k.mask(s.at(y, w, n), s.at(x, w, n), s.at(x, w, n), y.shape.h, y.shape.w*y.shape.c)
	})
}

// reluGrad: g where y > 0.
func (c *compiler) reluGrad(st *plan.Step) {
	s, k := c.s, c.s.kernels
	y, g, dx := c.read(st.In[0]), c.read(st.In[1]), c.write(st.Out)
	c.do(func(w *worker, n int) {
		k.mask(s.at(dx, w, n), s.at(y, w, n), s.at(g, w, n), dx.shape.h, dx.shape.w*dx.shape.c)
	})
}

func (c *compiler) add(st *plan.Step) {
	s, k := c.s, c.s.kernels
	a, b, y := c.read(st.In[0]), c.read(st.In[1]), c.write(st.Out)
	c.do(func(w *worker, n int) {
		k.add(s.at(y, w, n), s.at(a, w, n), s.at(b, w, n), y.shape.h, y.shape.w*y.shape.c)
	})
}
