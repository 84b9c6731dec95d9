//go:build unix

package cpu

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"longtail/internal/device"
	"longtail/internal/fail"
	"longtail/internal/plan"
)

// A step whose images cannot be read, because their file was cut off after it was mapped, is a data error that names it, whichever thread
// draws them, and changes no parameter. The next step on images that are there is the same as ever.
func TestImagesOfAFileThatWasCutOff(t *testing.T) {
	o := plan.Options{Train: true, Augment: true, Seed: 2, Momentum: 0.9, RunningKeep: 0.9}
	m := randomImages(400)
	o.Samples = m.Len()
	want := imageSession(t, o, false, 8, m)
	path := filepath.Join(t.TempDir(), "images")
	if err := os.WriteFile(path, m.Pixels, 0o666); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if m.Pixels, err = syscall.Mmap(int(f.Fd()), 0, len(m.Pixels), syscall.PROT_READ, syscall.MAP_SHARED); err != nil {
		t.Fatal(err)
	}
	m.File = path
	cut, err := New(2).Open(want.program, device.FP32, m, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer cut.Close()
	initial, err := want.Save()
	if err != nil {
		t.Fatal(err)
	}
	for _, values := range initial {
		for i, all := 0, values.Data().([]float32); i < len(all); i++ {
			all[i] = 0.1 + float32(i*7%11)/50
		}
	}
	if err := os.Truncate(path, 1<<16); err != nil { // 91 images
		t.Fatal(err)
	}
	near, far := []int32{3, 1, 4, 1, 5, 9, 2, 6}, []int32{3, 1, 399, 1, 5, 398, 2, 397}
	for _, s := range []device.Session{want, cut} {
		if err := s.Load(initial); err != nil {
			t.Fatal(err)
		}
		if err := s.Set(plan.LearningRates, []float32{0.1, 0.1}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := cut.Run(far, 0, 1); fail.Code(err) != fail.CodeData || !strings.Contains(err.Error(), path) {
		t.Fatalf("images behind the cut: %v", err)
	}
	if _, err := cut.Run(near, 0, 1); err != nil {
		t.Fatal(err)
	}
	if _, err := want.Run(near, 0, 1); err != nil {
		t.Fatal(err)
	}
	a, errA := cut.Save()
	b, errB := want.Save()
	if errA != nil || errB != nil {
		t.Fatal(errA, errB)
	}
	for name := range b {
		if !slices.Equal(a[name].Data().([]float32), b[name].Data().([]float32)) {
			t.Errorf("%s differs", name)
		}
		if name == "dense.weight" && slices.Equal(b[name].Data().([]float32), initial[name].Data().([]float32)) {
			t.Errorf("%s was not trained", name)
		}
	}
}
