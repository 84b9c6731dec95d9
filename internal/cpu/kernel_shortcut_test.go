package cpu

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// drawHalving draws a shortcut with its logical numbers of channels.
func drawHalving(t *rapid.T) halving {
	g := halving{H: rapid.IntRange(1, 5).Draw(t, "h"), W: rapid.IntRange(1, 5).Draw(t, "w")}
	g.Channels = rapid.SampledFrom([]int{3, 8, 16, 20}).Draw(t, "channels")
	g.Before = rapid.IntRange(0, 9).Draw(t, "before")
	g.Big, g.Small = stored(g.Channels), stored(g.Channels+2*g.Before)
	return g
}

func TestShortcutsAgainstDefinition(t *testing.T) {
	windows := map[string][4]float64{"pool": {.25, .25, .25, .25}, "subsample": {1, 0, 0, 0}}
	allSets(t, func(t *rapid.T, k kernels) {
		g := drawHalving(t)
		name := rapid.SampledFrom([]string{"pool", "subsample"}).Draw(t, "kind")
		forward, backward := k.shortcutPool, k.shortcutPoolGrad
		if name == "subsample" {
			forward, backward = k.shortcutSubsample, k.shortcutSubsampleGrad
		}
		window := windows[name]
		src := randomImage(t, "src", 2*g.H, 2*g.W, g.Big, g.Channels, 1)
		dst := newImage(t, "dst", g.H, g.W, g.Small, 1)
		dy := randomImage(t, "dy", g.H, g.W, g.Small, g.Channels+2*g.Before, 0)
		dx := newImage(t, "dx", 2*g.H, 2*g.W, g.Big, 1)
		forward(dst.view, src.view, g)
		backward(dx.view, dy.view, g)
		small, big := make([]float64, g.H*g.W*g.Small), make([]float64, 4*g.H*g.W*g.Big)
		for y := range 2 * g.H {
			for x := range 2 * g.W {
				for c := range g.Channels {
					weight := window[y%2*2+x%2]
					small[(y/2*g.W+x/2)*g.Small+g.Before+c] += weight * float64(*src.at(y, x, c))
					big[(y*2*g.W+x)*g.Big+c] = weight * float64(*dy.at(y/2, x/2, g.Before+c))
				}
			}
		}
		near(t, name, dst.interior(), small, ones(len(small)), 1e-6)
		near(t, name+" gradient", dx.interior(), big, ones(len(big)), 0)
		dst.checkFrame(t, "dst", 1)
		dx.checkFrame(t, "dx", 1)
	})
}

// The shortcuts by averages have the same bits in all sets of kernels.
func TestShortcutsHaveTheSameBits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := drawHalving(t)
		src := randomImage(t, "src", 2*g.H, 2*g.W, g.Big, g.Channels, 1)
		dy := randomImage(t, "dy", g.H, g.W, g.Small, g.Channels+2*g.Before, 0)
		var first [2][]float32
		for i, k := range kernelSets() {
			dst, dx := newImage(t, "dst", g.H, g.W, g.Small, 1), newImage(t, "dx", 2*g.H, 2*g.W, g.Big, 1)
			k.shortcutPool(dst.view, src.view, g)
			k.shortcutPoolGrad(dx.view, dy.view, g)
			results := [2][]float32{dst.interior(), dx.interior()}
			if i == 0 {
				first = results
			}
			for j := range results {
				if !slices.EqualFunc(results[j], first[j], sameBits) {
					t.Fatalf("%s: result %d has other bits", k.name, j)
				}
			}
		}
	})
}

func TestImageCropsAndFlips(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		channels, h, w := rapid.IntRange(1, 4).Draw(t, "channels"), rapid.IntRange(1, 9).Draw(t, "h"), rapid.IntRange(1, 9).Draw(t, "w")
		c := crop{border: rapid.IntRange(0, 4).Draw(t, "border"), flip: rapid.Bool().Draw(t, "flip"), outside: 7, side: rapid.IntRange(0, 6).Draw(t, "side")}
		c.top, c.left = rapid.IntRange(-3, 8).Draw(t, "top"), rapid.IntRange(-3, 8).Draw(t, "left")
		table := &[4][256]float32{}
		for ch := range table {
			for b := range table[ch] {
				table[ch][b] = float32(1000*(ch+1) + b)
			}
		}
		c.dy, c.dx = rapid.IntRange(0, 2*c.border).Draw(t, "dy"), rapid.IntRange(0, 2*c.border).Draw(t, "dx")
		pixels := rapid.SliceOfN(rapid.Byte(), channels*h*w, channels*h*w).Draw(t, "pixels")
		pad := rapid.IntRange(0, 2).Draw(t, "pad")
		dst := newImage(t, "dst", h, w, 4, pad)
		kernelSets()[0].image(dst.view, pixels, table, channels, h, w, c)
		for y := range h {
			for x := range w {
				fromX := x
				if c.flip {
					fromX = w - 1 - x
				}
				fromY, fromX := y+c.dy-c.border, fromX+c.dx-c.border
				for ch := range 4 {
					var want float32
					switch {
					case ch >= channels:
					case y >= c.top && y < c.top+c.side && x >= c.left && x < c.left+c.side:
					case fromY < 0 || fromY >= h || fromX < 0 || fromX >= w:
						want = 7
					default:
						want = float32(1000*(ch+1) + int(pixels[(ch*h+fromY)*w+fromX]))
					}
					if got := *dst.at(y, x, ch); got != want {
						t.Fatalf("pixel (%d, %d) channel %d is %v, want %v", y, x, ch, got, want)
					}
				}
			}
		}
		dst.checkFrame(t, "dst", pad)
	})
}
