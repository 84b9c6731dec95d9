package bench

import (
	"os"
	"path/filepath"
	"testing"
)

func TestRecordsAreKeptOnceForEachKind(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("HOME", t.TempDir())
	if all := Records(); len(all) != 0 {
		t.Errorf("%v", all)
	}
	for _, rate := range []float64{1, 2, 3} {
		for _, model := range []string{"resnet8", "resnet32"} {
			if err := Keep(Measurement{Model: model, Precision: "fp32", Batch: 8, Runs: 2, ImagesPS: rate}, "cpu"); err != nil {
				t.Fatal(err)
			}
		}
	}
	all := Records()
	if len(all) != 2 || all[1].Model != "resnet32" || all[1].ImagesPS != 3 || all[0].Device != "cpu" || all[0].Runs != 2 {
		t.Errorf("%+v", all)
	}
	path, err := recordPath()
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"", "{", `[{"images_per_s": -1, "runs": 1}]`, `[{"images_per_s": 1, "runs": 0}]`} {
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		if all := Records(); len(all) != 0 {
			t.Errorf("%q: %+v", text, all)
		}
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	t.Setenv("XDG_CACHE_HOME", file)
	t.Setenv("HOME", file)
	if err := Keep(Measurement{ImagesPS: 1, Runs: 1}, "cpu"); err == nil {
		t.Error("no error without a cache folder")
	}
}
