// Planted faults: a kernel that is translated with several of them (cuda/kernels/ptx/exec) has one at a time.
#pragma once
#include <cstddef>

namespace emulator {
const int most_mutants = 1 << 16;
extern int mutant;                          // the number of the fault that kernels have now, 0 for none
extern bool mutant_reached[most_mutants];   // by number: the launch came to its instruction
int plant(const char *kernel, int number, size_t statics); // notes a kernel's fault, and the bytes of its static shared memory with it
} // namespace emulator
