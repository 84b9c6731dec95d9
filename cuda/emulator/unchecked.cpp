// The fast build's stand-in for check.cpp and global.cpp: atomic operations, and nothing is watched.
#include "worker.h"

namespace emulator {
bool is_checked() { return false; }
Memory watch(uintptr_t low, size_t bytes) {
	Memory m;
	m.low = low, m.high = low + bytes;
	return m;
}
void forget_accesses(const Memory &) {}
void unwatch(const Memory &) {}
std::string note(const Memory &, uintptr_t, size_t, uint32_t, bool, size_t &) { return ""; }

template <class T> static T apply(AtomicOperation o, T *p, T value, T expected) {
	T old = __atomic_load_n(p, __ATOMIC_SEQ_CST);
	switch (o) {
	case atomic_add: return __atomic_fetch_add(p, value, __ATOMIC_SEQ_CST);
	case atomic_or: return __atomic_fetch_or(p, value, __ATOMIC_SEQ_CST);
	case atomic_exchange: return __atomic_exchange_n(p, value, __ATOMIC_SEQ_CST);
	case atomic_max:
		while (old < value && !__atomic_compare_exchange_n(p, &old, value, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {}
		return old;
	case atomic_compare:
		old = expected;
		__atomic_compare_exchange_n(p, &old, value, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
		return old;
	}
	return old;
}

uint64_t atomic(AtomicOperation o, void *p, int bytes, bool is_signed, uint64_t value, uint64_t expected) {
	if ((uintptr_t)p % (unsigned)bytes) fail(worker(), misaligned_address, "atomic operation at %p, which is not a multiple of %d", p, bytes);
	observe(worker(), atomic_operation, observed(o, bytes, value, expected));
	if (bytes == 8) return apply(o, (uint64_t *)p, value, expected);
	if (is_signed) return (uint64_t)apply(o, (int32_t *)p, (int32_t)value, (int32_t)expected);
	return apply(o, (uint32_t *)p, (uint32_t)value, (uint32_t)expected);
}

void fence() {
	observe(worker(), memory_fence);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}
} // namespace emulator
