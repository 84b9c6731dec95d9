package synthetic

import "math"

// outside is the distance of (u, v) from a shape of about radius 1, negative inside, in units of that radius; v points down.
// Only the sign and the slope near the edge matter. Shapes are numbered as in synthetic10Names and cover similar areas, so
// that brightness alone does not tell them apart; all are their own mirror image.
func outside(shape int, u, v float32) float32 {
	au, av := abs(u), abs(v)
	switch shape {
	case 0: // disc
		return hypot(u, v) - 0.85
	case 1: // square
		return max(au, av) - 0.76
	case 2: // plus
		return plus(au, av)
	case 3: // triangle, point up
		return max(v-0.62, 0.894*au-0.447*v-0.45)
	case 4: // heart: two discs and a corner that points down
		corner := max(0.707*(au+v)-0.64, -v-0.25)
		return min(hypot(au-0.43, v+0.3)-0.46, corner)
	case 5: // diamond
		return 0.707 * (au + av - 1.1)
	case 6: // pair of discs, side by side
		return hypot(au-0.58, v) - 0.56
	case 7: // ring
		return abs(hypot(u, v)-0.72) - 0.25
	case 8: // frame
		return abs(max(au, av)-0.67) - 0.22
	default: // cross: a plus that stands on two ends
		return plus(0.707*abs(u+v), 0.707*abs(u-v))
	}
}

// plus is two crossed bars.
func plus(au, av float32) float32 {
	return max(min(au, av)-0.33, max(au, av)-1)
}

// texturePeriod is the length after which textures repeat, pixels.
const texturePeriod = 4.5

// texture is the brightness of a surface at a point of the object, in pixels, from -1 to 1. Numbered as in textureNames.
func texture(texture int, u, v float32) float32 {
	a, b := wave(u), wave(v)
	switch texture {
	case 0: // plain
		return 0
	case 1: // barred
		return b
	case 2: // striped
		return a
	case 3: // chequered
		return 2 * a * b
	default: // dotted
		return 2*max(0, a+b) - 1
	}
}

// wave is a triangle wave from -1 to 1.
func wave(x float32) float32 {
	x /= texturePeriod
	x -= float32(math.Floor(float64(x)))
	return 4*abs(x-0.5) - 1
}

func abs(x float32) float32 { return float32(math.Abs(float64(x))) }

func hypot(x, y float32) float32 { return float32(math.Sqrt(float64(x*x + y*y))) }
