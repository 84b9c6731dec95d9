package programtest

import (
	"sync"

	"longtail/internal/program"
	"longtail/models"

	G "gorgonia.org/gorgonia"
)

// StemSide is the side of a Stem's images in pixels.
const StemSide = 8

// Stem is a network of one convolution with 8 channels and a dense layer: a step of it is short, with thousands of classes too.
func Stem(objective string, classes int, gamma float64) program.Network {
	return own(registerStem, "stem", StemSide, objective, classes, gamma)
}

var registerStem = sync.OnceFunc(func() {
	models.Register("stem", func(b *models.Builder, x *G.Node) *G.Node {
		return b.Average(b.ReLU(b.Norm(b.Conv(x, "stem.conv", 8, 3, 1), "stem", "")))
	})
})
