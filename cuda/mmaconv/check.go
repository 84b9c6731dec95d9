//go:build gpu

package mmaconv

import (
	"fmt"
	"slices"
)

// want fails if a kind is none of the allowed.
func want(what string, kind TermKind, allowed ...TermKind) error {
	if slices.Contains(allowed, kind) {
		return nil
	}
	return fmt.Errorf("tensor-core convolution: %s is a term of kind %d, which is evaluated in memory only\nstore it first", what, kind)
}

func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func (s Shape) check() error {
	if !s.Supported() {
		return fmt.Errorf("tensor-core convolution: no kernel for %v", s)
	}
	return nil
}

// activation is checked: x, norm(x), relu(norm(x)).
func (s Shape) activation(a Source) error {
	if s.stem() {
		return first(want("the image", a.First.Kind, Tensor), want("the image's second term", a.Second.Kind, None), want("the image's mask", a.Mask.Kind, None), noReLU("the image", a))
	}
	if a.First.Kind == Tensor {
		return first(want("the input's second term", a.Second.Kind, None), want("the input's mask", a.Mask.Kind, None), noReLU("the input", a))
	}
	return first(want("the input", a.First.Kind, Norm, NormReLU), want("the input's mask", a.Mask.Kind, None))
}

func noReLU(what string, a Source) error {
	if a.ReLU != 0 {
		return fmt.Errorf("tensor-core convolution: ReLU of %s that is no batch norm\nstore it first", what)
	}
	return nil
}

// gradient is checked: a tensor or the gradient through a batch norm.
func gradient(a Source) error {
	return first(want("the gradient", a.First.Kind, Tensor, NormGradient), want("the gradient's second term", a.Second.Kind, None),
		want("the gradient's mask", a.Mask.Kind, None), noReLU("the gradient", a))
}

// CheckForward says why the kernel cannot take an input, a result and statistics; nil if it can.
//
// The input is a tensor, Norm or NormReLU, or Norm + second with ReLU, where the second is a Tensor, Norm, Pool or Subsample; the first
// layer takes only a tensor, a projection no second term. The result may be masked by a Tensor or a batch norm, and a Tensor,
// PoolGradient or SubsampleGradient added to it.
func (s Shape) CheckForward(in, out Source, q Statistics) error {
	if err := first(s.check(), s.activation(in), s.epilogue(out, q, s.Out)); err != nil {
		return err
	}
	if in.Second.Kind == None {
		return nil
	}
	allowed := []TermKind{Tensor}
	switch {
	case s.Window == 1:
		allowed = []TermKind{None}
	case s.In > 16:
		allowed = []TermKind{Tensor, Norm, Pool, Subsample}
	}
	if in.First.Kind != Norm || in.ReLU == 0 {
		return fmt.Errorf("tensor-core convolution: an input of two terms is a batch norm plus a shortcut, with ReLU\nstore it first")
	}
	if in.Second.Kind >= Pool && (int(in.Second.Depth) != s.In/2 || in.Second.Before%8 != 0) {
		return fmt.Errorf("tensor-core convolution: a shortcut of %d channels from channel %d on in %d", in.Second.Depth, in.Second.Before, s.In)
	}
	return want("the input's second term", in.Second.Kind, allowed...)
}

// CheckBackward says why the kernel cannot take a gradient, a result and statistics; nil if it can. The gradient is a Tensor or a
// NormGradient; the rest is as CheckForward's.
func (s Shape) CheckBackward(in, out Source, q Statistics) error {
	if s.stem() {
		return fmt.Errorf("tensor-core convolution: the first layer has no gradient of its input")
	}
	return first(s.check(), gradient(in), s.epilogue(out, q, s.In))
}

func (s Shape) epilogue(out Source, q Statistics, channels int) error {
	if q.Kind < NoStatistics || q.Kind > Sums {
		return fmt.Errorf("tensor-core convolution: statistics of kind %d", q.Kind)
	}
	if t := out.Second; t.Kind >= PoolGradient && (t.Before%8 != 0 || t.Depth%8 != 0 || int(t.Before)+channels > int(t.Depth)) {
		return fmt.Errorf("tensor-core convolution: channels %d to %d of a shortcut's gradient of %d channels", t.Before, int(t.Before)+channels, t.Depth)
	}
	return first(noReLU("the result", out), want("the result's second term", out.Second.Kind, None, Tensor, PoolGradient, SubsampleGradient),
		want("the result's mask", out.Mask.Kind, None, Tensor, Norm, NormReLU))
}

// CheckWeights says why the kernel cannot take an activation and a gradient; nil if it can. x is a tensor, Norm or NormReLU (of the first
// layer a tensor), dy a Tensor or a NormGradient.
func (s Shape) CheckWeights(x, dy Source) error {
	return first(s.check(), s.activation(x), want("x's second term", x.Second.Kind, None), gradient(dy))
}
