// Modules, functions and launches: what a GPU would refuse is refused, the rest goes to the workers.
#include "driver.h"
#include <cstdlib>
#include <regex>

using namespace emulator;

struct CUfunc_st { const Kernel *kernel; int max_dynamic = default_shared, max_threads = emulator::max_threads, static_shared = 0; };
struct CUmod_st { std::string ptx; std::vector<std::unique_ptr<CUfunc_st>> functions; };

CUresult cuModuleLoadData(CUmodule *m, const void *ptx) {
	std::string text = (const char *)ptx;
	REQUIRE(text.find(".version") != std::string::npos && text.find(".target") != std::string::npos, complain(CUDA_ERROR_INVALID_PTX, "the module is no PTX"));
	static const std::regex target(R"(\.target sm_(\d+))");
	std::smatch least;
	REQUIRE(!std::regex_search(text, least, target) || stoi(least[1]) <= gpu->compute, complain(CUDA_ERROR_INVALID_PTX, "the module is for sm_" + least[1].str() + " and later, this GPU is sm_" + std::to_string(gpu->compute)));
	REQUIRE(has_module(text), complain(CUDA_ERROR_INVALID_PTX, "the library was made of other PTX: run make emulator-ptx"));
	*m = new CUmod_st{text, {}};
	return CUDA_SUCCESS;
}
CUresult cuModuleLoadDataEx(CUmodule *m, const void *ptx, unsigned, CUjit_option *, void **) { return cuModuleLoadData(m, ptx); }
CUresult cuModuleUnload(CUmodule m) {
	delete m;
	return CUDA_SUCCESS;
}

// Bytes of the static shared variables that the text from..to names: lines like ".shared .align 4 .b8 name[256];" or ".u32 name;".
static int shared_bytes(const std::string &ptx, size_t from, size_t to) {
	static const std::regex variable(R"(\.shared \.align \d+ \.[a-z]+(\d+) (\w+)(?:\[(\d+)\])?;)");
	int total = 0;
	for (std::sregex_iterator v(ptx.begin(), ptx.end(), variable), end; v != end; ++v)
		if (ptx.find((*v)[2].str(), from) < to) total += stoi((*v)[1]) / 8 * ((*v)[3].matched ? stoi((*v)[3]) : 1);
	return total;
}

// The function is the compiled-in kernel of that name; the PTX must have it too, and its .maxntid and .shared count.
CUresult cuModuleGetFunction(CUfunction *f, CUmodule m, const char *name) {
	const Kernel *kernel = find(name);
	size_t entry = m->ptx.find(".entry " + std::string(name) + "("), body = m->ptx.find('{', entry);
	REQUIRE(entry != std::string::npos, complain(CUDA_ERROR_NOT_FOUND, "the PTX has no kernel " + std::string(name)));
	REQUIRE(kernel, complain(CUDA_ERROR_NOT_FOUND, "the emulator was built without the kernel " + std::string(name) + ": is EXPORT_KERNEL there, was the emulator rebuilt?"));
	int parameters = 0;
	for (size_t at = entry; (at = m->ptx.find(".param", at)) < body; at++) parameters++;
	REQUIRE(parameters == kernel->count, complain(CUDA_ERROR_INVALID_IMAGE, std::string(name) + ": PTX and emulator differ in the number of parameters"));
	m->functions.emplace_back(new CUfunc_st{kernel});
	*f = m->functions.back().get();
	size_t limit = m->ptx.find(".maxntid", entry), next = std::min(m->ptx.find(".entry ", body), m->ptx.size());
	if (limit < body) (*f)->max_threads = atoi(&m->ptx[limit + 8]);
	(*f)->static_shared = shared_bytes(m->ptx, body, next);
	return CUDA_SUCCESS;
}
CUresult cuFuncSetAttribute(CUfunction f, CUfunction_attribute which, int value) {
	if (which == CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES) {
		REQUIRE(value >= 0 && value + f->static_shared <= gpu->shared, complain(CUDA_ERROR_INVALID_VALUE, std::string(f->kernel->name) + ": " + std::to_string(value) + " bytes of dynamic and " + std::to_string(f->static_shared) + " of static shared memory, a block has " + std::to_string(gpu->shared)));
		f->max_dynamic = value;
	}
	return CUDA_SUCCESS;
}
CUresult cuFuncGetAttribute(int *value, CUfunction_attribute which, CUfunction f) {
	switch (which) {
	case CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES: *value = f->max_dynamic; break;
	case CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK: *value = f->max_threads; break;
	case CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES: *value = f->static_shared; break;
	default: *value = 0;
	}
	return CUDA_SUCCESS;
}

// EMULATOR_ORDERS=1 runs every launch with threads and blocks forward, backward and shuffled on the same memory: a result that
// differs is a race.
static CUresult execute_in_all_orders(Launch &l, Work &work) {
	auto contents = [&] {
		std::vector<std::string> all;
		for (auto &m : *l.memory) all.emplace_back((char *)m.low, m.high - m.low);
		return all;
	};
	std::vector<std::string> before = contents(), first;
	for (auto order : {forward, backward, shuffled}) {
		l.order = order;
		for (size_t i = 0; i < before.size(); i++) memcpy((void *)(*l.memory)[i].low, before[i].data(), before[i].size());
		if (order != forward) l.number = begin_access(l.kernel->name);
		Work again;
		Failure failure = run(l, order == forward ? work : again);
		if (failure.code) return complain((CUresult)failure.code, failure.message);
		if (order == forward) first = contents();
		else if (contents() != first) return complain(CUDA_ERROR_LAUNCH_FAILED, std::string(l.kernel->name) + ": the result depends on the order of threads: a race");
	}
	return CUDA_SUCCESS;
}

static CUresult execute(Launch l) {
	static const bool orders = getenv("EMULATOR_ORDERS") && atoi(getenv("EMULATOR_ORDERS"));
	l.memory = live_memory();
	l.number = begin_access(l.kernel->name);
	Work work;
	std::vector<uint64_t> before = contents(l);
	if (orders) {
		if (CUresult code = execute_in_all_orders(l, work)) return code;
	} else if (Failure failure = run_with_mutants(l, work); failure.code) {
		return complain((CUresult)failure.code, failure.message);
	}
	trace(l, work, before);
	counters.launches++;
	counters.bytes_read += work.sectors_read * sector;
	counters.bytes_written += work.sectors_written * sector;
	counters.multiplications += work.multiplications;
	counters.dependent_loads += work.chain;
	counters.longest_chain = std::max(counters.longest_chain, work.chain);
	record(l, work);
	if (is_checked()) return CUDA_SUCCESS; // it has seen every access
	std::string wrote = overwritten_guard();
	return wrote.empty() ? CUDA_SUCCESS : complain(CUDA_ERROR_ILLEGAL_ADDRESS, std::string(l.kernel->name) + " " + wrote);
}

static CUresult pack(const Kernel &k, void **parameters, void **extra, std::string &packed) {
	packed.assign(k.bytes, 0);
	if (!extra) {
		for (int i = 0; i < k.count; i++) memcpy(&packed[k.offset[i]], parameters[i], k.size[i]);
		return CUDA_SUCCESS;
	}
	const void *buffer = nullptr;
	size_t size = 0;
	for (; *extra != CU_LAUNCH_PARAM_END; extra += 2)
		if (*extra == CU_LAUNCH_PARAM_BUFFER_POINTER) buffer = extra[1];
		else if (*extra == CU_LAUNCH_PARAM_BUFFER_SIZE) size = *(size_t *)extra[1];
	REQUIRE((buffer || !size) && size == k.bytes, complain(CUDA_ERROR_INVALID_VALUE, std::string(k.name) + ": the parameter buffer has " + std::to_string(size) + " bytes, the kernel takes " + std::to_string(k.bytes)));
	if (size) memcpy(&packed[0], buffer, size);
	return CUDA_SUCCESS;
}

CUresult cuLaunchKernel(CUfunction f, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz, unsigned shared, CUstream stream, void **parameters, void **extra) {
	GUARD;
	const Kernel &k = *f->kernel;
	std::string name = k.name;
	REQUIRE(gx && gy && gz && gx <= 0x7fffffff && gy < 65536 && gz < 65536, complain(CUDA_ERROR_INVALID_VALUE, name + ": a grid of " + std::to_string(gx) + " x " + std::to_string(gy) + " x " + std::to_string(gz) + " blocks"));
	REQUIRE(bx && by && bz && bx <= 1024 && by <= 1024 && bz <= 64 && bx * by * bz <= 1024, complain(CUDA_ERROR_INVALID_VALUE, name + ": a block of " + std::to_string(bx) + " x " + std::to_string(by) + " x " + std::to_string(bz) + " threads"));
	REQUIRE((int)(bx * by * bz) <= f->max_threads, complain(CUDA_ERROR_INVALID_VALUE, name + ": more threads than its launch bounds of " + std::to_string(f->max_threads)));
	REQUIRE((size_t)shared <= (size_t)f->max_dynamic, complain(CUDA_ERROR_INVALID_VALUE, name + ": " + std::to_string(shared) + " bytes of dynamic shared memory, allowed are " + std::to_string(f->max_dynamic)));
	REQUIRE(shared + (size_t)f->static_shared <= (size_t)gpu->shared && (f->max_dynamic > default_shared || shared + (size_t)f->static_shared <= (size_t)default_shared),
		complain(CUDA_ERROR_INVALID_VALUE, name + ": " + std::to_string(shared) + " bytes of dynamic and " + std::to_string(f->static_shared) + " of static shared memory are too much"));
	Launch l = {};
	l.kernel = &k, l.grid = {gx, gy, gz}, l.block = {bx, by, bz}, l.shared = shared;
	if (CUresult code = pack(k, parameters, extra, l.parameters)) return code;
	return submit(stream, [l](CUstream) { return execute(l); });
}
