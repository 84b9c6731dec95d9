package main

// What the program ships with: each registers itself, and nothing else names it.
import (
	_ "longtail/cuda"
	_ "longtail/data/cifar"
	_ "longtail/data/synthetic"
	_ "longtail/internal/cpu"
	_ "longtail/train/sweep/slurm"
)
