package synthetic

import (
	"math"

	"longtail/internal/rng"
)

// What makes the procedural sets hard. Lengths are in pixels, brightness runs from 0 to 1.
const (
	shift       = 3.0  // the object's centre is off the image's by up to this much
	minRadius   = 6.5  // the object's size
	maxRadius   = 10.5 //
	tilt        = 0.26 // the object is turned by up to this much to either side, radians
	stretch     = 0.15 // its height is longer or shorter by up to this part
	minContrast = 0.22 // brightness between object and background at least
	maxContrast = 0.50 //
	relief      = 0.10 // brightness that a texture adds and takes
	tint        = 0.16 // each channel of a colour is off its brightness by up to this much
	leaning     = 0.15 // an object's colour leans towards its shape's hue by this much
	waves       = 0.10 // each node of the background is off its brightness by up to this much, each channel on its own
	cell        = 8    // distance between the background's nodes
	behind      = 3    // small marks on the background
	before      = 1    // small marks across the object
	minMark     = 1.2  // the marks' radius
	maxMark     = 3.2  //
	grain       = 0.08 // noise on every byte, triangular, up to this much
)

// canvas is room for drawing one image.
type canvas struct {
	pixels [channels][side][side]float32 // brightness
	nodes  [channels][nodes][nodes]float32
}

const nodes = side/cell + 1

type colour [channels]float32

// brush draws numbers for the canvas.
type brush struct{ *rng.Stream }

// within is uniform in [lo, hi), from one word.
func (b brush) within(lo, hi float32) float32 {
	return lo + (hi-lo)*float32(b.Uint32()>>8)/(1<<24)
}

// colour is a random colour about a brightness.
func (b brush) colour(brightness float32) colour {
	var c colour
	for i := range c {
		c[i] = brightness + b.within(-tint, tint)
	}
	return c
}

// hues is how many hues the shapes share; with 7 of them, each of the three rarest classes of ten has that of the frequent class
// that it is most like.
const hues = 7

// lean moves a colour towards the hue of a shape, at the same brightness.
func (c colour) lean(shape int) colour {
	for i := range c {
		angle := 2 * math.Pi * (float64(shape%hues)/hues + float64(i)/channels)
		c[i] += leaning * float32(math.Cos(angle))
	}
	return c
}

// draw makes the image of a kind that the stream tells, [channels, side, side] bytes.
func (c *canvas) draw(s *rng.Stream, k kind, image []byte) {
	b := brush{s}
	if k.texture < 0 {
		k.texture = b.Intn(textures)
	}
	if k.tone < 0 {
		k.tone = b.Intn(tones)
	}
	contrast := b.within(minContrast, maxContrast)
	ground := b.within(0.25, 0.75-contrast)
	front := ground + contrast
	if k.tone == 1 {
		ground, front = front, ground
	}
	c.background(b, b.colour(ground))
	for range behind {
		c.mark(b)
	}
	c.object(b, k, b.colour(front).lean(k.shape))
	for range before {
		c.mark(b)
	}
	c.bytes(b, image)
}

// background fills the canvas with a colour that waves softly: random nodes, linear in between.
func (c *canvas) background(b brush, base colour) {
	for ch := range c.nodes {
		for y := range nodes {
			for x := range nodes {
				c.nodes[ch][y][x] = base[ch] + b.within(-waves, waves)
			}
		}
		for y := range side {
			top, bottom := &c.nodes[ch][y/cell], &c.nodes[ch][y/cell+1]
			fy := float32(y%cell) / cell
			row := &c.pixels[ch][y]
			for n := range nodes - 1 {
				left := top[n] + fy*(bottom[n]-top[n])
				right := top[n+1] + fy*(bottom[n+1]-top[n+1])
				for x := range cell {
					row[n*cell+x] = left + float32(x)/cell*(right-left)
				}
			}
		}
	}
}

// mark draws a small disc or block anywhere, in any colour.
func (c *canvas) mark(b brush) {
	x, y := b.within(0, side), b.within(0, side)
	rx, ry := b.within(minMark, maxMark), b.within(minMark, maxMark)
	shade := b.colour(b.within(0.2, 0.8))
	block := b.Uint32()>>31 == 1
	c.paint(x, y, max(rx, ry), func(dx, dy float32) (float32, float32) {
		if block {
			return 0.5 - max(abs(dx)-rx, abs(dy)-ry), 0
		}
		return 0.5 - (hypot(dx/rx, dy/ry)-1)*min(rx, ry), 0
	}, shade)
}

// object draws the one thing that the image shows.
func (c *canvas) object(b brush, k kind, shade colour) {
	x, y := side/2+b.within(-shift, shift)-0.5, side/2+b.within(-shift, shift)-0.5
	radius, turn := b.within(minRadius, maxRadius), float64(b.within(-tilt, tilt))
	tall := 1 + b.within(-stretch, stretch)
	sin, cos := float32(math.Sin(turn)), float32(math.Cos(turn))
	phase := b.within(0, texturePeriod)
	c.paint(x, y, 1.5*radius, func(dx, dy float32) (float32, float32) {
		u, v := cos*dx+sin*dy, (cos*dy-sin*dx)/tall
		return 0.5 - radius*outside(k.shape, u/radius, v/radius), relief * texture(k.texture, u+phase, v+phase)
	}, shade)
}

// paint covers the canvas with a colour about (x, y). For a pixel at an offset, at says how much is covered (clipped to
// [0, 1]) and how much brighter the colour is there; it is asked only within reach.
func (c *canvas) paint(x, y, reach float32, at func(dx, dy float32) (cover, light float32), shade colour) {
	for py := max(0, int(y-reach)); py < min(side, int(y+reach)+2); py++ {
		for px := max(0, int(x-reach)); px < min(side, int(x+reach)+2); px++ {
			cover, light := at(float32(px)-x, float32(py)-y)
			if cover <= 0 {
				continue
			}
			cover = min(cover, 1)
			for ch := range c.pixels {
				p := &c.pixels[ch][py][px]
				*p += cover * (shade[ch] + light - *p)
			}
		}
	}
}

// bytes adds the grain and rounds. A word of the stream makes two bytes: the sum of two of its bytes is triangular.
func (c *canvas) bytes(b brush, image []byte) {
	i := 0
	for ch := range c.pixels {
		for y := range side {
			row := &c.pixels[ch][y]
			for x := 0; x < side; x += 2 {
				w := b.Uint32()
				image[i] = toByte(row[x], w&0xffff)
				image[i+1] = toByte(row[x+1], w>>16)
				i += 2
			}
		}
	}
}

// toByte is a brightness with grain from 16 random bits as 0 to 255.
func toByte(brightness float32, random uint32) byte {
	noise := float32(int(random&0xff)+int(random>>8)-255) / 255
	return byte(min(max(255*(brightness+grain*noise)+0.5, 0), 255))
}
