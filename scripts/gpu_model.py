#!/usr/bin/env python3
"""Predicts the time of a training step on a GPU from what the emulator of the PTX counts: a paper model, right to perhaps 40 %.

No GPU has confirmed it. It is there to compare two versions of the kernels and to show where the time goes, not to quote a speed.

    make bin/longtail emulator-ptx
    args="--precision mixed model.name=resnet32 train.batch=128"
    bin/longtail doctor --schedule --device cuda $args >schedule.txt
    EMULATOR_WORK=work.txt LONGTAIL_CUDA_DRIVER=$PWD/bin/libcuda_ptx_fast.so bin/longtail bench --device cuda --steps 1 --windows 1 $args
    scripts/gpu_model.py schedule.txt work.txt

EMULATOR_WORK has a line for each launch: blocks, instructions, mma, the longest chain of dependent loads (cuda/emulator/ptx/chain.h). Bytes come from
the schedule, registers from docs/sass.txt. A launch takes, one part after the other,

    gap + max(chain * trip, bytes / bandwidth) + instructions / issue + mma / rate + contended * atomic

each for the busiest multiprocessor. In truth the parts overlap where a multiprocessor holds several blocks; where it holds one block of 8 warps, as
most of these launches do, hardly. A load that hits the L1 counts as one from L2, and an instruction of PTX as one that is issued.
"""
import collections
import json
import pathlib
import re
import sys

# An H100 SXM. Sources: NVIDIA, "H100 Tensor Core GPU Architecture" (clock, multiprocessors, registers, shared memory, schedulers, tensor cores); Luo et al.
# 2024, "Benchmarking and Dissecting the Nvidia Hopper GPU Architecture via Microbenchmarking" (latency and bandwidth of L2, mma.sync at
# 62 % of the dense rate). The rest are estimates, said so.
MULTIPROCESSORS, CLOCK = 132, 1755  # cycles a microsecond
GAP = 1.3  # us between two kernels of a graph that depend on each other; estimate
TRIP = 0.28  # us of a load from L2 beside others; 0.15 to 0.16 alone, the rest an estimate
BANDWIDTH = 25  # bytes a cycle and multiprocessor from L2: 5.7 TB/s in all
MMA = 1.7  # cycles of a multiprocessor for an mma.m16n8k16 through mma.sync
ISSUE_WARP, ISSUE_MOST = 0.4, 3.2  # instructions a cycle: of one warp, of a multiprocessor; estimates
ATOMIC = 0.0023  # us between two atomic operations at one address; estimate
DISPATCH = 0.002  # us between the starts of two blocks; estimate


def registers(path):
    """Registers a thread on sm_90, by kernel."""
    lines = path.read_text().splitlines()
    column = lines[1].split().index("sm_90")
    return {f[0]: int(f[column].split("+")[0]) for f in map(str.split, lines[2:])}


def traffic(path):
    """Kernel and bytes, read and written, of each launch of a schedule."""
    rows = [line.split() for line in pathlib.Path(path).read_text().splitlines()]
    return [(f[1], int(f[5]) + int(f[6])) for f in rows if len(f) > 6 and re.fullmatch(r"\d+x\d+x\d+", f[2])]


def parts(w, moved, held):
    """Microseconds of a launch by part."""
    warps = w["threads"] // 32
    fit = min(227 * 1024 // (w["shared"] + 1024), 65536 // (held * w["threads"]), 64 // warps)  # blocks of a multiprocessor
    equal = max(1.0, w["instructions"] / max(w["largest"], 1))  # blocks, those that have nothing to do left out
    share = max(1 / equal, 1 / MULTIPROCESSORS)  # of all work, for the busiest multiprocessor
    resident = max(1, min(fit, round(equal / MULTIPROCESSORS + 0.5)))
    waves = max(1, -(-equal // (MULTIPROCESSORS * fit)))
    return {
        "gap": GAP + DISPATCH * w["blocks"],
        "loads": max(w["chain"] * TRIP * waves, moved / MULTIPROCESSORS / BANDWIDTH / CLOCK),
        "issue": w["instructions"] * share / 32 / min(ISSUE_MOST, ISSUE_WARP * warps * resident) / CLOCK,
        "mma": w["mma"] * share * MMA / CLOCK,
        "atomics": w["contended"] * ATOMIC,
    }


def main(schedule, work):
    held = registers(pathlib.Path(__file__).parent.parent / "docs" / "sass.txt")
    launches = traffic(schedule)
    works = [json.loads(line) for line in pathlib.Path(work).read_text().splitlines()][: len(launches)]
    if not launches or [w["kernel"] for w in works] != [kernel for kernel, _ in launches]:
        sys.exit(f"{work} is of another program than {schedule}: make both with the same arguments")
    if not any(w["chain"] for w in works):
        sys.exit(f"{work} counts no chains: name bin/libcuda_ptx_fast.so with LONGTAIL_CUDA_DRIVER")
    kernels, totals, counts = collections.defaultdict(collections.Counter), collections.Counter(), collections.Counter()
    for w, (kernel, moved) in zip(works, launches):
        p = parts(w, moved, held[kernel])
        kernels[kernel].update(p)
        totals.update(p)
        counts[kernel] += 1
    names = ["gap", "loads", "issue", "mma", "atomics"]
    print(f"{'us of a step':28} {'launches':>8} {'all':>7} " + " ".join(f"{n:>7}" for n in names))
    for kernel, p in [*sorted(kernels.items(), key=lambda k: -k[1].total()), ("all", totals)]:
        count = counts[kernel] or len(works)
        print(f"{kernel:28} {count:8} {p.total():7.1f} " + " ".join(f"{p[n]:7.1f}" for n in names))
    images = works[0]["blocks"]  # the first launch draws them, a block an image
    step = totals.total()
    print(f"{step:.0f} us a step of {images} images on paper, {images / step * 1e3:.0f} k images/s; +-40 %, {images / step / 1.4 * 1e3:.0f} to {images / step / 0.6 * 1e3:.0f} k")
    print(f"{sum(w['chain'] for w in works)} dependent loads one after the other, {max(w['chain'] for w in works)} in one launch")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
