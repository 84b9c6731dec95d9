package plan

// Resized says how training crops are parts of an image of random area and aspect ratio, resized to its size: data.Resized, which has the
// formulas.
type Resized struct {
	Share, Ratio             [2]float32
	Top, Left, Height, Width int32
}

// Draws reports whether parts are drawn.
func (r *Resized) Draws() bool { return r.Height > 0 }
