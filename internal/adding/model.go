package adding

import (
	"longtail/models"

	G "gorgonia.org/gorgonia"
)

func init() { models.Register("plain4", plain4) }

// plain4 is a small network without shortcuts: three convolutions with batch norm, each of the last two at half the size.
func plain4(b *models.Builder, x *G.Node) *G.Node {
	x = b.ReLU(b.Norm(b.Conv(x, "conv1", 8, 3, 1), "conv1", ""))
	x = b.ReLU(b.Norm(b.Conv(x, "conv2", 16, 3, 2), "conv2", ""))
	x = b.ReLU(b.Norm(b.Conv(x, "conv3", 16, 3, 2), "conv3", ""))
	return b.Average(x)
}
