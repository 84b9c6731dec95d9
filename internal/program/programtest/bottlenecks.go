package programtest

import (
	"sync"

	"longtail/internal/program"
	"longtail/models"

	G "gorgonia.org/gorgonia"
)

// BottlenecksSide is the side of the images that Bottlenecks is for.
const BottlenecksSide = 16

// Bottlenecks is a small network with all that the networks for large images have: a 7x7 convolution and a maximum with stride 2, blocks of
// 1x1 and 3x3 convolutions, one of them with stride 2, more than 128 channels, in numbers that 64 and 128 do not divide. Its images have
// BottlenecksSide pixels a side.
func Bottlenecks(objective string, classes int, gamma float64) program.Network {
	return own(registerBottlenecks, "bottlenecks", BottlenecksSide, objective, classes, gamma)
}

var registerBottlenecks = sync.OnceFunc(func() {
	models.Register("bottlenecks", func(b *models.Builder, x *G.Node) *G.Node {
		y := b.ReLU(b.Norm(b.Conv(x, "stem.conv", 16, 7, 2), "stem", ""))
		y = bottleneck(b, b.MaxPool(y, 3, 2, 1), "block1", 24, 160, 1)
		return b.Average(bottleneck(b, y, "block2", 40, 264, 2))
	})
})

func bottleneck(b *models.Builder, x *G.Node, name string, narrow, wide, stride int) *G.Node {
	y := b.ReLU(b.Norm(b.Conv(x, name+".conv1", narrow, 1, 1), name, "1"))
	y = b.ReLU(b.Norm(b.Conv(y, name+".conv2", narrow, 3, stride), name, "2"))
	y = b.Norm(b.Conv(y, name+".conv3", wide, 1, 1), name, "3")
	return b.ReLU(b.Add(b.Project(x, name, wide, stride), y))
}
