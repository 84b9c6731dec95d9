package loss

import "math"

// absent is the logarithm that stands for the number of images of a class without any: next to no probability, and finite.
const absent = -50

// logCounts are log n_c [C].
func logCounts(counts []int) []float64 {
	return each(counts, absent, func(n float64) float64 { return math.Log(n) })
}

// logPriors are scale * log(n_c / sum n) [C].
func logPriors(counts []int, scale float64) []float64 {
	total := math.Log(float64(sum(counts)))
	return each(counts, scale*absent, func(n float64) float64 { return scale * (math.Log(n) - total) })
}

// temperatures are (n_c / max n)^gamma [C].
func temperatures(counts []int, gamma float64) []float64 {
	_, most := extremes(counts)
	return each(counts, 0, func(n float64) float64 { return math.Pow(n/most, gamma) })
}

// extremes are the numbers of images of the rarest class that has any, and of the most frequent one.
func extremes(counts []int) (least, most float64) {
	for _, n := range counts {
		if n > 0 && (least == 0 || float64(n) < least) {
			least = float64(n)
		}
		most = max(most, float64(n))
	}
	return least, most
}

// each is a number of every class as a function of its images; a class without images has the one given.
func each(counts []int, without float64, f func(n float64) float64) []float64 {
	numbers := make([]float64, len(counts))
	for c, n := range counts {
		numbers[c] = without
		if n > 0 {
			numbers[c] = f(float64(n))
		}
	}
	return numbers
}

func sum(counts []int) int {
	total := 0
	for _, n := range counts {
		total += n
	}
	return total
}
