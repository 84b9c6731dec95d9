package lower

import "longtail/internal/plan"

// globalAverage: [N, C, H, W] to [N, C]; the kernel stores its source on the way where others read it, and does the dense layer behind it
// where it can (groups.dense).
func (l *lowering) globalAverage(st *plan.Step) error {
	v := st.In[0]
	value := &l.values[v]
	a := AverageParameters{Features: l.floats(l.name(st.Out), l.p.Batch*int(l.extent(v).Channels))}
	if value.isLazy() && value.lazy.conv == nil {
		a.Source = value.lazy.Source
		if l.readers[v] > 1 {
			a.To = l.activation(l.name(v), a.Source)
			value.at = a.To
		}
	} else {
		at, err := l.materialize(v)
		if err != nil {
			return err
		}
		a.Source = stored(l.extent(v), at)
	}
	l.values[st.Out].at = a.Features
	why := st.Name()
	if isWide(a.Source) {
		l.wideAverage(a, why)
		return nil
	}
	if d := l.groups.dense[st.Out]; d != nil {
		var err error
		if a.Dense, err = l.denseLayer(d); err != nil {
			return err
		}
		why += ", " + d.Name()
	}
	l.launch(Launch{Kernel: "average" + l.suffix(), Module: "head", Why: why, Grid: Dim{l.p.Batch, 1, 1}, Threads: 256, Arguments: a})
	return nil
}

// globalAverageGrad: every pixel gets its share of [N, C]. Here gradients enter storage: they get the loss scale.
func (l *lowering) globalAverageGrad(st *plan.Step) error {
	g, err := l.smallRef(st.In[0])
	s := l.extent(st.Out)
	s.First = Term{Kind: TermAverageGradient, X: g, Scale: l.lossScale / float32(s.Height*s.Width)}
	l.define(st.Out, expression{Source: s})
	return err
}

// denseLayer makes room for the result of a dense layer; its bias may be missing.
func (l *lowering) denseLayer(st *plan.Step) (Dense, error) {
	d := Dense{Classes: int32(l.shape(st.In[1])[0])}
	if err := l.smallRefs(st.In[1:], &d.W, &d.B); err != nil {
		return d, err
	}
	d.Y = l.floats(l.name(st.Out), l.p.Batch*int(d.Classes))
	l.values[st.Out].at = d.Y
	return d, nil
}

// dense: y = x w^T + b.
func (l *lowering) dense(st *plan.Step) error {
	features := l.shape(st.In[1])[1]
	if l.groups.dense[st.In[0]] == st && features <= maxChannels {
		return nil // the kernel of the average did it
	}
	x, err := l.smallRef(st.In[0])
	if err != nil {
		return err
	}
	d, err := l.denseLayer(st)
	if err != nil {
		return err
	}
	if features > maxChannels {
		l.wideDense(x, d, features, st.Name())
		return nil
	}
	l.launch(Launch{
		Kernel: "dense", Module: "head", Why: st.Name(), Grid: Dim{l.p.Batch, 1, 1}, Threads: 128,
		Arguments: DenseParameters{x, d, int32(features)},
	})
	return nil
}

// denseGradient: the gradients of a dense layer's input, weights and bias, in one launch where the first of them is.
func (l *lowering) denseGradient(st *plan.Step) (err error) {
	if !l.values[st.Out].at.IsNull() {
		return nil
	}
	g := l.groups.denseGradients[st.Out]
	classes, features := l.shape(g.of)[1], 0
	a := DenseGradientsParameters{Images: int32(l.p.Batch), Classes: int32(classes)}
	if a.Dy, err = l.smallRef(g.of); err != nil {
		return err
	}
	room := func(st *plan.Step) Ref {
		l.values[st.Out].at = l.floats(l.name(st.Out), l.p.Values[st.Out].Shape.TotalSize())
		return l.values[st.Out].at
	}
	blocks := 0
	if g.input != nil {
		features, blocks, a.Dx = l.shape(g.input.Out)[1], l.p.Batch, room(g.input)
		if a.W, err = l.smallRef(g.input.In[0]); err != nil {
			return err
		}
	}
	if g.weights != nil {
		features, a.Dw = l.shape(g.weights.Out)[1], room(g.weights)
		if a.X, err = l.smallRef(g.weights.In[0]); err != nil {
			return err
		}
	}
	if g.bias != nil {
		a.Db = room(g.bias)
	}
	a.Features = int32(features)
	blocks += CeilDiv((features+1)*classes, 128)
	l.launch(Launch{
		Kernel: "dense_gradients", Module: "head", Why: "the dense layer's gradients", Grid: Dim{blocks, 1, 1}, Threads: 128, Arguments: a,
	})
	return nil
}
