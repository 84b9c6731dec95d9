package models

import (
	"math"
	"slices"

	"gorgonia.org/tensor"
)

// MaxNorm shortens the rows v of a matrix to v min(1, radius / |v|), in place (Alshammari et al., "Long-Tailed Recognition via Weight
// Balancing", CVPR 2022, section 4).
func MaxNorm(m *tensor.Dense, radius float64) {
	for row := range slices.Chunk(m.Data().([]float32), m.Shape()[1]) {
		if length := norm(row); length > radius {
			scale(row, radius/length)
		}
	}
}

// norm is the Euclidean length of a row.
func norm(row []float32) float64 {
	square := 0.0
	for _, v := range row {
		square += float64(v) * float64(v)
	}
	return math.Sqrt(square)
}

func scale(row []float32, by float64) {
	for i, v := range row {
		row[i] = float32(float64(v) * by)
	}
}
