// What the checked build knows of device memory: sectors that a launch reads and writes, reads of what nothing has written,
// races between the threads of a launch, and atomic operations with the order that they bring.
//
// Each 4 bytes have a cell for the last writer and one for the last reader of the launch:
//   mask 4 | tag 12 | block 22 | thread 11 | time 15
// mask: which bytes, 0 for an atomic operation on all. tag: the launch, so that old cells need no clearing. time: the block's, one
// tick a barrier or fence. Two accesses of a block are ordered as in shared memory; two blocks only by a release - __threadfence,
// then an atomic operation - and a later atomic operation at the same address in the other block, with a __threadfence behind it.
//
// It may miss a race (the last accesses are kept, not all; order through a third block is taken for none, but several readers
// are forgiven to a block that has acquired anything) but two blocks that write the same bytes are always found.
#include "order.h"
#include "worker.h"
#include <algorithm>
#include <cstdio>
#include <sys/mman.h>

namespace emulator {
const unsigned block_bits = 22, thread_bits = 11, time_bits = 15;
const uint32_t several_blocks = (1u << block_bits) - 1, several_of_warp = max_threads; // plus the warp's number
const uint32_t several_threads = (1u << thread_bits) - 1, mixed_threads = several_threads - 1; // of the same bytes, of different ones
const uint32_t last_time = (1u << time_bits) - 1, tags = 4095;

struct Who {
	uint32_t mask, tag, block, thread, time;
	explicit Who(uint64_t c)
		: mask(uint32_t(c >> 60)), tag(uint32_t(c >> 48) & 0xfff), block(uint32_t(c >> (thread_bits + time_bits)) & several_blocks),
		  thread(uint32_t(c >> time_bits) & several_threads), time(uint32_t(c) & last_time) {}
	Who(uint32_t mask, uint32_t tag, uint32_t block, uint32_t thread, uint32_t time)
		: mask(mask), tag(tag), block(block), thread(thread), time(time) {}
	uint64_t cell() const {
		return (uint64_t)mask << 60 | (uint64_t)tag << 48 | (uint64_t)block << (thread_bits + time_bits) | (uint64_t)thread << time_bits | time;
	}
	bool atomic() const { return mask == 0; }
	uint32_t bytes() const { return mask ? mask : 15; }
};

static uint32_t tag_of(uint32_t launch) { return launch % tags + 1; }
static uint32_t age(const Worker &w, uint32_t time) { return std::min(time - w.block_start, last_time); }

bool is_checked() { return true; }

static size_t pages(size_t bytes) { return (bytes + page - 1) & -page; }
template <class T> static T *records(size_t count) {
	void *p = mmap(nullptr, pages(count * sizeof(T)), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	return p == MAP_FAILED ? nullptr : (T *)p;
}
static size_t sectors(const Memory &m) { return (m.high - m.low + sector - 1) / sector; }
static size_t words(const Memory &m) { return (m.high - m.low + 3) / 4; }

Memory watch(uintptr_t low, size_t bytes) {
	Memory m;
	m.low = low, m.high = low + bytes;
	m.read = records<uint32_t>(sectors(m)), m.written = records<uint32_t>(sectors(m));
	m.reader = records<uint64_t>(words(m)), m.writer = records<uint64_t>(words(m));
	return m;
}
void unwatch(const Memory &m) {
	munmap(m.read, pages(sectors(m) * 4)), munmap(m.written, pages(sectors(m) * 4));
	munmap(m.reader, pages(words(m) * 8)), munmap(m.writer, pages(words(m) * 8));
}
void forget_accesses(const Memory &m) {
	madvise(m.reader, pages(words(m) * 8), MADV_DONTNEED);
	madvise(m.writer, pages(words(m) * 8), MADV_DONTNEED);
}
static std::string unordered(const Memory &m, size_t s, const char *does, uint32_t other, const char *did) {
	return std::string(does) + " sector " + std::to_string(s) + " of an allocation of " + std::to_string(m.high - m.low) + " bytes, which " + name_of(other) + " " + did +
	       ": no stream, event or wait orders the two";
}

std::string note(const Memory &m, uintptr_t p, size_t n, uint32_t number, bool writes, size_t &count) {
	size_t first = (p - m.low) / sector, last = (p + n - 1 - m.low) / sector;
	count = last - first + 1;
	for (size_t s = first; s <= last; s++) {
		if (!ordered_before(m.written[s])) return unordered(m, s, writes ? "writes" : "reads", m.written[s], "wrote");
		if (writes && !ordered_before(m.read[s])) return unordered(m, s, "writes", m.read[s], "read");
		(writes ? m.written : m.read)[s] = number;
	}
	return "";
}

// The launch before this one that touched the sector; this one itself if it has done so already.
static uint32_t touch(uint32_t *number, uint32_t launch) {
	uint32_t last = __atomic_load_n(number, __ATOMIC_RELAXED);
	return last == launch ? last : __atomic_exchange_n(number, launch, __ATOMIC_RELAXED);
}

static void refuse(Worker &w, const Memory &m, size_t s, const char *does, uint32_t other, const char *did) {
	char text[400]; // no std::string: fail does not return to destroy it
	snprintf(text, sizeof text, "%s", unordered(m, s, does, other, did).c_str());
	fail(w, launch_failed, "%s", text);
}

static void count_sectors(Worker &w, const Memory &m, uintptr_t p, size_t n, Access kind) {
	uint32_t launch = w.job->launch->number;
	for (size_t s = (p - m.low) / sector; s <= (p + n - 1 - m.low) / sector; s++) {
		uint32_t writer = __atomic_load_n(&m.written[s], __ATOMIC_RELAXED);
		if (kind != write_access) {
			if (!writer) fail(w, launch_failed, "reads byte %zu of an allocation of %zu bytes, which nothing has written", p - m.low, m.high - m.low);
			if (touch(&m.read[s], launch) != launch) {
				w.work.sectors_read++;
				if (writer != launch && !ordered_before(writer)) refuse(w, m, s, "reads", writer, "wrote");
			}
		}
		if (kind != read_access && writer != launch && (writer = touch(&m.written[s], launch)) != launch) {
			w.work.sectors_written++;
			uint32_t reader = __atomic_load_n(&m.read[s], __ATOMIC_RELAXED);
			if (!ordered_before(writer)) refuse(w, m, s, "writes", writer, "wrote");
			if (reader != launch && !ordered_before(reader)) refuse(w, m, s, "writes", reader, "read");
		}
	}
}

// Whether an atomic operation of this block has taken effect for this thread: a fence must follow it, in the thread that did it - then a barrier
// passes it on - or, behind a barrier, in this one.
static bool effective(Worker &w, const Acquisition &a) {
	Fiber &f = *w.running.fiber;
	if (a.thread == f.number) return w.fences[f.number] > a.time;
	return (a.fenced && a.fenced < w.synced) || (a.passed && w.fences[f.number] > a.passed);
}

// Whether what `c`, of another block, did is visible to this thread.
static bool acquired(Worker &w, const Who &c) {
	for (const Acquisition &a : w.acquisitions) {
		if (!effective(w, a)) continue;
		if (c.block == several_blocks) return true;
		std::lock_guard hold(w.job->releases_lock);
		const std::deque<Release> &all = w.job->releases[a.address];
		for (size_t i = 0; i < a.count; i++)
			if (all[i].block == c.block && (c.time == last_time || c.time < (c.thread == all[i].thread ? all[i].own : all[i].others))) return true;
	}
	return false;
}

static bool ordered(Worker &w, const Who &c) {
	if (c.block != std::min(w.block_number, several_blocks)) return acquired(w, c);
	Fiber &f = *w.running.fiber;
	bool same_warp = c.thread < max_threads ? c.thread / 32 == f.warp : c.thread == several_of_warp + f.warp;
	return c.thread == f.number || c.thread == mixed_threads || c.time == last_time || c.time < age(w, w.synced) ||
	       (same_warp && c.time < age(w, w.warps[f.warp].synced));
}

static void race(Worker &w, const Memory &m, uintptr_t p, const Who &c, const char *did) {
	if (c.block == several_blocks) fail(w, launch_failed, "race in global memory (byte %zu of an allocation of %zu bytes): several blocks %s it", p - m.low, m.high - m.low, did);
	const Index &g = w.job->launch->grid;
	fail(w, launch_failed, "race in global memory (byte %zu of an allocation of %zu bytes): block (%u,%u,%u), %s %u, %s it and nothing orders the two", p - m.low, m.high - m.low,
		c.block % g.x, c.block / g.x % g.y, c.block / g.x / g.y, c.thread < max_threads ? "thread" : "several threads", c.thread, did);
}

// What one cell can keep of two accesses of a kind, c and then me. Where the bytes differ, threads of one block become mixed, which
// is never taken for a race between them, and of two blocks the later one stays.
static Who joined(Worker &w, const Who &c, Who me) {
	bool same_thread = c.block == me.block && c.thread == me.thread;
	if (!(c.bytes() & me.bytes())) {
		if (c.block != me.block) return me;
		if (!same_thread) me.thread = mixed_threads;
		me.mask = c.bytes() | me.bytes();
		return me;
	}
	if (same_thread || (c.block == me.block && c.thread != mixed_threads && ordered(w, c))) return me;
	if (c.block != me.block) me.block = several_blocks, me.thread = several_threads;
	else if (c.thread == mixed_threads) me.thread = mixed_threads;
	else me.thread = c.thread / 32 == me.thread / 32 || c.thread == several_of_warp + me.thread / 32 ? several_of_warp + me.thread / 32 : several_threads;
	if (!me.atomic()) me.mask = c.bytes() & me.bytes();
	return me;
}

static void write_word(Worker &w, const Memory &m, size_t word, uintptr_t p, const Who &me) {
	Who c(__atomic_exchange_n(&m.writer[word], me.cell(), __ATOMIC_RELAXED));
	if (c.tag == me.tag) {
		bool both_atomic = c.atomic() && me.atomic(), overlap = c.bytes() & me.bytes();
		if (overlap && !both_atomic && !ordered(w, c)) race(w, m, p, c, "wrote");
		if (both_atomic || !overlap) __atomic_store_n(&m.writer[word], joined(w, c, me).cell(), __ATOMIC_RELAXED);
	}
	Who r(__atomic_load_n(&m.reader[word], __ATOMIC_RELAXED));
	if (r.tag == me.tag && (r.bytes() & me.bytes()) && !ordered(w, r)) race(w, m, p, r, "read");
}

static void read_word(Worker &w, const Memory &m, size_t word, uintptr_t p, const Who &me) {
	Who c(__atomic_load_n(&m.writer[word], __ATOMIC_RELAXED));
	if (c.tag == me.tag && (c.bytes() & me.bytes()) && !ordered(w, c)) race(w, m, p, c, "wrote");
	Who r(__atomic_load_n(&m.reader[word], __ATOMIC_RELAXED));
	__atomic_store_n(&m.reader[word], (r.tag == me.tag ? joined(w, r, me) : me).cell(), __ATOMIC_RELAXED);
}

void check_global(Worker &w, const Memory &m, uintptr_t p, size_t n, Access kind) {
	count_sectors(w, m, p, n, kind);
	Who me(15, tag_of(w.job->launch->number), std::min(w.block_number, several_blocks), w.running.fiber->number, age(w, w.time));
	for (size_t from = p - m.low, end = from + n; from < end;) {
		size_t word = from / 4, to = std::min(end, word * 4 + 4);
		me.mask = kind == atomic_access ? 0 : ((1u << (to - from)) - 1) << from % 4;
		if (kind == read_access) read_word(w, m, word, p, me);
		else write_word(w, m, word, p, me);
		from = to;
	}
}

// After the caller's atomic operation at p: what its block made visible with fences before is now so to whoever comes next.
static void order(Worker &w, uintptr_t p) {
	Fiber &f = *w.running.fiber;
	std::deque<Release> &all = w.job->releases[p];
	if (!all.empty()) w.acquisitions.push_back({p, all.size(), f.number, w.time, 0, 0});
	if (w.last_fence) all.push_back({std::min(w.block_number, several_blocks), f.number, w.fences[f.number] ? age(w, w.fences[f.number]) : 0, age(w, std::min(w.synced, w.last_fence))});
}

static uint64_t apply(AtomicOperation o, void *p, int bytes, bool is_signed, uint64_t value, uint64_t expected) {
	uint64_t old = 0, now = value;
	memcpy(&old, p, (size_t)bytes);
	bool larger = is_signed ? (int32_t)value > (int32_t)old : value > old;
	switch (o) {
	case atomic_add: now = old + value; break;
	case atomic_max: now = larger ? value : old; break;
	case atomic_or: now = old | value; break;
	case atomic_exchange: break;
	case atomic_compare: now = (uint32_t)old == (uint32_t)expected ? value : old; break;
	}
	memcpy(p, &now, (size_t)bytes);
	return old;
}

uint64_t atomic(AtomicOperation o, void *p, int bytes, bool is_signed, uint64_t value, uint64_t expected) {
	Worker &w = worker();
	if ((uintptr_t)p % (unsigned)bytes) fail(w, misaligned_address, "atomic operation at %p, which is not a multiple of %d", p, bytes);
	check(p, (size_t)bytes, atomic_access);
	observe(w, atomic_operation, observed(o, bytes, value, expected));
	std::lock_guard hold(w.job->releases_lock);
	uint64_t old = apply(o, p, bytes, is_signed, value, expected);
	order(w, (uintptr_t)p);
	return old;
}

void fence() {
	Worker &w = worker();
	unsigned me = w.running.fiber->number;
	observe(w, memory_fence);
	w.fences[me] = w.last_fence = ++w.time;
	for (Acquisition &a : w.acquisitions)
		if (a.thread == me && !a.fenced) a.fenced = w.time;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}
} // namespace emulator
