// Products of matrices on tensor cores, fp16 with fp32 sums: what the three products of general_mma.cu share.
//
// Tile     `high` rows (64 or 128) and 64 columns a block of 128 threads; each of the four warps has a quarter, high / 2 rows and 32 columns, 32 or
//          64 sums a thread.
// Shared   three stretches of 32 terms of both factors, 24 or 36 KB: two are on their way (cp.async) while the third is multiplied. A factor lies
//          as it lies in memory, by rows or by terms; ldmatrix transposes where that is the wrong way round. Parts of 8 change places from line to
//          line, so that the 8 lines that ldmatrix reads at once lie in different banks.
// Order    a sum is added 16 terms at a time, from the first to the last.
//
// Needs sm_80: mma.m16n8k16 and cp.async.
#pragma once
#include "general_layer.h"

const int threads = 128, depth = 32, columns = 64, stages = 3, row_warps = 2, column_warps = 2;

// `depth` terms of `width` rows (of the right factor: columns) in shared memory: lines of the terms of a row, or of the rows of a term.
template <int width, bool by_rows> struct Factor {
	static constexpr int halves = width * depth, parts = (by_rows ? depth : width) / 8; // of a line
	static constexpr int lines = threads / parts, rounds = halves / 8 / threads;        // that the threads copy at once; how often

	// where the 8 terms of a row, or rows of a term, from (row, term) on lie
	INLINE static int at(int row, int term) {
		return by_rows ? row * depth + (term / 8 ^ row / 2 % 4) * 8 : term * width + (row / 8 ^ term % 8) * 8;
	}
	// what this thread copies in a round: 8 numbers from here on
	INLINE static int row(int round) { return by_rows ? (int)threadIdx.x / parts + round * lines : (int)threadIdx.x % parts * 8; }
	INLINE static int term(int round) { return by_rows ? (int)threadIdx.x % parts * 8 : (int)threadIdx.x / parts + round * lines; }
};

template <int high, bool left_by_rows, bool right_by_rows> struct Tile {
	using Left = Factor<high, left_by_rows>;
	using Right = Factor<columns, right_by_rows>;
	static constexpr int stage = Left::halves + Right::halves, halves = stages * stage;
	static constexpr int row_tiles = high / row_warps / 16, column_tiles = columns / column_warps / 8; // of 16 rows and 8 columns, of a warp
	using Sums = float[row_tiles][column_tiles][4];

	INLINE static int first_row() { return (int)threadIdx.x / warp_size / column_warps * (high / row_warps); }
	INLINE static int first_column() { return (int)threadIdx.x / warp_size % column_warps * (columns / column_warps); }

	// 16 rows and 16 terms of the left factor; 16 terms and 16 columns of the right one.
	INLINE static void load_left(unsigned (&r)[4], const half *from, int row, int term) {
		const int l = lane();
		if constexpr (left_by_rows)
			load_matrix(r, &from[Left::at(row + l % 16, term + l / 16 * 8)]);
		else
			load_matrix_transposed(r, &from[Left::at(row + l / 8 % 2 * 8, term + l / 16 * 8 + l % 8)]);
	}
	INLINE static void load_right(unsigned (&r)[4], const half *from, int column, int term) {
		const int l = lane();
		if constexpr (right_by_rows)
			load_matrix(r, &from[Right::at(column + l / 16 * 8 + l % 8, term + l / 8 % 2 * 8)]);
		else
			load_matrix_transposed(r, &from[Right::at(column + l / 16 * 8, term + l % 16)]);
	}

	// sum += left x right over the `depth` terms of a stage.
	INLINE static void add(const half *left, Sums &sum) {
		const half *right = left + Left::halves;
#pragma unroll
		for (int k = 0; k < depth; k += 16) {
			unsigned b[column_tiles / 2][4];
#pragma unroll
			for (int n = 0; n < column_tiles / 2; n++) load_right(b[n], right, first_column() + n * 16, k);
#pragma unroll
			for (int m = 0; m < row_tiles; m++) {
				unsigned a[4];
				load_left(a, left, first_row() + m * 16, k);
#pragma unroll
				for (int n = 0; n < column_tiles; n++) mma_f16(sum[m][n], a, b[n / 2][n % 2 * 2], b[n / 2][n % 2 * 2 + 1]);
			}
		}
	}

	// sum += the product of `steps` times `depth` terms; fetch(left, right) begins to copy the next ones.
	template <class Fetch> INLINE static void multiply(half *ring, int steps, Fetch fetch, Sums &sum) {
#pragma unroll
		for (int i = 0; i < stages - 1; i++) {
			if (i < steps) fetch(ring + i * stage, ring + i * stage + Left::halves);
			copy_async_commit();
		}
		half *from = ring, *to = ring + (stages - 1) * stage, *const end = ring + halves;
#pragma unroll 1
		for (int step = 0; step < steps; step++) {
			copy_async_wait<stages - 2>();
			__syncthreads();
			if (step + stages - 1 < steps) fetch(to, to + Left::halves);
			copy_async_commit();
			add(from, sum);
			from = from + stage == end ? ring : from + stage;
			to = to + stage == end ? ring : to + stage;
		}
	}

	// Calls use(row, column, a, b) for each two neighbouring sums of this thread.
	template <class Use> INLINE static void each_pair(const Sums &sum, Use use) {
		const int row = first_row() + lane() / 4, column = first_column() + lane() % 4 * 2;
#pragma unroll
		for (int m = 0; m < row_tiles; m++)
#pragma unroll
			for (int upper = 0; upper < 2; upper++)
#pragma unroll
				for (int n = 0; n < column_tiles; n++) use(row + m * 16 + upper * 8, column + n * 8, sum[m][n][upper * 2], sum[m][n][upper * 2 + 1]);
	}
};
