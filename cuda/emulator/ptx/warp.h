// What threads do together: "Parallel Synchronization and Communication Instructions", "Warp Level Matrix Instructions". The line of
// the PTX goes along: all lanes of a warp must be at the same one.
#pragma once
#include "worker.h"

namespace ptx {
using emulator::Worker;

void barrier(Worker &, unsigned line);
void warp_barrier(Worker &, unsigned line);
uint32_t ballot(Worker &, unsigned line, bool);

enum Shuffle { shuffle_up, shuffle_down, shuffle_bfly, shuffle_idx };
uint32_t exchange(Worker &, unsigned line, Shuffle, uint32_t value, uint32_t b, uint32_t c);

void load_rows(Worker &, unsigned line, unsigned count, bool transposed, uint32_t *q, uint64_t row);
template <unsigned count, bool transposed> inline void load_matrices(Worker &w, unsigned line, uint32_t (&q)[count], uint64_t row) {
	load_rows(w, line, count, transposed, q, row);
}
void multiply(Worker &, unsigned line, bool bf16, float *d, const uint32_t *a, const uint32_t *b, const float *c);
template <bool bf16> inline void multiply(Worker &w, unsigned line, float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2], const float (&c)[4]) {
	multiply(w, line, bf16, d, a, b, c);
}
} // namespace ptx
