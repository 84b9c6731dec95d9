package cpu

// Products of matrices of pairs of bfloat16 for convolutions that run over the whole batch: the weights, or the images, of a large
// layer are read once for many rows in place of once for each image.

const (
	wideColumns = 32 // columns of a panel
	wideRows    = 8  // rows of a tile
	wideSteps   = 256
)

// panelJob adds, to c [rows][wideColumns], or writes there, the products of rows of pairs with a panel [steps][wideColumns] of pairs. The
// sum of an element takes the steps one after another, so that its bits do not depend on how they are cut into jobs.
type panelJob struct {
	c, a, b     []float32
	rows, steps int  // rows is a multiple of wideRows
	cRow        int  // floats from row to row of c
	aRow, aStep int  // pairs from row to row, and from step to step, of a
	add         bool // to what c has
}

func (j *panelJob) check() {
	_ = j.c[(j.rows-1)*j.cRow+wideColumns-1]
	_ = j.a[(j.rows-1)*j.aRow+(j.steps-1)*j.aStep]
	_ = j.b[j.steps*wideColumns-1]
}

func panelGeneric(j *panelJob) {
	a, b := halves(j.a), halves(j.b)
	for r := range j.rows {
		c := j.c[r*j.cRow:][:wideColumns]
		for o := range c {
			sum := 0.0
			if j.add {
				sum = float64(c[o])
			}
			for k := range j.steps {
				x, w := a[2*(r*j.aRow+k*j.aStep):][:2], b[2*(k*wideColumns+o):][:2]
				sum += float64(fromHalf(x[0]))*float64(fromHalf(w[0])) + float64(fromHalf(x[1]))*float64(fromHalf(w[1]))
			}
			c[o] = float32(sum)
		}
	}
}
