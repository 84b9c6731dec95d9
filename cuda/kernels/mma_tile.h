// What the tensor-core convolutions share: tiles of an image in shared memory, the shapes of their matrix products, the product.
//
// A stage's shape is a template parameter, so that the loops unroll and addresses fold.
//
// All 16-bit values are fp16. One mma takes one type for both operands, and gradients meet activations in the gradient of the
// weights; fp16 has 3 bits more than bfloat16, and a static power of two on the loss's gradient keeps gradients in its range.
//
// A block is 256 threads, 8 warps, and takes one image. Tensors are NHWC.
//
// Needs sm_80: mma.m16n8k16 and cp.async.
#pragma once
#include "source.h"

// On a GPU everything is part of its kernel: a call would pass arrays of registers through memory.
#if defined(__CUDA__) || defined(__CUDACC__)
#define MMA_INLINE __device__ __attribute__((always_inline)) inline
#else
#define MMA_INLINE __device__ inline
#endif

namespace mma {

const int threads = 256, warps = 8;

// The image of a block of a convolution or of its input's gradient: blocks take images row by row of the grid.
MMA_INLINE int own_image() { return (int)(blockIdx.y * gridDim.x + blockIdx.x); }

// ---- 8 channels of a pixel ----

struct Eight { float v[8]; };

MMA_INLINE Eight unpack(const Chunk &c) {
	Eight e;
#pragma unroll
	for (int i = 0; i < 4; i++) {
		float2 two = unpack_half(c.words[i]);
		e.v[2 * i] = two.x, e.v[2 * i + 1] = two.y;
	}
	return e;
}
MMA_INLINE Chunk pack(const Eight &e) {
	Chunk c;
#pragma unroll
	for (int i = 0; i < 4; i++) c.words[i] = pack_half(e.v[2 * i], e.v[2 * i + 1]);
	return c;
}
MMA_INLINE Chunk chunk_at(const half *p) { return load_chunk(p); }
MMA_INLINE Eight eight_at(const float *p) {
	float4 a = *(const float4 *)p, b = *(const float4 *)(p + 4);
	return {{a.x, a.y, a.z, a.w, b.x, b.y, b.z, b.w}};
}

// ---- an image in shared memory ----

// Where an image's pixels lie and which border of zeros is around them:
// whole    none
// sampled  none; every second pixel of every second row of a tensor of twice the side
// bordered one pixel all around
// parted   one pixel all around, the even columns of a row before the odd ones: a stride of 2 then reads neighbours
// trailing one row below and one column to the right
// compact  none, and no gaps
enum Layout { whole, sampled, bordered, parted, trailing, compact };

// A pixel takes channels + 8 halves: 48, 80 or 144 bytes put 8 neighbours, the rows that ldmatrix reads at once, on different banks. In a
// compact tile of 16 or 32 channels it takes no more than its channels, and its parts of 8 change places from neighbour to neighbour
// (Tile::at) to the same end.
template <int channels_> constexpr int pitch = channels_ + 8;

template <int channels_, int side_, Layout layout> struct Tile {
	static constexpr int channels = channels_, side = side_, parts = channels / 8;
	static constexpr int border = layout == bordered || layout == parted ? 2 : layout == trailing ? 1 : 0;
	static constexpr int row = side + border, positions = row * row;
	static constexpr int halves = positions * (layout == compact ? channels : pitch<channels>);

	// where 8 channels of the pixel at a position lie
	MMA_INLINE static constexpr int at(int position, int part) {
		return layout == compact ? position * channels + (part ^ position / (8 / parts) % parts) * 8 : position * pitch<channels> + part * 8;
	}
	MMA_INLINE static constexpr int position(int y, int x) { return y * row + (layout == parted ? x % 2 * (row / 2) + x / 2 : x); }
	MMA_INLINE static constexpr int place(int pixel) {
		return position(pixel / side + border / 2, pixel % side + border / 2);
	}
	// the tensor's side, and the pixel's number in it
	static constexpr int source_side = layout == sampled ? 2 * side : side;
	MMA_INLINE static constexpr int source(int pixel) {
		return layout == sampled ? pixel / side * 4 * side + pixel % side * 2 : pixel;
	}
	// What handles 8 channels a thread meets channels threadIdx.x % parts * 8 and on of every `stride`-th pixel. Those pixels lie whole rows
	// apart, so that all their places lie at constant distances from the first one's.
	static constexpr int stride = threads / parts, rounds = side * side / stride, stride_source = layout == sampled ? 4 * stride : stride;
	static constexpr int stride_halves = stride / side * row * (layout == compact ? channels : pitch<channels>);
	static_assert(stride % side == 0 && (layout != compact || stride / side * row % 8 == 0), "the constants above");
	MMA_INLINE static int own_pixel() { return (int)threadIdx.x / parts; }
	MMA_INLINE static int own_place() { return at(place(own_pixel()), (int)threadIdx.x % parts); }
	// the position of the i-th pixel of the border
	static constexpr int edge = side + 1, edges = border == 2 ? 4 * edge : border == 1 ? 2 * side + 1 : 0;
	MMA_INLINE static constexpr int edge_position(int i) {
		if (border == 1) return i <= side ? position(i, side) : position(side, i - side - 1);
		int along = i % edge;
		return i / edge == 0 ? position(0, along) : i / edge == 1 ? position(along, edge)
			: i / edge == 2 ? position(edge, edge - along) : position(edge - along, 0);
	}
};

template <class T> MMA_INLINE void clear_border(half *tile) {
	for (int i = threadIdx.x; i < T::edges * T::parts; i += threads)
		*(Chunk *)&tile[T::edge_position(i / T::parts) * pitch<T::channels> + i % T::parts * 8] = Chunk{};
}

// Fills a tile with prologue.value(prologue.read(i), i) for the own pixels i = 0, T::stride_source, ... of each thread. `most` reads go out before
// the first is used; the first of them before between(), which makes what prologue.ready() reads and ends with a barrier.
template <class T, int most, class Prologue, class Between> MMA_INLINE void fill(half *tile, Prologue prologue, const Between &between) {
	const int batch = T::rounds < most ? T::rounds : most;
	static_assert(T::rounds % batch == 0, "the loop below");
	typename Prologue::Raw raw[batch];
#pragma unroll
	for (int i = 0; i < batch; i++) raw[i] = prologue.read(i * T::stride_source);
	between();
	prologue.ready();
	tile += T::own_place();
#pragma unroll 1
	for (int round = 0;;) {
#pragma unroll
		for (int i = 0; i < batch; i++)
			*(Chunk *)&tile[(round + i) * T::stride_halves] = prologue.value(raw[i], (round + i) * T::stride_source);
		if ((round += batch) == T::rounds) break;
#pragma unroll
		for (int i = 0; i < batch; i++) raw[i] = prologue.read((round + i) * T::stride_source);
	}
}

// Begins the copy of the weights [rows, columns] to shared memory, pitch<columns> halves a row; `padded` rows in all, the last of zeros.
template <int rows, int padded, int columns> MMA_INLINE void copy_weights(half *to, const half *weights) {
	const int parts = columns / 8, together = threads / parts, row = (int)threadIdx.x / parts, part = (int)threadIdx.x % parts * 8;
	const InShared own = in_shared(&to[row * pitch<columns> + part]);
	const half *from = weights + (row * columns + part);
#pragma unroll
	for (int first = 0; first < rows; first += together)
		if (first + together <= rows || first + row < rows) copy_async(own, 2 * first * pitch<columns>, from, 2 * first * columns);
	copy_async_commit();
	if constexpr (padded > rows)
		if (row >= rows && row < padded) *(Chunk *)&to[row * pitch<columns> + part] = Chunk{};
	static_assert(padded == rows || padded <= together, "a thread for each row that is filled up");
}

// ---- shapes ----

// How the 8 warps share the product: over rows (16 pixels each) as far as they go, then over columns.
template <int class_pixels, int classes, int columns> struct Split {
	static constexpr int warps_m = class_pixels / 16 < warps ? class_pixels / 16 : warps, warps_n = warps / warps_m;
	static constexpr int per_class = class_pixels / 16 / warps_m; // 16-pixel tiles of a class for a warp
	static constexpr int tiles = per_class * classes, width = columns / warps_n;
};

// A convolution of in to out channels on images of side x side pixels: GEMM of M = pixels, N = out, K = taps * in. Weights are
// [taps, in, out], rows of out channels, in both directions.
template <int in, int out, int side, int stride, int kernel> struct ForwardShape {
	static constexpr bool backward = false;
	static constexpr int weight_rows = kernel * kernel * in, weight_columns = out;
	static constexpr int depth = in, columns = out, taps = kernel * kernel, result_side = side / stride;
	static constexpr int classes = 1, class_pixels = result_side * result_side, pixels = class_pixels;
	using Input = Tile<in, kernel == 1 ? result_side : side,
		kernel == 1 ? (stride == 1 ? whole : sampled) : (stride == 1 ? bordered : parted)>;
	using Warp = Split<class_pixels, classes, columns>;
	static constexpr int step = kernel == 1 ? 1 : stride; // rows of the tile for a row of the result

	// the position, in the tile, of what result pixel m multiplies by tap 0; other taps are offset() further on
	MMA_INLINE static constexpr int base(int m) { return m / result_side * step * Input::row + m % result_side; }
	MMA_INLINE static constexpr int offset(int tap) {
		return kernel == 1 ? 0 : tap / 3 * Input::row + (stride == 1 ? tap % 3 : tap % 3 % 2 * (Input::row / 2) + tap % 3 / 2);
	}
	MMA_INLINE static constexpr int class_of(int) { return 0; }
	MMA_INLINE static constexpr int result(int, int m) { return m; }
};

// The gradient of that convolution's input: M = pixels of the input, N = in, K = taps * out; tap t is the weights' taps - 1 - t.
// With stride 1 it is a convolution. With stride 2 the pixels fall into four classes, by the parity of row and column: a tap acts on
// one class alone, and within it reads the gradient of the result at neighbouring pixels. So nothing is inserted and multiplied by
// zero: 9 taps for four pixels. A 1x1 convolution gives the gradient of every second pixel of every second row alone, the others have none.
template <int in, int out, int side, int stride, int kernel> struct BackwardShape {
	static constexpr bool backward = true;
	static constexpr int weight_rows = kernel * kernel * in, weight_columns = out;
	static constexpr int depth = out, columns = in, taps = kernel * kernel, result_side = kernel == 1 ? side / stride : side;
	static constexpr int classes = kernel == 3 && stride == 2 ? 4 : 1, pixels = result_side * result_side, class_pixels = pixels / classes;
	static constexpr int grid = side / stride; // the side of the tile, and of a class
	using Input = Tile<out, grid, kernel == 1 ? whole : stride == 1 ? bordered : trailing>;
	using Warp = Split<class_pixels, classes, columns>;

	MMA_INLINE static constexpr int base(int m) { return m / grid * Input::row + m % grid; }
	MMA_INLINE static constexpr int offset(int tap) {
		return kernel == 1 ? 0 : classes == 1 ? tap / 3 * Input::row + tap % 3 : tap / 3 / 2 * Input::row + tap % 3 / 2;
	}
	MMA_INLINE static constexpr int class_of(int tap) { return classes == 1 ? 0 : (tap / 3 + 1) % 2 * 2 + (tap % 3 + 1) % 2; }
	MMA_INLINE static constexpr int result(int which, int m) {
		return classes == 1 ? m : (m / grid * 2 + which / 2) * result_side + m % grid * 2 + which % 2;
	}
};

// ---- the product ----

// A warp's sums: its 16-pixel tiles, 8 columns each, and the four values of a lane (see device.h).
template <class S> using Sums = float[S::Warp::tiles][S::Warp::width / 8][4];

// 16 rows and columns of the right factor, for sums over channels k and on, columns n and on of the warp's, which begin at place `weights`.
// Backward the factor's columns are the rows of the weights, and ldmatrix need not transpose.
template <class S> MMA_INLINE InShared own_right(const half *weights, int column) {
	const int l = lane();
	return in_shared(&weights[S::backward ? (column + l / 16 * 8 + l % 8) * pitch<S::weight_columns> + l / 8 % 2 * 8 : l % 16 * pitch<S::weight_columns> + column + l / 16 * 8]);
}
template <class S> MMA_INLINE void load_right(unsigned (&right)[4], InShared weights, int tap, int k, int n) {
	if constexpr (S::backward)
		load_matrix(right, weights, 2 * (((S::taps - 1 - tap) * S::columns + n) * pitch<S::weight_columns> + k));
	else
		load_matrix_transposed(right, weights, 2 * ((tap * S::depth + k) * pitch<S::weight_columns> + n));
}

// sum += tile x weights. A value is summed tap by tap, 16 channels at a time.
template <class S> MMA_INLINE void multiply(const half *tile, const half *weights, Sums<S> &sum) {
	using W = typename S::Warp;
	const int warp = threadIdx.x / 32, row = lane() % 16, part = lane() / 16 * 8, first = warp / W::warps_n * W::per_class * 16;
	const InShared a = in_shared(&tile[S::base(first + row) * pitch<S::depth> + part]), b = own_right<S>(weights, warp % W::warps_n * W::width);
#pragma unroll
	for (int tap = 0; tap < S::taps; tap++)
#pragma unroll
		for (int k = 0; k < S::depth; k += 16) {
			unsigned right[W::width / 16][4];
#pragma unroll
			for (int n = 0; n < W::width / 16; n++)
				load_right<S>(right[n], b, tap, k, n * 16);
#pragma unroll
			for (int t = 0; t < W::per_class; t++) {
				unsigned left[4];
				// A warp begins at the start of a row, so that a tile lies at a constant distance from the first.
				load_matrix(left, a, 2 * ((S::base(t * 16) + S::offset(tap)) * pitch<S::depth> + k));
#pragma unroll
				for (int n = 0; n < W::width / 8; n++)
					mma_f16(sum[S::class_of(tap) * W::per_class + t][n], left, right[n / 2][n % 2 * 2], right[n / 2][n % 2 * 2 + 1]);
			}
		}
}

// Puts the sums, rounded, into shared memory as [pixel][pitch<columns>], so that what follows handles 8 channels of a pixel at a time.
template <class S> MMA_INLINE void stage(half *to, const Sums<S> &sum) {
	using W = typename S::Warp;
	const int warp = threadIdx.x / 32, first = warp / W::warps_n * W::per_class * 16 + lane() / 4;
	to += warp % W::warps_n * W::width + lane() % 4 * 2;
#pragma unroll
	for (int t = 0; t < W::tiles; t++)
#pragma unroll
		for (int high = 0; high < 2; high++) {
			int m = first + t % W::per_class * 16 + high * 8;
			half *pixel = &to[S::result(t / W::per_class, m) * pitch<S::columns>];
#pragma unroll
			for (int n = 0; n < W::width / 8; n++) *(unsigned *)&pixel[n * 8] = pack_half(sum[t][n][high * 2], sum[t][n][high * 2 + 1]);
		}
}

template <class S> constexpr int weights_halves = S::weight_rows *pitch<S::weight_columns>;
} // namespace mma
