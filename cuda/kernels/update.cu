// The end of a training step: adds the slices of the weights' gradients, then SGD with momentum and weight decay for all parameters,
// running moments, and the step counter. One launch; a block 1024 neighbouring numbers of one segment.
//
// g = factor * sum over slices, in order; v = momentum v + (g + decay w); w = w - rate v, or, of Nesterov's kind, w = w - rate ((g + decay w) +
// momentum v); running = keep running + (1 - keep) batch,
// the variance times count / (count - 1). Nothing changes once a loss was not finite.
#include "statistics.h"
#include "control.h"

struct Segment {
	float *w, *v;       // running moments in w; v nullptr for those
	float *g;           // the gradient, for the host to read; nullptr where parts is it
	const float *parts; // [slices, n]
	half *copy;         // 16-bit copy of w, or nullptr
	int n, slices;
	float factor, decay; // running: decay is count / (count - 1)
};
struct Portion { int segment, begin; };

const int threads = 256, numbers = 4; // numbers of a thread, `threads` apart

// Adds the slices of `count` numbers in their order, 32 loads on their way at once.
template <int count> INLINE void add_slices(const Segment &s, int first, float *g) {
	const float *from = s.parts + first;
	const int n = s.n;
#pragma unroll 32 / count
	for (int k = 0; k < s.slices; k++, from += n)
#pragma unroll
		for (int j = 0; j < count; j++) g[j] = k ? g[j] + from[j * threads] : from[j * threads];
}

// Four blocks a multiprocessor leave 64 registers: enough for 8 slices of 4 numbers on their way at once.
extern "C" __global__ void __launch_bounds__(threads, 4) update(const Segment *segments, const Portion *portions, Control *control, unsigned *ticket, float momentum, float keep, int nesterov) {
	const Portion p = portions[blockIdx.x];
	const Segment &s = segments[p.segment];
	const bool bad = control->bad != 0;
	const float rate = control->rates[control->step];
	const int n = s.n, begin = p.begin + (int)threadIdx.x;
	float g[numbers] = {};
	if (p.begin + threads * numbers <= n) {
		add_slices<numbers>(s, begin, g);
	} else {
#pragma unroll
		for (int j = 0; j < numbers; j++)
			if (begin + j * threads < n) add_slices<1>(s, begin + j * threads, &g[j]);
	}
	float *const weights = s.w, *const momentums = s.v;
	float w[numbers], v[numbers];
#pragma unroll
	for (int j = 0; j < numbers; j++) {
		w[j] = begin + j * threads < n ? weights[begin + j * threads] : 0;
		v[j] = begin + j * threads < n && momentums ? momentums[begin + j * threads] : 0;
	}
	float *const gradient = s.g;
	half *const copy = s.copy;
	const float factor = s.factor, decay = s.decay;
#pragma unroll
	for (int j = 0; j < numbers; j++) {
		const int i = begin + j * threads;
		if (i >= n) break;
		g[j] *= factor;
		if (gradient) gradient[i] = g[j];
		if (bad) continue;
		if (!momentums) {
			weights[i] = keep * w[j] + (1 - keep) * (i >= n / 2 ? g[j] * decay : g[j]);
			continue;
		}
		const float slope = g[j] + decay * w[j];
		v[j] = momentum * v[j] + slope;
		w[j] = w[j] - rate * (nesterov ? slope + momentum * v[j] : v[j]);
		momentums[i] = v[j];
		weights[i] = w[j];
		if (copy) copy[i] = to_half(w[j]);
	}
	if (!last_to_arrive(ticket, gridDim.x) || threadIdx.x != 0) return;
	control->step++;
	control->done++;
}
EXPORT_KERNEL(update)
