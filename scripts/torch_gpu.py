#!/usr/bin/env python3
"""Times training steps of ResNet-32 in PyTorch on a GPU, to compare with `longtail bench --device cuda`.

The network and the step are those of torch_resnet32.py. Everything is on the GPU: the byte images, the crops and flips, the loss.
Prints one JSON line a mode: {"mode", "precision", "batch", "images_per_s", "windows"}. Modes: eager, channels_last, compiled
(torch.compile) and graph (one step as a CUDA graph, channels_last). Precisions: fp32 (with TF32 off), mixed (autocast to bfloat16).
gpu_check.sh calls this.
"""
import argparse
import contextlib
import json
import statistics
import time

import torch
from torch.nn import functional as F
from torch_resnet32 import resnet32


def augmented(images, side):
    """Crops [N, 3, 32, 32] bytes from a border of 4 zero bytes, flips half of them, scales to byte / 128 - 1; all on the GPU."""
    n, at = len(images), images.device
    wide = F.pad(images, (4, 4, 4, 4))
    columns = torch.where(torch.rand(n, 1, device=at) < 0.5, side.flip(0), side) + torch.randint(9, (n, 1), device=at)
    rows = side + torch.randint(9, (n, 1), device=at)
    crops = wide[torch.arange(n, device=at)[:, None, None], :, rows[:, :, None], columns[:, None, :]]
    return crops.permute(0, 3, 1, 2).float().div_(128).sub_(1)


class Trainer:
    def __init__(self, mode, precision, batch, classes=10, samples=12406):
        torch.manual_seed(0)
        self.batch = batch
        self.layout = torch.contiguous_format if mode == "eager" else torch.channels_last
        self.net = resnet32(classes).cuda().to(memory_format=self.layout)
        self.forward = torch.compile(self.net) if mode == "compiled" else self.net
        self.optimiser = torch.optim.SGD(self.net.parameters(), lr=0.01, momentum=0.9, weight_decay=2e-4, foreach=True)
        self.images = torch.randint(256, (samples, 3, 32, 32), dtype=torch.uint8, device="cuda")
        self.labels = torch.randint(classes, (samples,), device="cuda")
        self.weights = torch.rand(classes, device="cuda") + 0.5
        self.side = torch.arange(32, device="cuda")
        self.cast = contextlib.nullcontext
        if precision == "mixed":
            self.cast = lambda: torch.autocast("cuda", torch.bfloat16)
        self.run = self.step
        if mode == "graph":
            self.capture()

    def step(self):
        chosen = torch.randint(len(self.images), (self.batch,), device="cuda")
        x = augmented(self.images[chosen], self.side).contiguous(memory_format=self.layout)
        y = self.labels[chosen]
        self.optimiser.zero_grad(set_to_none=True)
        with self.cast():
            z = self.forward(x)
        loss = F.cross_entropy(z.float(), y, reduction="none").mul(self.weights[y]).mean()
        loss.backward()
        self.optimiser.step()

    def capture(self):
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(3):
                self.step()
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self.step()
        self.run = graph.replay


def measure(mode, precision, options):
    trainer = Trainer(mode, precision, options.batch)
    for _ in range(options.warmup):
        trainer.run()
    torch.cuda.synchronize()
    windows = []
    for _ in range(options.windows):
        start = time.perf_counter()
        for _ in range(options.steps):
            trainer.run()
        torch.cuda.synchronize()
        windows.append(options.steps * options.batch / (time.perf_counter() - start))
    return {
        "mode": mode,
        "precision": precision,
        "batch": options.batch,
        "images_per_s": statistics.median(windows),
        "windows": windows,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--steps", type=int, default=200, help="steps in a timed window")
    parser.add_argument("--windows", type=int, default=5)
    parser.add_argument("--warmup", type=int, default=50, help="steps before the first window")
    parser.add_argument("--modes", default="eager,channels_last,compiled,graph")
    parser.add_argument("--precisions", default="fp32,mixed")
    options = parser.parse_args()
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.benchmark = True
    for precision in options.precisions.split(","):
        for mode in options.modes.split(","):
            try:
                print(json.dumps(measure(mode, precision, options)), flush=True)
            except Exception as e:  # one mode that fails must not hide the others
                print(json.dumps({"mode": mode, "precision": precision, "error": f"{type(e).__name__}: {e}"[:300]}), flush=True)


if __name__ == "__main__":
    main()
