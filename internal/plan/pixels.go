package plan

// Pixels is how bytes become numbers: x = Scale[c] byte + Shift[c] for channel c, rounded once. What lies outside of the image, where a
// crop reaches beyond it, is Border.
type Pixels struct {
	Scale, Shift [4]float32
	Border       float32
}

// bytePixels are the paper's: byte / 128 - 1, a border of bytes 0.
var bytePixels = Pixels{
	Scale: [4]float32{1. / 128, 1. / 128, 1. / 128, 1. / 128}, Shift: [4]float32{-1, -1, -1, -1}, Border: -1,
}

// Table is the number that each byte of each channel becomes.
func (p Pixels) Table() *[4][256]float32 {
	table := &[4][256]float32{}
	for c := range table {
		for b := range table[c] {
			// 8 bits times 24 bits, and the sum of that with 24 bits of like size, are exact in float64: this rounds once.
			table[c][b] = float32(float64(b)*float64(p.Scale[c]) + float64(p.Shift[c]))
		}
	}
	return table
}
