//go:build gpu

package cuda

import (
	"errors"
	"fmt"
	"math"

	"longtail/cuda/driver"
	"longtail/cuda/lower"
	"longtail/internal/device"

	"gorgonia.org/tensor"
)

// store holds what lives as long as a run: parameters, momenta and running moments, by name. Training and evaluation sessions
// share one. A tensor of four dimensions, a convolution's weights [O, I, K, K], lies on the device as [K, K, I, O].
type store struct {
	context *driver.Context
	values  map[string]*storedTensor
	users   int
}

type storedTensor struct {
	shape tensor.Shape // logical
	at    driver.Ptr
	half  driver.Ptr // fp16 copy of a convolution's weights, or 0
}

func newStore(c *driver.Context) *store {
	return &store{context: c, values: map[string]*storedTensor{}}
}

// shapes of the tensors, by name.
func (s *store) shapes() map[string]tensor.Shape {
	shapes := map[string]tensor.Shape{}
	for name, t := range s.values {
		shapes[name] = t.shape
	}
	return shapes
}

// need makes room for the tensors of a schedule that are not there yet, all zeros, and returns all of them in its order.
func (s *store) need(stream *countingStream, wanted []lower.Stored) ([]*storedTensor, error) {
	shapes := map[string]tensor.Shape{}
	for _, w := range wanted {
		shapes[w.Name] = w.Shape
	}
	if err := device.CheckShared(s.shapes(), shapes); err != nil {
		return nil, err
	}
	all := make([]*storedTensor, len(wanted))
	for i, w := range wanted {
		t, err := s.add(stream, w)
		if err != nil {
			return nil, err
		}
		all[i] = t
	}
	return all, stream.Synchronize()
}

// add makes room for a tensor, or for the fp16 copy of one that is there.
func (s *store) add(stream *countingStream, w lower.Stored) (*storedTensor, error) {
	t, size := s.values[w.Name], int64(w.Shape.TotalSize())
	var err error
	if t == nil {
		t = &storedTensor{shape: w.Shape.Clone()}
		if t.at, err = s.context.Alloc(4*size, w.Name); err != nil {
			return nil, err
		}
		s.values[w.Name] = t
		if err := stream.Fill32(t.at, 0, size); err != nil {
			return nil, err
		}
	}
	if !w.Half || t.half != 0 {
		return t, nil
	}
	values := make([]float32, size)
	if err := download(stream, values, t.at); err != nil {
		return nil, err
	}
	if t.half, err = s.context.Alloc(2*size, "the fp16 copy of "+w.Name); err != nil {
		return nil, err
	}
	return t, t.copyHalf(stream, values)
}

// copyHalf rounds values, in the order of the device, to the fp16 copy.
func (t *storedTensor) copyHalf(stream *countingStream, values []float32) error {
	halves := make([]uint16, len(values))
	for i, v := range values {
		halves[i] = halfBits(v)
	}
	return upload(stream, t.half, halves)
}

// load copies every tensor of the store out of a state.
func (s *store) load(stream *countingStream, state device.State) error {
	if err := device.CheckState(s.shapes(), state); err != nil {
		return err
	}
	for name, t := range s.values {
		values := toDevice(state[name].Data().([]float32), t.shape)
		err := upload(stream, t.at, values)
		if err == nil && t.half != 0 {
			err = t.copyHalf(stream, values)
		}
		if err != nil {
			return fmt.Errorf("loading %s: %w", name, err)
		}
	}
	return nil
}

func (s *store) save(stream *countingStream) (device.State, error) {
	state := device.State{}
	for name, t := range s.values {
		values := make([]float32, t.shape.TotalSize())
		if err := download(stream, values, t.at); err != nil {
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
