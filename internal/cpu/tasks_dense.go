package cpu

import "longtail/internal/plan"

// flat is a value that is one row for an image: [N, K] has K numbers.
func (s *session) flat(p *place, w *worker, n int) []float32 {
	v := s.at(p, w, n)
	return v.data[v.off:][:p.shape.c]
}

// row is where a step of the head finds the numbers of image n of a value [N, K], or of one that all images share.
func (c *compiler) row(v plan.ValueID) func(w *worker, n int) []float32 {
	s := c.s
	shape := s.program.Values[v].Shape
	if values, shared := s.small[v]; shared {
		if shape.Dims() == 1 {
			return func(*worker, int) []float32 { return values }
		}
		width := shape[1]
		return func(_ *worker, n int) []float32 { return values[n*width:][:width] }
	}
	p := c.read(v)
	return func(w *worker, n int) []float32 { return s.flat(p, w, n) }
}

// rows runs a row program: on the samples of a batch with the other tasks of its level, on the rows of a parameter before them.
func (c *compiler) rows(st *plan.Step) {
	if !st.Rows.OverBatch {
		c.sharedRows(st.Rows)
		return
	}
	s := c.s
	at := map[plan.ValueID]func(w *worker, n int) []float32{}
	for _, in := range st.Rows.Inputs {
		at[in.Value] = c.row(in.Value)
	}
	for _, out := range st.Rows.Outputs {
		p := c.write(out.Value)
		at[out.Value] = func(w *worker, n int) []float32 { return s.flat(p, w, n) }
	}
	c.do(func(w *worker, n int) {
		get := func(v plan.ValueID) []float32 { return at[v](w, n) }
		loss := runRows(st.Rows, w, get, get)
		if len(st.Rows.Means) > 0 {
			s.losses[n] = loss
		}
	})
}

// sharedRows runs a row program on values that all samples share.
func (c *compiler) sharedRows(r *plan.RowProgram) {
	ports := map[plan.ValueID]func() []float32{}
	for _, out := range r.Outputs {
		c.result(out.Value)
	}
	for _, port := range append(r.Inputs[:len(r.Inputs):len(r.Inputs)], r.Outputs...) {
		ports[port.Value] = c.values(port.Value)
	}
	shape := func(v plan.ValueID) []int { return c.s.program.Values[v].Shape }
	w := &worker{}
	c.level.prepare = append(c.level.prepare, func() {
		for row := range r.Rows {
			get := func(v plan.ValueID) []float32 {
				if s := shape(v); len(s) == 2 {
					return ports[v]()[row*s[1]:][:s[1]]
				}
				return ports[v]()
			}
			runRows(r, w, get, get)
		}
	})
}

// dense: y = x w^T + b; there may be no b.
func (c *compiler) dense(st *plan.Step) {
	none := make([]float32, c.s.program.Values[st.Out].Shape[1])
	x, weights, bias := c.row(st.In[0]), c.values(st.In[1]), func() []float32 { return none }
	if len(st.In) == 3 {
		bias = c.values(st.In[2])
	}
	s, y := c.s, c.write(st.Out)
	c.do(func(w *worker, n int) {
		in, out, m, b := x(w, n), s.flat(y, w, n), weights(), bias()
		for i := range out {
			out[i] = b[i] + dot(in, m[i*len(in):])
		}
	})
}

func dot(a, b []float32) float32 {
	sum := float32(0)
	for i, x := range a {
		sum += x * b[i]
	}
	return sum
}

// denseGradInput: dx = dy w.
func (c *compiler) denseGradInput(st *plan.Step) {
	weights, dy := c.values(st.In[0]), c.row(st.In[1])
	s, dx := c.s, c.write(st.Out)
	c.do(func(w *worker, n int) {
		out, m := s.flat(dx, w, n), weights()
		clear(out)
		for i, g := range dy(w, n) {
			for j := range out {
				out[j] += g * m[i*len(out)+j]
			}
		}
	})
}

// denseGradWeights: dw = sum over the batch of dy x^T.
func (c *compiler) denseGradWeights(st *plan.Step) {
	x, dy := c.row(st.In[0]), c.row(st.In[1])
	partial := c.partial(st.Out)
	c.do(func(w *worker, n int) {
		in, to := x(w, n), partial(n/imagesPerChunk)
		for i, g := range dy(w, n) {
			for j, v := range in {
				to[i*len(in)+j] += g * v
			}
		}
	})
}

// denseGradBias: db = sum over the batch of dy.
func (c *compiler) denseGradBias(st *plan.Step) {
	dy := c.row(st.In[0])
	partial := c.partial(st.Out)
	c.do(func(w *worker, n int) {
		to := partial(n / imagesPerChunk)
		for i, g := range dy(w, n) {
			to[i] += g
		}
	})
}

// batchSum: the sum over the batch of one number a sample.
func (c *compiler) batchSum(st *plan.Step) {
	x, result := c.row(st.In[0]), c.result(st.Out)
	partial := make([]float64, c.s.chunks())
	c.level.sums = append(c.level.sums, sum{
		reset: func(chunk int) { partial[chunk] = 0 },
		finish: func() {
			total := 0.0
			for _, part := range partial {
				total += part
			}
			result[0] = float32(total)
		},
	})
	c.do(func(w *worker, n int) { partial[n/imagesPerChunk] += float64(x(w, n)[0]) })
}

// partial makes a sum in logical layout: each chunk of images has its own, and they are added in order at the end.
func (c *compiler) partial(v plan.ValueID) func(chunk int) []float32 {
	result := c.result(v)
	size := len(result)
	all := c.s.floats(c.s.chunks() * size)
	of := func(chunk int) []float32 { return all[chunk*size:][:size] }
	k, chunks := c.s.kernels, c.s.chunks()
	c.level.sums = append(c.level.sums, sum{
		reset:  func(chunk int) { clear(of(chunk)) },
		finish: func() { k.sumChunks(result, all, chunks) },
	})
	return of
}
