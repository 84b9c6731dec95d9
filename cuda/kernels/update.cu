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

extern "C" __global__ void __launch_bounds__(256) update(const Segment *segments, const Portion *portions, Control *control, unsigned *ticket, float momentum, float keep, int nesterov) {
	Portion p = portions[blockIdx.x];
	const Segment &s = segments[p.segment];
	bool bad = control->bad != 0;
	float rate = control->rates[control->step];
	for (int i = p.begin + (int)threadIdx.x; i < p.begin + 1024 && i < s.n; i += (int)blockDim.x) {
		float g = s.parts[i];
		for (int k = 1; k < s.slices; k++) g += s.parts[(size_t)k * s.n + i];
		g *= s.factor;
		if (s.g) s.g[i] = g;
		if (bad) continue;
		float w = s.w[i];
		if (!s.v) {
			s.w[i] = keep * w + (1 - keep) * (i >= s.n / 2 ? g * s.decay : g);
			continue;
		}
		g += s.decay * w;
		float v = momentum * s.v[i] + g;
		w = w - rate * (nesterov ? g + momentum * v : v);
		s.v[i] = v;
		s.w[i] = w;
		if (s.copy) s.copy[i] = to_half(w);
	}
	if (!last_to_arrive(ticket, gridDim.x) || threadIdx.x != 0) return;
	control->step++;
	control->done++;
}
EXPORT_KERNEL(update)
