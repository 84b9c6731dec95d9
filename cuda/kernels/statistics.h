// Sums over a batch by channel that many blocks share: every block writes its part, the block that arrives last merges all parts in
// their order, so that the bits do not depend on timing.
#pragma once
#include "source.h"

enum StatisticsKind {
	statistics_none,
	statistics_moments, // result [2, C]: mean and biased variance of the values
	statistics_sums     // result [2, C]: factor * sum of the values, factor * sum of values * xhat
};

// xhat = (raw - mean) / sqrt(variance + eps).
struct Statistics {
	const void *raw;      // T, of the values' shape (sums)
	const float *moments; // [2, C] of raw
	float *parts;         // [blocks, 2, C], then the number of values of each block [blocks] (moments)
	unsigned *ticket;     // 0 before and after
	float *result;
	float eps, factor;
	int kind;
};

// All threads of the last block to come here get true; what the others wrote before is then visible through load_fresh.
__device__ inline bool last_to_arrive(unsigned *ticket, unsigned blocks) {
	__shared__ unsigned arrival;
	__syncthreads();
	if (threadIdx.x == 0) arrival = arrive(ticket);
	__syncthreads();
	if (arrival != blocks - 1) return false;
	if (threadIdx.x == 0) *ticket = 0;
	return true;
}

// Adds m values with (other_mean, other_m2) to n values with (mean, m2): Chan, Golub, LeVeque 1979, equation 2.1.
__device__ inline void merge_moments(float &n, float &mean, float &m2, float m, float other_mean, float other_m2) {
	if (m == 0) return;
	float total = n + m, share = m / total, delta = other_mean - mean;
	mean = fma(delta, share, mean);
	m2 = m2 + other_m2 + delta * delta * n * share;
	n = total;
}

// The last block's work: threads / C threads a channel take parts g, g + groups, ... in order; then one adds up the groups in order.
template <int threads> INLINE void finish_statistics(const Statistics &s, int blocks, int channels) {
	__shared__ float first[threads], second[threads], counts[threads];
	int t = (int)threadIdx.x, groups = threads / channels, group = t / channels, c = t % channels;
	if (group < groups) {
		float n = 0, a = 0, b = 0;
		const bool moments = s.kind == statistics_moments;
		const float *u = &s.parts[c], *v = &s.parts[channels + c], *m = &s.parts[(size_t)blocks * 2 * channels];
		const int most = 16; // parts on their way at once
		for (int from = group; from < blocks; from += most * groups) {
			float x[most], y[most], count[most];
#pragma unroll
			for (int i = 0; i < most; i++) {
				const int p = from + i * groups;
				const bool there = p < blocks;
				x[i] = there ? load_fresh(&u[(size_t)p * 2 * channels]) : 0;
				y[i] = there ? load_fresh(&v[(size_t)p * 2 * channels]) : 0;
				count[i] = there && moments ? load_fresh(&m[p]) : 0;
			}
#pragma unroll
			for (int i = 0; i < most; i++) {
				if (from + i * groups >= blocks) break;
				if (moments) {
					merge_moments(n, a, b, count[i], x[i], y[i]);
				} else {
					a += x[i];
					b += y[i];
				}
			}
		}
		first[t] = a;
		second[t] = b;
		counts[t] = n;
	}
	__syncthreads();
	if (t >= channels) return;
	float n = counts[t], a = first[t], b = second[t];
	for (int g = 1; g < groups; g++) {
		int from = g * channels + t;
		if (s.kind == statistics_moments) {
			merge_moments(n, a, b, counts[from], first[from], second[from]);
		} else {
			a += first[from];
			b += second[from];
		}
	}
	s.result[t] = s.kind == statistics_moments ? a : a * s.factor;
	s.result[channels + t] = s.kind == statistics_moments ? b / n : b * s.factor;
}

// Shared memory of a block's part.
template <int threads> struct Reduction {
	float4 rows[threads];
	float mean[max_channels], inverse[max_channels]; // of raw; of the block's values while its squares are summed
};

__device__ inline float component(float4 v, int i) { return i == 0 ? v.x : i == 1 ? v.y : i == 2 ? v.z : v.w; }

// Adds value over the threads of the same quad of channels, t % quads, in the order of the threads; sum(c) for c < 4 quads is then
// told to store(c, sum), one thread a channel.
template <int threads, class Store> INLINE void reduce_quads(Reduction<threads> &r, float4 value, int quads, Store store) {
	int t = (int)threadIdx.x;
	__syncthreads();
	r.rows[t] = value;
	__syncthreads();
	if (t < 4 * quads) {
		float sum = 0;
		for (int from = t / 4; from < threads; from += quads) sum += component(r.rows[from], t % 4);
		store(t, sum);
	}
	__syncthreads();
}
