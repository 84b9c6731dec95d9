package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"longtail/internal/fail"
)

// A run of the CIFAR network that was called resnet50 stays that run: its config.yaml reads back to the same text and fingerprint, and both
// the run's own settings and the network's present name resume it.
func TestFormerResNet50KeepsItsNetwork(t *testing.T) {
	text := strings.Replace(string(load(t, "model.name=resnet56", "out=runs/old").YAML()), "resnet56", "resnet50", 1)
	path := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	old, err := LoadRun(path)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := Load(path, nil); err != nil || again.Conflict(old) != "" || again.Network() != old.Network() {
		t.Errorf("its config.yaml does not resume it: %v", err)
	}
	if old.Network() != "cifar_resnet50" || string(old.YAML()) != text {
		t.Errorf("the network is %s, the config\n%s", old.Network(), old.YAML())
	}
	if clone := old.Clone(); clone.Network() != old.Network() || clone.Conflict(old) != "" {
		t.Errorf("its clone is of %s and differs in %s", clone.Network(), clone.Conflict(old))
	}
	if conflict := load(t, "model.name=cifar_resnet50").Conflict(old); conflict != "" {
		t.Errorf("cifar_resnet50 does not resume it: %s", conflict)
	}
	if conflict := load(t, "model.name=resnet50").Conflict(old); !strings.Contains(conflict, "model.name (cifar_resnet50 there, resnet50 here)") {
		t.Errorf("today's resnet50: %s", conflict)
	}
	if all := strings.Join(old.Overrides(), " "); !strings.Contains(all, "model.name=cifar_resnet50") {
		t.Errorf("its command is %s", all)
	}
}

// A network whose shortcuts are its own has no model.shortcut: config.yaml leaves it out, and one that is given is an error.
func TestShortcutOfNetworksWithoutChoice(t *testing.T) {
	c := load(t, "model.name=resnet50")
	if c.Network() != "resnet50" || strings.Contains(string(c.YAML()), "shortcut") || strings.Contains(string(c.Full()), "shortcut") {
		t.Errorf("%s:\n%s", c.Network(), c.YAML())
	}
	path := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(path, c.YAML(), 0o644); err != nil {
		t.Fatal(err)
	}
	if again, err := LoadRun(path); err != nil || again.Network() != "resnet50" || string(again.YAML()) != string(c.YAML()) {
		t.Errorf("read back: %v", err)
	}
	_, err := Load("", []string{"model.name=resnet18", "model.shortcut=avgpool"})
	if fail.Code(err) != fail.CodeUsage || !strings.Contains(err.Error(), "model.shortcut=avgpool") || !strings.Contains(err.Error(), "leave model.shortcut out") {
		t.Errorf("resnet18 with a shortcut: %v", err)
	}
	listed := Defaults()
	if err := listed.Override([]string{"model.name=resnet18", "model.shortcut=subsample"}); err != nil {
		t.Fatal(err)
	}
	listed.DropUnused()
	if err := listed.Complete(); err != nil {
		t.Errorf("in a list of networks: %v", err)
	}
}
