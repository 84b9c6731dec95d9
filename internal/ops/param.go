package ops

import G "gorgonia.org/gorgonia"

// Param is a value that training changes.
type Param struct {
	Node  *G.Node
	Name  string // unique in a network; the name in checkpoints
	Decay bool   // weight decay applies
	Init  Init   // how it starts

	Frozen bool // it keeps its value: it has no gradient
}

// Init is a distribution to start from: the constant Mean, plus a uniform deviate in [-Bound, Bound), plus a normal deviate
// of standard deviation Std; then, with UnitRows, the rows of a matrix are scaled to length 1.
type Init struct {
	Mean, Bound, Std float64
	UnitRows         bool
}

// Stat ties the moments of a batch to the running ones that evaluation uses.
type Stat struct {
	Batch   *G.Node // [2, C] mean and biased variance
	Running string  // name of the running pair [2, C]
	Count   int     // N * H * W, the number of values behind each moment
}

// Head is what a loss asks of the classifier.
type Head struct {
	BiasInit  float64 // the dense bias at start
	DecayBias bool    // weight decay applies to the dense bias
	Cosine    bool    // logits are the cosines of features and rows of weights; there is no bias
}
