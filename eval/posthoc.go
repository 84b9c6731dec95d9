package eval

import "math"

// TauNormalize scales each row v of a classifier [C, d] to v / |v|^tau (Kang et al., "Decoupling Representation and Classifier for
// Long-Tailed Recognition", ICLR 2020, section 4.3). A row of zeros stays one.
func TauNormalize(classifier [][]float64, tau float64) [][]float64 {
	scaled := make([][]float64, len(classifier))
	for c, row := range classifier {
		square := 0.0
		for _, v := range row {
			square += v * v
		}
		scaled[c] = make([]float64, len(row))
		for i, v := range row {
			if v != 0 {
				scaled[c][i] = v / math.Pow(square, tau/2)
			}
		}
	}
	return scaled
}

// Logits are features [N, d] times the rows of a classifier [C, d], plus a bias [C]; nil is none.
func Logits(features, classifier [][]float64, bias []float64) [][]float64 {
	logits := make([][]float64, len(features))
	for n, f := range features {
		logits[n] = make([]float64, len(classifier))
		for c, row := range classifier {
			if bias != nil {
				logits[n][c] = bias[c]
			}
			for i, v := range row {
				logits[n][c] += f[i] * v
			}
		}
	}
	return logits
}

// AdjustLogits subtracts tau times the log prior of each class from logits [N, C] (Menon et al., "Long-Tail Learning via Logit
// Adjustment", ICLR 2021, equation 9). counts are the training images of each class [C]; a class without any keeps its logits.
func AdjustLogits(logits [][]float64, counts []int, tau float64) [][]float64 {
	total := 0
	for _, n := range counts {
		total += n
	}
	adjusted := make([][]float64, len(logits))
	for i, row := range logits {
		adjusted[i] = make([]float64, len(row))
		for c, z := range row {
			adjusted[i][c] = z
			if counts[c] > 0 {
				adjusted[i][c] -= tau * math.Log(float64(counts[c])/float64(total))
			}
		}
	}
	return adjusted
}
