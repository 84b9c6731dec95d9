package run

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"longtail/data"
	"longtail/internal/fail"
)

// What a network is told of its images comes back as it was; any change is noticed, and so is the record of another run.
func TestInputIsSealed(t *testing.T) {
	dir := t.TempDir()
	set := &data.Set{Name: "x", Classes: []string{"a", "b"}, Channels: 3, Height: 40, Width: 48, Mean: []float64{.1, .2, .3}, Deviation: []float64{.3, .3, .3}}
	in, err := set.NewInput(data.StandardInput)
	if err != nil {
		t.Fatal(err)
	}
	want := NewInput(set, in)
	text, err := want.Encode("print")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, InputFile)
	write := func(content string) {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := ReadInput(dir, "print"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	write(string(text))
	got, err := ReadInput(dir, "print")
	if err != nil {
		t.Fatal(err)
	}
	if got.Data() != in {
		t.Errorf("%v became %v", in, got.Data())
	}
	if m := got.Images(2); m.ImageBytes() != 3*40*48 || m.Len() != 2 || m.Classes != 2 {
		t.Error(m.ImageBytes(), m.Len(), m.Classes)
	}
	if got.Seal = ""; !reflect.DeepEqual(*got, want) || got.Background != White {
		t.Errorf("%+v became %+v", want, got)
	}
	for name, damaged := range map[string]string{
		"a size":     strings.Replace(string(text), `"height": 40`, `"height": 44`, 1),
		"a class":    strings.Replace(string(text), `"b"`, `"c"`, 1),
		"a version":  strings.Replace(string(text), `"version": 1`, `"version": 2`, 1),
		"no JSON":    string(text[:len(text)/2]),
		"no seal":    strings.Replace(string(text), `"seal": "`, `"seal": "0`, 1),
		"other keys": strings.Replace(string(text), `"border"`, `"boarder"`, 1),
	} {
		write(damaged)
		if _, err := ReadInput(dir, "print"); fail.Code(err) != fail.CodeData || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", name, err)
		}
	}
	write(string(text))
	if _, err := ReadInput(dir, "another"); err == nil {
		t.Error("the record of another run is taken")
	}
}
