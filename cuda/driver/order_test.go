//go:build gpu

package driver_test

import (
	"errors"
	"strings"
	"testing"

	"longtail/cuda/cudatest"
	"longtail/cuda/driver"
	"longtail/cuda/kernels/testkernels"
)

// Work on two streams that touches the same memory must be ordered by an event, by a wait of the host, or by a graph's dependencies.
func TestMissingOrderBetweenStreamsIsCaught(t *testing.T) {
	checkedEmulator(t)
	t.Setenv("EMULATOR_QUIET", "1")
	c, s := cudatest.Open(t)
	other, err := c.NewStream()
	check(t, err)
	defer other.Close()
	var fork, join *driver.Event
	for _, e := range []**driver.Event{&fork, &join} {
		*e, err = c.NewEvent()
		check(t, err)
		defer (*e).Close()
	}
	saxpy := cudatest.Kernel(t, c, testkernels.Basic, "saxpy")
	x, y := cudatest.Upload(t, s, make([]float32, 64)), cudatest.Upload(t, s, make([]float32, 64))
	write := func(on *driver.Stream, p driver.Ptr) error { return on.Fill32(p, 0, 64) }
	add := func(on *driver.Stream, from, to driver.Ptr) error {
		return saxpy.Launch(on, driver.D1(1), driver.D1(64), 0, int32(64), float32(1), from, to)
	}
	captured := func(body func() error) error {
		g, err := s.Capture(func() error {
			return errors.Join(fork.Record(s), other.Wait(fork), body(), join.Record(other), s.Wait(join))
		})
		if err != nil {
			return err
		}
		defer g.Close()
		return errors.Join(g.Launch(s), g.Launch(s))
	}
	for _, test := range []struct {
		name string
		do   func() error
		want string // part of the error; empty: correct
	}{
		{"read after write", func() error { return errors.Join(write(s, x), add(other, x, y)) }, "saxpy"},
		{"write after read", func() error { return errors.Join(add(s, x, y), write(other, x)) }, "a fill writes sector 0 of an allocation of 256 bytes, which saxpy read"},
		{"write after write", func() error { return errors.Join(write(s, x), write(other, x)) }, "which a fill wrote"},
		{"both read", func() error { return errors.Join(s.Copy(y, x, 4), other.Copy(y.Add(128), x, 4)) }, ""},
		{"ordered by an event", func() error {
			return errors.Join(write(s, x), fork.Record(s), other.Wait(fork), add(other, x, y))
		}, ""},
		{"an event recorded too early", func() error {
			return errors.Join(fork.Record(s), write(s, x), other.Wait(fork), add(other, x, y))
		}, "no stream, event or wait orders the two"},
		{"ordered by the host", func() error { return errors.Join(write(s, x), s.Synchronize(), add(other, x, y)) }, ""},
		{"branches of a graph on memory of their own", func() error {
			return captured(func() error { return errors.Join(write(s, x), write(other, y)) })
		}, ""},
		{"branches of a graph on the same memory", func() error {
			return captured(func() error { return errors.Join(write(s, x), add(other, x, y)) })
		}, "which a fill wrote"},
		{"a branch that is joined before its result is used", func() error {
			return captured(func() error {
				return errors.Join(write(other, y), join.Record(other), s.Wait(join), add(s, x, y))
			})
		}, ""},
		{"a graph after other work without order", func() error {
			return errors.Join(write(other, x), captured(func() error { return write(s, x) }))
		}, "which a fill wrote"},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := test.do()
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("%v, want %q", err, test.want)
			}
			check(t, c.Synchronize())
		})
	}
}
