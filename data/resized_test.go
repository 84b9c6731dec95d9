package data

import (
	"math"
	"slices"
	"testing"

	"longtail/internal/rng"

	"pgregory.net/rapid"
)

// torchPart is RandomResizedCrop.get_params of torchvision in float64, with the words of Philox as its random numbers. near reports that a side
// was so near to a half that float32 may have rounded it the other way. Where no try fits, a side has at least a pixel.
func torchPart(scale, ratio [2]float64, words func(try uint32) [4]uint32, height, width int) (p Part, near bool) {
	for try := range uint32(10) {
		w := words(try + 1)
		u := func(i int) float64 { return float64(w[i]>>8) / (1 << 24) }
		area := float64(height) * float64(width) * (scale[0] + (scale[1]-scale[0])*u(0))
		aspect := math.Exp(math.Log(ratio[0]) + (math.Log(ratio[1])-math.Log(ratio[0]))*u(1))
		exactWidth, exactHeight := math.Sqrt(area*aspect), math.Sqrt(area/aspect)
		for _, side := range []float64{exactWidth, exactHeight} {
			near = near || math.Abs(side-math.Floor(side)-0.5) < 1e-6*side
		}
		p = Part{Width: int(math.RoundToEven(exactWidth)), Height: int(math.RoundToEven(exactHeight))}
		if 0 < p.Width && p.Width <= width && 0 < p.Height && p.Height <= height {
			p.Top = int(float64(height-p.Height+1) * (float64(w[2]) / (1 << 32)))
			p.Left = int(float64(width-p.Width+1) * (float64(w[3]) / (1 << 32)))
			return p, near
		}
	}
	switch own := float64(width) / float64(height); {
	case own < ratio[0]:
		p = Part{Width: width, Height: max(1, int(math.RoundToEven(float64(width)/ratio[0])))}
	case own > ratio[1]:
		p = Part{Width: max(1, int(math.RoundToEven(float64(height)*ratio[1]))), Height: height}
	default:
		p = Part{Width: width, Height: height}
	}
	p.Top, p.Left = (height-p.Height)/2, (width-p.Width)/2
	return p, near
}

// drawRange draws two numbers from least to most, the smaller one first.
func drawRange(t *rapid.T, name string, least, most float64) [2]float64 {
	a, b := rapid.Float64Range(least, most).Draw(t, name), rapid.Float64Range(least, most).Draw(t, name)
	return [2]float64{min(a, b), max(a, b)}
}

// Parts lie in the image and are those of torchvision's rule, for every range that a config may have.
func TestPartsAreThoseOfTorchvision(t *testing.T) {
	compared, parts := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		scale, ratio := drawRange(t, "scale", 1e-4, 1), drawRange(t, "ratio", 0.1, 10)
		if rapid.Bool().Draw(t, "usual") {
			scale, ratio = [2]float64{0.08, 1}, [2]float64{0.75, 1.3333}
		}
		height, width := rapid.IntRange(1, 256).Draw(t, "height"), rapid.IntRange(1, 256).Draw(t, "width")
		seed, epoch := rapid.Uint64().Draw(t, "seed"), rapid.IntRange(0, 1000).Draw(t, "epoch")
		draw, sample := rapid.IntRange(0, 50000).Draw(t, "draw"), rapid.IntRange(0, 50000).Draw(t, "sample")
		got := NewResized(scale, ratio, height, width).Draw(seed, epoch, draw, sample, height, width)
		if got.Top < 0 || got.Left < 0 || got.Height < 1 || got.Width < 1 || got.Top+got.Height > height || got.Left+got.Width > width {
			t.Fatalf("%+v of %d x %d", got, height, width)
		}
		want, near := torchPart(scale, ratio, func(try uint32) [4]uint32 {
			return rng.Philox(seed, [4]uint32{uint32(sample), uint32(epoch), uint32(draw), 3 | try<<16})
		}, height, width)
		if parts++; near {
			return
		}
		if compared++; got != want {
			t.Fatalf("%+v, want %+v", got, want)
		}
	})
	if compared < parts*9/10 {
		t.Errorf("%d of %d parts were compared", compared, parts)
	}
}

// distance is that of Kolmogorov and Smirnov between numbers and the uniform distribution in [0, 1].
func distance(numbers []float64) (most float64) {
	slices.Sort(numbers)
	for i, u := range numbers {
		n := float64(len(numbers))
		most = max(most, math.Abs(u-float64(i)/n), math.Abs(u-float64(i+1)/n))
	}
	return most
}

// Where every try fits, shares are uniform, ratios log-uniform and places uniform, and none tells of another. The image is so large that
// the rounding of sides does not show.
func TestDistributionOfParts(t *testing.T) {
	const side, draws = 4096, 40_000
	r := NewResized([2]float64{0.08, 0.5}, [2]float64{0.75, 1.3333}, side, side)
	numbers := make([][]float64, 4)
	for i := range draws {
		p := r.Draw(5, i/1000, i%3, i%1000, side, side)
		for k, u := range []float64{
			(float64(p.Height*p.Width)/(side*side) - 0.08) / 0.42,
			math.Log(float64(p.Width)/float64(p.Height)/0.75) / math.Log(1.3333/0.75),
			(float64(p.Top) + 0.5) / float64(side-p.Height+1),
			(float64(p.Left) + 0.5) / float64(side-p.Width+1),
		} {
			numbers[k] = append(numbers[k], u)
		}
	}
	for a, u := range numbers {
		for b := range a {
			sum := 0.0
			for i := range u {
				sum += (u[i] - 0.5) * (numbers[b][i] - 0.5) * 12
			}
			if correlation := sum / draws; math.Abs(correlation) > 5/math.Sqrt(draws) {
				t.Errorf("numbers %d and %d have the correlation %v", a, b, correlation)
			}
		}
	}
	for k, name := range []string{"share", "ratio", "top", "left"} {
		if d := distance(numbers[k]); d > 2.2/math.Sqrt(draws) { // one in 8,000 is larger
			t.Errorf("the %s is %v from its distribution", name, d)
		}
	}
}

// Other samples, epochs, draws and seeds have other parts.
func TestPartsDiffer(t *testing.T) {
	r := NewResized([2]float64{0.08, 1}, [2]float64{0.75, 1.3333}, 256, 256)
	seen := map[Part]bool{}
	for _, p := range []Part{r.Draw(1, 0, 0, 0, 256, 256), r.Draw(2, 0, 0, 0, 256, 256), r.Draw(1, 1, 0, 0, 256, 256), r.Draw(1, 0, 1, 0, 256, 256), r.Draw(1, 0, 0, 1, 256, 256)} {
		seen[p] = true
	}
	if len(seen) != 5 {
		t.Errorf("parts: %v", seen)
	}
}

// A scale and a ratio of 1 leave the image as it is, and one that can never fit gives the largest part in the middle.
func TestPartsOfOneSize(t *testing.T) {
	for _, c := range []struct {
		scale, ratio  [2]float64
		height, width int
		want          Part
	}{
		{[2]float64{1, 1}, [2]float64{1, 1}, 32, 32, Part{0, 0, 32, 32}},
		{[2]float64{1, 1}, [2]float64{1, 1}, 96, 96, Part{0, 0, 96, 96}},
		{[2]float64{1, 1}, [2]float64{2, 4}, 224, 224, Part{56, 0, 112, 224}},
		{[2]float64{1, 1}, [2]float64{0.1, 0.25}, 64, 64, Part{0, 24, 64, 16}},
		{[2]float64{1, 1}, [2]float64{1, 1}, 32, 48, Part{0, 8, 32, 32}},
		{[2]float64{1e-6, 1e-6}, [2]float64{0.75, 1.3333}, 64, 64, Part{0, 0, 64, 64}},
	} {
		for sample := range 20 {
			if got := NewResized(c.scale, c.ratio, c.height, c.width).Draw(3, 0, 0, sample, c.height, c.width); got != c.want {
				t.Errorf("%+v: %+v", c, got)
			}
		}
	}
}

func TestExp2(t *testing.T) {
	for x := float32(-20); x <= 20; x += 0x1p-8 {
		if got, want := float64(exp2(x)), math.Exp2(float64(x)); math.Abs(got-want) > 0x1p-22*want {
			t.Fatalf("2^%v is %v, want %v", x, got, want)
		}
	}
}
