package ptx

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestVerifyFindsEveryChange(t *testing.T) {
	flags := Compilers[0].For(leastTarget).String()
	for _, test := range []struct {
		name   string
		change func(folder string)
		want   string
	}{
		{"nothing", func(string) {}, ""},
		{"the kernel", func(f string) { write(t, filepath.Join(f, "k.cu"), "#include \"a.h\"\nchanged") }, "not of the present sources"},
		{"a header of a header", func(f string) { write(t, filepath.Join(f, "b.h"), "changed") }, "not of the present sources"},
		{"the recorded flags", func(f string) {
			text, _ := os.ReadFile(filepath.Join(f, "k.ptx"))
			write(t, filepath.Join(f, "k.ptx"), strings.Replace(string(text), "-O3", "-O1", 1))
		}, "none of our command lines"},
		{"the target", func(f string) {
			write(t, filepath.Join(f, "b.h"), "// Needs sm_80: a test\n")
		}, "none of our command lines"},
		{"a header that no kernel includes", func(f string) { write(t, filepath.Join(f, "c.h"), "new") }, ""},
		{"no PTX", func(f string) { os.Remove(filepath.Join(f, "k.ptx")) }, "has no PTX"},
		{"PTX without a source", func(f string) { write(t, filepath.Join(f, "old.ptx"), "") }, "has no source"},
		{"a header that is gone", func(f string) { os.Remove(filepath.Join(f, "b.h")) }, "b.h"},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := t.TempDir()
			write(t, filepath.Join(f, "k.cu"), "#include \"a.h\"\n")
			write(t, filepath.Join(f, "a.h"), "#include \"b.h\"\n#include \"a.h\"\n")
			write(t, filepath.Join(f, "b.h"), "int b;\n")
			header, err := Header(filepath.Join(f, "k.cu"), flags)
			if err != nil {
				t.Fatal(err)
			}
			write(t, filepath.Join(f, "k.ptx"), header+".version 7.8\n")
			test.change(f)
			err = VerifyFolder(f)
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("%v, want %q", err, test.want)
			}
		})
	}
}

func TestTargetIsTheHighestThatSourcesAskFor(t *testing.T) {
	f := t.TempDir()
	kernel := filepath.Join(f, "k.cu")
	write(t, kernel, "#include \"a.h\"\n// Needs sm_75: one thing\n")
	for header, want := range map[string]string{
		"": "sm_75", "// Needs sm_80: another\n": "sm_80", "// Needs sm_70: another\n": "sm_75", "int x; // Needs sm_90: no line of its own\n": "sm_75",
	} {
		write(t, filepath.Join(f, "a.h"), header)
		if got, err := Target(kernel); got != want || err != nil {
			t.Errorf("with a header %q: %s, %v; want %s", header, got, err, want)
		}
	}
	if _, err := Target(filepath.Join(f, "none.cu")); err == nil {
		t.Error("a kernel that is not there has a target")
	}
}

func TestCommentsAreLeftOut(t *testing.T) {
	const text = "//\n// made\n\n.version 7.8\n\t// begin inline asm\n\tadd.s32 %r1, %r2, 1;  // why\n$L1: // loop\n"
	if got, want := WithoutComments(text), ".version 7.8\n\tadd.s32 %r1, %r2, 1;\n$L1:\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
