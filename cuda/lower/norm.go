package lower

import (
	"fmt"

	"longtail/internal/ops"
	"longtail/internal/plan"
)

// statisticsBlocks is the number of blocks that sum over a batch by channel: part of the arithmetic, so it depends on nothing but sizes.
const statisticsBlocks = 128

// reduce sums over an activation: in the epilogue of the convolution that makes it, in the kernel that stores it, or in one of its own.
func (l *lowering) reduce(v plan.ValueID, q Statistics) error {
	value := &l.values[v]
	switch {
	case value.isLazy() && value.lazy.conv != nil:
		l.convolve(v, q)
	case value.isLazy():
		l.storeAndSum(v, value.lazy.Source, q)
	default:
		at, err := l.materialize(v)
		if err != nil {
			return err
		}
		l.storeAndSum(v, stored(l.extent(v), at), q)
	}
	return nil
}

// storeAndSum launches the kernel that sums over the source of a value, and stores it unless it is a tensor.
func (l *lowering) storeAndSum(v plan.ValueID, s Source, q Statistics) {
	var to Ref
	if !s.isTensor() {
		to = l.activation(l.name(v), s)
		l.values[v].at = to
	}
	why := l.name(v) + q.described()
	if isWide(s) {
		l.wideStatistics(s, q, to, why)
		return
	}
	blocks := max(1, min(statisticsBlocks, l.p.Batch*int(s.Height*s.Width)/64))
	q.Parts, q.Ticket = l.floats("parts of sums", PartsSize(blocks, int(s.Channels))), l.ticket()
	l.launch(Launch{
		Kernel: "statistics" + l.suffix(), Module: "statistics", Why: why, Grid: Dim{blocks, 1, 1}, Threads: 256,
		Arguments: StatisticsParameters{s, q, int32(l.p.Batch), to},
	})
}

// moments: mean and variance of each channel over the batch.
func (l *lowering) moments(st *plan.Step) error {
	v := st.In[0]
	q := Statistics{Kind: StatisticsMoments, Result: l.floats("moments", 2*l.shape(v)[1])}
	l.values[st.Out].at = q.Result
	return l.reduce(v, q)
}

// normalizeSums: the sums over the batch of g and of g * xhat.
func (l *lowering) normalizeSums(st *plan.Step) error {
	x, err := l.materialize(st.In[0])
	if err != nil {
		return err
	}
	g := st.In[2]
	q := Statistics{Kind: StatisticsSums, Raw: x, Eps: float32(st.Attrs.Eps), Factor: 1 / l.lossScale}
	if q.Moments, err = l.smallRef(st.In[1]); err != nil {
		return err
	}
	q.Result = l.floats("sums", 2*l.shape(g)[1])
	l.values[st.Out].at = q.Result
	return l.reduce(g, q)
}

// normalize: y = relu((x - mean) / sqrt(variance + eps) * gamma + beta + plus).
func (l *lowering) normalize(st *plan.Step) error {
	x, err := l.materialize(st.In[0])
	if err != nil {
		return err
	}
	s := l.extent(st.In[0])
	s.First = Term{Kind: TermNorm, X: x, Eps: float32(st.Attrs.Eps)}
	if err := l.smallRefs(st.In[1:4], &s.First.Moments, &s.First.Gamma, &s.First.Beta); err != nil {
		return err
	}
	switch {
	case st.Plus != plan.None:
		s.ReLU = toInt(st.ReLU)
		if s.Second, err = l.term(st.Plus); err != nil {
			return err
		}
	case st.ReLU:
		s.First.Kind = TermNormReLU
	}
	l.define(st.Out, expression{Source: s})
	return nil
}

// normalizeGradInput: dx = gamma inv (g - sum(g) / m - xhat sum(g xhat) / m).
func (l *lowering) normalizeGradInput(st *plan.Step) error {
	s := l.extent(st.Out)
	s.First = Term{Kind: TermNormGradient, Eps: float32(st.Attrs.Eps), Scale: l.lossScale}
	var err error
	if s.First.X, err = l.materialize(st.In[0]); err != nil {
		return err
	}
	if s.First.G, err = l.materialize(st.In[3]); err != nil {
		return err
	}
	if err := l.smallRefs([]plan.ValueID{st.In[1], st.In[2], st.In[4]}, &s.First.Moments, &s.First.Gamma, &s.First.Sums); err != nil {
		return err
	}
	if st.Attrs.Batch {
		s.First.Count = float32(l.p.Batch * int(s.Height*s.Width))
	}
	l.define(st.Out, expression{Source: s})
	return nil
}

// relu: max(x, 0).
func (l *lowering) relu(st *plan.Step) error {
	e, err := l.extend(st.In[0], false)
	e.ReLU = 1
	l.define(st.Out, e)
	return err
}

// reluGrad: g where y > 0.
func (l *lowering) reluGrad(st *plan.Step) error {
	mask, err := l.term(st.In[0])
	if err != nil {
		return err
	}
	e, err := l.extend(st.In[1], false)
	e.Mask = mask
	l.define(st.Out, e)
	return err
}

// add: a + b. What only a first term can be, a convolution that is not launched yet or a batch norm's gradient, is the first.
func (l *lowering) add(st *plan.Step) error {
	a, b := st.In[0], st.In[1]
	if v := &l.values[b]; v.isLazy() && (v.lazy.conv != nil || v.lazy.First.Kind == TermNormGradient) {
		a, b = b, a
	}
	second, err := l.term(b)
	if err != nil {
		return err
	}
	e, err := l.extend(a, true)
	e.Second = second
	l.define(st.Out, e)
	return err
}

// shortcuts are the terms of the operations that halve or double an image.
var shortcuts = map[ops.Kind]TermKind{
	ops.KindShortcutPool: TermPool, ops.KindShortcutSubsample: TermSubsample,
	ops.KindShortcutPoolGrad: TermPoolGradient, ops.KindShortcutSubsampleGrad: TermSubsampleGradient,
}

// shortcut: halves or doubles an image, with zero channels on both sides of the narrower one's.
func (l *lowering) shortcut(st *plan.Step) error {
	x, err := l.materialize(st.In[0])
	if err != nil {
		return err
	}
	from, to := l.shape(st.In[0])[1], l.shape(st.Out)[1]
	before := max(to-from, from-to) / 2
	if before%4 != 0 {
		return fmt.Errorf("%d channels before the first: a multiple of 4 is wanted", before)
	}
	s := l.extent(st.Out)
	s.First = Term{Kind: shortcuts[st.Kind], X: x, Depth: int32(storedChannels(from)), Before: int32(before)}
	l.define(st.Out, expression{Source: s})
	return nil
}
