package lower

import (
	"fmt"
	"slices"
)

// want returns an error if a kind is none of the allowed.
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

func (s MMAShape) check() error {
	if !s.Supported() {
		return fmt.Errorf("tensor-core convolution: no kernel for %v", s)
	}
	return nil
}

// activation checks x, norm(x) or relu(norm(x)).
func (s MMAShape) activation(a Source) error {
	if s.stem() {
		return first(want("the image", a.First.Kind, TermTensor), want("the image's second term", a.Second.Kind, TermNone), want("the image's mask", a.Mask.Kind, TermNone), noReLU("the image", a))
	}
	if a.First.Kind == TermTensor {
		return first(want("the input's second term", a.Second.Kind, TermNone), want("the input's mask", a.Mask.Kind, TermNone), noReLU("the input", a))
	}
	return first(want("the input", a.First.Kind, TermNorm, TermNormReLU), want("the input's mask", a.Mask.Kind, TermNone))
}

func noReLU(what string, a Source) error {
	if a.ReLU != 0 {
		return fmt.Errorf("tensor-core convolution: ReLU of %s, which is no batch norm\nstore it first", what)
	}
	return nil
}

// gradient checks a tensor or the gradient through a batch norm.
func gradient(a Source) error {
	return first(want("the gradient", a.First.Kind, TermTensor, TermNormGradient), want("the gradient's second term", a.Second.Kind, TermNone),
		want("the gradient's mask", a.Mask.Kind, TermNone), noReLU("the gradient", a))
}

// CheckForward returns an error that says why the kernel cannot take an input, a result and statistics.
//
// The input is a TermTensor, TermNorm or TermNormReLU, or TermNorm + second with ReLU, where the second is a TermTensor, TermNorm, TermPool or
// TermSubsample; the first layer takes only a TermTensor, a projection no second term. The result may be masked by a TermTensor or a batch
// norm, and a TermTensor, TermPoolGradient or TermSubsampleGradient added to it. Statistics are moments.
func (s MMAShape) CheckForward(in, out Source, q Statistics) error {
	if err := first(s.check(), s.activation(in), s.epilogue(out, s.Out), statistics(q, StatisticsMoments)); err != nil {
		return err
	}
	if in.Second.Kind == TermNone {
		return nil
	}
	allowed := []TermKind{TermTensor}
	switch {
	case s.Window == 1:
		allowed = []TermKind{TermNone}
	case s.In > 16:
		allowed = []TermKind{TermTensor, TermNorm, TermPool, TermSubsample}
	}
	if in.First.Kind != TermNorm || in.ReLU == 0 {
		return fmt.Errorf("tensor-core convolution: an input of two terms is a batch norm plus a shortcut, with ReLU\nstore it first")
	}
	if in.Second.Kind >= TermPool && (int(in.Second.Depth) != s.In/2 || in.Second.Before%8 != 0) {
		return fmt.Errorf("tensor-core convolution: a shortcut of %d channels from channel %d on in %d", in.Second.Depth, in.Second.Before, s.In)
	}
	return want("the input's second term", in.Second.Kind, allowed...)
}

// CheckBackward returns an error that says why the kernel cannot take a gradient, a result and statistics. The gradient is a TermTensor or a
// TermNormGradient, statistics are sums; the rest is as CheckForward's.
func (s MMAShape) CheckBackward(in, out Source, q Statistics) error {
	if s.stem() {
		return fmt.Errorf("tensor-core convolution: the first layer has no gradient of its input")
	}
	return first(s.check(), gradient(in), s.epilogue(out, s.In), statistics(q, StatisticsSums))
}

func statistics(q Statistics, allowed StatisticsKind) error {
	if q.Kind != StatisticsNone && q.Kind != allowed {
		return fmt.Errorf("tensor-core convolution: statistics of kind %d, which another kernel sums\nstore the result first", q.Kind)
	}
	return nil
}

func (s MMAShape) epilogue(out Source, channels int) error {
	if t := out.Second; t.Kind >= TermPoolGradient && (t.Before%8 != 0 || t.Depth%8 != 0 || int(t.Before)+channels > int(t.Depth)) {
		return fmt.Errorf("tensor-core convolution: channels %d to %d of a shortcut's gradient of %d channels", t.Before, int(t.Before)+channels, t.Depth)
	}
	return first(noReLU("the result", out), want("the result's second term", out.Second.Kind, TermNone, TermTensor, TermPoolGradient, TermSubsampleGradient),
		want("the result's mask", out.Mask.Kind, TermNone, TermTensor, TermNorm, TermNormReLU))
}

// CheckWeights returns an error that says why the kernel cannot take an activation and a gradient. x is a TermTensor, TermNorm or
// TermNormReLU (of the first layer a TermTensor), dy a TermTensor or a TermNormGradient.
func (s MMAShape) CheckWeights(x, dy Source) error {
	return first(s.check(), s.activation(x), want("x's second term", x.Second.Kind, TermNone), gradient(dy))
}
