package known_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"longtail/internal/cpu"
	"longtail/internal/device"
	"longtail/internal/fail"
	"longtail/loss"
	"longtail/train/known"
	"longtail/train/known/knowntest"
)

func onCPU(t *testing.T) *device.Device {
	t.Helper()
	return &device.Device{Backend: cpu.New(1), Precision: device.FP32}
}

// testdata/losses.json and rules.json were computed in float64 from the formulas of the papers, by a program in Python that knows
// nothing of this one.
func TestKnownLosses(t *testing.T) {
	cases, err := known.ReadLosses("testdata/losses.json")
	if err != nil {
		t.Fatal(err)
	}
	for i := range cases {
		if o := cases[i].Run(onCPU(t)); !o.OK() || o.Share == 0 {
			t.Errorf("%s: %v", cases[i].Name, o)
		}
	}
}

func TestKnownRules(t *testing.T) {
	cases, err := known.ReadRules("testdata/rules.json")
	if err != nil {
		t.Fatal(err)
	}
	for i := range cases {
		if o := cases[i].Run(); !o.OK() {
			t.Errorf("%s: %v", cases[i].Name, o)
		}
	}
}

// Every registered loss must give the values and gradients of its float64 reference on the CPU backend, and padding must add nothing.
func TestLossesOnCPU(t *testing.T) {
	for _, name := range loss.Names() {
		for _, c := range knowntest.Cases(t, name) {
			if o := c.Run(onCPU(t)); !o.OK() {
				t.Errorf("%s: %v", c.Name, o)
			}
		}
		knowntest.Padding(t, onCPU(t), name)
	}
}

// What is wrong, missing or does not fit together fails, and says what.
func TestWrongCasesFail(t *testing.T) {
	for want, spoil := range map[string]func(*known.LossCase){
		"gradient[3]":         func(c *known.LossCase) { c.Expected.Gradient[3] += .01 },
		"loss[0]":             func(c *known.LossCase) { c.Expected.Loss *= 1.001 },
		"class_weights[1]":    func(c *known.LossCase) { c.Expected.ClassWeights[1] *= 1.001 },
		`no loss "sofmax"`:    func(c *known.LossCase) { c.Loss = "sofmax" },
		`"heavy"`:             func(c *known.LossCase) { c.Weights.Kind = "heavy" },
		`"mean"`:              func(c *known.LossCase) { c.Divisor = "mean" },
		`no option "gama"`:    func(c *known.LossCase) { c.Options["gama"] = []byte("1") },
		"no option shape=odd": func(c *known.LossCase) { c.Options["shape"] = []byte(`"odd"`) },
		"neither a number":    func(c *known.LossCase) { c.Options["gamma"] = []byte("[]") },
		"do not fit":          func(c *known.LossCase) { c.Labels = c.Labels[1:] },
		"label 10 of 10":      func(c *known.LossCase) { c.Labels[0] = 10 },
		"79 are expected":     func(c *known.LossCase) { c.Expected.Gradient = c.Expected.Gradient[:79] },
	} {
		cases, err := known.ReadLosses("testdata/losses.json")
		if err != nil {
			t.Fatal(err)
		}
		spoil(&cases[0])
		o := cases[0].Run(onCPU(t))
		if o.OK() || !strings.Contains(o.String(), want) {
			t.Errorf("want %q: %v", want, o)
		}
	}
	rules, err := known.ReadRules("testdata/rules.json")
	if err != nil {
		t.Fatal(err)
	}
	for i := range rules {
		rules[i].Expected[0] += 1e-3
		if rules[i].Run().OK() {
			t.Errorf("%s: a wrong number passes", rules[i].Name)
		}
		rules[i].Rule = "none"
		if o := rules[i].Run(); o.Err == nil {
			t.Errorf("a rule that is not there: %v", o)
		}
	}
}

func TestReadRefusesDamagedFiles(t *testing.T) {
	for name, text := range map[string]string{
		"empty": "", "no case": "[]", "unknown key": `[{"nam": "x"}]`, "cut": `[{"name": "x"`, "a word": `[{"logits": ["x"]}]`,
	} {
		path := filepath.Join(t.TempDir(), "cases.json")
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := known.ReadLosses(path); fail.Code(err) != fail.CodeData {
			t.Errorf("%s: got %v, want a data error", name, err)
		}
	}
	if _, err := known.ReadRules("missing.json"); fail.Code(err) != fail.CodeData {
		t.Errorf("a missing file: %v", err)
	}
}
