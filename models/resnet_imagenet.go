package models

import (
	"fmt"

	G "gorgonia.org/gorgonia"
)

func init() {
	for name, n := range map[string]imagenet{
		"resnet18":  {blocks: [4]int{2, 2, 2, 2}},
		"resnet34":  {blocks: [4]int{3, 4, 6, 3}},
		"resnet50":  {blocks: [4]int{3, 4, 6, 3}, bottleneck: true},
		"resnet101": {blocks: [4]int{3, 4, 23, 3}, bottleneck: true},
		"resnet152": {blocks: [4]int{3, 8, 36, 3}, bottleneck: true},
	} {
		Register(name, n.draw)
	}
}

// imagenet is the residual network for large images (He et al. 2015, table 1): a 7x7 convolution to 64 channels and a 3x3 maximum, both with
// stride 2, four stages of 64, 128, 256 and 512 channels, the global average. Where a block changes the shape its shortcut is a 1x1
// convolution with batch norm (option B).
type imagenet struct {
	blocks     [4]int // of each stage
	bottleneck bool   // blocks of three convolutions that end in four times the channels
}

func (n imagenet) draw(b *Builder, x *G.Node) *G.Node {
	y := b.ReLU(b.Norm(b.Conv(x, "stem.conv", 64, 7, 2), "stem", ""))
	y = b.MaxPool(y, 3, 2, 1)
	for stage, count := range n.blocks {
		for block := range count {
			stride := 1
			if stage > 0 && block == 0 {
				stride = 2
			}
			name, channels := fmt.Sprintf("stage%d.block%d", stage+1, block+1), 64<<stage
			if n.bottleneck {
				y = b.bottleneck(y, name, channels, stride)
			} else {
				y = b.residual(y, b.basicBody(y, name, channels, stride), name, stride)
			}
		}
	}
	return b.Average(y)
}

// bottleneck is a block whose 3x3 convolution works on a quarter of the channels, and has the stride.
func (b *Builder) bottleneck(x *G.Node, name string, channels, stride int) *G.Node {
	y := b.ReLU(b.Norm(b.Conv(x, name+".conv1", channels, 1, 1), name, "1"))
	y = b.ReLU(b.Norm(b.Conv(y, name+".conv2", channels, 3, stride), name, "2"))
	y = b.Norm(b.Conv(y, name+".conv3", 4*channels, 1, 1), name, "3")
	return b.residual(x, y, name, stride)
}

// residual is relu(x + y), x projected where its shape is another.
func (b *Builder) residual(x, y *G.Node, name string, stride int) *G.Node {
	if channels := b.shape(y)[1]; stride != 1 || b.shape(x)[1] != channels {
		x = b.Project(x, name, channels, stride)
	}
	return b.ReLU(b.Add(x, y))
}
