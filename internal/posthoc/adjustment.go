package posthoc

import (
	"math"
	"strconv"
	"strings"

	"longtail/internal/fail"
	"longtail/internal/metrics"
)

// Method is a way to change the scores of a trained network.
type Method string

// The methods, named as the keys of the config's section eval.
const (
	Adjust    Method = "adjust"   // PostHoc
	Normalise Method = "tau_norm" // TauNorm, the bias dropped
	NCM       Method = "ncm"      // NearestClassMean
)

// Adjustment is a method with its strength.
type Adjustment struct {
	Method Method
	Tau    float64 // of Adjust and Normalise
	Auto   bool    // tau is chosen on held-out images; Tau does not count
}

// String is the adjustment as on a command line: adjust=1, tau_norm=auto, ncm.
func (a Adjustment) String() string {
	switch {
	case a.Method == NCM:
		return string(a.Method)
	case a.Auto:
		return string(a.Method) + "=" + Auto
	}
	return string(a.Method) + "=" + strconv.FormatFloat(a.Tau, 'g', -1, 64)
}

// Auto is the value of a tau that is chosen on held-out images.
const Auto = "auto"

// maxTau bounds tau against slips; the literature has 0 to 3.
const maxTau = 100

// ParseTau reads a tau: a number of at least 0, or auto. The error, a usage error, names what was wanted.
func ParseTau(text string) (tau float64, auto bool, err error) {
	if text == Auto {
		return 0, true, nil
	}
	tau, err = strconv.ParseFloat(text, 64)
	if err != nil || !(tau >= 0 && tau <= maxTau) || strings.ContainsAny(text, "_xXpP") {
		return 0, false, fail.Usage("a tau is a number from 0 to %d, or auto, not %q", maxTau, text)
	}
	return tau, false, nil
}

// Grid are the values of tau among which Choose chooses: 0 to 2 in steps of 0.1, which has what Kang et al. and Menon et al. found.
func Grid() []float64 {
	grid := make([]float64, 21)
	for i := range grid {
		grid[i] = float64(i) / 10
	}
	return grid
}

// Outputs are what a network gives for a set of images.
type Outputs struct {
	Features [][]float64 // [N][F]
	Logits   [][]float64 // [N][C]
	Labels   []int32     // [N]
}

// Network is what the methods know besides the outputs that they change.
type Network struct {
	Counts     []int       // [C] training images
	Classifier [][]float64 // [C][F] rows of the dense layer; for Normalise
	Training   *Outputs    // of all training images, without crops and flips; for NCM
	HeldOut    *Outputs    // for an Adjustment with Auto
}

// Scores are the changed scores [N][C] of a set of images.
func (n *Network) Scores(a Adjustment, o *Outputs) [][]float64 {
	switch a.Method {
	case Normalise:
		return TauNorm(n.Classifier, nil, o.Features, a.Tau, false)
	case NCM:
		return NearestClassMean(n.Training.Features, n.Training.Labels, len(n.Counts), o.Features)
	default:
		return PostHoc(o.Logits, n.Counts, a.Tau)
	}
}

// Choose gives an adjustment whose tau is auto the value of Grid with the best balanced accuracy on the held-out images, the smallest of
// equal ones, and that accuracy. Held-out images are as long-tailed as the training images: the rare classes, for which tau matters most,
// have few of them or none, and classes without any do not count; the choice is honest but noisy.
func (n *Network) Choose(a Adjustment) (chosen Adjustment, heldOut float64) {
	chosen, heldOut = Adjustment{Method: a.Method}, math.Inf(-1)
	for _, tau := range Grid() {
		candidate := Adjustment{Method: a.Method, Tau: tau}
		counts := Confusion(n.Scores(candidate, n.HeldOut), n.HeldOut.Labels)
		if accuracy := metrics.BalancedAccuracy(counts.Tally(len(n.Counts))); accuracy > heldOut {
			chosen, heldOut = candidate, accuracy
		}
	}
	return chosen, heldOut
}

// Confusion counts the predictions of scores [N][C], the first largest one of each row, against labels [N].
func Confusion(scores [][]float64, labels []int32) metrics.Counts {
	counts := metrics.Counts{}
	for i, row := range scores {
		counts[metrics.Pair{Label: labels[i], Predicted: int32(metrics.Argmax(row))}]++
	}
	return counts
}

// CrossEntropy is the sum over the images of log sum_c e^z_c - z_y, of scores [N][C] and labels [N].
func CrossEntropy(scores [][]float64, labels []int32) float64 {
	total := 0.0
	for i, row := range scores {
		top, sum := row[metrics.Argmax(row)], 0.0
		for _, z := range row {
			sum += math.Exp(z - top)
		}
		total += math.Log(sum) + top - row[labels[i]]
	}
	return total
}
