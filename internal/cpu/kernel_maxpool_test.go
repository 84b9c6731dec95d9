package cpu

import (
	"testing"

	"pgregory.net/rapid"
)

func TestMaxPoolAgainstDefinition(t *testing.T) {
	bothSets(t, func(t *rapid.T, k kernels) {
		g := maxPooling{K: rapid.IntRange(1, 4).Draw(t, "kernel"), Stride: rapid.IntRange(1, 3).Draw(t, "stride")}
		g.Pad = rapid.IntRange(0, g.K/2).Draw(t, "pad")
		channels := rapid.SampledFrom([]int{3, 8, 20, 300}).Draw(t, "channels")
		g.H, g.W, g.C = rapid.IntRange(g.K, 9).Draw(t, "h"), rapid.IntRange(g.K, 9).Draw(t, "w"), stored(channels)
		g.OH, g.OW = (g.H+2*g.Pad-g.K)/g.Stride+1, (g.W+2*g.Pad-g.K)/g.Stride+1
		src := randomImage(t, "src", g.H, g.W, g.C, channels, rapid.IntRange(0, 1).Draw(t, "border"))
		if rapid.Bool().Draw(t, "equal pixels") {
			for y := range g.H {
				for x := range g.W {
					for c := range g.C {
						*src.at(y, x, c) = float32(int(2 * *src.at(y, x, c)))
					}
				}
			}
		}
		dy := randomImage(t, "dy", g.OH, g.OW, g.C, channels, 0)
		dst, dx := newImage(t, "dst", g.OH, g.OW, g.C, 1), newImage(t, "dx", g.H, g.W, g.C, 1)
		k.maxPool(dst.view, src.view, g)
		k.maxPoolGrad(dx.view, src.view, dy.view, g)
		pooled, gradient := make([]float64, g.OH*g.OW*g.C), make([]float64, g.H*g.W*g.C)
		for i := range pooled {
			c, x, y := i%g.C, i/g.C%g.OW, i/(g.C*g.OW)
			at := -1
			for tap := range g.K * g.K {
				h, w := y*g.Stride+tap/g.K-g.Pad, x*g.Stride+tap%g.K-g.Pad
				if h < 0 || w < 0 || h >= g.H || w >= g.W {
					continue
				}
				if v := float64(*src.at(h, w, c)); at < 0 || v > pooled[i] {
					pooled[i], at = v, (h*g.W+w)*g.C+c
				}
			}
			gradient[at] += float64(*dy.at(y, x, c))
		}
		near(t, "max pool", dst.interior(), pooled, ones(len(pooled)), 0)
		near(t, "max pool gradient", dx.interior(), gradient, ones(len(gradient)), 1e-5)
		dst.checkFrame(t, "dst", 1)
		dx.checkFrame(t, "dx", 1)
	})
}
