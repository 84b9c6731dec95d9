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

// The place of a run may change without its fingerprint, nothing else may: what a command prints of a run is sealed.
func TestFingerprint(t *testing.T) {
	of := func(text string) string {
		t.Helper()
		s, err := Fingerprint([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	base := of("seed: 1\ndata: {split_file: \"\"}\nout: a\ndevice: cpu\n")
	for text, same := range map[string]bool{
		"out: b\ndevice: cuda\ndata: {split_file: ''}\nseed: 1.0\n": true,
		"seed: 2\ndata: {split_file: \"\"}\n":                       false,
		"seed: 1\ndata: {split_file: 2\"}\n":                        false,
		"seed: 1\n":                                                 false,
	} {
		if (of(text) == base) != same {
			t.Errorf("%q", text)
		}
	}
}
