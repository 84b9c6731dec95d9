package lower

import (
	"longtail/internal/device"
	"longtail/internal/plan"
)

// portionSize is how many numbers a block of update.cu takes.
const portionSize = 1024

// finish ends a step: the update in training, the step counter otherwise.
func (l *lowering) finish() error {
	if !l.p.Train {
		l.launch(Launch{
			Kernel: "advance", Module: "rows", Why: "count", Grid: Dim{1, 1, 1}, Threads: 1, Arguments: AdvanceParameters{l.schedule.Control},
		})
		return nil
	}
	var segments []Segment
	for _, u := range l.p.Params {
		if u.Gradient == plan.None {
			continue
		}
		s, err := l.parameterSegment(u)
		if err != nil {
			return err
		}
		segments = append(segments, s)
	}
	for _, st := range l.p.Stats {
		segments = append(segments, l.runningSegment(st))
	}
	var portions []Portion
	for i, s := range segments {
		for begin := int32(0); begin < s.N; begin += portionSize {
			portions = append(portions, Portion{int32(i), begin})
		}
	}
	return l.update(segments, portions)
}

// parameterSegment is a parameter's part in the update.
func (l *lowering) parameterSegment(u plan.ParamUse) (s Segment, err error) {
	v := &l.p.Values[u.Value]
	s = Segment{W: l.tensors[v.Name], V: l.tensors[device.MomentumPrefix+v.Name], N: int32(v.Shape.TotalSize()), Slices: 1, Factor: 1}
	if u.Decay {
		s.DecayFactor = l.p.WeightDecay
	}
	if l.schedule.Tensors[s.W.Index].Half {
		s.Copy = Ref{Space: InStoreHalf, Index: s.W.Index}
	}
	if g := l.gradients[u.Gradient]; g != nil {
		s.Parts, s.G, s.Slices, s.Factor = g.parts, g.sum, int32(g.slices), g.factor
		return s, nil
	}
	s.Parts, err = l.smallRef(u.Gradient)
	return s, err
}

// runningSegment moves running moments towards those of the batch, the variance made unbiased.
func (l *lowering) runningSegment(st plan.StatUse) Segment {
	return Segment{
		W: l.tensors[device.RunningPrefix+st.Name], Parts: l.values[st.Batch].at, N: int32(l.p.Values[st.Batch].Shape.TotalSize()),
		Slices: 1, Factor: 1, DecayFactor: float32(float64(st.Count) / float64(max(st.Count-1, 1))),
	}
}

func (l *lowering) update(segments []Segment, portions []Portion) (err error) {
	a := UpdateParameters{Control: l.schedule.Control, Ticket: l.ticket(), Momentum: l.p.Momentum, Keep: l.p.RunningKeep, Nesterov: toInt(l.p.Nesterov)}
	if a.Segments, err = l.table("segments of the update", segments); err != nil {
		return err
	}
	if a.Portions, err = l.table("portions of the update", portions); err != nil {
		return err
	}
	l.launch(Launch{Kernel: "update", Module: "update", Why: "update", Grid: Dim{len(portions), 1, 1}, Threads: 256, Arguments: a})
	return nil
}
