// Package posthoc changes what a trained network says without training it again: for long-tailed training sets, whose networks favour the
// frequent classes. Its functions are pure and in float64. C is the number of classes, N of images, F of features.
package posthoc

import "math"

// TauNorm is the tau-normalised classifier of Kang et al. 2020, "Decoupling representation and classifier for long-tailed recognition",
// section 4: z_ic = f_i . v_c / |v_c|^tau, of classifier [C][F], bias [C] and features [N][F] to logits [N][C]. The bias is dropped as in
// the paper, or added as it is. With tau 0 the rows keep their lengths, with tau 1 all have length 1; a row of zeros stays one.
func TauNorm(classifier [][]float64, bias []float64, features [][]float64, tau float64, keepBias bool) [][]float64 {
	factors := make([]float64, len(classifier))
	for c, v := range classifier {
		if length := math.Sqrt(dot(v, v)); length > 0 {
			factors[c] = math.Pow(length, -tau)
		}
	}
	return table(len(features), len(classifier), func(i, c int) float64 {
		z := dot(features[i], classifier[c]) * factors[c]
		if keepBias {
			z += bias[c]
		}
		return z
	})
}

// PostHoc is the logit adjustment after training of Menon et al. 2021, "Long-tail learning via logit adjustment", section 4.1:
// z_ic - tau log(n_c / sum n), of logits [N][C] and training images counts [C]. A class without training images counts as one with one:
// the formula has no finite value for it.
func PostHoc(logits [][]float64, counts []int, tau float64) [][]float64 {
	total := 0.0
	for _, n := range counts {
		total += float64(n)
	}
	priors := make([]float64, len(counts))
	for c, n := range counts {
		priors[c] = math.Log(float64(max(1, n)) / total)
	}
	return table(len(logits), len(counts), func(i, c int) float64 { return logits[i][c] - tau*priors[c] })
}

// NearestClassMean classifies by the nearest class mean of centred, length-normalised features (Kang et al. 2020, section 4, with the
// features that their program calls cl2n): u = (f - m) / |f - m| with m the mean of all training features [M][F], labels [M]; the mean of a
// class is that of its u. The score [N][C] of an image of features [N][F] is minus the squared distance of its u to the mean; -Inf for a
// class without training images. Scores are no logits: their softmax means nothing.
func NearestClassMean(training [][]float64, labels []int32, classes int, features [][]float64) [][]float64 {
	m := mean(training)
	means, counts := make([][]float64, classes), make([]float64, classes)
	for i, f := range training {
		c := labels[i]
		if means[c] == nil {
			means[c] = make([]float64, len(m))
		}
		counts[c]++
		for k, u := range normalised(f, m) {
			means[c][k] += u
		}
	}
	for c := range means {
		for k := range means[c] {
			means[c][k] /= counts[c]
		}
	}
	units := make([][]float64, len(features))
	for i, f := range features {
		units[i] = normalised(f, m)
	}
	return table(len(features), classes, func(i, c int) float64 {
		if means[c] == nil {
			return math.Inf(-1)
		}
		distance := 0.0
		for k, u := range units[i] {
			distance += (u - means[c][k]) * (u - means[c][k])
		}
		return -distance
	})
}

// mean is that of rows [M][F].
func mean(rows [][]float64) []float64 {
	var m []float64
	for _, row := range rows {
		if m == nil {
			m = make([]float64, len(row))
		}
		for k, x := range row {
			m[k] += x / float64(len(rows))
		}
	}
	return m
}

// normalised is (f - m) / |f - m|; zeros where f is m.
func normalised(f, m []float64) []float64 {
	u := make([]float64, len(f))
	for k := range u {
		u[k] = f[k] - m[k]
	}
	if length := math.Sqrt(dot(u, u)); length > 0 {
		for k := range u {
			u[k] /= length
		}
	}
	return u
}

func dot(a, b []float64) float64 {
	sum := 0.0
	for i, x := range a {
		sum += x * b[i]
	}
	return sum
}

// table makes [rows][columns].
func table(rows, columns int, of func(i, c int) float64) [][]float64 {
	all := make([][]float64, rows)
	for i := range all {
		all[i] = make([]float64, columns)
		for c := range all[i] {
			all[i][c] = of(i, c)
		}
	}
	return all
}
