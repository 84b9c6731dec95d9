// Device memory: allocations, copies, fills. A device pointer is a host address; an allocation ends at a page that cannot be
// touched, and freed pages stay reserved so that late uses fault.
#include "driver.h"
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <sys/mman.h>

using namespace emulator;

struct Allocation { size_t size; char *pages; size_t page_bytes; bool freed; Memory watched; };
static std::map<uintptr_t, Allocation> memory;
static std::shared_ptr<const std::vector<Memory>> live; // null: to be made anew
static size_t allocated = 0;
const size_t page = 4096, alignment = 256, quarantine = 4096;

// EMULATOR_MEMORY_MB is the size of the pretended GPU's memory.
static size_t capacity() {
	const char *megabytes = getenv("EMULATOR_MEMORY_MB");
	return megabytes ? strtoull(megabytes, nullptr, 10) << 20 : size_t(4) << 30;
}

std::shared_ptr<const std::vector<Memory>> emulator::live_memory() {
	if (live) return live;
	auto all = std::make_shared<std::vector<Memory>>();
	for (auto &[base, a] : memory)
		if (!a.freed) all->push_back(a.watched);
	return live = all;
}

uint32_t emulator::begin_access(const char *what) {
	name_work(what);
	uint32_t number = next_number();
	if (number % 4095 == 0) // cells name a launch by its number modulo 4095
		for (auto &[base, a] : memory)
			if (!a.freed) forget_accesses(a.watched);
	return number;
}

std::string emulator::describe_address(uintptr_t p) {
	auto next = memory.upper_bound(p);
	if (next == memory.begin()) return "which is not device memory";
	auto &[base, a] = *--next;
	if (p >= (uintptr_t)a.pages + a.page_bytes + page) return "which is not device memory";
	char text[128];
	snprintf(text, sizeof text, "byte %zu of %s allocation of %zu bytes", p - base, a.freed ? "a freed" : "an", a.size);
	return text;
}

static Allocation *holding(CUdeviceptr p, size_t n) {
	auto next = memory.upper_bound(p);
	if (next == memory.begin()) return nullptr;
	auto &[base, a] = *--next;
	return !a.freed && n <= a.size && p - base <= a.size - n ? &a : nullptr;
}

// The bytes of the allocation's pages around it keep their pattern unless a kernel writes outside.
static bool intact(uintptr_t base, const Allocation &a) {
	auto clean = [](const char *p, const char *end) { return p == end || (*p == char(0xff) && !memcmp(p, p + 1, size_t(end - p - 1))); };
	return clean(a.pages, (char *)base) && clean((char *)base + a.size, a.pages + a.page_bytes);
}

static void poison(uintptr_t base, const Allocation &a) {
	memset(a.pages, 0xff, base - (uintptr_t)a.pages);
	memset((char *)base + a.size, 0xff, size_t(a.pages + a.page_bytes - (char *)base) - a.size);
}

std::string emulator::overwritten_guard() {
	for (auto &[base, a] : memory) {
		if (a.freed || intact(base, a)) continue;
		poison(base, a);
		return "wrote past an allocation of " + std::to_string(a.size) + " bytes";
	}
	return "";
}

CUresult cuMemAlloc(CUdeviceptr *p, size_t n) {
	GUARD;
	REQUIRE(p && n, complain(CUDA_ERROR_INVALID_VALUE, "an allocation of 0 bytes"));
	REQUIRE(n <= capacity() && allocated <= capacity() - n, CUDA_ERROR_OUT_OF_MEMORY);
	size_t rounded = (n + alignment - 1) & -alignment, bytes = (rounded + page - 1) & -page;
	char *pages = (char *)mmap(nullptr, bytes + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	REQUIRE(pages != MAP_FAILED, CUDA_ERROR_OUT_OF_MEMORY);
	pages += page;
	mprotect(pages, bytes, PROT_READ | PROT_WRITE);
	memset(pages, 0xff, bytes); // NaN in every float format
	*p = (CUdeviceptr)(pages + bytes - rounded);
	memory[*p] = {n, pages, bytes, false, watch(*p, n)};
	allocated += n;
	live = nullptr;
	return CUDA_SUCCESS;
}

CUresult cuMemFree(CUdeviceptr p) {
	GUARD;
	if (!p) return CUDA_SUCCESS;
	auto found = memory.find(p);
	REQUIRE(found != memory.end() && !found->second.freed, complain(CUDA_ERROR_INVALID_VALUE, "cuMemFree of " + describe_address(p)));
	Allocation &a = found->second;
	bool clean = intact(p, a);
	mmap(a.pages, a.page_bytes, PROT_NONE, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	unwatch(a.watched);
	a.freed = true;
	allocated -= a.size;
	live = nullptr;
	static std::vector<uintptr_t> old;
	old.push_back(p);
	if (old.size() > quarantine) {
		Allocation &first = memory[old[0]];
		munmap(first.pages - page, first.page_bytes + 2 * page);
		memory.erase(old[0]);
		old.erase(old.begin());
	}
	return clean ? CUDA_SUCCESS : complain(CUDA_ERROR_ILLEGAL_ADDRESS, "the bytes around an allocation were overwritten");
}
CUresult cuMemGetInfo(size_t *free, size_t *total) {
	GUARD;
	*total = capacity();
	*free = capacity() - std::min(allocated, capacity());
	return CUDA_SUCCESS;
}
CUresult cuDeviceTotalMem(size_t *n, CUdevice) {
	*n = capacity();
	return CUDA_SUCCESS;
}

static std::map<const char *, size_t> pinned; // by start: the sizes

static bool is_pinned(const void *p, size_t n) {
	auto next = pinned.upper_bound((const char *)p);
	return next != pinned.begin() && (const char *)p + n <= (--next)->first + next->second;
}
CUresult cuMemHostAlloc(void **p, size_t n, unsigned) {
	GUARD;
	*p = aligned_alloc(page, (n + page - 1) & -page);
	REQUIRE(*p, CUDA_ERROR_OUT_OF_MEMORY);
	pinned[(const char *)*p] = n;
	return CUDA_SUCCESS;
}
CUresult cuMemFreeHost(void *p) {
	GUARD;
	auto found = pinned.find((const char *)p);
	REQUIRE(found != pinned.end(), complain(CUDA_ERROR_INVALID_VALUE, "cuMemFreeHost of what is no pinned memory"));
	REQUIRE(!is_read(p, found->second), complain(CUDA_ERROR_INVALID_VALUE, "pinned memory is freed before the host waited for the copy that reads it"));
	pinned.erase(found);
	free(p);
	return CUDA_SUCCESS;
}

// ---- copies and fills ----

// Counts the sectors that a copy or a fill touches, and refuses what other work may touch at the same time.
static CUresult touch(const Memory &m, uintptr_t p, size_t n, const char *what, bool writes) {
	size_t count = 0;
	std::string race = note(m, p, n, begin_access(what), writes, count);
	(writes ? counters.bytes_written : counters.bytes_read) += count * sector;
	return race.empty() ? CUDA_SUCCESS : complain(CUDA_ERROR_LAUNCH_FAILED, std::string(what) + " " + race);
}

static CUresult upload(CUdeviceptr to, const void *from, size_t n) {
	Allocation *a = holding(to, n);
	REQUIRE(a, complain(CUDA_ERROR_INVALID_VALUE, "a copy of " + std::to_string(n) + " bytes to " + describe_address(to)));
	counters.copies++;
	if (!n) return CUDA_SUCCESS;
	if (CUresult code = touch(a->watched, to, n, "a copy", true)) return code;
	memcpy((void *)to, from, n);
	return CUDA_SUCCESS;
}
// An asynchronous upload: of pinned memory the driver would read while the host continues, of other memory it makes a copy first.
static CUresult upload_later(CUdeviceptr to, const void *from, size_t n, CUstream s) {
	if (s && n && is_pinned(from, n)) s->readings.push_back({from, n, hash_of(from, n), s->clock[s->lane]});
	return upload(to, from, n);
}
static CUresult read_from(CUdeviceptr from, size_t n) {
	Allocation *a = holding(from, n);
	REQUIRE(a, complain(CUDA_ERROR_INVALID_VALUE, "a copy of " + std::to_string(n) + " bytes from " + describe_address(from)));
	return n ? touch(a->watched, from, n, "a copy", false) : CUDA_SUCCESS;
}
static CUresult copy(CUdeviceptr to, CUdeviceptr from, size_t n) {
	if (CUresult code = read_from(from, n)) return code;
	std::string bytes((const char *)from, n); // the two may overlap
	return upload(to, bytes.data(), n);
}
static CUresult download(void *to, CUdeviceptr from, size_t n, CUstream s) {
	if (CUresult code = read_from(from, n)) return code;
	counters.copies++;
	if (s) s->deliveries.push_back({to, std::string((const char *)from, n), s->clock[s->lane]});
	else memcpy(to, (const void *)from, n);
	return CUDA_SUCCESS;
}
template <class T> static CUresult fill(CUdeviceptr p, T value, size_t n) {
	Allocation *a = holding(p, n * sizeof(T));
	REQUIRE(a && p % sizeof(T) == 0, complain(CUDA_ERROR_INVALID_VALUE, "a fill of " + std::to_string(n * sizeof(T)) + " bytes at " + describe_address(p)));
	counters.fills++;
	if (!n) return CUDA_SUCCESS;
	if (CUresult code = touch(a->watched, p, n * sizeof(T), "a fill", true)) return code;
	std::fill_n((T *)p, n, value);
	return CUDA_SUCCESS;
}

CUresult cuMemcpyHtoD(CUdeviceptr to, const void *from, size_t n) { return synchronous([=] { return upload(to, from, n); }); }
CUresult cuMemcpyDtoH(void *to, CUdeviceptr from, size_t n) { return synchronous([=] { return download(to, from, n, nullptr); }); }
CUresult cuMemcpyDtoD(CUdeviceptr to, CUdeviceptr from, size_t n) { return synchronous([=] { return copy(to, from, n); }); }
CUresult cuMemcpyHtoDAsync(CUdeviceptr to, const void *from, size_t n, CUstream s) { return submit(s, [=](CUstream on) { return upload_later(to, from, n, on); }); }
CUresult cuMemcpyDtoHAsync(void *to, CUdeviceptr from, size_t n, CUstream s) { return submit(s, [=](CUstream on) { return download(to, from, n, on); }); }
CUresult cuMemcpyDtoDAsync(CUdeviceptr to, CUdeviceptr from, size_t n, CUstream s) { return submit(s, [=](CUstream) { return copy(to, from, n); }); }
CUresult cuMemsetD8(CUdeviceptr p, unsigned char v, size_t n) { return synchronous([=] { return fill(p, v, n); }); }
CUresult cuMemsetD32(CUdeviceptr p, unsigned v, size_t n) { return synchronous([=] { return fill(p, v, n); }); }
CUresult cuMemsetD8Async(CUdeviceptr p, unsigned char v, size_t n, CUstream s) { return submit(s, [=](CUstream) { return fill(p, v, n); }); }
CUresult cuMemsetD32Async(CUdeviceptr p, unsigned v, size_t n, CUstream s) { return submit(s, [=](CUstream) { return fill(p, v, n); }); }
