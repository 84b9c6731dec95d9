package models

import (
	"slices"
	"testing"

	"longtail/internal/ops"
	"longtail/internal/ops/opstest"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// TestImageNetNetworks compares with the networks of torchvision for 1000 classes: the number of their parameters, and what a training
// graph is made of.
func TestImageNetNetworks(t *testing.T) {
	for _, c := range []struct {
		name                           string
		parameters, features           int
		convolutions, projections, sum int
	}{
		{"resnet18", 11_689_512, 512, 17, 3, 8},
		{"resnet34", 21_797_672, 512, 33, 3, 16},
		{"resnet50", 25_557_032, 2048, 49, 4, 16},
		{"resnet101", 44_549_160, 2048, 100, 4, 33},
		{"resnet152", 60_192_808, 2048, 151, 4, 50},
	} {
		n := mustBuild(t, images(2, 3, 64, 64), Config{Name: c.name, Classes: 1000, Shortcut: "avgpool", Init: "he"}, ops.Head{}, true)
		if got := n.Parameters(); got != c.parameters {
			t.Errorf("%s: %d parameters, want %d", c.name, got, c.parameters)
		}
		if got := n.Features.Shape(); !slices.Equal(got, tensor.Shape{2, c.features}) {
			t.Errorf("%s: features are %v", c.name, got)
		}
		loss, err := ops.BatchMean(n.Logits)
		if err != nil {
			t.Fatal(err)
		}
		var params G.Nodes
		for _, p := range n.Params {
			params = append(params, p.Node)
		}
		gradients, err := G.Grad(loss, params...)
		if err != nil {
			t.Fatal(err)
		}
		count := map[ops.Kind]int{}
		for _, node := range opstest.Order(append(gradients, loss)...) {
			if o, ok := ops.Of(node); ok {
				count[o.Kind()]++
			}
		}
		all := c.convolutions + c.projections
		for kind, want := range map[ops.Kind]int{
			ops.KindConv: all, ops.KindConvGradWeights: all, ops.KindConvGradInput: all - 1, ops.KindMoments: all, ops.KindNormalize: all,
			ops.KindReLU: c.convolutions, ops.KindAdd: c.sum, ops.KindMaxPool: 1, ops.KindMaxPoolGrad: 1, ops.KindShortcutPool: 0,
		} {
			if count[kind] != want {
				t.Errorf("%s: %d nodes of kind %v, want %d", c.name, count[kind], kind, want)
			}
		}
	}
}

// TestOrderOfBottleneckParameters is what golden curves and files of other programs rely on.
func TestOrderOfBottleneckParameters(t *testing.T) {
	n := mustBuild(t, images(2, 3, 32, 32), config("resnet50"), ops.Head{}, true)
	want := []string{
		"stem.conv", "stem.scale", "stem.shift",
		"stage1.block1.conv1", "stage1.block1.scale1", "stage1.block1.shift1",
		"stage1.block1.conv2", "stage1.block1.scale2", "stage1.block1.shift2",
		"stage1.block1.conv3", "stage1.block1.scale3", "stage1.block1.shift3",
		"stage1.block1.project", "stage1.block1.scaleP", "stage1.block1.shiftP",
		"stage1.block2.conv1",
	}
	for i, name := range want {
		if n.Params[i].Name != name {
			t.Errorf("parameter %d is %s, want %s", i, n.Params[i].Name, name)
		}
	}
	stride := map[string]tensor.Shape{"stage2.block1.conv1": {128, 256, 1, 1}, "stage2.block1.conv2": {128, 128, 3, 3}, "stage2.block1.project": {512, 256, 1, 1}}
	for _, p := range n.Params {
		if shape, there := stride[p.Name]; there && !slices.Equal(p.Node.Shape(), shape) {
			t.Errorf("%s is %v, want %v", p.Name, p.Node.Shape(), shape)
		}
	}
	for _, s := range n.Stats {
		// images of 32 pixels are 8 in the first stage; the 3x3 convolution of a stage's first block halves them, the 1x1 before does not
		if want := map[string]int{"stage1.block1.moments1": 128, "stage2.block1.moments1": 128, "stage2.block1.moments2": 32, "stage2.block1.momentsP": 32}[s.Running]; want != 0 && s.Count != want {
			t.Errorf("%s is of %d values, want %d", s.Running, s.Count, want)
		}
	}
}

// TestShortcutMustBeDeclared: a network that reads Config.Shortcut without saying so would leave it out of what is recorded of a run.
func TestShortcutMustBeDeclared(t *testing.T) {
	b := &Builder{config: config("resnet50"), graph: G.NewGraph()}
	x := G.NewTensor(b.graph, G.Float32, 4, G.WithShape(1, 4, 4, 4), G.WithName("x"))
	if b.Shortcut(x, "block", 8, 2); b.err == nil {
		t.Error("resnet50 got a shortcut of the config")
	}
}
