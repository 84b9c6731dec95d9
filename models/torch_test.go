package models

import (
	"slices"
	"strings"
	"testing"

	"longtail/internal/ops"
)

func TestTorchNames(t *testing.T) {
	for name, want := range map[string]string{
		"stem.conv": "conv1.weight", "stem.scale": "bn1.weight", "stem.shift": "bn1.bias", "stem.moments": "bn1.running_mean bn1.running_var",
		"stage1.block1.conv1": "layer1.0.conv1.weight", "stage3.block23.conv3": "layer3.22.conv3.weight", "stage4.block2.scale2": "layer4.1.bn2.weight",
		"stage2.block1.shift1": "layer2.0.bn1.bias", "stage2.block1.moments3": "layer2.0.bn3.running_mean layer2.0.bn3.running_var",
		"stage2.block1.project": "layer2.0.downsample.0.weight", "stage2.block1.scaleP": "layer2.0.downsample.1.weight",
		"stage2.block1.shiftP": "layer2.0.downsample.1.bias", "stage2.block1.momentsP": "layer2.0.downsample.1.running_mean layer2.0.downsample.1.running_var",
		"dense.weight": "fc.weight", "dense.bias": "fc.bias", "scale.class": "fc.scale",
	} {
		if got, err := TorchNames(name); err != nil || strings.Join(got, " ") != want {
			t.Errorf("%s is %v, %v, want %s", name, got, err, want)
		}
	}
	for _, name := range []string{"momentum/stem.conv", "attention.weight", "stage1.block1", ""} {
		if got, err := TorchNames(name); err == nil {
			t.Errorf("%q is %v", name, got)
		}
	}
}

// Every tensor of every network has a name of its own.
func TestTorchNamesOfAllNetworks(t *testing.T) {
	for _, network := range Names() {
		n := mustBuild(t, images(2, 3, 32, 32), Config{Name: network, Classes: 10, Shortcut: "projection", Init: "he", ClassScale: true}, ops.Head{}, true)
		var all []string
		for _, p := range n.Params {
			names, err := TorchNames(p.Name)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, names...)
		}
		for _, s := range n.Stats {
			names, err := TorchNames(s.Running)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, names...)
		}
		want := len(n.Params) + 2*len(n.Stats)
		slices.Sort(all)
		if all = slices.Compact(all); len(all) != want {
			t.Errorf("%s: %d names for %d tensors", network, len(all), want)
		}
	}
}
