// The library's kernels are compiled from the .cu files: the text of a module only has to name them.
#include "grid.h"

namespace emulator {
const char *const kernels_are_of = "";
bool has_module(const std::string &) { return true; }
} // namespace emulator
