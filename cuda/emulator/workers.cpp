// The workers: one operating-system thread a core, each takes blocks of the running grid; and the handler that turns a fault on a
// fiber into an error of the launch.
#include "worker.h"
#include <algorithm>
#include <cstdlib>
#include <link.h>
#include <signal.h>
#include <sys/mman.h>
#include <thread>

extern "C" char __ehdr_start, _end;

namespace emulator {
Range arena, image;

static std::map<std::string, Kernel> &kernels() {
	static std::map<std::string, Kernel> all;
	return all;
}
int add(const Kernel &k) {
	kernels()[k.name] = k;
	return 0;
}
const Kernel *find(const std::string &name) {
	auto k = kernels().find(name);
	return k == kernels().end() ? nullptr : &k->second;
}

void Work::add(const Work &w) {
	sectors_read += w.sectors_read, sectors_written += w.sectors_written, multiplications += w.multiplications, instructions += w.instructions, events += w.events;
	largest = std::max(largest, w.largest), chain = std::max(chain, w.chain), contended = std::max(contended, w.contended);
}

static std::mutex lock;
static std::condition_variable done;
static size_t busy;
static std::vector<Worker *> workers;

// The calling thread's copy of the library's thread-local storage.
static Range own_storage() {
	static thread_local bool unused;
	unused = true; // makes the copy
	struct Search { uintptr_t inside; Range found; } search = {(uintptr_t)&unused, {}};
	dl_iterate_phdr([](dl_phdr_info *info, size_t, void *p) {
		Search &s = *(Search *)p;
		for (int i = 0; i < info->dlpi_phnum; i++) {
			uintptr_t start = (uintptr_t)info->dlpi_tls_data, end = start + info->dlpi_phdr[i].p_memsz;
			if (info->dlpi_phdr[i].p_type == PT_TLS && start <= s.inside && s.inside < end) s.found = {start, end};
		}
		return 0;
	}, &search);
	return search.found;
}

static void work(Worker &w) {
	const Launch &l = *w.job->launch;
	w.last_memory = {};
	w.work = {};
	w.random = l.order == shuffled ? 12345 : 0;
	for (size_t i; !w.job->failed && (i = w.job->next++) < w.job->blocks;) {
		if (l.order == backward) i = w.job->blocks - 1 - i;
		run_block(w, {unsigned(i % l.grid.x), unsigned(i / l.grid.x % l.grid.y), unsigned(i / l.grid.x / l.grid.y)});
	}
}

static void serve(Worker &w) {
	w.shared = own_storage();
	w.window = (uintptr_t)dynamic_shared;
	memset((void *)w.shared.low, 0xff, w.shared.high - w.shared.low);
	w.cells.resize((w.shared.high - w.shared.low) / granule + 1);
	std::vector<char> alternate(64 << 10);
	stack_t handler = {};
	handler.ss_sp = alternate.data();
	handler.ss_size = alternate.size();
	sigaltstack(&handler, nullptr);
	for (;;) {
		std::unique_lock hold(lock);
		w.wake.wait(hold, [&] { return w.job; });
		hold.unlock();
		work(w);
		hold.lock();
		w.job->work.add(w.work);
		w.job = nullptr;
		if (--busy == 0) done.notify_all();
	}
}

static void faulted(Worker *w, uintptr_t address) {
	if ((address ^ (uintptr_t)w) < region) fail(*w, illegal_address, "stack overflow");
	fail(*w, illegal_address, "touches %#zx, %s", address, describe_address(address).c_str());
}

static struct sigaction previous;
// A fault on a fiber becomes an error of the launch: the handler returns into faulted() on the fiber's own stack. Other faults go
// to the handler of the program, for example Go's.
static void on_fault(int number, siginfo_t *info, void *context) {
	auto &registers = ((ucontext_t *)context)->uc_mcontext.gregs;
	uintptr_t sp = (uintptr_t)registers[REG_RSP];
	if (sp - arena.low < arena.high - arena.low) {
		Worker *w = (Worker *)(sp & -region);
		uintptr_t top = (uintptr_t)w + region - w->running.fiber->number * stack_bytes;
		registers[REG_RSP] = (greg_t)((top & -64) - 8);
		registers[REG_RDI] = (greg_t)w;
		registers[REG_RSI] = (greg_t)info->si_addr;
		registers[REG_RIP] = (greg_t)faulted;
		return;
	}
	if (previous.sa_flags & SA_SIGINFO) return previous.sa_sigaction(number, info, context);
	signal(number, SIG_DFL);
}

// Blocks, in the calling thread, what workers must not take: the program's handlers would run on a fiber's small stack.
static sigset_t block_signals() {
	sigset_t all, before;
	sigfillset(&all);
	for (int n : {SIGSEGV, SIGBUS, SIGFPE, SIGILL}) sigdelset(&all, n);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	return before;
}

void start() {
	size_t count = std::max(1u, std::thread::hardware_concurrency());
	if (const char *threads = getenv("EMULATOR_THREADS")) count = (size_t)std::max(1, atoi(threads));
	char *raw = (char *)mmap(nullptr, (count + 1) * region, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (raw == MAP_FAILED) abort();
	arena.low = ((uintptr_t)raw + region - 1) & -region;
	arena.high = arena.low + count * region;
	image = {(uintptr_t)&__ehdr_start, (uintptr_t)&_end};
	struct sigaction action = {};
	action.sa_sigaction = on_fault;
	action.sa_flags = SA_SIGINFO | SA_ONSTACK;
	sigfillset(&action.sa_mask);
	sigaction(SIGSEGV, &action, &previous);
	sigset_t before = block_signals();
	for (size_t i = 0; i < count; i++) {
		uintptr_t base = arena.low + i * region;
		for (size_t t = 1; t <= (size_t)max_threads; t++) mprotect((void *)(base + region - t * stack_bytes), page, PROT_NONE);
		workers.push_back(new ((void *)base) Worker());
		std::thread(serve, std::ref(*workers[i])).detach();
	}
	pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Failure run(const Launch &l, Work &work) {
	Job job = {};
	job.launch = &l;
	job.blocks = (size_t)l.grid.x * l.grid.y * l.grid.z;
	std::unique_lock hold(lock);
	busy = std::min(workers.size(), job.blocks);
	for (size_t i = 0, n = busy; i < n; i++) {
		workers[i]->job = &job;
		workers[i]->wake.notify_one();
	}
	done.wait(hold, [] { return busy == 0; });
	work = job.work;
	for (auto &[address, arrivals] : job.arrivals) work.contended = std::max(work.contended, arrivals.count);
	return job.failure;
}
} // namespace emulator
