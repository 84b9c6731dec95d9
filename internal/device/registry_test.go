package device

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"longtail/internal/fail"
	"longtail/internal/plan"
)

// limited is a backend that may lack a precision of its driver.
type limited struct {
	Backend
	info   Info
	closed int
	lacks  []Precision // what Check refuses
}

func (b *limited) Check(_ *plan.Program, precision Precision) error {
	if slices.Contains(b.lacks, precision) {
		return errors.New("it has no kernels for " + string(precision))
	}
	return nil
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

// A precision that is left open becomes one that the device has for the program; one that is asked for stays.
func TestPrecisionForAProgram(t *testing.T) {
	for _, test := range []struct {
		asked string
		lacks []Precision
		want  Precision
	}{
		{"auto", nil, Mixed},
		{"auto", []Precision{Mixed}, FP32},
		{"auto", []Precision{FP32}, Mixed},
		{"auto", []Precision{Mixed, FP32}, Mixed},
		{"mixed", []Precision{Mixed}, Mixed},
		{"fp32", []Precision{FP32}, FP32},
	} {
		b := &limited{lacks: test.lacks}
		d, err := Driver{Name: "gpu", Precisions: []Precision{Mixed, FP32}, Open: func(Options) (Backend, error) { return b, nil }}.open(test.asked, "", Options{})
		if err != nil {
			t.Fatal(err)
		}
		opened := d.Precision
		if got := d.For(nil); got.Precision != test.want || d.Precision != opened {
			t.Errorf("%s without %v: %s, and %s became %s; want %s", test.asked, test.lacks, got.Precision, opened, d.Precision, test.want)
		}
	}
}
