package config

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"longtail/internal/fail"
	"longtail/internal/posthoc"
)

// A config without adjustments has the bytes, the fingerprint and the name that it had before there was the section.
func TestAdjustmentsThatAreOffAreWrittenNowhere(t *testing.T) {
	plain, off := load(t), load(t, "eval.adjust=none", "eval.tau_norm=none", "eval.ncm=false")
	if !bytes.Equal(plain.YAML(), off.YAML()) || bytes.Contains(plain.YAML(), []byte("eval:")) {
		t.Errorf("config.yaml is\n%s", off.YAML())
	}
	if !bytes.Equal(plain.Identity(), off.Identity()) || bytes.Contains(plain.Identity(), []byte("eval:")) {
		t.Errorf("the identity is\n%s", off.Identity())
	}
	text := string(plain.YAML())
	a, errA := Fingerprint([]byte(text))
	b, errB := Fingerprint([]byte(text + "eval: {adjust: none, ncm: false}\n"))
	c, errC := Fingerprint([]byte(text + "eval: {adjust: 1}\n"))
	if errA != nil || errB != nil || errC != nil || a != b || a == c {
		t.Errorf("fingerprints %s, %s, %s; %v %v %v", a, b, c, errA, errB, errC)
	}
	if d := plain.Differences(off); len(d) > 0 || plain.RunName() != off.RunName() {
		t.Errorf("they differ in %v, and are %s and %s", d, plain.RunName(), off.RunName())
	}
}

func TestAdjustmentsAreReadAndWritten(t *testing.T) {
	for _, c := range []struct {
		override string
		want     posthoc.Adjustment
		line     string
	}{
		{"eval.adjust=1.50", posthoc.Adjustment{Method: posthoc.Adjust, Tau: 1.5}, "eval:\n  adjust: 1.5\n"},
		{"eval.adjust=0", posthoc.Adjustment{Method: posthoc.Adjust}, "eval:\n  adjust: 0\n"},
		{"eval.tau_norm=auto", posthoc.Adjustment{Method: posthoc.Normalise, Auto: true}, "eval:\n  tau_norm: auto\n"},
		{"eval.ncm=true", posthoc.Adjustment{Method: posthoc.NCM}, "eval:\n  ncm: true\n"},
	} {
		config := load(t, "data.validation=0.1", c.override)
		if got := config.Eval.Adjustments(); !slices.Equal(got, []posthoc.Adjustment{c.want}) {
			t.Errorf("%s: %v", c.override, got)
		}
		text := string(config.YAML())
		if !strings.Contains(text, c.line) {
			t.Errorf("%s is written\n%s", c.override, text)
		}
		again := Defaults()
		if err := again.Parse([]byte(text), "config.yaml"); err != nil || again.Eval != config.Eval {
			t.Errorf("%s: read back as %+v, %v", c.override, again.Eval, err)
		}
		if d := load(t, "data.validation=0.1").Differences(config); len(d) != 1 || !strings.HasPrefix(c.override, d[0]+"=") {
			t.Errorf("%s: differs in %v", c.override, d)
		}
		if got := config.Overrides(); !slices.Contains(got, strings.Replace(c.override, "1.50", "1.5", 1)) {
			t.Errorf("%s: on a command line %v", c.override, got)
		}
	}
	if got := load(t).Eval.Adjustments(); len(got) > 0 {
		t.Errorf("by default %v", got)
	}
}

func TestImpossibleAdjustments(t *testing.T) {
	for _, c := range []struct{ overrides, want string }{
		{"eval.adjust=-1", `a number of at least 0, or auto is wanted, not "-1"`},
		{"eval.adjust=often", `or auto is wanted, not "often"`},
		{"eval.adjust=01", "without leading zeros"},
		{"eval.tau_norm=[1]", `is wanted, not "[1]"`},
		{"eval.ncm=1", "true or false is wanted, not the whole number 1"},
		{"eval.adjust=1 eval.ncm=true", "eval.adjust and eval.ncm exclude each other"},
		{"eval.tau_norm=auto", "eval.tau_norm=auto chooses tau on held-out images, and data.validation=0 holds none out"},
		{"eval.tau=1", "unknown key"},
	} {
		_, err := Load("", strings.Fields(c.overrides))
		if fail.Code(err) != fail.CodeUsage || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.overrides, err)
		}
	}
	if _, err := Load("", []string{"eval.tau_norm=auto", "data.split_file=split.json"}); err != nil {
		t.Errorf("a split file may hold images out: %v", err)
	}
	text := "eval:\n  tau_norm: {a: 1}\n"
	if err := Defaults().Parse([]byte(text), "c.yaml"); err == nil || !strings.Contains(err.Error(), "c.yaml:2:13: eval.tau_norm") {
		t.Errorf("a section as a tau: %v", err)
	}
}
