package device

import (
	"strings"
	"testing"

	"longtail/internal/fail"
)

// limited is a backend that may lack a precision of its driver.
type limited struct {
	Backend
	info   Info
	closed int
}

func (b *limited) Info() Info { return b.info }

func (b *limited) Close() error {
	b.closed++
	return nil
}

func TestPrecisionOfADeviceThatLacksOne(t *testing.T) {
	old := Info{Description: "an old GPU", Precisions: []Precision{FP32}, Lacks: "it is too old"}
	for _, test := range []struct {
		info        Info
		asked, want string // want: the precision, or what the error says
		code        int
	}{
		{Info{}, "auto", "mixed", 0},
		{Info{}, "fp32", "fp32", 0},
		{old, "auto", "fp32", 0},
		{old, "fp32", "fp32", 0},
		{old, "mixed", "precision=mixed is not for an old GPU: it is too old\nuse precision=fp32", fail.CodeDevice},
		{Info{}, "fp8", "precision=fp8 is not for the device gpu", fail.CodeUsage},
	} {
		b := &limited{info: test.info}
		d, err := Driver{Name: "gpu", Precisions: []Precision{Mixed, FP32}, Open: func(Options) (Backend, error) { return b, nil }}.open(test.asked, "", Options{})
		switch {
		case test.code == 0 && (err != nil || string(d.Precision) != test.want || b.closed != 0):
			t.Errorf("%s: %+v, %v; want %s", test.asked, d, err, test.want)
		case test.code != 0 && (fail.Code(err) != test.code || !strings.Contains(err.Error(), test.want)):
			t.Errorf("%s: %v, want %q", test.asked, err, test.want)
		case test.code == fail.CodeDevice && b.closed != 1:
			t.Errorf("%s: closed %d times", test.asked, b.closed)
		}
	}
}
