// The interpreter of row programs: a loss, forward and backward, as instructions on the registers of one sample; then the metrics.
//
// A warp runs a sample. Register r of it holds `classes` floats, lane l has numbers l, l + 32, ...; a narrow value is
// number 0. Registers are in shared memory or, in the kernels called so, where a row of many classes has no room there, in device memory; the bits are the same.
// Instructions mean what package ops says. A row sum adds lane by lane in steps of 32 classes, then over the lanes by a butterfly.
// The last block adds the samples' losses, in order, in double precision.
#include "statistics.h"
#include "control.h"

const int warps = 4; // of a block at most

// In the order of plan's kinds; the host translates.
enum RowOperation {
	row_affine, row_exp, row_log, row_softplus, row_sigmoid, row_power, row_copy, row_add, row_sub, row_mul, row_div, row_greater_equal,
	row_sum, row_max, row_log_sum_exp, row_constant
};
struct RowCode {
	int operation, to, a, b; // registers; b -1 for none
	int wide, a_wide, b_wide;
	float x, y;
};
struct RowPort {
	float *values; // [N, C], [N, 1] or [C]
	int reg, wide, per_class;
	int sum; // of an input: not 0, the sum of so many numbers at values, which every row gets
};
struct Rows {
	const RowCode *code;
	const RowPort *ports; // inputs, outputs, means
	int instructions, inputs, outputs, means;
	int rows, classes, registers;
	int stride;           // how many numbers of the order belong to a step; 0: the program counts no metrics
	const float *logits;  // [N, C]
	const int *labels;    // [N], -1 for padding
	float *losses;        // [N]
	float *memory;        // [rows, registers, classes]: the registers, of kernels that have them there
	Control *control;
	unsigned *ticket;
};

// 2^n by exponent bits, for -126 <= n <= 127.
__device__ inline float power_of_two(int n) { return float_of((unsigned)(n + 127) << 23); }
// e^x: x = n ln 2 + r, the reduction in two pieces of ln 2. One approximate power, of r; the scaling by 2^n is exact, in two steps
// because n goes beyond the exponents of a float.
__device__ inline float exp_f(float x) {
	const float log2_e = 1.44269504f, high = 0.693359375f, low = -2.12194440e-4f;
	float n = round_even(min_f(max_f(x * log2_e, -160), 160)), r = fma(-n, low, fma(-n, high, x));
	if (!(abs_f(x) < 104)) return x > 0 ? float_of(0x7f800000u) : x < 0 ? 0 : x;
	int whole = (int)n, half = whole / 2;
	return exp2_approx(r * log2_e) * power_of_two(half) * power_of_two(whole - half);
}
// Natural logarithm: x = m 2^e with m in [sqrt(1/2), sqrt(2)), 2 artanh((m - 1) / (m + 1)) as a series.
__device__ inline float log_f(float x) {
	if (!(x > 0)) return x == 0 ? float_of(0xff800000u) : float_of(0x7fc00000u);
	if (bits_of(x) >= 0x7f800000u) return x;
	float extra = 0;
	if (x < 1.17549435e-38f) { x *= 16777216.f; extra = -24; }
	int bits = (int)bits_of(x), e = (bits - 0x3f3504f3) >> 23;
	float m = float_of((unsigned)(bits - e * (1 << 23))), s = (m - 1) / (m + 1), z = s * s;
	float series = fma(z, fma(z, fma(z, fma(z, 1.f / 9, 1.f / 7), 1.f / 5), 1.f / 3), 0.f) * 2 * s;
	float k = (float)e + extra;
	return fma(k, 0.693359375f, fma(k, -2.12194440e-4f, fma(2, s, series)));
}
// log(1 + x) for x >= 0.
__device__ inline float log1p_f(float x) {
	float u = 1 + x;
	return u == 1 ? x : log_f(u) * x / (u - 1);
}

__device__ inline float unary(const RowCode &i, float x) {
	switch (i.operation) {
	case row_affine: return fma(i.x, x, i.y);
	case row_exp: return exp_f(x);
	case row_log: return log_f(x);
	case row_softplus: return max_f(x, 0) + log1p_f(exp_f(-abs_f(x)));
	case row_sigmoid: return 1 / (1 + exp_f(-x));
	case row_power: return i.x == 0 ? 1 : i.x == 1 ? x : i.x == 2 ? x * x : exp_f(i.x * log_f(x));
	}
	return x;
}
__device__ inline float binary(int operation, float a, float b) {
	switch (operation) {
	case row_add: return a + b;
	case row_sub: return a - b;
	case row_mul: return a * b;
	case row_div: return a / b;
	}
	return a >= b ? 1.f : 0.f;
}

__device__ inline void run_row(const RowCode &i, float *registers, int classes) {
	float *to = registers + i.to * classes;
	const float *a = i.a < 0 ? nullptr : registers + i.a * classes, *b = i.b < 0 ? nullptr : registers + i.b * classes;
	int width = i.wide ? classes : 1;
	if (i.operation == row_sum || i.operation == row_max || i.operation == row_log_sum_exp) {
		int count = i.a_wide ? classes : 1;
		float largest = -float_of(0x7f800000u), sum = 0;
		for (int c = lane(); c < count; c += warp_size) {
			largest = max_f(largest, a[c]);
			sum += a[c];
		}
		if (i.operation == row_sum) {
			sum = warp_sum(sum);
		} else {
			largest = warp_max(largest);
			sum = largest;
		}
		if (i.operation == row_log_sum_exp) {
			sum = 0;
			for (int c = lane(); c < count; c += warp_size) sum += exp_f(a[c] - largest);
			sum = largest + log_f(warp_sum(sum));
		}
		if (lane() == 0) to[0] = sum;
	} else {
		for (int c = lane(); c < width; c += warp_size) {
			float x = a ? a[i.a_wide ? c : 0] : i.x;
			to[c] = i.operation == row_constant ? i.x : b ? binary(i.operation, x, b[i.b_wide ? c : 0]) : unary(i, x);
		}
	}
	__syncwarp();
}

// The class of the largest of some logits, the first of equals; no logit is larger than NaN or smaller. Every lane gets it.
INLINE int predict(const float *logits, int classes) {
	int best = 0;
	float largest = -float_of(0x7f800000u);
#pragma unroll 4
	for (int c = lane(); c < classes; c += warp_size) {
		const float logit = logits[c];
		if (logit > largest) best = c;
		largest = logit > largest ? logit : largest;
	}
	for (int step = warp_size / 2; step > 0; step /= 2) {
		const float other = shuffle_xor(largest, step);
		const int place = shuffle_xor(best, step);
		if (other > largest || (other == largest && place < best)) best = place;
		largest = max_f(largest, other);
	}
	return (bits_of(logits[0]) & 0x7fffffffu) > 0x7f800000u ? 0 : best;
}

// The shared memory of a block: the registers of its rows, unless they are in device memory, and behind them the program's ports and instructions, so
// that none of these waits for device memory.
INLINE RowPort *ports_behind(const Rows &p, float *shared) {
	return (RowPort *)(shared + (blockDim.x / 32 * p.registers * p.classes + 1) / 2 * 2);
}
INLINE float *registers_in(const Rows &p, float *shared) { return shared + (int)threadIdx.x / 32 * p.registers * p.classes; }
INLINE float *registers_of(const Rows &p, int n) { return p.memory + (size_t)n * p.registers * p.classes; }
// Four words of a thread are on their way at once.
INLINE void copy_words(void *to, const void *from, int words) {
	const int step = (int)blockDim.x;
	for (int first = (int)threadIdx.x; first < words; first += 4 * step) {
		int some[4];
#pragma unroll
		for (int i = 0; i < 4; i++) some[i] = first + i * step < words ? ((const int *)from)[first + i * step] : 0;
#pragma unroll
		for (int i = 0; i < 4; i++)
			if (first + i * step < words) ((int *)to)[first + i * step] = some[i];
	}
}

// Reads the inputs of row n of a program into the registers of this warp.
INLINE void read_inputs(const Rows &p, const RowPort *ports, int n, float *registers) {
	for (int i = 0; i < p.inputs; i++) {
		const RowPort &in = ports[i];
		int width = in.sum ? in.sum : in.wide ? p.classes : 1;
		float sum = 0;
#pragma unroll 4
		for (int c = lane(); c < width; c += warp_size) {
			float x = in.values[(in.per_class ? 0 : (size_t)n * width) + c];
			if (in.sum)
				sum += x;
			else
				registers[in.reg * p.classes + c] = x;
		}
		if (in.sum) {
			sum = warp_sum(sum);
			if (lane() == 0) registers[in.reg * p.classes] = sum;
		}
	}
}

// Runs row n of a program, all threads of a block at once; those of a warp without a row are not live. Ports are in shared memory, with room for the
// instructions behind them.
INLINE void run_program(const Rows &p, int n, bool live, RowPort *ports, float *registers) {
	RowCode *code = (RowCode *)(ports + p.inputs + p.outputs + p.means);
	copy_words(ports, p.ports, (p.inputs + p.outputs + p.means) * (int)(sizeof(RowPort) / 4));
	copy_words(code, p.code, p.instructions * (int)(sizeof(RowCode) / 4));
	__syncthreads();
	if (!live) return;
	read_inputs(p, ports, n, registers);
	__syncwarp();
	for (int i = 0; i < p.instructions; i++) run_row(code[i], registers, p.classes);
	for (int i = p.inputs; i < p.inputs + p.outputs; i++) {
		const RowPort &out = ports[i];
		int width = out.wide ? p.classes : 1;
		for (int c = lane(); c < width; c += warp_size) out.values[(size_t)n * width + c] = registers[out.reg * p.classes + c];
	}
}

// The loss of row n, a sample, and the class that is predicted of it.
INLINE void count_row(const Rows &p, int n, const RowPort *ports, const float *registers) {
	const bool counted = p.labels[n] >= 0 && !p.control->bad;
	const int best = counted ? predict(p.logits + (size_t)n * p.classes, p.classes) : -1;
	if (lane() != 0) return;
	float loss = 0;
	for (int i = p.inputs + p.outputs; i < p.inputs + p.outputs + p.means; i++)
		for (int c = 0; c < (ports[i].wide ? p.classes : 1); c++) loss += registers[ports[i].reg * p.classes + c];
	p.losses[n] = loss;
	p.control->order[(size_t)p.control->done * p.stride + n] = best;
}

// The last block's work: the samples' losses.
INLINE void add_losses(const Rows &p, float *losses, int *labels) {
	const int threads = (int)blockDim.x;
	double loss = 0;
	unsigned long long samples = 0;
	for (int first = 0; first < p.rows; first += threads) {
		int count = p.rows - first < threads ? p.rows - first : threads;
		__syncthreads();
		if ((int)threadIdx.x < count) {
			labels[threadIdx.x] = p.labels[first + (int)threadIdx.x];
			losses[threadIdx.x] = load_fresh(&p.losses[first + (int)threadIdx.x]);
		}
		__syncthreads();
		for (int i = 0; threadIdx.x == 0 && i < count; i++)
			if (labels[i] >= 0) {
				loss += (double)losses[i];
				samples++;
			}
	}
	if (threadIdx.x != 0) return;
	p.control->loss += loss;
	p.control->samples += samples;
	if (!(loss - loss == 0)) p.control->bad = 1;
}

// Row n of a program and, where that has them, the metrics; in the end a loss and a label a thread take the place of what is in shared memory.
INLINE void run_and_count(const Rows &p, int n, float *shared, RowPort *ports, float *registers) {
	run_program(p, n, n < p.rows, ports, registers);
	if (!p.stride) return;
	__syncwarp(); // the logits may be among the outputs
	if (n < p.rows) count_row(p, n, ports, registers);
	if (last_to_arrive(p.ticket, gridDim.x) && !p.control->bad) add_losses(p, shared, (int *)(shared + blockDim.x));
}

INLINE int row_of(int block) { return (block * (int)blockDim.x + (int)threadIdx.x) / warp_size; }

extern "C" __global__ void __launch_bounds__(warps * 32) rows(Rows p) {
	DYNAMIC_SHARED(float, shared);
	run_and_count(p, row_of((int)blockIdx.x), shared, ports_behind(p, shared), registers_in(p, shared));
}
EXPORT_KERNEL(rows)
extern "C" __global__ void __launch_bounds__(warps * 32) rows_in_memory(Rows p) {
	DYNAMIC_SHARED(float, shared);
	const int n = row_of((int)blockIdx.x);
	run_and_count(p, n, shared, (RowPort *)shared, registers_of(p, n));
}
EXPORT_KERNEL(rows_in_memory)

// Several programs that do not read each other's results and count no metrics; program i begins at block first[i].
INLINE int program_of_block(const int *first, int count) {
	int i = 0;
	while (i + 1 < count && (int)blockIdx.x >= first[i + 1]) i++;
	return i;
}
extern "C" __global__ void __launch_bounds__(warps * 32) rows_together(const Rows *programs, const int *first, int count) {
	DYNAMIC_SHARED(float, shared);
	const int i = program_of_block(first, count), n = row_of((int)blockIdx.x - first[i]);
	const Rows &p = programs[i];
	run_program(p, n, n < p.rows, ports_behind(p, shared), registers_in(p, shared));
}
EXPORT_KERNEL(rows_together)
extern "C" __global__ void __launch_bounds__(warps * 32) rows_together_in_memory(const Rows *programs, const int *first, int count) {
	DYNAMIC_SHARED(float, shared);
	const int i = program_of_block(first, count), n = row_of((int)blockIdx.x - first[i]);
	const Rows &p = programs[i];
	run_program(p, n, n < p.rows, (RowPort *)shared, registers_of(p, n));
}
EXPORT_KERNEL(rows_together_in_memory)

// Evaluation has no update: the step counter alone.
extern "C" __global__ void advance(Control *control) {
	control->step++;
	control->done++;
}
EXPORT_KERNEL(advance)
