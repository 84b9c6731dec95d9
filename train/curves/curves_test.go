package curves

import (
	"os"
	"path/filepath"
	"testing"

	"longtail/internal/cpu"
	"longtail/internal/device"
	"longtail/internal/fail"
)

// Every golden case must come out within the bounds of float32 on the CPU backend.
func TestGoldenCurvesOnCPU(t *testing.T) {
	for _, c := range Golden() {
		t.Run(c.String(), func(t *testing.T) {
			d, err := c.Run(&device.Device{Backend: cpu.New(0), Precision: device.FP32}, FP32)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("largest deviations: loss %.2g, gradient norms %.2g, logits %.2g", d.Loss, d.Gradient, d.Logits)
			if !d.OK() {
				t.Errorf("out of bounds %+v", d.Want)
			}
		})
	}
}

// The networks for large images, and one of CIFAR's at 64 pixels.
func TestCurvesOfLargeNetworksOnCPU(t *testing.T) {
	if testing.Short() {
		t.Skip("ten seconds of processor time")
	}
	cases, err := Read("testdata/models.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		t.Run(c.String(), func(t *testing.T) {
			d, err := c.Run(&device.Device{Backend: cpu.New(0), Precision: device.FP32}, FP32)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("largest deviations: loss %.2g, gradient norms %.2g, logits %.2g", d.Loss, d.Gradient, d.Logits)
			if !d.OK() {
				t.Errorf("out of bounds %+v", d.Want)
			}
		})
	}
}

// A case whose numbers are wrong must be found out: the comparison is able to fail.
func TestWrongCurvesAreFound(t *testing.T) {
	for name, spoil := range map[string]func(*Case){
		"loss":          func(c *Case) { c.Losses[1] *= 1.01 },
		"gradient norm": func(c *Case) { c.GradientNorms[3] *= 1.02 },
		"logits":        func(c *Case) { c.LogitsSumSq *= 1.01 },
		"class weights": func(c *Case) { c.Beta = 0.9 },
		"learning rate": func(c *Case) { c.LR *= 1.5 },
	} {
		c := Golden()[1]
		c.Losses = c.Losses[:3]
		spoil(&c)
		d, err := c.Run(&device.Device{Backend: cpu.New(0), Precision: device.FP32}, FP32)
		if err != nil {
			t.Fatal(err)
		}
		if d.OK() {
			t.Errorf("a wrong %s went unnoticed: %+v", name, d)
		}
	}
}

// What tells the cases of other methods apart counts: without it, or with another value, they are out of bounds.
func TestKeysOfMethodsCount(t *testing.T) {
	cases := Golden()[len(Golden())-6:]
	for name, spoil := range map[string]func() Case{
		"reweight_from": func() Case { c := cases[0]; c.ReweightFrom = 0; return c },
		"divisor":       func() Case { c := cases[0]; c.Divisor = "batch"; return c },
		"options":       func() Case { c := cases[0]; c.Options = map[string]float64{"max_margin": 1}; return c },
		"shortcut":      func() Case { c := cases[0]; c.Shortcut = "avgpool"; return c },
		"frozen":        func() Case { c := cases[5]; c.GradientNorms = nil; c.Frozen = false; return c },
		"side":          func() Case { c := cases[1]; c.Side = 16; return c },
	} {
		c := spoil()
		d, err := c.Run(&device.Device{Backend: cpu.New(0), Precision: device.FP32}, FP32)
		if err == nil && d.OK() {
			t.Errorf("another %s goes unnoticed: %+v", name, d)
		}
	}
}

func TestReadRefusesDamagedFiles(t *testing.T) {
	for name, text := range map[string]string{
		"empty":         ``,
		"no case":       `[]`,
		"cut":           string(golden[:len(golden)/2]),
		"unknown key":   `[{"classes": 10, "depht": 8}]`,
		"steps":         `[{"classes": 10, "counts": [1,1,1,1,1,1,1,1,1,1], "batch": 1, "losses": [1], "steps": 2}]`,
		"side":          `[{"classes": 10, "counts": [1,1,1,1,1,1,1,1,1,1], "batch": 1, "losses": [1], "side": -1}]`,
		"classes":       `[{"classes": 7, "counts": [1], "batch": 1, "losses": [1]}]`,
		"trailing text": string(golden) + "x",
	} {
		path := filepath.Join(t.TempDir(), "curves.json")
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(path); fail.Code(err) != fail.CodeData {
			t.Errorf("%s: got %v, want a data error", name, err)
		}
	}
	if _, err := Read("missing.json"); fail.Code(err) != fail.CodeData {
		t.Errorf("a missing file: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(golden)
	f.Add(methods)
	f.Add([]byte(`[{"classes": 10}]`))
	f.Fuzz(func(_ *testing.T, text []byte) { _, _ = parse(text) })
}
