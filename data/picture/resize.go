package picture

import "math"

// precision is how many bits a weight has behind the point; with it a sum of weighted bytes fits 32 bits.
const precision = 32 - 8 - 2

// window is which source pixels make a pixel, and their weights.
type window struct {
	first   int
	weights []int
}

// windows are those of size pixels that cover [from, from + length) of a line of total source pixels. Products are rounded before they
// are added, so that no processor fuses them.
func windows(total int, from, length float64, size int) []window {
	scale := length / float64(size)
	stretch := max(scale, 1) // a filter that is as wide as a pixel of the result leaves nothing to alias
	support, shrink := 2*stretch, 1/stretch
	all := make([]window, size)
	for i := range all {
		center := from + float64((float64(i)+0.5)*scale)
		first := max(int(center-support+0.5), 0)
		end := min(int(center+support+0.5), total)
		exact, sum := make([]float64, end-first), 0.0
		for k := range exact {
			exact[k] = bicubic(float64((float64(k+first) - center + 0.5) * shrink))
			sum += exact[k]
		}
		weights := make([]int, len(exact))
		for k, w := range exact {
			weights[k] = int(math.Round(float64(w / sum * (1 << precision))))
		}
		all[i] = window{first, weights}
	}
	return all
}

// bicubic is the filter of Keys, "Cubic Convolution Interpolation for Digital Image Processing" (1981), with a = -1/2.
func bicubic(x float64) float64 {
	const a = -0.5
	x = math.Abs(x)
	switch {
	case x < 1:
		return float64(float64(float64(float64((a+2)*x)-(a+3))*x)*x) + 1
	case x < 2:
		return float64(float64(float64(float64(float64(x-5)*x)+8)*x)-4) * a
	}
	return 0
}

// centre resamples the square in the middle of an image, as high and wide as its short side, to [3, size, size] bytes: first along the
// rows, then along the columns.
func centre(source rows, width, height, size int) []byte {
	side := float64(min(width, height))
	across := windows(width, (float64(width)-side)/2, side, size)
	down := windows(height, (float64(height)-side)/2, side, size)
	left, right := extent(across)
	top, bottom := extent(down)
	line, narrow := make([]byte, 3*(right-left)), make([]byte, (bottom-top)*3*size) // narrow [rows, size, 3]
	for y := top; y < bottom; y++ {
		source(y, left, line)
		to := narrow[(y-top)*3*size:]
		for x, w := range across {
			for c := range 3 {
				to[3*x+c] = weigh(line[3*(w.first-left)+c:], 3, w.weights)
			}
		}
	}
	out := make([]byte, 3*size*size)
	for y, w := range down {
		for x := range size {
			for c := range 3 {
				out[(c*size+y)*size+x] = weigh(narrow[((w.first-top)*size+x)*3+c:], 3*size, w.weights)
			}
		}
	}
	return out
}

// extent is the first source pixel that windows need, and the one behind the last.
func extent(all []window) (first, end int) {
	last := all[len(all)-1]
	return all[0].first, last.first + len(last.weights)
}

// weigh is the weighted sum of bytes that lie a stride apart, rounded and bounded.
func weigh(from []byte, stride int, weights []int) byte {
	sum := 1 << (precision - 1)
	for k, w := range weights {
		sum += w * int(from[k*stride])
	}
	return byte(min(max(sum>>precision, 0), 255))
}

// orient turns a square [3, size, size] as EXIF's orientation, 1 to 8, says.
func orient(square []byte, size, orientation int) []byte {
	if orientation == 1 {
		return square
	}
	mirrored := orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8 // in the columns of the stored image
	flipped := orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7  // in its rows
	turned := make([]byte, len(square))
	for c := range 3 {
		from, to := square[c*size*size:], turned[c*size*size:]
		for y := range size {
			for x := range size {
				row, column := y, x
				if orientation >= 5 {
					row, column = x, y
				}
				if flipped {
					row = size - 1 - row
				}
				if mirrored {
					column = size - 1 - column
				}
				to[y*size+x] = from[row*size+column]
			}
		}
	}
	return turned
}
