//go:build gpu

package driver_test

import (
	"bytes"
	"testing"

	"longtail/cuda/driver"
)

func TestPackFollowsCAlignment(t *testing.T) {
	type mixed struct {
		A int16
		B float32
		C driver.Ptr
	}
	got, err := driver.Pack(int32(1), driver.Ptr(2), float32(1), uint64(3), uint32(4), mixed{5, 1, 6}, int64(-1))
	check(t, err)
	want := []byte{
		1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80, 0x3f, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0,
		5, 0, 0, 0, 0, 0, 0x80, 0x3f, 6, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255,
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	for _, a := range []any{1, uint(1), nil, "text", []float32{1}, struct{ P *int }{}, struct{ N int }{}, struct{}{}} {
		if _, err := driver.Pack(a); err == nil {
			t.Errorf("%T is taken", a)
		}
	}
}
