# make            bin/longtail, with the CUDA backend where there is a C compiler (no CUDA toolkit is needed), without it elsewhere
# make demo       builds, trains twice on synthetic images and compares: a few minutes
# make demo-folder  packs a folder of drawn images, trains twice, compares, classifies: docs/your-images.md
# make test       all tests
# make test-cuda  the tests of the CUDA backend alone, on the emulator of its driver
# make lint       go vet and staticcheck
# make race       the short tests under the race detector (needs a C compiler)
# make fuzz       every fuzz test, FUZZTIME each
# make faults     injects 4,000 faults, kills, full disks and failing system calls: what comes of them (minutes; nightly)
# make golden     re-runs the training curves of CURVES on DEVICE (cpu unless set)
# make ci         all that CI does: the above on a clean checkout, and more (scripts/ci.sh)
# make bench      images per second of whole training steps on DEVICE
# make clean      takes away bin and build

.PHONY: all demo demo-folder test vet lint fuzz faults race golden ci bench clean
all: bin/longtail

# cuda.mk gives GPU_ENV, GPU_TAGS and GPU_LIB (all empty without a C compiler), the target emulator and test-cuda.
-include cuda/cuda.mk

GO ?= go
DEVICE ?= cpu
CURVES ?= train/curves/golden.json
FUZZTIME ?= 10s
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2

# The program names the commit that it was built from; + is for files that were changed.
COMMIT = $(shell git rev-parse HEAD 2>/dev/null)$(shell git status --porcelain 2>/dev/null | grep -q . && echo +)
LDFLAGS = -ldflags "-X longtail/internal/build.commit=$(COMMIT)"

# Go decides by itself what is out of date.
.PHONY: bin/longtail
bin/longtail: $(GPU_LIB)
	$(GPU_ENV) $(GO) build $(GPU_TAGS) $(LDFLAGS) -o $@ ./cmd/longtail

demo:
	scripts/demo.sh

demo-folder:
	scripts/demo_folder.sh

# The tests of the CUDA backend run on the emulator, where cuda.mk can make it.
test: $(GPU_LIB) $(if $(GPU_TAGS),emulator)
	$(GPU_ENV) $(GO) test $(GPU_TAGS) ./...

# Both programs: with the CUDA backend and without.
vet: $(GPU_LIB)
	$(GO) vet ./...
	$(if $(GPU_TAGS),$(GPU_ENV) $(GO) vet $(GPU_TAGS) ./...)

lint: vet
	$(GO) run $(STATICCHECK) ./...
	$(if $(GPU_TAGS),$(GPU_ENV) $(GO) run $(STATICCHECK) $(GPU_TAGS) ./...)

# Without the CUDA backend, whose tests "make test" has run: that they are left out is no failure here, in CI neither.
race:
	CI= $(GO) test -race -short ./...

fuzz:
	FUZZTIME=$(FUZZTIME) scripts/fuzz.sh

faults:
	scripts/faults.sh

golden: bin/longtail
	bin/longtail doctor --device $(DEVICE) --curves $(CURVES)

ci:
	scripts/ci.sh

bench: bin/longtail
	bin/longtail bench --device $(DEVICE) model.name=resnet32 train.batch=128

clean:
	rm -rf bin build
