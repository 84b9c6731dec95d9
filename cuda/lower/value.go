package lower

import (
	"fmt"

	"longtail/internal/plan"
)

// value is what lowering knows of a value of the program: where it lies, or how to make it.
type value struct {
	at       Ref          // where it lies; null while it is not stored
	lazy     *expression  // how to make it; nil of what is no activation
	storedBy plan.ValueID // the result of the convolution that stores it while reading it, to be launched before other readers; or None
}

// isLazy reports whether a value is an expression that is not stored.
func (v *value) isLazy() bool { return v.at.IsNull() && v.lazy != nil }

// expression is relu(first + second) where mask > 0. A convolution that is not launched yet may be in place of the first term.
type expression struct {
	Source
	conv *convolution
}

// isTerm reports whether the expression is its first term alone.
func (e *expression) isTerm() bool {
	return e.conv == nil && e.Second.Kind == TermNone && e.Mask.Kind == TermNone && e.ReLU == 0
}

// isTensor reports whether a source is a stored tensor as it is.
func (s *Source) isTensor() bool {
	return s.First.Kind == TermTensor && s.Second.Kind == TermNone && s.Mask.Kind == TermNone && s.ReLU == 0
}

// storedChannels is how many channels an activation of c channels has on the device.
func storedChannels(c int) int { return roundUp(c, 4) }

// suffix of kernels by the storage type of activations.
func (l *lowering) suffix() string {
	if l.mixed {
		return "_f16"
	}
	return "_f32"
}

func (l *lowering) shape(v plan.ValueID) []int { return l.p.Values[v].Shape }

func (l *lowering) name(v plan.ValueID) string { return l.p.Values[v].Name }

// extent is the size of an activation as a Source without terms.
func (l *lowering) extent(v plan.ValueID) Source {
	s := l.shape(v)
	return Source{Height: int32(s[2]), Width: int32(s[3]), Channels: int32(storedChannels(s[1]))}
}

// sized is a source without terms, of the same size.
func (s Source) sized() Source { return Source{Height: s.Height, Width: s.Width, Channels: s.Channels} }

// stored is a stored tensor as a source of some size.
func stored(extent Source, at Ref) Source {
	s := extent.sized()
	s.First = Term{Kind: TermTensor, X: at}
	return s
}

// define makes a value an expression.
func (l *lowering) define(v plan.ValueID, e expression) { l.values[v].lazy = &e }

// storeResult makes room for a value that the next launch stores as it is.
func (l *lowering) storeResult(v plan.ValueID) Ref {
	extent := l.extent(v)
	l.define(v, expression{Source: extent})
	l.values[v].at = l.activation(l.name(v), extent)
	return l.values[v].at
}

// smallRef is where a value that is no activation lies: parameters, moments, sums, rows.
func (l *lowering) smallRef(v plan.ValueID) (Ref, error) {
	base, offset := l.p.Locate(v)
	if l.values[base].at.IsNull() {
		return Ref{}, fmt.Errorf("value %d (%s) is not ready", v, l.name(v))
	}
	return l.values[base].at.Add(4 * int64(offset)), nil
}

func (l *lowering) smallRefs(values []plan.ValueID, to ...*Ref) (err error) {
	for i, v := range values {
		if *to[i], err = l.smallRef(v); err != nil {
			return err
		}
	}
	return nil
}

// materialize is where an activation lies, stored now if it was not.
func (l *lowering) materialize(v plan.ValueID) (Ref, error) {
	value := &l.values[v]
	switch {
	case !value.at.IsNull() && value.storedBy != plan.None:
		if _, err := l.materialize(value.storedBy); err != nil {
			return Ref{}, err
		}
	case !value.at.IsNull():
	case value.lazy == nil:
		return Ref{}, fmt.Errorf("value %d (%s) is not ready", v, l.name(v))
	case value.lazy.conv != nil:
		l.convolve(v, Statistics{})
	default:
		value.at = l.activation(l.name(v), value.lazy.Source)
		l.pointwise(value.lazy.Source, value.at, l.name(v))
	}
	return value.at, nil
}

// pointwise launches the kernel that stores a source and does nothing else.
func (l *lowering) pointwise(s Source, to Ref, why string) {
	if isWide(s) {
		l.widePointwise(s, to, why)
		return
	}
	quads := l.p.Batch * int(s.Height*s.Width*s.Channels) / 4
	l.launch(Launch{
		Kernel: "pointwise" + l.suffix(), Module: "pointwise", Why: why, Grid: Dim{min(1024, CeilDiv(quads, 256)), 1, 1}, Threads: 256,
		Arguments: PointwiseParameters{s, int32(l.p.Batch), to},
	})
}

// source is how a kernel that takes one term reads an activation: from memory if it is there, otherwise by its expression, unless that is
// a convolution or has two terms, which only the kernel that stores it should read.
func (l *lowering) source(v plan.ValueID) (Source, error) {
	value := &l.values[v]
	if value.isLazy() && value.lazy.isTerm() {
		return value.lazy.Source, nil
	}
	at, err := l.materialize(v)
	return stored(l.extent(v), at), err
}

// term is an activation as a second term or a mask.
func (l *lowering) term(v plan.ValueID) (Term, error) {
	value := &l.values[v]
	if value.isLazy() && value.lazy.isTerm() && value.lazy.First.Kind != TermNormGradient {
		return value.lazy.First, nil
	}
	at, err := l.materialize(v)
	return Term{Kind: TermTensor, X: at}, err
}

// extend is an activation as an expression that can get a ReLU or a mask, and a second term if secondToo is set. A convolution goes only to
// its one reader.
func (l *lowering) extend(v plan.ValueID, secondToo bool) (expression, error) {
	value := &l.values[v]
	e := value.lazy
	if !value.isLazy() || e.ReLU != 0 || e.Mask.Kind != TermNone || secondToo && e.Second.Kind != TermNone || e.conv != nil && l.readers[v] > 1 {
		at, err := l.materialize(v)
		return expression{Source: stored(l.extent(v), at)}, err
	}
	return *e, nil
}
