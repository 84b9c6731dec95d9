package models

import (
	"fmt"

	"longtail/internal/ops"

	G "gorgonia.org/gorgonia"
)

func init() {
	for _, depth := range []int{8, 14, 20, 26, 32, 38, 44, 56, 110} {
		Register(fmt.Sprintf("resnet%d", depth), resnet(depth), ChoosesShortcut)
	}
	Register("cifar_resnet50", resnet(50), ChoosesShortcut)
}

// Shortcuts are the ways around a block that halves the image and doubles the channels: avgpool is 2x2 average pooling and
// zero channels, the paper's; subsample takes every second pixel instead (option A of He et al. 2015); projection is a 1x1
// convolution with batch norm (option B).
func Shortcuts() []string { return []string{"avgpool", "subsample", "projection"} }

// resnet is the residual network for CIFAR (He et al. 2015, section 4.2): a 3x3 convolution to 16 channels, three stages of
// (depth - 2) / 6 basic blocks with 16, 32 and 64 channels, the global average.
func resnet(depth int) Network {
	return func(b *Builder, x *G.Node) *G.Node {
		y := b.ReLU(b.Norm(b.Conv(x, "stem.conv", 16, 3, 1), "stem", ""))
		for stage, channels := range []int{16, 32, 64} {
			for block := range (depth - 2) / 6 {
				stride := 1
				if stage > 0 && block == 0 {
					stride = 2
				}
				y = b.basicBlock(y, fmt.Sprintf("stage%d.block%d", stage+1, block+1), channels, stride)
			}
		}
		return b.Average(y)
	}
}

// basicBlock is relu(shortcut(x) + norm(conv(relu(norm(conv(x)))))).
func (b *Builder) basicBlock(x *G.Node, name string, channels, stride int) *G.Node {
	y := b.basicBody(x, name, channels, stride)
	return b.ReLU(b.Add(b.Shortcut(x, name, channels, stride), y))
}

// basicBody is norm(conv(relu(norm(conv(x))))).
func (b *Builder) basicBody(x *G.Node, name string, channels, stride int) *G.Node {
	y := b.ReLU(b.Norm(b.Conv(x, name+".conv1", channels, 3, stride), name, "1"))
	return b.Norm(b.Conv(y, name+".conv2", channels, 3, 1), name, "2")
}

// Shortcut brings x to the shape of a block's result: itself where it has it already, else by the config's shortcut.
func (b *Builder) Shortcut(x *G.Node, name string, channels, stride int) *G.Node {
	switch {
	case b.err != nil || stride == 1 && b.shape(x)[1] == channels:
		return x
	case !Chooses(b.config.Name, ChoosesShortcut):
		return b.keep(nil, fmt.Errorf("it takes the config's shortcut and is registered without ChoosesShortcut"))
	case b.config.Shortcut == "projection":
		return b.Project(x, name, channels, stride)
	case b.config.Shortcut == "subsample":
		return b.keep(ops.ShortcutSubsample(x, channels))
	default:
		return b.keep(ops.ShortcutPool(x, channels))
	}
}

// Project is a 1x1 convolution with batch norm, "NAME.project".
func (b *Builder) Project(x *G.Node, name string, channels, stride int) *G.Node {
	return b.Norm(b.Conv(x, name+".project", channels, 1, stride), name, "P")
}
