//go:build gpu

package cuda

import (
	"errors"
	"fmt"
	"math"

	"longtail/cuda/driver"
	"longtail/internal/device"

	"gorgonia.org/tensor"
)

// store holds what lives as long as a run: parameters, momenta and running moments, by name. Training and evaluation sessions
// share one. A tensor of four dimensions, a convolution's weights [O, I, K, K], lies on the device as [K, K, I, O].
type store struct {
	context *driver.Context
	values  map[string]*tensorInStore
	users   int
}

type tensorInStore struct {
	name  string
	shape tensor.Shape // logical
	at    driver.Ptr
	half  driver.Ptr // fp16 copy of a convolution's weights, or 0
}

func newStore(c *driver.Context) *store {
	return &store{context: c, values: map[string]*tensorInStore{}}
}

// need makes room for a named tensor, or checks that the one that is there has that shape.
func (s *store) need(name string, shape tensor.Shape) (*tensorInStore, error) {
	if have, ok := s.values[name]; ok {
		if !have.shape.Eq(shape) {
			return nil, fmt.Errorf("%s has shape %v in the shared session and %v here", name, have.shape, shape)
		}
		return have, nil
	}
	at, err := s.context.Alloc(int64(shape.TotalSize())*4, name)
	if err != nil {
		return nil, err
	}
	t := &tensorInStore{name: name, shape: shape.Clone(), at: at}
	s.values[name] = t
	return t, nil
}

// needHalf makes room for a 16-bit copy of a tensor.
func (s *store) needHalf(t *tensorInStore) (err error) {
	if t.half == 0 {
		t.half, err = s.context.Alloc(int64(t.shape.TotalSize())*2, "the fp16 copy of "+t.name)
	}
	return err
}

func (s *store) clear(stream *driver.Stream) error {
	for _, t := range s.values {
		if err := stream.Fill32(t.at, 0, int64(t.shape.TotalSize())); err != nil {
			return err
		}
		if t.half != 0 {
			if err := stream.Fill8(t.half, 0, int64(t.shape.TotalSize())*2); err != nil {
				return err
			}
		}
	}
	return stream.Synchronize()
}

// load copies every tensor of the store out of a state.
func (s *store) load(stream *driver.Stream, state device.State) error {
	for name, want := range s.values {
		t, ok := state[name]
		switch {
		case !ok:
			return fmt.Errorf("the state has no %s", name)
		case !t.Shape().Eq(want.shape):
			return fmt.Errorf("%s has shape %v in the state and %v in the program", name, t.Shape(), want.shape)
		}
		if _, ok := t.Data().([]float32); !ok {
			return fmt.Errorf("%s holds %v, not float32", name, t.Dtype())
		}
	}
	for name, want := range s.values {
		values := toDevice(state[name].Data().([]float32), want.shape)
		if err := driver.Upload(stream, want.at, values); err != nil {
			return fmt.Errorf("loading %s: %w", name, err)
		}
		if want.half == 0 {
			continue
		}
		halves := make([]uint16, len(values))
		for i, v := range values {
			halves[i] = halfBits(v)
		}
		if err := driver.Upload(stream, want.half, halves); err != nil {
			return fmt.Errorf("loading %s: %w", name, err)
		}
	}
	return nil
}

func (s *store) save(stream *driver.Stream) (device.State, error) {
	state := device.State{}
	for name, t := range s.values {
		values := make([]float32, t.shape.TotalSize())
		if err := driver.Download(stream, values, t.at); err != nil {
			return nil, fmt.Errorf("saving %s: %w", name, err)
		}
		state[name] = tensor.New(tensor.WithShape(t.shape.Clone()...), tensor.WithBacking(toLogical(values, t.shape)))
	}
	return state, nil
}

// leave frees the tensors when the last session is done with them.
func (s *store) leave() error {
	if s.users--; s.users > 0 {
		return nil
	}
	var errs []error
	for _, t := range s.values {
		errs = append(errs, s.context.Free(t.at), s.context.Free(t.half))
	}
	clear(s.values)
	return errors.Join(errs...)
}

// toDevice turns [O, I, K, K] into [K, K, I, O]; other shapes stay as they are.
func toDevice(v []float32, shape tensor.Shape) []float32 {
	out := make([]float32, len(v))
	eachWeight(shape, func(logical, device int) { out[device] = v[logical] })
	return out
}

// toLogical undoes toDevice.
func toLogical(v []float32, shape tensor.Shape) []float32 {
	out := make([]float32, len(v))
	eachWeight(shape, func(logical, device int) { out[logical] = v[device] })
	return out
}

func eachWeight(shape tensor.Shape, f func(logical, device int)) {
	if shape.Dims() != 4 {
		for i := range shape.TotalSize() {
			f(i, i)
		}
		return
	}
	outs, ins, taps := shape[0], shape[1], shape[2]*shape[3]
	for o := range outs {
		for i := range ins {
			for tap := range taps {
				f((o*ins+i)*taps+tap, (tap*ins+i)*outs+o)
			}
		}
	}
}

// halfBits rounds to fp16, to nearest even.
func halfBits(v float32) uint16 {
	bits := math.Float32bits(v)
	sign := uint16(bits >> 16 & 0x8000)
	a := math.Float32frombits(bits & 0x7fffffff)
	switch {
	case a != a:
		return sign | 0x7e00
	case a >= 65520:
		return sign | 0x7c00
	case a < 0x1p-14:
		return sign | uint16(math.RoundToEven(float64(a)*0x1p24))
	}
	magnitude := bits & 0x7fffffff
	magnitude += 0xfff + magnitude>>13&1
	return sign | uint16((magnitude-(112<<23))>>13)
}
