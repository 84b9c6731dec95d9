// Convolutions of any size as products of matrices, in fp32 on CUDA cores: what the kernels of general_conv.cu and general_weights.cu share.
//
// A block of 256 threads computes a tile of 64 rows and 64 columns of a product, a thread 4 x 4 of them. Shared memory holds 16 terms of each
// row's and column's sums; the next 16 are fetched while these are multiplied. A sum is added up in stretches, so that its error grows with
// the stretch and the number of stretches and not with the number of terms.
#pragma once
#include "general_layer.h"

const int threads = 256, tile = 64, depth = 16, pitch = tile + 4; // a pitch at which transposed stores meet each bank twice at most

// The terms of the rows and columns of a tile.
struct Terms {
	alignas(16) float rows[depth * pitch], columns[depth * pitch];
};

// A thread's part of a tile: 4 rows of 4 columns.
struct Sums {
	float4 stretch[4], total[4];
};

// Four neighbouring terms of one row or column.
INLINE void put_terms(float *of, int first, int at, float4 v) {
	of[first * pitch + at] = v.x;
	of[(first + 1) * pitch + at] = v.y;
	of[(first + 2) * pitch + at] = v.z;
	of[(first + 3) * pitch + at] = v.w;
}

INLINE float4 splat(float x) { return float4{x, x, x, x}; }

INLINE void add_terms(const Terms &m, int row, int column, Sums &s) {
#pragma unroll
	for (int k = 0; k < depth; k++) {
		float4 r = load4(&m.rows[k * pitch + row]), c = load4(&m.columns[k * pitch + column]);
		s.stretch[0] = fma4(splat(r.x), c, s.stretch[0]);
		s.stretch[1] = fma4(splat(r.y), c, s.stretch[1]);
		s.stretch[2] = fma4(splat(r.z), c, s.stretch[2]);
		s.stretch[3] = fma4(splat(r.w), c, s.stretch[3]);
	}
}

INLINE void end_stretch(Sums &s) {
#pragma unroll
	for (int i = 0; i < 4; i++) {
		s.total[i] = s.total[i] + s.stretch[i];
		s.stretch[i] = float4{0, 0, 0, 0};
	}
}
