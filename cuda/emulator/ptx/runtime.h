// What the C++ of translated PTX needs (cuda/kernels/ptx/exec): the meaning of instructions, by NVIDIA's "PTX ISA", on top of the block
// scheduler that the kernels of .cu files run on.
#pragma once
#include "arithmetic.h"
#include "chain.h"
#include "memory.h"
#include "warp.h"
#include "../mutants.h"

namespace ptx {
int add_module(uint64_t hash); // FNV-1a of the text
void call(void (*entry)(), const char *parameters);
} // namespace ptx

#define PTX_UNPACK(...) {__VA_ARGS__}
// Bytes of static shared memory, where its variables lie in the window, for both layouts.
#define PTX_LAYOUT(name, natural, adversarial) \
	static const uint32_t natural_##name[] = PTX_UNPACK natural, adversarial_##name[] = PTX_UNPACK adversarial;
// "Special Registers", and the window: generic addresses of shared memory are its address plus the offset in it.
#define PTX_BEGIN(name)                                                                                                            \
	emulator::Worker &W = emulator::worker();                                                                                  \
	[[maybe_unused]] const emulator::Index tid = W.running.fiber->thread, ntid = W.running.block_size, ctaid = W.running.block, \
	                                       nctaid = W.running.grid_size;                                                       \
	[[maybe_unused]] const uint32_t *at = ptx::adversarial ? adversarial_##name : natural_##name;                              \
	[[maybe_unused]] const uint64_t window = W.window;                                                                         \
	ptx::Chain T(W);
#define PTX_EXPORT(name, count, bytes, offsets, sizes)                                                                   \
	static const size_t offsets_##name[] = PTX_UNPACK offsets, sizes_##name[] = PTX_UNPACK sizes;                    \
	static int exported_##name = emulator::add({#name, (void (*)())kernel_##name, ptx::call, count, offsets_##name + 1, \
		sizes_##name + 1, bytes, ptx::adversarial ? adversarial_##name[0] : natural_##name[0]});
