# What the CUDA backend needs from make; the top-level Makefile includes this file. Run from the repository's root.
#
#   $(GPU_ENV) go build $(GPU_TAGS) ./...    builds with CUDA wherever there is a C compiler, and without it elsewhere
#   $(GPU_LIB)                               what must be made before such a command
#
# Targets: trampolines, emulator, emulator-ptx, ptx, sass, test-cuda, test-ptx, mutants, test-cuda-gpu, golden-cuda, test-binary.

CC ?= gcc
CXX ?= g++
HAVE_CC := $(shell command -v $(CC) 2>/dev/null)
HAVE_CXX := $(shell command -v $(CXX) 2>/dev/null)

# ---- the trampolines: a static libcuda.a, so that gorgonia.org/cu links without a CUDA toolkit ----

CUDA_INCLUDE := $(wildcard cuda/include/*.h)
TRAMPOLINE_SOURCES := $(CUDA_INCLUDE) cuda/trampolines/load.c cuda/trampolines/trampolines.sh
ifneq ($(HAVE_CC),)
# Go's build cache looks at the flags, never at the headers and archives that they lead to: hence the hash in the folder's name.
CUDA_HASH := $(shell cat $(TRAMPOLINE_SOURCES) | sha256sum | cut -c1-12)
CUDA_BUILD := $(CURDIR)/build/cuda/$(shell $(CC) -dumpmachine)-$(CUDA_HASH)
GPU_LIB := $(CUDA_BUILD)/libcuda.a
# CPPFLAGS, not CFLAGS: a set CGO_CFLAGS takes Go's own -g -O2 away. The prefix map keeps the folder out of debug information.
GPU_ENV := CGO_ENABLED=1 CGO_CPPFLAGS="-I$(CUDA_BUILD)/include -ffile-prefix-map=$(CUDA_BUILD)=cuda" CGO_LDFLAGS="-L$(CUDA_BUILD)"
GPU_TAGS := -tags gpu

$(GPU_LIB): $(TRAMPOLINE_SOURCES)
	@mkdir -p $(CUDA_BUILD)/include
	@cp $(CUDA_INCLUDE) $(CUDA_BUILD)/include/
	CC=$(CC) cuda/trampolines/trampolines.sh $(CUDA_BUILD)
endif

.PHONY: trampolines emulator emulator-ptx ptx sass test-cuda test-ptx mutants test-cuda-gpu golden-cuda test-binary
trampolines: $(GPU_LIB)

# ---- the driver emulator: the same kernels for the CPU, behind the entry points of a CUDA driver ----

KERNELS := $(wildcard cuda/kernels/*.cu cuda/kernels/testkernels/*.cu)
SCHEDULER := block warp workers order memory stream launch trace events modes mutants device
EMULATOR_FLAGS := -std=c++20 -march=x86-64-v3 -O3 -g1 -ffp-contract=off -fno-strict-aliasing -fPIC -fvisibility=hidden \
	-fno-extern-tls-init -fno-math-errno -Wall -Wextra -Wno-unknown-pragmas -Wno-missing-field-initializers -Icuda/include -MMD -MP
# The instrumentation only: no sanitizer is linked, cuda/emulator/check.cpp has the hooks.
WATCHED := -fsanitize=thread,undefined,float-cast-overflow -fno-sanitize-recover --param tsan-instrument-func-entry-exit=0

# __shared__ arrays are thread_local variables, which the linker may align better than they are declared. This edits a compiled kernel's
# assembly so that each lies at its declared alignment of 2, 4 or 8 bytes and no better.
MISALIGN := awk '/^\t\.(section|text|data|bss)/ { shared = /\.tbss/ } shared && /^\t\.align [248]$$/ { $$0 = "\t.p2align 4\n\t.zero " $$2 } 1'

define EMULATOR_BUILD # name, library, further parts, flags for all, flags for kernels
EMULATOR_OBJECTS_$(1) := $$(patsubst %,build/emulator/$(1)/%.o,$$(SCHEDULER) sources matrix $(3)) $$(patsubst cuda/kernels/%.cu,build/emulator/$(1)/kernels/%.o,$$(KERNELS))
build/emulator/$(1)/%.o: cuda/emulator/%.cpp cuda/cuda.mk
	@mkdir -p $$(@D)
	$(CXX) $$(EMULATOR_FLAGS) $(4) -c $$< -o $$@
build/emulator/$(1)/kernels/%.o: cuda/kernels/%.cu cuda/cuda.mk
	@mkdir -p $$(@D)
	$(CXX) $$(EMULATOR_FLAGS) $(4) $(5) -MT $$@ -x c++ -S $$< -o $$(@:.o=.gcc)
	$$(MISALIGN) $$(@:.o=.gcc) >$$(@:.o=.s)
	$(CXX) -c $$(@:.o=.s) -o $$@
$(2): $$(EMULATOR_OBJECTS_$(1))
	@mkdir -p $$(@D)
	$(CXX) -shared -Wl,-Bsymbolic -Wl,--no-undefined -o $$@.new $$^ -lpthread
	@mv $$@.new $$@
-include $$(EMULATOR_OBJECTS_$(1):.o=.d)
endef
ifneq ($(HAVE_CXX),)
$(eval $(call EMULATOR_BUILD,checked,bin/libcuda_emulator.so,check global,-DCHECKED,$(WATCHED)))
$(eval $(call EMULATOR_BUILD,fast,bin/libcuda_emulator_fast.so,unchecked,,))
emulator: bin/libcuda_emulator.so bin/libcuda_emulator_fast.so
else
emulator:
	@echo "LEFT OUT: the driver emulator needs $(CXX), which is not there; the tests of the CUDA backend will not run" >&2
endif

# ---- the same library with the committed PTX, translated to C++, as its kernels ----

PTX := $(wildcard cuda/kernels/*.ptx cuda/kernels/testkernels/*.ptx)
PTX_FAMILIES := cuda/kernels/ptx/families/families.ptx
PTX_PARTS := arithmetic memory warp matrix modules
PTX_TRANSLATOR := $(wildcard cuda/kernels/ptx/syntax/*.go cuda/kernels/ptx/exec/*.go cuda/kernels/ptx/ptx2cpp/*.go)
# -O1 takes a third of the time of -O2 here, and the kernels are hardly slower; the two passes left out take long and bring nothing.
PTX_FLAGS := -Icuda/emulator -O1 -fno-gcse -fno-ivopts -w

build/ptx/ptx2cpp: $(PTX_TRANSLATOR)
	@mkdir -p $(@D)
	CGO_ENABLED=0 go build -o $@ ./cuda/kernels/ptx/ptx2cpp
build/ptx/cpp/%.cpp: cuda/kernels/%.ptx build/ptx/ptx2cpp
	@mkdir -p $(@D)
	build/ptx/ptx2cpp $< $@
build/ptx/cpp/families.cpp: $(PTX_FAMILIES) build/ptx/ptx2cpp
	@mkdir -p $(@D)
	build/ptx/ptx2cpp $< $@
.SECONDARY: build/ptx/cpp/families.cpp $(PTX:cuda/kernels/%.ptx=build/ptx/cpp/%.cpp)

define PTX_BUILD # name, library, further parts, flags
PTX_OBJECTS_$(1) := $$(patsubst %,build/ptx/$(1)/%.o,$$(SCHEDULER) $(3) $$(addprefix ptx/,$$(PTX_PARTS))) $$(patsubst cuda/kernels/%.ptx,build/ptx/$(1)/kernels/%.o,$$(PTX) cuda/kernels/families.ptx)
build/ptx/$(1)/%.o: cuda/emulator/%.cpp cuda/cuda.mk
	@mkdir -p $$(@D)
	$(CXX) $$(EMULATOR_FLAGS) -Icuda/emulator $(4) -c $$< -o $$@
build/ptx/$(1)/kernels/%.o: build/ptx/cpp/%.cpp cuda/cuda.mk
	@mkdir -p $$(@D)
	$(CXX) $$(EMULATOR_FLAGS) $$(PTX_FLAGS) $(4) -c $$< -o $$@
$(2): $$(PTX_OBJECTS_$(1))
	@mkdir -p $$(@D)
	$(CXX) -shared -Wl,-Bsymbolic -Wl,--no-undefined -o $$@.new $$^ -lpthread
	@mv $$@.new $$@
-include $$(PTX_OBJECTS_$(1):.o=.d)
endef
ifneq ($(HAVE_CXX),)
$(eval $(call PTX_BUILD,checked,bin/libcuda_ptx.so,check global,-DCHECKED))
$(eval $(call PTX_BUILD,fast,bin/libcuda_ptx_fast.so,unchecked,))
emulator-ptx: bin/libcuda_ptx.so bin/libcuda_ptx_fast.so
endif

# ---- PTX: committed, made again where a source has changed; needs clang-19 or nvcc ----

ptx:
	go run ./cuda/kernels/ptx/mkptx cuda/kernels cuda/kernels/testkernels

# Registers, spills and shared memory by ptxas, compared with docs/sass.txt; SASS=-write makes the table anew.
sass:
	PTXAS=$$(scripts/ptxas.sh) go run ./cuda/kernels/ptx/sass $(SASS)

# ---- tests ----

CUDA_PACKAGES ?= ./cuda/...

test-cuda: $(GPU_LIB) emulator
ifneq ($(HAVE_CC),)
	CC=$(CC) cuda/trampolines/selftest.sh
endif
	$(GPU_ENV) go test -v -count=1 $(GPU_TAGS) $(CUDA_PACKAGES)

# The same tests on the committed PTX, the bits of both kinds of kernels compared, and variants.
test-ptx: $(GPU_LIB) emulator emulator-ptx
	$(GPU_ENV) $(MUTANT_ENV) scripts/test_ptx.sh

# Faults planted in the PTX, one at a time: of each class one in each kernel, or as MUTANTS says (go run ./cuda/kernels/ptx/mutants -h).
MUTANTS ?= -each 1
MUTANT_ENV = CXX="$(CXX)" PTX_FLAGS="$(EMULATOR_FLAGS:-M%=) $(PTX_FLAGS)"
mutants: $(GPU_LIB) emulator emulator-ptx
	$(GPU_ENV) PTX_STAGES=bits scripts/test_ptx.sh
	$(MUTANT_ENV) go run ./cuda/kernels/ptx/mutants $(MUTANTS)

# The same tests on the GPU of this machine.
test-cuda-gpu: $(GPU_LIB)
	LONGTAIL_TEST_DEVICE=gpu $(GPU_ENV) go test -v -count=1 $(GPU_TAGS) $(CUDA_PACKAGES)

# All golden curves to their end, in fp32 and mixed, with those of the networks for large images, on the fast build of the emulator.
golden-cuda: $(GPU_LIB) emulator bin/longtail
	LONGTAIL_GOLDEN=1 LONGTAIL_CUDA_DRIVER=$(CURDIR)/bin/libcuda_emulator_fast.so $(GPU_ENV) \
		go test -v -count=1 -timeout 30m $(GPU_TAGS) -run TestGoldenCurves ./cuda
	LONGTAIL_CUDA_DRIVER=$(CURDIR)/bin/libcuda_emulator_fast.so bin/longtail doctor --device cuda --precision fp32 --curves=train/curves/testdata/models.json

# The tests of PACKAGE as a program OUT, for a machine without Go (scripts/gpu_check.sh).
test-binary: $(GPU_LIB)
	$(GPU_ENV) go test -c $(GPU_TAGS) -o $(OUT) $(PACKAGE)
