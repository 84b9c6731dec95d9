package cpu

import (
	"longtail/internal/ops"
	"longtail/internal/plan"
)

func (c *compiler) shortcut(st *plan.Step) {
	s, k := c.s, c.s.kernels
	x, y := c.read(st.In[0]), c.write(st.Out)
	kernel, big, small := k.shortcutPool, x, y
	switch st.Kind {
	case ops.KindShortcutPoolGrad:
		kernel, big, small = k.shortcutPoolGrad, y, x
	case ops.KindShortcutSubsample:
		kernel = k.shortcutSubsample
	case ops.KindShortcutSubsampleGrad:
		kernel, big, small = k.shortcutSubsampleGrad, y, x
	}
	p := s.program
	before := p.Values[st.Out].Shape[1] - p.Values[st.In[0]].Shape[1]
	if before < 0 {
		before = -before
	}
	g := halving{H: small.shape.h, W: small.shape.w, Big: big.shape.c, Small: small.shape.c, Before: before / 2, Channels: min(p.Values[st.Out].Shape[1], p.Values[st.In[0]].Shape[1])}
	c.do(func(w *worker, n int) { kernel(s.at(y, w, n), s.at(x, w, n), g) })
}

// maxPool: y = the maxima of windows of x.
func (c *compiler) maxPool(st *plan.Step) {
	s, k := c.s, c.s.kernels
	x, y := c.read(st.In[0]), c.write(st.Out)
	g := maxPoolingOf(x.shape, y.shape, st.Attrs)
	c.do(func(w *worker, n int) { k.maxPool(s.at(y, w, n), s.at(x, w, n), g) })
}

// maxPoolGrad: dx from x and dy.
func (c *compiler) maxPoolGrad(st *plan.Step) {
	s, k := c.s, c.s.kernels
	x, dy, dx := c.read(st.In[0]), c.read(st.In[1]), c.write(st.Out)
	g := maxPoolingOf(x.shape, dy.shape, st.Attrs)
	c.do(func(w *worker, n int) { k.maxPoolGrad(s.at(dx, w, n), s.at(x, w, n), s.at(dy, w, n), g) })
}

func maxPoolingOf(x, y area, a ops.Attrs) maxPooling {
	return maxPooling{H: x.h, W: x.w, C: x.c, OH: y.h, OW: y.w, K: a.Kernel, Stride: a.Stride, Pad: a.Pad}
}

func (c *compiler) globalAverage(st *plan.Step) {
	s, k := c.s, c.s.kernels
	x, y := c.read(st.In[0]), c.write(st.Out)
	if st.Kind == ops.KindGlobalAverage {
		c.do(func(w *worker, n int) {
			k.globalAverage(s.flat(y, w, n), s.at(x, w, n), x.shape.h, x.shape.w, x.shape.c)
		})
		return
	}
	c.do(func(w *worker, n int) {
		k.globalAverageGrad(s.at(y, w, n), s.flat(x, w, n), y.shape.h, y.shape.w, y.shape.c)
	})
}
