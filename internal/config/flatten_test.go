package config

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFlatten(t *testing.T) {
	got, err := Flatten([]byte("a: 5e1\nb:\n  c: [1, 2.50, x]\n  d: {e: true}\n  f: [{g: 1}]\nh: 1000000\n"))
	want := map[string]string{"a": "50", "b.c": "[1, 2.5, x]", "b.d.e": "true", "b.f": "[{g: 1}]", "h": "1000000"}
	if d := cmp.Diff(want, got); err != nil || d != "" {
		t.Error(err, d)
	}
	for _, bad := range []string{"- 1", "a: [", "a: &x 1\nb: *x\nc: {d: *x}", strings.Repeat("a: {", 40) + strings.Repeat("}", 40), "a: " + strings.Repeat("[", 40) + strings.Repeat("]", 40)} {
		if got, err := Flatten([]byte(bad)); err == nil {
			t.Errorf("%q gives %v", bad, got)
		}
	}
}

func FuzzFlatten(f *testing.F) {
	f.Add([]byte("a: {b: [1, 2]}\n"))
	f.Fuzz(func(t *testing.T, b []byte) { _, _ = Flatten(b) })
}
