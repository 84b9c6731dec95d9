// "Data Movement and Conversion Instructions: ld, st, atom, cp.async". A shared address is an offset in the block's window, a global one
// a host address, a generic one either. The checked build checks each access: alignment, state space, bounds, races, unwritten reads.
#pragma once
#include "worker.h"

namespace ptx {
using emulator::Worker;
enum Space { generic, global, read_only, shared };

extern const bool adversarial; // EMULATOR_LAYOUT=adversarial: static shared memory is aligned as declared and no better

void refuse(Worker &, uint64_t address, size_t bytes, const char *what);
void check_space(Worker &, Space, uint64_t address);
void check_unwritten(Worker &, uint64_t address); // by this launch: what ld.global.nc may read

template <Space space> inline void *reach(Worker &w, unsigned line, uint64_t address, size_t bytes, emulator::Access kind) {
	if (space == shared) address += w.window;
#ifdef CHECKED
	w.site = line;
	if (address % bytes) refuse(w, address, bytes, "is misaligned");
	check_space(w, space, address);
	emulator::check((void *)address, bytes, kind);
	if (space == read_only) check_unwritten(w, address);
#else
	(void)line, (void)kind;
#endif
	return (void *)address;
}

template <Space space, class T, size_t n> inline void load(Worker &w, unsigned line, T (&q)[n], uint64_t address) {
	memcpy(q, reach<space>(w, line, address, sizeof q, emulator::read_access), sizeof q);
}
template <Space space, class T, size_t n> inline void store(Worker &w, unsigned line, const T (&q)[n], uint64_t address) {
	memcpy(reach<space>(w, line, address, sizeof q, emulator::write_access), q, sizeof q);
}
template <class T, size_t n> inline void load_parameter(Worker &w, unsigned line, T (&q)[n], const char *parameters, uint64_t offset, size_t bytes) {
#ifdef CHECKED
	w.site = line;
	if (offset % sizeof q || offset + sizeof q > bytes) refuse(w, offset, sizeof q, "is no aligned place among the parameters");
#else
	(void)w, (void)line, (void)bytes;
#endif
	memcpy(q, parameters + offset, sizeof q);
}
template <class T> inline T atomic(Worker &w, unsigned line, emulator::AtomicOperation o, uint64_t address, T value, T expected) {
	w.site = line;
	return (T)emulator::atomic(o, (void *)address, sizeof(T), std::is_signed_v<T>, (uint64_t)value, (uint64_t)expected);
}
template <int bytes> inline void copy_async(Worker &w, unsigned line, uint64_t to, uint64_t from, uint32_t source) {
	w.site = line;
	if (source > (uint32_t)bytes) refuse(w, from, source, "is a cp.async of more bytes than its size");
	emulator::copy_async((void *)(w.window + to), (const void *)from, bytes, (int)source);
}
} // namespace ptx
