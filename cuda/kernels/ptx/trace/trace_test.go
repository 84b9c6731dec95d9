package trace

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCompare(t *testing.T) {
	read := func(text string) []Launch {
		file := filepath.Join(t.TempDir(), "trace")
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		launches, err := Read(file)
		if err != nil {
			t.Fatal(err)
		}
		return launches
	}
	want := read("a 01 5\nb 02 6\n")
	for _, test := range []struct{ got, fault string }{
		{"a 01 5\nb 02 6\n", ""},
		{"a 01 5\nb 03 6\n", "launch 2, of b, leaves other bits"},
		{"a 01 5\nb 02 7\n", "launch 2, of b, has other barriers"},
		{"b 02 6\na 01 5\n", ""},
		{"a 01 5\nb 02 6\nb 02 6\n", "launch 3, of b"},
		{"a 01 5\n", "1 launches, want 2"},
	} {
		err := Compare(want, read(test.got))
		if (err == nil) != (test.fault == "") || err != nil && !strings.Contains(err.Error(), test.fault) {
			t.Errorf("%q: %v, want %q", test.got, err, test.fault)
		}
	}
	if err := Within(read("a 01 5\nb 02 6\n"), read("b 02 6\n")); err != nil {
		t.Error(err)
	}
	if err := Within(read("a 01 5\nb 02 6\n"), read("b 02 5\n")); err == nil {
		t.Error("another launch is within")
	}
}
