#!/usr/bin/env python3
"""Times training steps of ResNet-32 in PyTorch, to compare with `longtail bench`.

A step is what longtail calls one: crop and flip of byte images, forward, class-weighted loss, backward, SGD with momentum
and weight decay. The network is longtail's: 3x3 convolutions without bias of 16, 32 and 64 channels, five basic blocks
each, shortcuts of 2x2 averages and zero channels, batch norm, global average, dense.

Prints one JSON line a mode: {"mode", "threads", "batch", "images_per_s", "cpu_images_per_s", "windows", "torch"}; cpu_images_per_s are images a
second of processor time. A mode is a layout, eager (NCHW) or channels_last (NHWC), with -bf16 for autocast to bfloat16 and
-compile for torch.compile, such as channels_last-bf16-compile. Set OMP_NUM_THREADS for the number of threads. bench_cpu.sh
calls this.
"""
import argparse
import contextlib
import json
import statistics
import time

import torch
from torch import nn
from torch.nn import functional as F


class Block(nn.Module):
    """Two convolutions and a shortcut: [N, C, H, W] to [N, out, H / stride, W / stride]."""

    def __init__(self, channels, out, stride):
        super().__init__()
        self.first = nn.Conv2d(channels, out, 3, stride, 1, bias=False)
        self.first_norm = nn.BatchNorm2d(out)
        self.second = nn.Conv2d(out, out, 3, 1, 1, bias=False)
        self.second_norm = nn.BatchNorm2d(out)
        self.stride, self.extra = stride, (out - channels) // 2

    def forward(self, x):
        y = F.relu(self.first_norm(self.first(x)), inplace=True)
        y = self.second_norm(self.second(y))
        if self.stride > 1:
            x = F.pad(F.avg_pool2d(x, 2), (0, 0, 0, 0, self.extra, self.extra))
        return F.relu(x + y, inplace=True)


def resnet32(classes):
    layers = [nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU(inplace=True)]
    channels = 16
    for out in (16, 32, 64):
        for block in range(5):
            layers.append(Block(channels, out, 2 if block == 0 and out > 16 else 1))
            channels = out
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, classes))


def augmented(images):
    """Crops [N, 3, S, S] bytes from a border of an eighth of zero bytes, flips half of them, scales to byte / 128 - 1."""
    n, border = len(images), images.shape[-1] // 8
    wide = F.pad(images, (border, border, border, border))
    side = torch.arange(images.shape[-1])
    columns = torch.where(torch.rand(n, 1) < 0.5, side.flip(0), side) + torch.randint(2 * border + 1, (n, 1))
    rows = side + torch.randint(2 * border + 1, (n, 1))
    crops = wide[torch.arange(n)[:, None, None], :, rows[:, :, None], columns[:, None, :]]  # [N, S, S, 3]
    return crops.permute(0, 3, 1, 2).float().div_(128).sub_(1)


class Trainer:
    def __init__(self, mode, batch, network, side, classes=10, samples=2048):
        torch.manual_seed(0)
        layout, *options = mode.split("-")
        self.layout = {"eager": torch.contiguous_format, "channels_last": torch.channels_last}[layout]
        self.batch = batch
        self.net = network(classes).to(memory_format=self.layout)
        self.forward = torch.compile(self.net) if "compile" in options else self.net
        self.cast = torch.autocast("cpu", torch.bfloat16) if "bf16" in options else contextlib.nullcontext()
        self.optimiser = torch.optim.SGD(self.net.parameters(), lr=0.01, momentum=0.9, weight_decay=2e-4, foreach=True)
        self.images = torch.randint(256, (samples, 3, side, side), dtype=torch.uint8)
        self.labels = torch.randint(classes, (samples,))
        self.weights = torch.rand(classes) + 0.5

    def step(self):
        chosen = torch.randint(len(self.images), (self.batch,))
        x = augmented(self.images[chosen]).contiguous(memory_format=self.layout)
        y = self.labels[chosen]
        self.optimiser.zero_grad(set_to_none=True)
        with self.cast:
            logits = self.forward(x)
        loss = F.cross_entropy(logits.float(), y, reduction="none").mul(self.weights[y]).mean()
        loss.backward()
        self.optimiser.step()


def measure(mode, options, network, side):
    trainer = Trainer(mode, options.batch, network, side)
    for _ in range(options.warmup):
        trainer.step()
    windows, cpu = [], []
    for _ in range(options.windows):
        start, used = time.perf_counter(), time.process_time()
        for _ in range(options.steps):
            trainer.step()
        windows.append(options.steps * options.batch / (time.perf_counter() - start))
        cpu.append(options.steps * options.batch / (time.process_time() - used))
    return {
        "mode": mode,
        "threads": torch.get_num_threads(),
        "batch": options.batch,
        "images_per_s": statistics.median(windows),
        "cpu_images_per_s": statistics.median(cpu),
        "windows": windows,
        "torch": torch.__version__,
    }


def options(doc):
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--steps", type=int, default=3, help="steps in a timed window")
    parser.add_argument("--windows", type=int, default=1)
    parser.add_argument("--warmup", type=int, default=1, help="steps before the first window")
    parser.add_argument("--modes", default="eager,channels_last")
    return parser


def run(options, network, side):
    for mode in options.modes.split(","):
        print(json.dumps(measure(mode, options, network, side)), flush=True)


if __name__ == "__main__":
    run(options(__doc__).parse_args(), resnet32, 32)
