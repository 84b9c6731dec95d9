package ops

import (
	"fmt"
	"slices"

	"gorgonia.org/tensor"
)

type shapes = []tensor.Shape

// want checks the numbers of dimensions of the inputs.
func want(in shapes, dims ...int) error {
	if err := wantCount(in, len(dims)); err != nil {
		return err
	}
	for i, d := range dims {
		if in[i].Dims() != d {
			return fmt.Errorf("input %d wants %d dimensions, has shape %v", i, d, in[i])
		}
	}
	return nil
}

func wantCount(in shapes, count int) error {
	if len(in) != count {
		return fmt.Errorf("wants %d inputs, got %d", count, len(in))
	}
	return nil
}

// wantSide checks that axis i of input a is as long as axis j of input b.
func wantSide(in shapes, a, i, b, j int) error {
	if in[a][i] != in[b][j] {
		return fmt.Errorf("axis %d of input %d and axis %d of input %d differ: %v and %v", i, a, j, b, in[a], in[b])
	}
	return nil
}

// wantPositive checks the sides of a result that the inputs do not tell.
func wantPositive(sides ...int) error {
	for _, s := range sides {
		if s < 1 {
			return fmt.Errorf("cannot make a side of %d", s)
		}
	}
	return nil
}

// wantEqual checks that two inputs have the same shape. (Shape.Eq will not do: to it [N] and [N, 1] are equal.)
func wantEqual(in shapes, a, b int) error {
	if !slices.Equal(in[a], in[b]) {
		return fmt.Errorf("inputs %d and %d must have one shape, have %v and %v", a, b, in[a], in[b])
	}
	return nil
}

// wantChannels checks that an input holds C values, or [2, C].
func wantChannels(in shapes, i, c int) error {
	s := in[i]
	if s[s.Dims()-1] != c || s.Dims() == 2 && s[0] != 2 || s.Dims() > 2 {
		return fmt.Errorf("input %d wants %d channels, has shape %v", i, c, s)
	}
	return nil
}

// sameAs is the shape rule of operations whose result looks like input i and whose inputs all have that shape.
func sameAs(count int) func(Attrs, []tensor.Shape) (tensor.Shape, error) {
	return func(_ Attrs, in []tensor.Shape) (tensor.Shape, error) {
		if err := wantCount(in, count); err != nil {
			return nil, err
		}
		for i := 1; i < count; i++ {
			if err := wantEqual(in, 0, i); err != nil {
				return nil, err
			}
		}
		return in[0].Clone(), nil
	}
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
