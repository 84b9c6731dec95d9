package lower

import "longtail/internal/plan"

// maxPool: y = the maximum over windows of x.
func (l *lowering) maxPool(st *plan.Step) (err error) {
	a := l.newMaxPool(st, st.In[0], st.Out)
	if a.X, err = l.materialize(st.In[0]); err != nil {
		return err
	}
	return l.launchMaxPool(st, a, "max_pool")
}

// maxPoolGrad: dx from x and dy.
func (l *lowering) maxPoolGrad(st *plan.Step) (err error) {
	a := l.newMaxPool(st, st.In[0], st.In[1])
	if a.X, err = l.materialize(st.In[0]); err != nil {
		return err
	}
	if a.Dy, err = l.materialize(st.In[1]); err != nil {
		return err
	}
	return l.launchMaxPool(st, a, "max_pool_gradient")
}

// newMaxPool are the sizes of a pool from x to y.
func (l *lowering) newMaxPool(st *plan.Step, x, y plan.ValueID) MaxPool {
	from, to := l.extent(x), l.extent(y)
	return MaxPool{
		Images: int32(l.p.Batch), High: from.Height, Wide: from.Width, Channels: from.Channels, YHigh: to.Height, YWide: to.Width,
		Window: int32(st.Attrs.Kernel), Stride: int32(st.Attrs.Stride), Pad: int32(st.Attrs.Pad),
	}
}

func (l *lowering) launchMaxPool(st *plan.Step, a MaxPool, kernel string) error {
	a.Result = l.storeResult(st.Out)
	extent := l.extent(st.Out)
	quads := l.p.Batch * int(extent.Height*extent.Width*extent.Channels) / 4
	l.launch(Launch{
		Module: "max_pool", Kernel: kernel + l.suffix(), Why: st.Name(), Grid: Dim{min(4096, CeilDiv(quads, 256)), 1, 1}, Threads: 256, Arguments: MaxPoolParameters{a},
	})
	return nil
}
